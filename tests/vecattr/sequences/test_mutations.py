"""Claims about mutated copies: rates and lengths are as asked for, and nothing else changes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from difflib import SequenceMatcher

import numpy as np
import pytest

from vecattr import Plasmid
from vecattr.errors import InputError, UsageError
from vecattr.sequences.mutations import (
    chimera,
    fragment,
    masked,
    masked_stretch,
    substituted,
    with_indels,
)

WHOLE = Plasmid("p", "".join(random.Random(1).choices("ACGT", k=20_000)), lab="Ash", group="g")
LINEAR = Plasmid("l", WHOLE.sequence, topology="linear")
RATED = [substituted, with_indels, masked, masked_stretch]

Mutation = Callable[..., Plasmid]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def changed(mutated: Plasmid) -> list[int]:
    pairs = zip(WHOLE.sequence, mutated.sequence, strict=True)
    return [place for place, (before, after) in enumerate(pairs) if before != after]


@pytest.mark.parametrize("plasmid", [WHOLE, LINEAR])
@pytest.mark.parametrize("length", [1, 200, 20_000])
def test_a_fragment_is_a_linear_stretch(plasmid: Plasmid, length: int) -> None:
    around = plasmid.sequence * 2 if plasmid.is_circular else plasmid.sequence
    for seed in range(20):
        cut = fragment(plasmid, length, rng=rng(seed))
        assert (len(cut), cut.topology, cut.lab) == (length, "linear", plasmid.lab)
        assert cut.sequence in around


def test_fragments_of_a_circle_run_over_its_end_and_those_of_a_line_do_not() -> None:
    starts = {
        plasmid.id: {fragment(plasmid, 19_000, rng=rng(seed)).sequence[:30] for seed in range(50)}
        for plasmid in (WHOLE, LINEAR)
    }
    places = {name: {WHOLE.sequence.find(text) for text in texts} for name, texts in starts.items()}
    assert max(places["p"]) > 1000
    assert 0 <= max(places["l"]) <= 1000


@pytest.mark.parametrize("length", [0, 20_001])
def test_no_fragment_is_longer_than_its_plasmid(length: int) -> None:
    with pytest.raises(InputError, match="20000"):
        fragment(WHOLE, length, rng=rng())


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.5])
def test_substitutions_come_at_their_rate_and_are_other_bases(rate: float) -> None:
    mutated = substituted(WHOLE, rate, rng=rng())
    assert len(changed(mutated)) / 20_000 == pytest.approx(rate, rel=0.4 if rate < 0.01 else 0.1)
    assert set(mutated.sequence) == set("ACGT")
    pairs = Counter((WHOLE.sequence[at], mutated.sequence[at]) for at in changed(mutated))
    if rate == 0.5:
        assert len(pairs) == 12
        assert max(pairs.values()) < 1.3 * min(pairs.values())


def test_ambiguous_letters_are_not_substituted() -> None:
    assert substituted(Plasmid("n", "NRY" * 50), 1, rng=rng()).sequence == "NRY" * 50


def test_indels_come_at_their_rate_and_keep_the_length_about_the_same() -> None:
    mutated = with_indels(WHOLE, 0.02, rng=rng())
    assert abs(len(mutated) - 20_000) < 100
    steps = SequenceMatcher(None, WHOLE.sequence[:4000], mutated.sequence[:4000], autojunk=False)
    kinds = Counter(kind for kind, *_ in steps.get_opcodes())
    assert kinds["insert"] == pytest.approx(40, abs=16)
    assert kinds["delete"] == pytest.approx(40, abs=16)


def test_one_base_is_kept_of_a_sequence_that_would_lose_all() -> None:
    shortened = [with_indels(Plasmid("x", "AC"), 1, rng=rng(seed)) for seed in range(20)]
    assert min(len(plasmid) for plasmid in shortened) == 1


@pytest.mark.parametrize("share", [0.01, 0.2, 1.0])
@pytest.mark.parametrize("plasmid", [WHOLE, LINEAR])
def test_masked_bases_are_exactly_that_share(plasmid: Plasmid, share: float) -> None:
    for mutate in (masked, masked_stretch):
        mutated = mutate(plasmid, share, rng=rng())
        assert mutated.sequence.count("N") == len(changed(mutated)) == round(20_000 * share)


def test_a_masked_stretch_is_one_stretch() -> None:
    for seed in range(10):
        around = masked_stretch(WHOLE, 0.3, rng=rng(seed)).sequence * 2
        assert "N" * 6000 in around
        assert "N" * 6000 in masked_stretch(LINEAR, 0.3, rng=rng(seed)).sequence


def test_a_chimera_is_half_of_each() -> None:
    second = Plasmid("o", "AC" * 501 + "A", lab="Birch")
    mixed = chimera(WHOLE, second, rng=rng())
    assert (len(mixed), mixed.is_circular, mixed.lab) == (10_000 + 502, True, None)
    assert mixed.sequence[:10_000] in WHOLE.sequence * 2
    assert mixed.sequence[10_000:] in second.sequence * 2
    assert not chimera(LINEAR, second, rng=rng()).is_circular


@pytest.mark.parametrize("mutate", RATED)
def test_a_rate_of_0_changes_nothing_and_equal_seeds_give_equal_copies(mutate: Mutation) -> None:
    assert mutate(WHOLE, 0, rng=rng()) == WHOLE
    assert mutate(WHOLE, 0.05, rng=rng(3)) == mutate(WHOLE, 0.05, rng=rng(3))
    assert mutate(WHOLE, 0.05, rng=rng(3)) != mutate(WHOLE, 0.05, rng=rng(4))


@pytest.mark.parametrize("mutate", RATED)
@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_share_outside_of_0_to_1_is_refused(mutate: Mutation, rate: float) -> None:
    with pytest.raises(UsageError, match="0 to 1"):
        mutate(WHOLE, rate, rng=rng())
