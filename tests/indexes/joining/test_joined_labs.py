"""An index whose segments are joined answers as one without that file, whatever edits follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vecattr.attribution import Attribution
from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.editing.edit import remove_lab, rename_lab, rollback
from vecattr.indexes.index import Index
from vecattr.indexes.joining import join_writer
from vecattr.indexes.joining.joined_kmers import labs_of_all
from vecattr.indexes.scoring.answered_labs import AnsweredLabs
from vecattr.indexes.storage.index_folder import joined_path, read_manifest
from vecattr.plasmid import POOLED, Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids


def asked(path: Path, queries: list[Plasmid]) -> tuple[bool, list[Attribution]]:
    """Whether the labs of all segments are read from their file, and what the index answers."""
    index = Index.open(path)
    is_joined = labs_of_all(index._joined, index.segments) is not None
    return is_joined, list(index.query_many(queries, k=30, neighbors=3))


def test_answers_are_the_same_with_the_file_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_writer, "SMALL_SEGMENT", 1)
    plasmids = synthetic_plasmids(
        labs=12, plasmids_per_lab=6, seed=4, lexicon=encoder_lexicon(), own_gene_share=0.3
    )
    labs = sorted({plasmid.lab or "" for plasmid in plasmids})
    path = tmp_path / "i"
    build_index(
        path,
        plasmids,
        model=shipped_encoder(),
        rule=ClassRule(frozenset(labs[:9])),
        lab_vectors="mean",
        segment_rows=13,
    )
    file = joined_path(path, read_manifest(path).segments[0].name)
    data, queries = file.read_bytes(), list(plasmids[::7])
    assert POOLED in Index.open(path).lab_names
    for edit, is_joined in (
        (lambda: None, True),
        (lambda: rename_lab(path, labs[0], "Zebra"), False),
        (lambda: rollback(path), True),
        (lambda: remove_lab(path, labs[-1]), False),
        (lambda: rollback(path), True),
    ):
        edit()
        file.write_bytes(data)
        with_file = asked(path, queries)
        file.unlink()
        without_file = asked(path, queries)
        assert (with_file[0], without_file[0]) == (is_joined, False)
        assert with_file[1] == without_file[1]


def test_labs_that_answers_rank() -> None:
    stored, classes = ("Ash", "Birch", "Cedar"), ("Ash", "Doug", POOLED)
    found = AnsweredLabs.from_labs(stored, classes)  # Doug has a vector, and no plasmid
    assert found.names == ("Ash", "Birch", "Cedar", "Doug")
    assert found.classes.tolist() == [0, 2, 2, 1]
    assert found.with_vector.tolist() == [0, 3]
    assert found.stored.tolist() == [0, 1, 2]
    known = np.array([0, 2, 2])
    assert AnsweredLabs.from_labs(stored, classes, classes=known).names == found.names
    alone = AnsweredLabs.from_labs(("Ash", "Doug"), ("Ash", "Doug"))
    assert (alone.names, alone.with_vector.tolist()) == (("Ash", "Doug"), [0, 1])
