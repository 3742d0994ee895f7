"""Claims about many files: one bad file is one bad record, foreign files are one note."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from vecattr import Plasmid
from vecattr.errors import InputError
from vecattr.inputs.limits import Limits
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.readers.records import BadRecord


class Command:
    """What a command read: ids of plasmids, errors of bad records, notes."""

    def __init__(self, *paths: Path, limits: Limits | None = None) -> None:
        self.notes: list[str] = []
        options = ReadOptions(topology="circular", note=self.notes.append)
        if limits is not None:
            options = ReadOptions(topology="circular", note=self.notes.append, limits=limits)
        records = list(read_plasmids(paths, options))
        self.plasmids = [record for record in records if isinstance(record, Plasmid)]
        self.ids = [plasmid.id for plasmid in self.plasmids]
        self.errors = [record.error for record in records if isinstance(record, BadRecord)]


def write(folder: Path, **contents: bytes) -> list[Path]:
    """Files of these contents; `_` in a name stands for the dot."""
    paths = []
    for name, content in contents.items():
        paths.append(folder / name.replace("_", "."))
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_bytes(content)
    return paths


BAD = {
    "empty": b"",
    "an image": b"\x89PNG\r\n\x1a\n\x00\x00",
    "a cut SnapGene file": b"\x09\x00\x00\x00\x0eSnapGene\x00\x01\x00\x0f\x00\x13\x00\x00\x00",
    "a cut packed file": b"\x1f\x8b\x08\x00\x00\x00",
    "a table without a header": b"a,b\n1,2\n",
    "a table of the wrong columns": b"sequence_id,lab\np1,x\n",
    "a damaged archive": b"PK\x03\x04\x00\x00\x00",
    "features alone": b"##gff-version 3\n",
    "a GenBank record without an end": b"LOCUS       x  9 bp\nORIGIN\n        1 acgt",
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_one_bad_file_among_good_ones_is_one_bad_record(content: bytes, tmp_path: Path) -> None:
    first, bad, last = write(tmp_path, a_fa=b">a\nAC\n", bad_x=content, b_fa=b">b\nGG\n")
    command = Command(first, bad, last)
    assert command.ids == ["a", "b"]
    (error,) = command.errors
    assert error.exit_code == 3
    assert str(bad) in str(error)


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_bad_file_alone_is_an_error_or_a_bad_record(content: bytes, tmp_path: Path) -> None:
    (bad,) = write(tmp_path, bad_x=content)
    try:
        command = Command(bad)
    except InputError as error:
        said = str(error)
    else:
        assert command.ids == []
        (problem,) = command.errors
        said = str(problem)
    assert str(bad) in said


def test_foreign_files_of_a_folder_are_skipped_with_one_note(tmp_path: Path) -> None:
    write(
        tmp_path / "Lab",
        a_fa=b">a\nAC\n",
        README_txt=b"notes, on plasmids\n",
        Thumbs_db=b"\xd0\xcf\x11\xe0\xa1\xb1",
        gel_png=b"\x89PNG\r\n",
        notes_csv=b"day,weather\n1,fine\n",
    )
    command = Command(tmp_path)
    assert (command.ids, command.errors) == (["a"], [])
    assert [plasmid.lab for plasmid in command.plasmids] == ["Lab"]
    (note,) = command.notes
    assert "4 files hold no sequences and were skipped" in note
    assert "README.txt (text of no known kind)" in note
    assert "and 1 more" in note


def test_a_damaged_file_of_a_folder_is_not_skipped(tmp_path: Path) -> None:
    write(tmp_path, a_fa=b">a\nAC\n", b_dna=BAD["a cut SnapGene file"], c_fa=b"")
    command = Command(tmp_path)
    assert (command.ids, command.notes) == (["a"], [])
    assert len(command.errors) == 2


def test_a_folder_of_foreign_files_alone_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a_txt=b"Dear Ann\n", b_pdf=b"%PDF-1.4\n")
    with pytest.raises(InputError, match="none of the 2 files holds sequences"):
        Command(tmp_path)


def test_files_of_an_archive_are_read_like_those_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("set/a.fa", ">a\nAC\n")
        archive.writestr("set/README", "Dear Ann\n")
        archive.writestr("set/pB.seq", "ACGTTGCAAC\n")
        archive.writestr("set/cut.dna", BAD["a cut SnapGene file"])
    command = Command(path)
    assert command.ids == ["a", "pB"]
    assert command.plasmids[1].source == f"{path}/set/pB.seq"
    assert len(command.errors) == 1
    assert "README" in command.notes[0]


def test_an_archive_that_unpacks_to_too_much_is_one_bad_record(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.fa", ">a\nAC\n")
        for number in range(20):
            archive.writestr(f"{number}.fa", ">x\n" + "A" * 900)
    (good,) = write(tmp_path, b_fa=b">b\nGG\n")
    command = Command(tmp_path / "bomb.zip", good, limits=Limits(bases=1000, unpacked=3000))
    assert command.ids[0] == "a"
    assert command.ids[-1] == "b"
    assert len(command.ids) < 8
    assert all("unpacks to more than" in error.what for error in command.errors)
    assert 1 <= len(command.errors) <= 2


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("folder/", "")
    with pytest.raises(InputError, match="holds no file"):
        Command(tmp_path / "a.zip")
