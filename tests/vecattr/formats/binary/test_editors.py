"""Claims about Serial Cloner and Gene Construction Kit: bases and topology are read, and a damaged
file is one bad record."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from vecattr.errors import MissingExtraError
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input

BASES = b"acgtACGTNN" * 4


def xdna(
    bases: bytes = BASES, *, kind: int = 1, circular: bool = True, tail: bytes = b"\0"
) -> bytes:
    comment = b"made by hand"
    head = struct.pack(">BBB25xII60xI11xB", 0, kind, circular, len(bases), 0, len(comment), 255)
    return head + bases + comment + tail


def gck(bases: bytes = BASES, *, circular: bool = True) -> bytes:
    def packet(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    length = struct.pack(">I", len(bases))
    feature = struct.pack(">II6xH14xB17xII35xB", 1, 9, 1, 1, 1, 1, 0)
    named = b"\x01x" + struct.pack(">I", 4) + b"note"
    return (
        bytes(24)
        + packet(length + bases)
        + packet(b"")
        + packet(length + struct.pack(">H", 1) + feature)
        + named
        + packet(length + struct.pack(">H", 0))
        + packet(b"")
        + struct.pack(">H", 0)
        + bytes(706)
        + b"\x05pMade"
        + bytes(16)
        + bytes([circular])
    )


def record_of(content: bytes, folder: Path, name: str) -> Record:
    path = folder / "pMade.bin"
    path.write_bytes(content)
    with open_input(path) as file:
        found = format_of(file)
        assert found.name == name
        (record,) = found.reader()(file)
    return record


@pytest.mark.parametrize("circular", [True, False])
def test_bases_and_topology_are_read(circular: bool, tmp_path: Path) -> None:
    for content, name in ((xdna(circular=circular), "xdna"), (gck(circular=circular), "gck")):
        record = record_of(content, tmp_path, name)
        assert (record.id, record.sequence.encode()) == ("pMade", BASES)
        assert (record.topology, record.problem) == ("circular" if circular else "linear", None)


def test_a_cut_file_is_a_bad_record(tmp_path: Path) -> None:
    for content, name in ((xdna(tail=b""), "xdna"), (gck(), "gck")):
        for cut in range(180, len(content), 7):
            problem = record_of(content[:cut], tmp_path, name).problem
            assert problem is not None
            assert "cut short" in str(problem.hint)


def test_features_of_serial_cloner_are_no_reason_to_refuse_bases(tmp_path: Path) -> None:
    record = record_of(xdna(tail=b"\0\xff\xff odd"), tmp_path, "xdna")
    assert (record.problem, record.sequence.encode()) == (None, BASES)


def test_protein_is_named(tmp_path: Path) -> None:
    problem = record_of(xdna(b"MKVLA" * 4, kind=4), tmp_path, "xdna").problem
    assert problem is not None
    assert "protein" in problem.what


def test_gene_construction_kit_without_biopython_is_told_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "Bio", None)
    with pytest.raises(MissingExtraError, match="Bio") as caught:
        record_of(gck(), tmp_path, "gck")
    assert caught.value.hint is not None
    assert "pip install 'vecattr[biopython]'" in caught.value.hint
