"""Claims about ids that an index has already: told with file and way out, skipped or numbered."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run
from vecattr.errors import InputError
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.storage.stored_plasmids import stored_plasmids

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def index(workshop: Any, tmp_path: Path) -> Path:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash", "Birch"]))
    return path


def ids(workshop: Any, path: Path) -> list[str]:
    return list(stored_plasmids(workshop.open(path).segments).ids)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_known_id_is_told_with_its_file_its_lab_and_the_way_out(
    workshop: Any, index: Path, dry_run: bool
) -> None:
    plasmids = [replace(workshop.plasmids(["Ash"])[1], lab="Fir", source="fir.gb")]
    told = "'Ash-0-1' is in the index already, of a plasmid of 'Ash'"
    with pytest.raises(InputError, match=told) as caught:
        add_labs(index, plasmids, embedder=workshop.embedder, dry_run=dry_run)
    assert caught.value.where == "fir.gb, record 'Ash-0-1'"
    assert "--known-ids" in (caught.value.hint or "")


def test_known_ids_that_are_skipped_leave_the_others(workshop: Any, index: Path) -> None:
    plasmids = workshop.plasmids(["Ash"]) + workshop.plasmids(["Fir"], seed=1)
    report = add_labs(index, plasmids, embedder=workshop.embedder, known_ids="skip")
    assert (report.plasmids, report.new_labs, len(report.skipped)) == (3, ("Fir",), 3)
    assert len(ids(workshop, index)) == 9


@pytest.mark.parametrize("dry_run", [False, True])
def test_nothing_but_known_ids_is_no_error_and_no_change(
    workshop: Any, index: Path, dry_run: bool
) -> None:
    before = (index / "manifest.json").read_bytes()
    options = {"embedder": workshop.embedder, "known_ids": "skip", "dry_run": dry_run}
    report = add_labs(index, workshop.plasmids(["Ash"]), **options)
    assert (report.plasmids, len(report.skipped), report.generation) == (0, 3, 1)
    assert (index / "manifest.json").read_bytes() == before


def test_known_ids_that_are_renamed_are_numbered(workshop: Any, index: Path) -> None:
    first = workshop.plasmids(["Ash"])[0]
    for _ in range(2):
        report = add_labs(index, [first], embedder=workshop.embedder, known_ids="rename")
    assert report.renamed == ((first.id, f"{first.id}_3"),)
    mixed = [replace(first, id=f"{first.id}_4"), first, replace(first, id="Ash-0-1")]
    add_labs(index, mixed, embedder=workshop.embedder, known_ids="rename")
    stored = ids(workshop, index)
    assert len(set(stored)) == len(stored) == 11
    assert f"{first.id}_5" in stored


def test_features_that_the_index_does_not_know_are_not_stored(shelf: Any, tmp_path: Path) -> None:
    path = Path(shutil.copytree(shelf.index, tmp_path / "own.index"))
    odd = [replace(plasmid, features={"checked": 1}) for plasmid in shelf.newcomers[:3]]
    add_labs(path, odd)
    from vecattr.indexes.index import Index

    assert "checked" not in (Index.open(path).feature_names or ())


def test_the_command_tells_what_the_index_had_already(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    path = Path(shutil.copytree(shelf.index, tmp_path / "own.index"))
    stored, other = shelf.plasmids[1], shelf.plasmids[0]  # of split=train, and of split=dev
    fasta = shelf.fasta(tmp_path / "more.fa", [stored, replace(other, id="new_one")])
    arguments = ["add-lab", str(fasta), "--lab", str(stored.lab), "-i", str(path)]
    capsys.readouterr()
    assert run(arguments) == 3
    assert f"{fasta}, record {stored.id!r}" in capsys.readouterr().err
    assert run([*arguments, "--known-ids", "skip"]) == 0
    told = capsys.readouterr().err
    assert "added 1 plasmids" in told
    assert f"1, the first {stored.id!r}" in told
    assert f"the index had the lab {stored.lab!r} before {fasta} named it" in told
    assert "vecattr rollback" in told
    assert run([*arguments, "--known-ids", "rename", "--dry-run"]) == 0
    assert f"the first {stored.id!r} to '{stored.id}_2'" in capsys.readouterr().err
