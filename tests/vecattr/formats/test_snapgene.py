"""Claims about SnapGene files: bases and topology are read, a damaged file is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from vecattr import Plasmid, read_plasmids
from vecattr.errors import InputError
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.formats.snapgene import read_snapgene
from vecattr.inputs.input_files import open_input
from vecattr.readers.records import BadRecord


def packet(kind: int, data: bytes) -> bytes:
    return struct.pack(">BI", kind, len(data)) + data


def snapgene(bases: bytes = b"acgtACGT", *, circular: bool = True) -> bytes:
    notes = b"<Notes><Type>Synthetic</Type><Comments>made by hand</Comments></Notes>"
    return (
        packet(0x09, b"SnapGene" + struct.pack(">HHH", 1, 15, 19))
        + packet(0x00, bytes([int(circular)]) + bases)
        + packet(0x06, notes)
    )


def snapgene_records(content: bytes, folder: Path) -> list[Record]:
    path = folder / "my plasmid.dna"
    path.write_bytes(content)
    with open_input(path) as file:
        assert format_of(file).name == "snapgene"
        return list(read_snapgene(file))


@pytest.mark.parametrize("circular", [True, False])
def test_snapgene_gives_bases_topology_and_the_files_name(circular: bool, tmp_path: Path) -> None:
    (record,) = snapgene_records(snapgene(circular=circular), tmp_path)
    assert (record.id, record.sequence) == ("my plasmid", "acgtACGT")
    assert record.topology == ("circular" if circular else "linear")


def test_a_cut_snapgene_file_is_refused(tmp_path: Path) -> None:
    cookie = 19
    after_dna = cookie + 5 + 1 + 8  # a cut between two packets after the DNA loses only notes
    whole = snapgene()
    for cut in set(range(cookie, len(whole))) - {after_dna}:
        with pytest.raises(InputError, match="SnapGene"):
            snapgene_records(whole[:cut], tmp_path)


@pytest.mark.parametrize(
    "tail",
    [
        packet(0x0A, b"<Features><Feature><Segment/></Feature></Features>"),
        packet(0x0A, b"<Features>"),
        packet(0x06, b"\xff"),
        packet(0x00, b"\x01ACGT"),
    ],
)
def test_a_snapgene_file_with_a_damaged_packet_is_refused(tail: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SnapGene"):
        snapgene_records(snapgene() + tail, tmp_path)


def test_a_snapgene_file_with_an_empty_dna_packet_is_refused(tmp_path: Path) -> None:
    cookie = snapgene()[:19]
    with pytest.raises(InputError, match="SnapGene"):
        snapgene_records(cookie + packet(0x00, b""), tmp_path)


def test_a_snapgene_file_without_dna_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No DNA"):
        snapgene_records(snapgene(b""), tmp_path)


@pytest.mark.parametrize("kind", [0x06, 0x0A])
def test_notes_that_are_nested_too_deeply_make_one_bad_record(kind: int, tmp_path: Path) -> None:
    name = {0x06: b"Notes", 0x0A: b"Features"}[kind]
    notes = b"<%s>" % name + b"<x><y>" * 900 + b"</y></x>" * 900 + b"</%s>" % name
    (tmp_path / "deep.dna").write_bytes(snapgene()[: 19 + 5 + 9] + packet(kind, notes))
    (tmp_path / "good.dna").write_bytes(snapgene())
    bad, good = read_plasmids([tmp_path / "deep.dna", tmp_path / "good.dna"])
    assert isinstance(bad, BadRecord)
    assert "nested too deeply" in bad.error.what
    assert "deep.dna" in str(bad.error.where)
    assert isinstance(good, Plasmid)
