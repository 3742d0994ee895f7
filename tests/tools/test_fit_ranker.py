"""Claims about fitting a fusion: what counts how much, and what is made of several networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fit_ranker import PRIOR, TrainingQueries, averaged, with_prior
from ranker_queries import with_some_features

from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import Network, input_columns, input_count

INPUTS = input_count(phenotypes=False)


@pytest.fixture
def fold(tmp_path: Path) -> Path:
    """Queries with three labs each: the first two of new work, out of 1 and 4 publications; the
    last two of known work."""
    rng = np.random.default_rng(3)
    np.savez(
        tmp_path / "fold-0.npz",
        labs=np.tile([0, 1, 2], 4),
        stand_for=np.ones(12),
        sizes=np.full(4, 3),
        truths=np.array([0, 1, 2, 0]),
        is_new=np.array([True, True, False, False]),
        works=np.array([1, 4, 1, 1]),
        pooled=np.zeros(3, dtype=bool),
        plain=rng.normal(size=(12, INPUTS)).astype(np.float16),
    )
    return tmp_path / "fold-0.npz"


def network(hidden: int) -> Network:
    """Of random weights, but for the means and scales of the inputs."""
    rng, ends = np.random.default_rng(hidden), np.random.default_rng(0)
    return Network(
        mean=ends.normal(size=INPUTS).astype(np.float32),
        scale=ends.uniform(0.5, 2, size=INPUTS).astype(np.float32),
        linear=rng.normal(size=INPUTS).astype(np.float32),
        inner=rng.normal(size=(INPUTS, hidden)).astype(np.float32),
        bias=rng.normal(size=hidden).astype(np.float32),
        outer=rng.normal(size=hidden).astype(np.float32),
    )


@pytest.mark.parametrize(
    ("power", "new"), [(0.0, [1, 1]), (1.0, [0.4, 1.6]), (0.5, [2 / 3, 4 / 3])]
)
def test_new_work_counts_as_known_work_and_by_publications(
    fold: Path, power: float, new: list[float]
) -> None:
    queries = TrainingQueries.from_folds([fold], "plain", power=power)
    assert queries.weights.tolist() == pytest.approx([*new, 1, 1])


def test_networks_are_averaged_in_one() -> None:
    inputs = np.random.default_rng(4).normal(size=(9, INPUTS)).astype(np.float32)
    networks = [network(3), network(5)]
    expected = sum(network.logits(inputs) for network in networks) / 2
    assert averaged(networks).logits(inputs) == pytest.approx(expected, abs=1e-4)


def test_the_prior_is_of_stored_plasmids() -> None:
    inputs = np.random.default_rng(5).normal(size=(9, INPUTS)).astype(np.float32)
    plasmids = inputs[:, input_columns(phenotypes=False).index("plasmids")]
    more = with_prior(network(2)).logits(inputs) - network(2).logits(inputs)
    assert more - more[0] == pytest.approx(PRIOR * (plasmids - plasmids[0]), abs=1e-4)


def test_some_plasmids_are_told_with_few_of_their_features() -> None:
    features = {f"f{number}": number % 2 for number in range(39)}
    plasmid, rng = Plasmid("p", "ACGT", features=features), np.random.default_rng(0)
    told = [with_some_features(plasmid, 0.3, rng).features or {} for _ in range(2_000)]
    assert all(one.items() <= features.items() and one for one in told)
    sizes = np.array([len(one) for one in told])
    assert np.mean(sizes < 39) == pytest.approx(0.3, abs=0.04)
    assert np.median(sizes[sizes < 39]) == pytest.approx(6, abs=1)
    assert len({next(iter(one)) for one in told}) > 30


def test_a_plasmid_without_features_is_told_as_it_is() -> None:
    plasmid = Plasmid("p", "ACGT")
    assert with_some_features(plasmid, 1.0, np.random.default_rng(0)) is plasmid
