"""Queries that share rare stretches are ranked together; others are answered as alone."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.errors import UsageError
from vecattr.indexes.index import Index
from vecattr.plasmid import Plasmid

LABS = ["Ash", "Birch", "Cedar"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Index:
    """An index with k-mers, in which vectors rank alone."""
    path = tmp_path_factory.mktemp("linked") / "i"
    workshop.build(path, workshop.plasmids(LABS))
    opened: Index = workshop.open(path)
    return opened


def made_queries() -> list[Plasmid]:
    """Two that share a stretch which no lab has, and two that share nothing."""
    chance = random.Random(5)
    new, *others = ("".join(chance.choices("ACGT", k=600)) for _ in range(5))
    ends = [text[:300] for text in others]
    return [
        Plasmid("a", new + ends[0], topology="linear"),
        Plasmid("b", ends[1], topology="linear"),
        Plasmid("c", new + ends[2], topology="linear"),
        Plasmid("d", ends[3], topology="linear"),
    ]


def test_linked_queries_have_the_joint_ranking_and_their_own_cosines(index: Index) -> None:
    queries = made_queries()
    linked = {answer.query: answer for answer in index.query_linked(queries, k=3)}
    joint = index.query_together([queries[0], queries[2]], k=3)
    own = {answer.query: answer for answer in index.query_many(queries, k=3)}
    for name in "ac":
        hits = linked[name].labs
        assert [(hit.name, hit.score) for hit in hits] == [
            (hit.name, hit.score) for hit in joint.labs
        ]
        cosines = {hit.name: hit.cosine for hit in own[name].labs}
        assert all(hit.cosine == cosines[hit.name] for hit in hits)
    assert [link.query for link in linked["a"].links or ()] == ["c"]
    assert [link.query for link in linked["c"].links or ()] == ["a"]


def test_queries_without_links_are_answered_as_alone(index: Index) -> None:
    queries = made_queries()
    own = {answer.query: answer for answer in index.query_many(queries)}
    linked = list(index.query_linked(iter(queries), batch_size=1))
    assert [answer.query for answer in linked] == ["a", "b", "c", "d"]
    for answer in linked:
        if not answer.links:
            assert answer.links == ()
            assert replace(answer, links=None) == own[answer.query]


def test_stretches_that_several_labs_have_link_nothing(tmp_path: Path, workshop: Any) -> None:
    common = "".join(random.Random(6).choices("ACGT", k=600))
    stored = [Plasmid(f"{lab} common", common + lab_seed(lab), lab=lab) for lab in LABS]
    workshop.build(tmp_path / "i", [*workshop.plasmids(LABS), *stored])
    queries = [Plasmid(name, common, topology="linear") for name in "xy"]
    answers = workshop.open(tmp_path / "i").query_linked(queries)
    assert [answer.links for answer in answers] == [(), ()]


def lab_seed(lab: str) -> str:
    """Bases of a lab's own."""
    return "".join(random.Random(lab).choices("ACGT", k=200))


def test_nothing_asked_gives_nothing(index: Index) -> None:
    assert list(index.query_linked([])) == []


def test_an_index_without_kmers_is_refused_at_once(tmp_path: Path, workshop: Any) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(LABS), keep_sequences=False)
    opened = workshop.open(tmp_path / "i")
    with pytest.raises(UsageError, match="keeps no k-mers"):
        opened.query_linked(made_queries())
