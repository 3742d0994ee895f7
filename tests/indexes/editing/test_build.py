"""Building an index: whole or not at all, the same bytes again, bounded batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import model_identity
from vecattr.errors import ArtifactError, InputError, MismatchError, MissingError, UsageError
from vecattr.files.arrays import write_table
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.search.embedding import BATCH_PLASMIDS
from vecattr.plasmid import POOLED, Plasmid
from vecattr.vectors import EmbeddingTable, Vectors, unit_rows

LABS = ["Ash", "Birch", "../x", "=cmd()"]


def contents(path: Path, *, log: bool = False) -> dict[str, bytes]:
    """Every file of a folder, the log left out (it alone knows the time)."""
    files = [file for file in path.rglob("*") if file.is_file() and file.name != "LOCK"]
    kept = [file for file in files if log or file.name != "log.jsonl"]
    return {str(file.relative_to(path)): file.read_bytes() for file in kept}


def test_building_again_gives_the_same_bytes(tmp_path: Path, workshop: Any) -> None:
    for name in ("one", "two"):
        workshop.build(tmp_path / name, workshop.plasmids(LABS))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_index_holds_what_it_was_given(tmp_path: Path, workshop: Any) -> None:
    report = workshop.build(tmp_path / "i", workshop.plasmids(LABS, each=3))
    assert (report.plasmids, report.labs, report.pooled, report.generation) == (12, 4, 0, 1)
    index = workshop.open(tmp_path / "i")
    assert [(lab.name, lab.plasmids, lab.origin) for lab in index.labs()] == [
        (name, 3, "mean") for name in sorted(LABS)
    ]
    assert index.identity == report.identity
    assert index.model_identity == model_identity(workshop.model)
    assert verify_index(tmp_path / "i").findings == ()


def test_labs_outside_the_rule_are_pooled_and_keep_their_names(
    tmp_path: Path, workshop: Any
) -> None:
    plasmids = workshop.plasmids(LABS)
    workshop.build(tmp_path / "i", plasmids, rule=ClassRule(frozenset({"Ash"})))
    index = workshop.open(tmp_path / "i")
    assert [(lab.name, lab.plasmids) for lab in index.labs()] == [("Ash", 3), (POOLED, 9)]
    birch = next(plasmid for plasmid in plasmids if plasmid.lab == "Birch")
    [neighbor] = index.query(birch, neighbors=1).neighbors
    assert (neighbor.id, neighbor.lab, neighbor.label) == (birch.id, "Birch", POOLED)


def test_the_number_of_segments_changes_no_answer(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(LABS, each=6)
    single = workshop.build(tmp_path / "one", plasmids)
    many = workshop.build(tmp_path / "many", plasmids, segment_rows=5)
    assert (single.segments, many.segments) == (1, 5)
    tables = [workshop.open(tmp_path / name).lab_table() for name in ("one", "many")]
    np.testing.assert_allclose(tables[0].vectors, tables[1].vectors, atol=1e-6)
    neighbors = [
        workshop.open(tmp_path / n).query(plasmids[0], neighbors=9) for n in ("one", "many")
    ]
    assert neighbors[0].neighbors == neighbors[1].neighbors


class RecordingEmbedder:
    """Passes on, and remembers how many plasmids came at a time."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.identity, self.width = inner, inner.identity, inner.width
        self.batches: list[int] = []

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        self.batches.append(len(plasmids))
        vectors: Vectors = self.inner.embed(plasmids)
        return vectors


def test_a_stream_is_embedded_in_bounded_batches(tmp_path: Path, workshop: Any) -> None:
    embedder = RecordingEmbedder(workshop.embedder)
    pulled = 0

    def stream() -> Iterator[Plasmid]:
        nonlocal pulled
        for plasmid in workshop.plasmids(LABS, each=150, length=20):
            pulled += 1
            assert pulled - sum(embedder.batches) <= BATCH_PLASMIDS
            yield plasmid

    done: list[int] = []
    workshop.build(tmp_path / "i", stream(), embedder=embedder, progress=done.append)
    assert done == [256, 256, 88]
    assert embedder.batches == [*done, 1]  # and the lone N that nothing is read of


