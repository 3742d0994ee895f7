"""Claims about traces: the bases called are read as linear, a damaged file is one bad record."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from vecattr.formats.binary.traces import read_abi, read_scf
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input


def abi(**tags: bytes) -> bytes:
    """An AB1 file; a tag's name ends with its number."""
    place = 128
    data, entries = b"", b""
    for name, content in tags.items():
        small = len(content) <= 4
        where = content.ljust(4, b"\0") if small else struct.pack(">I", place + len(data))
        entries += struct.pack(">4sIHHII", name[:4].encode(), int(name[4:]), 2, 1, len(content),
                               len(content)) + where + bytes(4)  # fmt: skip
        data += b"" if small else content
    start = place + len(data)
    head = b"ABIF" + struct.pack(
        ">H4sIHHIII", 101, b"tdir", 1, 1023, 28, len(tags), 28 * len(tags), start
    )
    return head.ljust(place, b"\0") + data + entries


def scf(bases: bytes, *, version: bytes) -> bytes:
    number = len(bases)
    head = b".scf" + struct.pack(">IIIIIII", 0, 0, number, 0, 0, 128, 0) + bytes(4) + version
    if version[:1] == b"3":
        body = bytes(8 * number) + bases + bytes(3 * number)
    else:
        body = b"".join(bytes(8) + bytes([base]) + bytes(3) for base in bases)
    return head.ljust(128, b"\0") + body


def record_of(content: bytes, folder: Path) -> Record:
    path = folder / "read1.ab1"
    path.write_bytes(content)
    with open_input(path) as file:
        name = format_of(file).name
        (record,) = (read_abi if name == "ab1" else read_scf)(file)
    return record


TRACES = {
    "AB1": abi(RUND1=b"2020", PBAS1=b"ACGTNacgt-", PCON1=b"\x20" * 10),
    "AB1, not edited": abi(PBAS2=b"ACGTNacgt-"),
    "SCF 3": scf(b"ACGTNacgt-", version=b"3.00"),
    "SCF 2": scf(b"ACGTNacgt-", version=b"2.00"),
}


@pytest.mark.parametrize("content", TRACES.values(), ids=TRACES)
def test_the_bases_of_a_trace_are_linear(content: bytes, tmp_path: Path) -> None:
    record = record_of(content, tmp_path)
    assert (record.id, record.sequence, record.topology) == ("read1", "ACGTNacgtN", "linear")
    assert record.problem is None


def test_few_bases_stand_in_the_directory(tmp_path: Path) -> None:
    assert record_of(abi(PBAS1=b"ACG"), tmp_path).sequence == "ACG"


@pytest.mark.parametrize("content", [abi(DATA1=b"\0" * 99), abi(PBAS1=b"\0" * 9), abi()])
def test_a_trace_without_bases_is_a_bad_record(content: bytes, tmp_path: Path) -> None:
    problem = record_of(content, tmp_path).problem
    assert problem is not None
    assert "no bases" in problem.what


@pytest.mark.parametrize("content", TRACES.values(), ids=TRACES)
def test_a_cut_trace_is_read_whole_or_not_at_all(content: bytes, tmp_path: Path) -> None:
    for cut in range(4, len(content)):
        record = record_of(content[:cut], tmp_path)
        assert record.problem is not None or len(record.sequence) == 10
