"""Several plasmids of one unknown lab: one joint answer, each member's own beside it."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from vecattr.errors import UsageError
from vecattr.indexes.index import Index, Panel
from vecattr.indexes.scoring.confidence import ConfidenceOptions
from vecattr.plasmid import Plasmid

LABS = ["Ash", "Birch", "Cedar", "Dogwood"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Index:
    """An index of vectors alone, without calibration."""
    path = tmp_path_factory.mktemp("together") / "i"
    workshop.build(path, workshop.plasmids(LABS))
    opened: Index = workshop.open(path)
    return opened


@pytest.fixture(scope="module")
def queries(workshop: Any) -> list[Plasmid]:
    plasmids: list[Plasmid] = workshop.plasmids(LABS[1:2], each=4, seed=5)
    return plasmids


def test_members_keep_their_own_answers(index: Index, queries: list[Plasmid]) -> None:
    joint = index.query_together(queries, k=2, neighbors=1)
    assert [member.answer for member in joint.members] == list(
        index.query_many(queries, k=2, neighbors=1)
    )
    assert len(joint.labs) == 2
    assert joint.length == sum(map(len, queries))


def test_vectors_alone_are_joined_by_their_mean_cosines(
    index: Index, queries: list[Plasmid]
) -> None:
    joint = index.query_together(queries, k=4)
    alone = list(index.query_many(queries, k=4))
    for hit in joint.labs:
        cosines = [lab.cosine for answer in alone for lab in answer.labs if lab.name == hit.name]
        assert hit.score == pytest.approx(math.fsum(cosines) / len(queries))
        assert hit.cosine == hit.score
    scores = [hit.score for hit in joint.labs]
    assert scores == sorted(scores, reverse=True)
    for member in joint.members:
        names = [hit.name for hit in member.answer.labs]
        if joint.labs[0].name in names:
            assert member.rank == 1 + names.index(joint.labs[0].name)


def test_the_order_of_plasmids_changes_no_digit(index: Index, workshop: Any) -> None:
    """Sums of floats depend on the order of what is added."""
    queries = workshop.plasmids(LABS[:2], each=13, seed=5)
    joint = index.query_together(queries, k=4)
    linked = {answer.query: answer for answer in index.query_linked(queries, k=4)}
    for seed in range(3):
        mixed = random.Random(seed).sample(queries, len(queries))
        other = index.query_together(mixed, k=4)
        assert (other.labs, other.confidence) == (joint.labs, joint.confidence)
        fits = {member.answer.query: member.belonging for member in other.members}
        assert fits == {member.answer.query: member.belonging for member in joint.members}
        assert {answer.query: answer for answer in index.query_linked(mixed, k=4)} == linked


def test_one_plasmid_together_is_answered_as_alone(index: Index, queries: list[Plasmid]) -> None:
    joint = index.query_together(queries[:1])
    [member] = joint.members
    assert (joint.labs, joint.verdict, joint.confidence, joint.sentence) == (
        member.answer.labs,
        member.answer.verdict,
        member.answer.confidence,
        member.answer.sentence,
    )
    assert member.rank == 1


def test_order_and_batches_change_no_joint_answer(index: Index, queries: list[Plasmid]) -> None:
    joint = index.query_together(queries)
    other = index.query_together(reversed(queries), batch_size=1)
    assert [hit.name for hit in joint.labs] == [hit.name for hit in other.labs]
    assert [hit.score for hit in joint.labs] == pytest.approx([hit.score for hit in other.labs])


def test_probabilities_of_a_calibrated_index_sum_to_one_at_most(
    tmp_path: Path, workshop: Any, queries: list[Plasmid]
) -> None:
    model = workshop.calibrated_model(tmp_path / "model", cosine=0.2)
    workshop.build(tmp_path / "i", workshop.plasmids(LABS), model=model)
    joint = workshop.open(tmp_path / "i").query_together(
        queries, k=4, options=ConfidenceOptions(work="new")
    )
    assert math.fsum(hit.probability for hit in joint.labs) == pytest.approx(1)
    assert joint.work == "new"


def test_members_that_cannot_be_trusted_do_not_count(index: Index, queries: list[Plasmid]) -> None:
    short = Plasmid("short", "ACGTTGCATT")
    joint = index.query_together([*queries, short])
    assert joint.labs == index.query_together(queries).labs
    assert joint.notes[0] == "not counted, because too short to trust: short"
    assert joint.members[-1].answer.query == "short"
    assert index.query_together([short]).verdict == "unknown"


def test_no_plasmids_and_several_indexes_are_refused(
    index: Index, queries: list[Plasmid], tmp_path: Path, workshop: Any
) -> None:
    with pytest.raises(UsageError, match="no plasmids"):
        index.query_together([])
    workshop.build(tmp_path / "other", workshop.plasmids(LABS[:2]))
    panel = Panel((index, workshop.open(tmp_path / "other")))
    with pytest.raises(UsageError, match="by one index"):
        panel.query_together(queries)
    with pytest.raises(UsageError, match="by one index"):
        panel.query_linked(queries)
