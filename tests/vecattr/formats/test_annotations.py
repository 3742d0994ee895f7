"""What files say of their bases: as Biopython reads it, bounded, and never a reason to refuse."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqFeature import CompoundLocation, SeqFeature, SimpleLocation
from Bio.SeqRecord import SeqRecord
from hypothesis import given
from hypothesis import strategies as st

from vecattr.formats.feature_table import read_annotations
from vecattr.plasmid import MOST_ANNOTATIONS, Annotation, Plasmid
from vecattr.readers.plasmids import read_plasmids

LENGTH = 600


def written(features: list[SeqFeature], form: str) -> str:
    record = SeqRecord(Seq("ACGT" * (LENGTH // 4)), id="p1", name="p1", features=features)
    record.annotations.update({"molecule_type": "DNA", "topology": "circular"})
    text = io.StringIO()
    SeqIO.write([record], text, form)
    return text.getvalue()


def annotations_of(path: Path) -> tuple[Annotation, ...]:
    [plasmid] = read_plasmids([path])
    assert isinstance(plasmid, Plasmid)
    return plasmid.annotations


places = st.tuples(st.integers(0, LENGTH - 2), st.integers(1, 80), st.sampled_from([1, -1])).map(
    lambda place: SimpleLocation(place[0], min(place[0] + place[1], LENGTH), strand=place[2])
)


@pytest.mark.parametrize("form", ["genbank", "embl"])
@given(locations=st.lists(places, max_size=8))
def test_places_and_strands_are_those_that_biopython_wrote(
    tmp_path_factory: pytest.TempPathFactory, form: str, locations: list[SimpleLocation]
) -> None:
    features = [
        SeqFeature(location, type="CDS", qualifiers={"label": [f"part {number}"]})
        for number, location in enumerate(locations)
    ]
    path = tmp_path_factory.mktemp("made") / "p1"
    path.write_text(written(features, form))
    assert annotations_of(path) == tuple(
        Annotation("CDS", f"part {number}", int(one.start) + 1, int(one.end), one.strand or 0)
        for number, one in enumerate(locations)
    )


@pytest.mark.parametrize("form", ["genbank", "embl"])
@pytest.mark.parametrize("strand", [1, -1])
def test_a_feature_over_the_origin_goes_over_the_origin(
    tmp_path: Path, form: str, strand: int
) -> None:
    ends = [SimpleLocation(500, LENGTH, strand=strand), SimpleLocation(0, 40, strand=strand)]
    feature = SeqFeature(CompoundLocation(ends[::strand]), type="rep_origin")
    path = tmp_path / "p1"
    path.write_text(written([feature], form))
    assert annotations_of(path) == (Annotation("rep_origin", "", 501, 40, strand),)


def test_a_place_of_several_lines_is_read() -> None:
    pieces = ",".join(f"{start}..{start + 4}" for start in range(1, 400, 10))
    table = "\n".join(
        f"{'' if row else '     CDS':21}{pieces[row : row + 50]}"
        for row in range(0, len(pieces), 50)
    ).replace("1..5,", "join(1..5,", 1)
    [annotation] = read_annotations(f'{table})\n{"":21}/gene="x"')
    assert annotation == Annotation("CDS", "x", 1, 395, 1)


@pytest.mark.parametrize("place", ["J00194.1:1..9", "7^8", "join(,)", "complement()", "9999999999"])
def test_a_place_that_is_none_here_is_left_out(place: str) -> None:
    assert read_annotations(f"     CDS             {place}\n     CDS             1..9") == (
        Annotation("CDS", "", 1, 9, 1),
    )


@given(st.text(alphabet='CDS join(complement1234567890.,<>^:)/"=\n \t', max_size=300))
def test_any_table_is_read_without_an_error(table: str) -> None:
    read_annotations(table)


@pytest.mark.parametrize(
    "table",
    [
        "     CDS             join(" + "1..2,\n                     " * 100_000,
        "     CDS             join(\n" * 50_000,
        "     CDS             1..2\n" * 50_000,
        "     CDS             complement(" + "9" * 1_000_000,
        '                     /note="' + "x" * 1_000_000,
    ],
    ids=["many segments", "open places", "many features", "digits", "name"],
)
def test_hostile_tables_end_and_give_few(table: str) -> None:
    assert len(read_annotations(table)) <= MOST_ANNOTATIONS


def test_a_plasmid_keeps_what_lies_within_its_bases() -> None:
    inside, over, outside = (Annotation("CDS", "", *ends) for ends in ((1, 4), (4, 1), (2, 5)))
    circle = Plasmid("p", "ACGT", annotations=(inside, over, outside))
    assert circle.annotations == (inside, over)
    line = Plasmid("p", "ACGT", topology="linear", annotations=(inside, over, outside))
    assert line.annotations == (inside,)
    assert len(Plasmid("p", "ACGT", annotations=(inside,) * 999).annotations) == MOST_ANNOTATIONS


def test_annotations_play_no_part_in_comparisons_and_do_not_outlive_a_change() -> None:
    plasmid = Plasmid("p", "ACGTT", annotations=(Annotation("CDS", "x", 1, 4),))
    assert plasmid == Plasmid("p", "ACGTT")
    assert plasmid.rotated(2).annotations == plasmid.reverse_complement().annotations == ()


def snapgene(features: str) -> bytes:
    def packet(kind: int, content: bytes) -> bytes:
        return bytes([kind]) + len(content).to_bytes(4, "big") + content

    cookie = packet(9, b"SnapGene" + bytes(6))
    return cookie + packet(0, b"\x01" + b"ACGT" * 50) + packet(10, features.encode())


def test_features_of_snapgene_have_place_name_and_direction(tmp_path: Path) -> None:
    path = tmp_path / "p.dna"
    path.write_bytes(
        snapgene(
            '<Features><Feature name="AmpR" type="CDS" directionality="2">'
            '<Segment range="10-20"/><Segment range="25-60"/></Feature>'
            '<Feature name="ori" type="rep_origin"><Segment range="150-12"/></Feature>'
            '<Feature type="CDS"><Segment range="x-9"/></Feature></Features>'
        )
    )
    assert annotations_of(path) == (
        Annotation("CDS", "AmpR", 10, 60, -1),
        Annotation("rep_origin", "ori", 150, 12, 0),
    )


def test_damaged_features_of_snapgene_cost_no_bases(tmp_path: Path) -> None:
    path = tmp_path / "p.dna"
    path.write_bytes(snapgene('<Features><Feature name="a"><Segment range="1-9"/></Oops>'))
    assert annotations_of(path) == (Annotation("misc_feature", "a", 1, 9, 0),)


SBOL2 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:sbol="http://sbols.org/v2#"><sbol:ComponentDefinition rdf:about="http://x/p">
<sbol:displayId>p</sbol:displayId><sbol:sequence rdf:resource="http://x/s"/>
<sbol:sequenceAnnotation><sbol:SequenceAnnotation rdf:about="http://x/p/a">
<sbol:displayId>ori</sbol:displayId><sbol:location><sbol:Range rdf:about="http://x/p/a/r">
<sbol:start>2</sbol:start><sbol:end>9</sbol:end>
<sbol:orientation rdf:resource="http://sbols.org/v2#reverseComplement"/></sbol:Range>
</sbol:location></sbol:SequenceAnnotation></sbol:sequenceAnnotation></sbol:ComponentDefinition>
<sbol:Sequence rdf:about="http://x/s"><sbol:elements>ACGTACGTACGT</sbol:elements></sbol:Sequence>
</rdf:RDF>"""


def test_annotations_of_sbol_have_place_name_and_direction(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text(SBOL2)
    assert annotations_of(path) == (Annotation("feature", "ori", 2, 9, -1),)