def learned_model(folder: Path, workshop: Any, names: tuple[str, ...]) -> EmbeddingTable:
    """A copy of the model with learned lab vectors."""
    rows = np.random.default_rng(3).normal(size=(len(names), workshop.embedder.width))
    table = EmbeddingTable(names, unit_rows(rows))
    folder.mkdir()
    for file in workshop.model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "labs.h5").write_bytes(write_table(table))
    return table


def test_learned_vectors_stand_for_labs_that_occur(tmp_path: Path, workshop: Any) -> None:
    table = learned_model(tmp_path / "m", workshop, ("Ash", "elsewhere"))
    plasmids = workshop.plasmids(LABS)
    report = workshop.build(tmp_path / "i", plasmids, model=tmp_path / "m", segment_rows=5)
    assert report.learned == 1
    index = workshop.open(tmp_path / "i")
    assert {lab.name: lab.origin for lab in index.labs()} == {
        name: "learned" if name == "Ash" else "mean" for name in LABS
    }
    row = index.lab_table().names.index("Ash")
    assert index.lab_table().vectors[row].tobytes() == table.vectors[0].tobytes()
    workshop.build(tmp_path / "mean", plasmids, model=tmp_path / "m", lab_vectors="mean")
    assert {lab.origin for lab in workshop.open(tmp_path / "mean").labs()} == {"mean"}


def test_refused_input_leaves_no_trace(tmp_path: Path, workshop: Any) -> None:
    good = workshop.plasmids(["Ash"])
    bad: list[tuple[list[Plasmid], str]] = [
        ([], "no plasmids"),
        ([*good, Plasmid("x", "ACGT")], "no lab"),
        ([*good, good[0]], "given twice"),
    ]
    for plasmids, message in bad:
        with pytest.raises(InputError, match=message):
            workshop.build(tmp_path / "i", plasmids)
    assert os.listdir(tmp_path) == []


def test_places_that_are_taken_are_refused(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash"])
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="is a file"):
        workshop.build(tmp_path / "file", plasmids)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").touch()
    with pytest.raises(ArtifactError, match="not an index"):
        workshop.build(tmp_path / "folder", plasmids, replace=True)
    workshop.build(tmp_path / "index", plasmids)
    with pytest.raises(UsageError, match="--replace"):
        workshop.build(tmp_path / "index", plasmids)


def test_replacing_puts_the_new_index_in_the_place_of_the_old(
    tmp_path: Path, workshop: Any, other_workshop: Any
) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]))
    other_workshop.build(tmp_path / "i", workshop.plasmids(["Birch"]), replace=True)
    assert [lab.name for lab in other_workshop.open(tmp_path / "i").labs()] == ["Birch"]
    assert os.listdir(tmp_path) == ["i"]


def test_a_model_that_is_missing_or_another_one_is_refused(
    tmp_path: Path, workshop: Any, other_workshop: Any
) -> None:
    plasmids = workshop.plasmids(["Ash"])
    with pytest.raises(MissingError, match="vecattr train"):
        workshop.build(tmp_path / "i", plasmids, model=tmp_path / "none")
    with pytest.raises(MismatchError, match=workshop.embedder.identity[:16]):
        workshop.build(tmp_path / "i", plasmids, embedder=other_workshop.embedder)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("wrong", ["width", "nan"])
def test_vectors_that_cannot_be_are_refused(tmp_path: Path, workshop: Any, wrong: str) -> None:
    class Broken(RecordingEmbedder):
        def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
            vectors = super().embed(plasmids)
            return vectors[:, :-1] if wrong == "width" else vectors * np.float32("nan")

    with pytest.raises(MismatchError, match="expected"):
        workshop.build(
            tmp_path / "i", workshop.plasmids(["Ash"]), embedder=Broken(workshop.embedder)
        )


def test_without_sequences_the_bases_are_nowhere_in_the_index(
    tmp_path: Path, workshop: Any
) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]), keep_sequences=False)
    [segment] = workshop.open(tmp_path / "i").segments
    assert not segment.stored.has_sequences
    assert verify_index(tmp_path / "i").findings == ()
