"""New labs measured without adding them agree with adding them."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.errors import InputError
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.evaluation.accuracy_by_shots import FewShotAccuracy
from vecattr.indexes.evaluation.few_shot_by_cosines import FewShotByCosines
from vecattr.metrics.ranking import lab_ranks
from vecattr.plasmid import Plasmid

LABS = [f"Lab {number:02}" for number in range(8)]
SHOTS = 2


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Path:
    path = tmp_path_factory.mktemp("few") / "i"
    workshop.build(path, workshop.plasmids(LABS, each=6))
    return path


@pytest.fixture(scope="module")
def plasmids(workshop: Any) -> list[Plasmid]:
    """Three new labs of five plasmids in three groups each, shuffled; one lab of a lone one."""
    labelled = workshop.plasmids(["new A", "new B", "new C"], each=5, seed=9)
    mixed = [*labelled, *workshop.plasmids(["lone"], each=1, seed=9)]
    random.Random(1).shuffle(mixed)
    return mixed


def few_shot_of(workshop: Any, index: Path, plasmids: list[Plasmid]) -> FewShotByCosines:
    return FewShotByCosines.from_plasmids(
        workshop.open(index), plasmids, progress=lambda done: None
    )


def supports_of(plasmids: list[Plasmid], *, seed: int, repeat: int) -> dict[str, list[Plasmid]]:
    """The plasmids of each lab in the order of the documented draw."""
    rng = np.random.default_rng([seed, repeat])
    labs = list(dict.fromkeys(plasmid.lab or "" for plasmid in plasmids))
    members = {lab: [plasmid for plasmid in plasmids if plasmid.lab == lab] for lab in labs}
    return {
        lab: [members_of_lab[i] for i in rng.permutation(len(members_of_lab))]
        for lab, members_of_lab in members.items()
    }


def added(workshop: Any, index: Path, copy: Path, supports: list[Plasmid]) -> Any:
    """A copy of the index to which these plasmids are really added."""
    shutil.copytree(index, copy)
    add_labs(copy, supports, embedder=workshop.embedder)
    return workshop.open(copy)


def real_ranks(opened: Any, queries: list[Plasmid]) -> list[float]:
    scores = opened.lab_cosines(opened.embed(queries))
    return list(lab_ranks(scores, opened.lab_names, [query.lab for query in queries]))


def test_random_supports_agree_with_really_adding_them(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    tops = []
    for repeat in range(3):
        order = supports_of(plasmids, seed=7, repeat=repeat)
        support_counts = {lab: min(SHOTS, len(members) - 1) for lab, members in order.items()}
        supports = [
            plasmid for lab, members in order.items() for plasmid in members[: support_counts[lab]]
        ]
        queries = [
            plasmid
            for lab, members in order.items()
            if support_counts[lab]
            for plasmid in members[support_counts[lab] :]
        ]
        opened = added(workshop, index, tmp_path / str(repeat), supports)
        tops.append(np.array(real_ranks(opened, queries)))
    accuracy = few_shot_of(workshop, index, plasmids).few_shot(shots=SHOTS, repeats=3, seed=7)
    assert accuracy == FewShotAccuracy.from_ranks(tops)
    assert accuracy.n == 9


def test_disjoint_supports_agree_with_really_adding_them(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    order = supports_of(plasmids, seed=0, repeat=0)
    ranks = []
    for number, query in enumerate(plasmids):
        own_supports = [
            plasmid
            for plasmid in order[query.lab or ""]
            if plasmid.id != query.id and (plasmid.group is None or plasmid.group != query.group)
        ][:SHOTS]
        if not own_supports:
            continue
        other_supports = [
            plasmid
            for lab, rows in order.items()
            if lab != query.lab
            for plasmid in rows[: min(SHOTS, len(rows) - 1)]
        ]
        opened = added(workshop, index, tmp_path / str(number), [*own_supports, *other_supports])
        ranks += real_ranks(opened, [query])
    accuracy = few_shot_of(workshop, index, plasmids).few_shot_disjoint(
        shots=SHOTS, repeats=1, seed=0
    )
    assert accuracy == FewShotAccuracy.from_ranks([np.array(ranks)])
    assert (accuracy.n, accuracy.sd) == (15, None)


def test_made_vectors_are_those_of_the_index(
    index: Path, tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    supports = [row for row, plasmid in enumerate(plasmids) if plasmid.lab == "new B"][:3]
    opened = added(workshop, index, tmp_path / "i", [plasmids[row] for row in supports])
    table = opened.lab_table()
    vector = few_shot_of(workshop, index, plasmids).lab_vector(np.array(supports))
    assert np.array_equal(vector, table.vectors[table.names.index("new B")])


def test_the_same_seed_gives_the_same_figures(
    index: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    few_shot = few_shot_of(workshop, index, plasmids)
    first, again, other = (few_shot.few_shot(shots=1, repeats=4, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.n == other.n == 12


def test_a_lone_group_is_never_asked_about_in_disjoint(index: Path, workshop: Any) -> None:
    one_group = [
        Plasmid(plasmid.id, plasmid.sequence, lab=plasmid.lab, group="one paper")
        for plasmid in workshop.plasmids(["new A"], each=4, seed=9)
    ]
    few_shot = few_shot_of(workshop, index, one_group)
    assert few_shot.few_shot(shots=1, repeats=2, seed=0).n == 3
    accuracy = few_shot.few_shot_disjoint(shots=1, repeats=2, seed=0)
    assert (accuracy.n, accuracy.top1, accuracy.sd) == (0, None, None)


def test_a_known_lab_is_refused(index: Path, workshop: Any) -> None:
    with pytest.raises(InputError, match="knows the lab 'Lab 03' already"):
        few_shot_of(workshop, index, workshop.plasmids(["Lab 03"], seed=5))


def test_nothing_is_written(index: Path, workshop: Any, plasmids: list[Plasmid]) -> None:
    before = {path: path.read_bytes() for path in index.rglob("*") if path.is_file()}
    few_shot_of(workshop, index, plasmids).few_shot(shots=1, repeats=2, seed=0)
    assert {path: path.read_bytes() for path in index.rglob("*") if path.is_file()} == before
