"""Claims about SBOL: designs are read in every version and notation, their parts are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
SO = "http://identifiers.org/so/SO:"
BIOPAX = "http://www.biopax.org/release/biopax-level3.owl#"


def version_1() -> str:
    def component(name: str, bases: str, inner: str = "") -> str:
        return (
            f'<s:DnaComponent rdf:about="urn:{name}"><s:displayId>{name}</s:displayId>'
            f'<s:dnaSequence><s:DnaSequence rdf:about="urn:{name}s"><s:nucleotides>{bases}'
            f"</s:nucleotides></s:DnaSequence></s:dnaSequence>{inner}</s:DnaComponent>"
        )

    inner = (
        '<s:annotation><s:SequenceAnnotation rdf:about="urn:x"><s:subComponent>'
        f"{component('part', 'acgt')}</s:subComponent></s:SequenceAnnotation></s:annotation>"
    )
    return (
        f'<?xml version="1.0"?>\n<rdf:RDF {RDF} xmlns:s="http://sbols.org/v1#">'
        f"{component('pMade', 'acgtacgtac', inner)}</rdf:RDF>"
    )


def version_2(*, circular: bool = True, kind: str = "DnaRegion") -> str:
    topology = f'<s:type rdf:resource="{SO}000098{8 if circular else 7}"/>'
    return f"""<?xml version="1.0"?>
<rdf:RDF {RDF} xmlns:s="http://sbols.org/v2#">
  <s:ComponentDefinition rdf:about="http://made/pMade/1">
    <s:displayId>pMade</s:displayId><s:type rdf:resource="{BIOPAX}{kind}"/>{topology}
    <s:component><s:Component rdf:about="http://made/pMade/c/1">
      <s:definition rdf:resource="http://made/part/1"/></s:Component></s:component>
    <s:sequence rdf:resource="http://made/pMade_sequence/1"/>
  </s:ComponentDefinition>
  <s:ComponentDefinition rdf:about="http://made/part/1">
    <s:displayId>part</s:displayId><s:type rdf:resource="{BIOPAX}DnaRegion"/>
    <s:sequence rdf:resource="http://made/part_sequence/1"/>
  </s:ComponentDefinition>
  <s:ComponentDefinition rdf:about="http://made/gfp/1">
    <s:displayId>gfp</s:displayId><s:type rdf:resource="{BIOPAX}Protein"/>
    <s:sequence rdf:resource="http://made/gfp_sequence/1"/>
  </s:ComponentDefinition>
  <s:Sequence rdf:about="http://made/pMade_sequence/1"><s:elements>acgtacgtac</s:elements>
    <s:encoding rdf:resource="http://www.chem.qmul.ac.uk/iubmb/misc/naseq.html"/></s:Sequence>
  <s:Sequence rdf:about="http://made/part_sequence/1"><s:elements>acgt</s:elements></s:Sequence>
  <s:Sequence rdf:about="http://made/gfp_sequence/1"><s:elements>MSKGEE</s:elements></s:Sequence>
</rdf:RDF>"""


def version_3(made: str = "https://made.org") -> str:
    v3 = "http://sbols.org/v3#"
    kind = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    triples = [
        (f"{made}/pMade", kind, f"<{v3}Component>"),
        (f"{made}/pMade", f"{v3}displayId", '"pMade"'),
        (f"{made}/pMade", f"{v3}type", "<https://identifiers.org/SBO:0000251>"),
        (f"{made}/pMade", f"{v3}type", "<https://identifiers.org/SO:0000988>"),
        (f"{made}/pMade", f"{v3}hasSequence", f"<{made}/pMade_seq>"),
        (f"{made}/pMade", f"{v3}hasFeature", f"<{made}/pMade/sub1>"),
        (f"{made}/pMade/sub1", kind, f"<{v3}SubComponent>"),
        (f"{made}/pMade/sub1", f"{v3}instanceOf", f"<{made}/part>"),
        (f"{made}/part", kind, f"<{v3}Component>"),
        (f"{made}/part", f"{v3}displayId", '"part"'),
        (f"{made}/part", f"{v3}hasSequence", f"<{made}/part_seq>"),
        (f"{made}/part_seq", kind, f"<{v3}Sequence>"),
        (f"{made}/part_seq", f"{v3}elements", '"acgt"'),
        (f"{made}/pMade_seq", kind, f"<{v3}Sequence>"),
        (f"{made}/pMade_seq", f"{v3}elements", '"acgtacgtac"'),
        (f"{made}/pMade_seq", f"{v3}encoding", "<https://identifiers.org/edam:format_1207>"),
    ]
    return "".join(f"<{a}> <{b}> {c} .\n" for a, b, c in triples)


def records_of(text: str, folder: Path) -> list[Record]:
    path = folder / "design.xml"
    path.write_text(text)
    with open_input(path) as file:
        found = format_of(file)
        assert found.name == "sbol"
        return list(found.reader()(file))


@pytest.mark.parametrize(
    ("text", "topology"),
    [(version_1(), None), (version_2(), "circular"), (version_2(circular=False), "linear"),
     (version_3(), "circular"), (version_3("urn:made"), "circular"),
     ("# a comment\n\n" + version_3(), "circular")],
    ids=["1", "2", "2, linear", "3", "3 with urns", "3 below a comment"],
)  # fmt: skip
def test_a_design_is_a_record_and_its_parts_are_none(
    text: str, topology: str | None, tmp_path: Path
) -> None:
    (record,) = records_of(text, tmp_path)
    assert (record.id, record.sequence, record.topology) == ("pMade", "acgtacgtac", topology)
    assert record.problem is None
    assert "pMade" in record.place


def test_parts_are_records_when_their_design_has_no_bases(tmp_path: Path) -> None:
    text = version_2().replace('<s:sequence rdf:resource="http://made/pMade_sequence/1"/>', "")
    (record,) = records_of(text, tmp_path)
    assert (record.id, record.sequence) == ("part", "acgt")


def test_protein_and_rna_are_no_designs(tmp_path: Path) -> None:
    for kind in ("Protein", "RnaRegion"):
        (record,) = records_of(version_2(kind=kind), tmp_path)
        assert record.id == "part"
    text = version_2().replace("DnaRegion", "Protein")
    with pytest.raises(InputError, match="no DNA"):
        records_of(text, tmp_path)


def test_sequences_without_components_are_records(tmp_path: Path) -> None:
    text = (
        f'<rdf:RDF {RDF} xmlns:s="http://sbols.org/v2#"><s:Sequence rdf:about="http://made/a/b">'
        "<s:elements>acgt</s:elements></s:Sequence></rdf:RDF>"
    )
    (record,) = records_of(text, tmp_path)
    assert (record.id, record.sequence) == ("b", "acgt")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1 if n else str()};" * 10}">' for n in range(12)
)
HOSTILE = {
    "nested deeply": f'<rdf:RDF {RDF} xmlns:s="http://sbols.org/v2#">' + "<s:x>" * 100_000,
    "entities": BOMB + f']><rdf:RDF {RDF} xmlns:s="http://sbols.org/v2#">&a11;</rdf:RDF>',
    "cut": version_2()[:-40],
    "two roots": version_2() + "<x/>",
    "odd encoding": version_2().replace('"1.0"', '"1.0" encoding="utf-7"'),
    "a line that is no triple": version_3() + "this is none\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_is_an_input_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        records_of(text, tmp_path)
    assert "design.xml" in str(caught.value)
