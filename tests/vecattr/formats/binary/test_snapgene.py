"""Claims about SnapGene files: bases and topology are read, a damaged file is one bad record."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from vecattr import Plasmid, read_plasmids
from vecattr.formats.binary.snapgene import read_snapgene
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import Annotation
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


def problem(content: bytes, folder: Path) -> str:
    """What is wrong with the one record of a file."""
    (record,) = snapgene_records(content, folder)
    assert record.sequence == ""
    assert record.problem is not None
    assert record.problem.hint
    return record.problem.what


def test_a_cut_snapgene_file_is_a_bad_record(tmp_path: Path) -> None:
    cookie = 19
    after_dna = cookie + 5 + 1 + 8  # a cut between two packets after the DNA loses only notes
    whole = snapgene()
    for cut in set(range(cookie, len(whole))) - {after_dna}:
        assert "SnapGene" in problem(whole[:cut], tmp_path)


def test_a_cut_file_does_not_lose_the_others(tmp_path: Path) -> None:
    (tmp_path / "cut.dna").write_bytes(snapgene()[:-3])
    (tmp_path / "good.dna").write_bytes(snapgene())
    bad, good = read_plasmids([tmp_path / "cut.dna", tmp_path / "good.dna"])
    assert isinstance(bad, BadRecord)
    assert "ends within a packet" in bad.error.what
    assert isinstance(good, Plasmid)


PRIMERS = b"""<Primers><HybridizationParams minContinuousMatchLen="10"/>
<Primer name="forward" sequence="ACG"><BindingSite location="0-2" boundStrand="0"/>
<BindingSite simplified="1" location="0-2" boundStrand="0"/></Primer>
<Primer name="back"><BindingSite location="6-1" boundStrand="1"/>
<BindingSite location="?"/></Primer>
</Primers>"""
FEATURES = (
    b'<Features><Feature name="bla" type="CDS" directionality="2"><Segment range="2-4"/></Feature>'
    b"</Features>"
)


def test_features_and_primers_are_annotations(tmp_path: Path) -> None:
    tail = packet(0x05, PRIMERS) + packet(0x0A, FEATURES)
    (record,) = snapgene_records(snapgene() + tail, tmp_path)
    assert record.annotations == (
        Annotation("CDS", "bla", 2, 4, -1),
        Annotation("primer_bind", "forward", 1, 3, 1),
        Annotation("primer_bind", "back", 7, 2, -1),
    )


NOTES = {
    "primers that are cut": packet(0x05, PRIMERS[:200]),
    "primers that bind nowhere": packet(0x05, b"<Primers><BindingSite/></Primers>"),
    "features without a range": packet(0x0A, b"<Features><Feature><Segment/></Feature></Features>"),
    "features that are cut": packet(0x0A, b"<Features>"),
    "notes that are no text": packet(0x06, b"\xff"),
    "notes that are nested like none": packet(0x06, b"<x><y>" * 40 + b"</y></x>" * 40),
    "entities in entities": packet(
        0x06, b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    ),
}


@pytest.mark.parametrize("tail", NOTES.values(), ids=NOTES)
def test_no_note_or_feature_is_a_reason_to_refuse_bases(tail: bytes, tmp_path: Path) -> None:
    (record,) = snapgene_records(snapgene() + tail, tmp_path)
    assert (record.problem, record.sequence) == (None, "acgtACGT")


@pytest.mark.parametrize("close", [b"</y></x>", b""])
def test_notes_that_are_nested_too_deeply_are_refused(close: bytes, tmp_path: Path) -> None:
    notes = packet(0x06, b"<x><y>" * 900 + close * 900)
    assert "nested too deeply" in problem(snapgene() + notes, tmp_path)


def test_bases_that_are_there_twice_or_empty_are_damage(tmp_path: Path) -> None:
    cookie = snapgene()[:19]
    assert "twice" in problem(snapgene() + packet(0x00, b"\x01ACGT"), tmp_path)
    assert "empty" in problem(cookie + packet(0x00, b""), tmp_path)
    assert "no DNA" in problem(cookie + packet(0x06, b"<Notes/>"), tmp_path)


@pytest.mark.parametrize(("kind", "word"), [(0x15, "protein"), (0x20, "RNA")])
def test_files_of_protein_and_rna_are_named(kind: int, word: str, tmp_path: Path) -> None:
    assert word in problem(snapgene()[:19] + packet(kind, b"\x00MACG"), tmp_path)
