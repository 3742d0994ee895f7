"""New labs measured with a fusion, without adding them, agree with really adding them."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import RANKER_FILE
from vecattr.errors import InputError
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.edit import compact, remove_lab, rename_lab
from vecattr.indexes.evaluation.accuracy_by_shots import FewShotAccuracy
from vecattr.indexes.evaluation.few_shot import few_shot_accuracy
from vecattr.indexes.evaluation.few_shot_by_scores import FewShotByScores
from vecattr.indexes.evaluation.support_draws import (
    disjoint_supports,
    random_supports,
    support_orders,
)
from vecattr.indexes.index import Panel
from vecattr.metrics.ranking import lab_ranks
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.evidence_ranker import EvidenceRanker, Network, input_count
from vecattr.vectors import Codes

OLD = [f"Lab {number:02}" for number in range(9)]
NEW = ["A new", "Lab 04b", "z new"]
SHOTS = 2


def collection(labs: list[str], *, each: int, seed: int) -> list[Plasmid]:
    """Plasmids of parts that all labs use and of some that only one does."""
    common = random.Random(1)
    backbones = ["".join(common.choices("ACGT", k=300)) for _ in range(8)]
    plasmids = []
    for lab in labs:
        chance = random.Random(f"{seed} {lab}")
        own = ["".join(chance.choices("ACGT", k=150)) for _ in range(3)]
        for number in range(each):
            parts = [*chance.choices(backbones, k=2), *chance.choices(own, k=2)]
            features = {name: chance.randrange(2) for name in ("amp", "kan", "tet")}
            plasmids.append(
                Plasmid(
                    f"{lab}-{number}",
                    "".join(parts),
                    topology=chance.choice(["circular", "circular", "linear"]),
                    features=features if number % 3 else None,
                    lab=lab,
                    group=f"paper {number % 3}" if number % 4 else None,
                )
            )
    return plasmids


def random_network(inputs: int, seed: int) -> Network:
    """One whose scores depend on every input."""
    rng = np.random.default_rng(seed)
    shapes = {"linear": (inputs,), "inner": (inputs, 5), "bias": (5,), "outer": (5,)}
    layers = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}
    ones = np.ones(inputs, dtype=np.float32)
    return Network(mean=0 * ones, scale=ones, **layers)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Path:
    """Two labs are in the pool, one was removed, one renamed, and one was added later."""
    folder = tmp_path_factory.mktemp("fused")
    model = folder / "model"
    shutil.copytree(workshop.model, model)
    plain, featured = input_count(phenotypes=False), input_count(phenotypes=True)
    ranker = EvidenceRanker(random_network(plain, 1), random_network(featured, 2), "chance")
    (model / RANKER_FILE).write_bytes(ranker.to_json())
    path = folder / "i"
    rule = ClassRule(frozenset(OLD[2:8]))
    workshop.build(path, collection(OLD[:8], each=6, seed=0), model=model, rule=rule)
    add_labs(path, collection(OLD[8:], each=4, seed=0), embedder=workshop.embedder)
    remove_lab(path, OLD[3])
    rename_lab(path, OLD[4], "Aa")
    return path


@pytest.fixture(scope="module")
def plasmids() -> list[Plasmid]:
    """Three new labs of seven plasmids, one of a lone one, shuffled."""
    plasmids = collection(NEW, each=7, seed=3) + collection(["lone"], each=1, seed=3)
    random.Random(1).shuffle(plasmids)
    return plasmids


def opened_index(workshop: Any, path: Path) -> Any:
    """An index that was calibrated before labs were added to it."""
    opened = workshop.open(path)
    labs = frozenset(OLD[:8])
    opened.calibration = replace(workshop.calibration(0.0), labs=labs)
    return opened


def few_shot_of(
    workshop: Any, index: Path, plasmids: list[Plasmid], *, likeliest: int | None = None
) -> FewShotByScores:
    opened = opened_index(workshop, index)
    return FewShotByScores.from_plasmids(opened, opened.scorer, plasmids, likeliest=likeliest)


def added(workshop: Any, index: Path, copy: Path, supports: list[Plasmid]) -> Any:
    """A copy of the index to which these plasmids are really added."""
    shutil.copytree(index, copy)
    add_labs(copy, supports, embedder=workshop.embedder)
    return opened_index(workshop, copy)


def real_ranks(opened: Any, queries: list[Plasmid]) -> list[float]:
    scores = opened.class_scores(Panel((opened,)).judge(queries).scores)
    return list(lab_ranks(scores, opened.lab_names, [query.lab or "" for query in queries]))


def numbered(plasmids: list[Plasmid]) -> tuple[Codes, Codes]:
    """Labs and groups as numbers, in the order they come; a plasmid without a group is its own."""
    labs = list(dict.fromkeys(plasmid.lab for plasmid in plasmids))
    groups = list(dict.fromkeys(plasmid.group or plasmid.id for plasmid in plasmids))
    return (
        np.array([labs.index(plasmid.lab) for plasmid in plasmids]),
        np.array([groups.index(plasmid.group or plasmid.id) for plasmid in plasmids]),
    )


def test_random_supports_agree_with_really_adding_them(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    tops = []
    labs, _ = numbered(plasmids)
    for repeat, order in enumerate(support_orders(labs, repeats=3, seed=7)):
        chosen = {row for rows in order for row in random_supports(rows, SHOTS).tolist()}
        queries = [
            plasmid
            for row, plasmid in enumerate(plasmids)
            if row not in chosen and plasmid.lab != "lone"
        ]
        supports = [plasmids[row] for row in sorted(chosen)]
        tops.append(real_ranks(added(workshop, index, tmp_path / f"{repeat}", supports), queries))
    accuracy = few_shot_of(workshop, index, plasmids).accuracy(
        shots=[SHOTS], repeats=3, seed=7, progress=lambda done: None
    )
    assert accuracy["few_shot"][SHOTS] == FewShotAccuracy.from_ranks(
        [np.array(ranks) for ranks in tops]
    )
    assert len({rank for ranks in tops for rank in ranks}) > 4  # else there is nothing to tell


def test_disjoint_supports_agree_with_really_adding_them(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    labs, groups = numbered(plasmids)
    [order] = support_orders(labs, repeats=1, seed=0)
    ranks = []
    for row, query in enumerate(plasmids):
        own_supports = disjoint_supports(order[labs[row]], SHOTS, groups=groups, group=groups[row])
        if not len(own_supports):
            continue
        other_supports = [
            random_supports(rows, SHOTS) for lab, rows in enumerate(order) if lab != labs[row]
        ]
        supports = [
            plasmids[support] for support in np.concatenate([own_supports, *other_supports])
        ]
        ranks += real_ranks(added(workshop, index, tmp_path / str(row), supports), [query])
    accuracy = few_shot_of(workshop, index, plasmids).accuracy(
        shots=[SHOTS], repeats=1, seed=0, progress=lambda done: None
    )
    assert accuracy["few_shot_disjoint"][SHOTS] == FewShotAccuracy.from_ranks([np.array(ranks)])
    assert len(ranks) == len(plasmids) - 1


def assert_scores_agree(
    workshop: Any, index: Path, copy: Path, plasmids: list[Plasmid], *, shots: int
) -> None:
    """All classes score as in the index to which supports are really added."""
    few_shot = few_shot_of(workshop, index, plasmids)
    new_plasmids = few_shot.new_plasmids
    [order] = support_orders(new_plasmids.labs, repeats=1, seed=5)
    rows_of_lab = [random_supports(rows, shots) for rows in order]
    supports = new_plasmids.support_set(rows_of_lab)
    stored = np.concatenate(rows_of_lab)
    opened = added(workshop, index, copy, [new_plasmids.plasmids[row] for row in stored])
    names = [new_plasmids.plasmids[rows[0]].lab for rows in order]
    there = [name for name, rows in zip(names, rows_of_lab, strict=True) if len(rows)]
    assert "lone" not in there
    columns = [opened.lab_names.index(name) for name in (*workshop.open(index).lab_names, *there)]
    for query in sorted(set(range(len(plasmids))) - set(stored.tolist())):
        judgement = Panel((opened,)).judge([new_plasmids.plasmids[query]])
        [real_scores] = opened.class_scores(judgement.scores)
        simulated = few_shot.simulated_query(query).scores(supports)
        # An index compares by 12 binary digits, a simulation by all.
        assert simulated.tolist() == pytest.approx(real_scores[columns].tolist(), abs=1e-3)


@pytest.mark.parametrize("shots", [1, 3, 6])
def test_scores_of_all_classes_are_those_of_the_grown_index(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid], shots: int
) -> None:
    assert POOLED in workshop.open(index).lab_names
    assert_scores_agree(workshop, index, tmp_path / "i", plasmids, shots=shots)


def test_features_that_only_supports_know_count(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    bare = [plasmid.without_features() for plasmid in collection(OLD[:6], each=4, seed=0)]
    workshop.build(tmp_path / "bare", bare, model=index / "model")
    assert_scores_agree(workshop, tmp_path / "bare", tmp_path / "i", plasmids, shots=3)


def test_features_that_no_support_knows_do_not_count(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    new_plasmids = few_shot_of(workshop, index, plasmids).new_plasmids
    [order] = support_orders(new_plasmids.labs, repeats=1, seed=5)
    support_ids = {
        new_plasmids.plasmids[row].id for rows in order for row in random_supports(rows, 3)
    }
    with_feature = [
        replace(plasmid, features={**plasmid.features, "zeo": 1})
        if plasmid.features and plasmid.id not in support_ids
        else plasmid
        for plasmid in plasmids
    ]
    assert with_feature != plasmids
    assert_scores_agree(workshop, index, tmp_path / "i", with_feature, shots=3)


def test_features_that_only_removed_plasmids_know_do_not_count(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    """Compacting, which forgets them, changes no score."""
    shutil.copytree(index, tmp_path / "i")
    removed = [
        replace(plasmid, features={**(plasmid.features or {}), "zeo": 1})
        for plasmid in collection(["Gone"], each=4, seed=0)
    ]
    add_labs(tmp_path / "i", removed, embedder=workshop.embedder)
    remove_lab(tmp_path / "i", "Gone")
    queries = [replace(plasmid, features={"zeo": 0}) for plasmid in plasmids[:3]] + [
        replace(plasmid, features={**(plasmid.features or {}), "zeo": 0})
        for plasmid in plasmids[3:]
    ]
    before = Panel((workshop.open(tmp_path / "i"),)).judge(queries).scores
    compact(tmp_path / "i")
    after = Panel((workshop.open(tmp_path / "i"),)).judge(queries).scores
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_one_lab_exchanged_is_like_all_chosen_anew(
    index: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    new_plasmids = few_shot_of(workshop, index, plasmids).new_plasmids
    members = [np.flatnonzero(new_plasmids.labs == lab) for lab in range(4)]
    first_rows, other_rows = [rows[:2] for rows in members], [rows[-3:] for rows in members]
    exchanged = new_plasmids.with_lab_replaced(
        new_plasmids.support_set(first_rows), 1, other_rows[1]
    )
    expected = new_plasmids.support_set([first_rows[0], other_rows[1], *first_rows[2:]])
    for name in ("chosen", "plasmids", "publications", "vectors"):
        assert np.array_equal(getattr(exchanged, name), getattr(expected, name))
    for name in ("present", "known"):
        assert np.array_equal(
            getattr(exchanged.feature_counts, name), getattr(expected.feature_counts, name)
        )


def test_labs_that_keep_their_weight_change_few_ranks(
    index: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    options: dict[str, Any] = {"shots": [1, 3], "repeats": 4, "seed": 2}
    exact, approximate = (
        few_shot_of(workshop, index, plasmids, likeliest=likeliest).accuracy(
            **options, progress=lambda done: None
        )
        for likeliest in (None, 4)
    )
    for protocol, by_shots in exact.items():
        for shots, figures in by_shots.items():
            assert approximate[protocol][shots].n == figures.n
            assert approximate[protocol][shots].top10 == pytest.approx(figures.top10, abs=0.05)


def test_the_same_seed_gives_the_same_figures_and_every_query_is_told_of(
    index: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    progress: list[int] = []
    first, again, other = (
        few_shot_accuracy(
            workshop.open(index),
            plasmids,
            shots=[1],
            repeats=4,
            seed=seed,
            progress=progress.append,
        )
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert first["few_shot"][1].n == 18
    assert sum(progress) == 3 * len(plasmids)


def test_a_lone_group_is_never_asked_about_in_disjoint(index: Path, workshop: Any) -> None:
    one_group = [
        Plasmid(plasmid.id, plasmid.sequence, lab=plasmid.lab, group="one paper")
        for plasmid in collection(["A new"], each=4, seed=9)
    ]
    accuracy = few_shot_accuracy(
        workshop.open(index), one_group, shots=[1], repeats=2, seed=0, progress=lambda done: None
    )
    assert accuracy["few_shot"][1].n == 3
    assert accuracy["few_shot_disjoint"][1] == FewShotAccuracy(None, None, None, 0)


@pytest.mark.parametrize("lab", [OLD[5], OLD[0], "Aa"])
def test_a_known_lab_is_refused_in_the_pool_too(index: Path, workshop: Any, lab: str) -> None:
    with pytest.raises(InputError, match=f"knows the lab '{lab}' already"):
        few_shot_of(workshop, index, workshop.plasmids([lab], seed=5))


def test_nothing_is_written(index: Path, workshop: Any, plasmids: list[Plasmid]) -> None:
    before = {path: path.read_bytes() for path in index.rglob("*") if path.is_file()}
    few_shot_accuracy(
        workshop.open(index), plasmids, shots=[1], repeats=1, seed=0, progress=lambda done: None
    )
    assert {path: path.read_bytes() for path in index.rglob("*") if path.is_file()} == before
