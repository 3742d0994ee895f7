"""Claims about SBOL documents of a catalogue: depositors, references, parts, damaged documents."""

from __future__ import annotations

import pytest

from vecattr.designers.designer import designer_of
from vecattr.designers.set_aside import set_aside
from vecattr.errors import InputError

GIFT = """
<acme:refMethod> pXY3 was a gift from  R&#233;n&#233;e van Roe    (Acme plasmid # 123 ;
  http://acme.example:123)    </acme:refMethod>
<acme:acmeId>123</acme:acmeId>
<acme:note>A part was a gift of Ann Coe.</acme:note>
"""
REFERENCE = """
<genbank:Reference rdf:about="https://acme.example/pXY3/reference0">
  <genbank:label>1  (bases 1 to 3000)</genbank:label>
  <genbank:authors>Poe E, Roe R, Loe L</genbank:authors>
  <genbank:title>A vector</genbank:title>
  <genbank:journal>Plasmid. 2014 Jan 1.</genbank:journal>
  <genbank:pubmed>1234567</genbank:pubmed>
</genbank:Reference>
"""
POINTER = '<genbank:reference rdf:resource="https://acme.example/pXY3/reference0"/>'


def test_the_depositor_designed_it_whoever_is_last_author(made) -> None:
    document = made.sbol(made.component(more=GIFT + POINTER), REFERENCE)
    record = made.one(document, name="made.xml")
    designer = designer_of(record)
    assert (record.id, record.catalogue_id, record.topology) == ("acme:123", "123", "circular")
    assert record.sequence == made.bases_of(3000, seed=3)
    assert (designer.lab, designer.lab_source) == ("van Roe, Rénée", "depositor")
    assert (designer.publication, designer.lab_sure) == ("1234567", True)
    assert set_aside(record) is None


def test_without_a_depositor_the_last_author_designed_it(made) -> None:
    document = made.sbol(REFERENCE, made.component(more=POINTER))
    designer = designer_of(made.one(document, name="made.xml"))
    assert (designer.lab, designer.lab_source) == ("Loe, L", "paper")


def test_the_creator_counts_where_nobody_else_is_named(made) -> None:
    more = "<dc:creator>Ann Roe</dc:creator>"
    record = made.one(made.sbol(made.component(more=more)), name="made.xml")
    assert designer_of(record).lab == "Roe, Ann"


def test_a_document_that_names_nobody_has_no_lab(made) -> None:
    record = made.one(made.sbol(made.component()), name="made.xml")
    assert designer_of(record).lab is None
    assert record.source_url == "https://acme.example/pXY3"


def test_parts_of_a_component_are_no_records(made) -> None:
    part = made.component("part", length=1200, topology="0000987")
    more = (
        '<sbol:component><sbol:Component rdf:about="https://acme.example/pXY3/c1">'
        '<sbol:definition rdf:resource="https://acme.example/part"/></sbol:Component>'
        "</sbol:component>"
    )
    records = made.read(made.sbol(part, made.component(more=more)), name="made.xml")
    assert [record.name for record in records] == ["pXY3"]


def test_a_catalogues_partial_sequence_is_a_fragment(made) -> None:
    more = "<acme:totalVectorSizeBp>9000</acme:totalVectorSizeBp>"
    record = made.one(made.sbol(made.component(more=more)), name="made.xml")
    assert set_aside(record) == "fragment"
    record = made.one(made.sbol(made.component(length=1500, topology="0000987")), name="made.xml")
    assert set_aside(record) == "fragment"


def test_a_protein_is_told_by_its_type(made) -> None:
    document = made.sbol(made.component()).replace("DnaRegion", "Protein")
    assert set_aside(made.one(document, name="made.xml")) == "protein"


def test_version_3_and_triples_give_the_same_record(made) -> None:
    bases = made.bases_of(3000)
    lines = [
        ("https://a.example/p1", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
         "<http://sbols.org/v3#Component>"),
        ("https://a.example/p1", "http://sbols.org/v3#displayId", '"p1"'),
        ("https://a.example/p1", "http://sbols.org/v3#type",
         "<https://identifiers.org/SO:0000988>"),
        ("https://a.example/p1", "http://sbols.org/v3#hasSequence", "<https://a.example/p1_seq>"),
        ("https://a.example/p1", "http://purl.org/dc/terms/creator", '"Ren\\u00e9 Roe"@fr'),
        ("https://a.example/p1_seq", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
         "<http://sbols.org/v3#Sequence>"),
        ("https://a.example/p1_seq", "http://sbols.org/v3#elements", f'"{bases}"'),
    ]  # fmt: skip
    triples = "".join(f"<{one}> <{name}> {value} .\n" for one, name, value in lines)
    xml = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns:sbol="http://sbols.org/v3#" xmlns:dcterms="http://purl.org/dc/terms/">
      <sbol:Component rdf:about="https://a.example/p1"><sbol:displayId>p1</sbol:displayId>
      <sbol:type rdf:resource="https://identifiers.org/SO:0000988"/>
      <dcterms:creator>René Roe</dcterms:creator>
      <sbol:hasSequence><sbol:Sequence rdf:about="https://a.example/p1_seq">
      <sbol:elements>{bases}</sbol:elements></sbol:Sequence></sbol:hasSequence>
      </sbol:Component></rdf:RDF>"""
    for name, text in (("made.nt", triples), ("made.xml", xml)):
        record = made.one(text, name=name)
        assert (record.id, record.topology, record.sequence) == ("p1", "circular", bases)
        assert designer_of(record).lab == "Roe, René"


def test_a_damaged_document_is_an_error_that_names_it(made) -> None:
    document = made.sbol(made.component())
    with pytest.raises(InputError, match=r"made\.xml"):
        made.read(document[:-40], name="made.xml")


def test_a_line_that_is_no_triple_is_named(made) -> None:
    text = "<http://sbols.org/v3#a> <http://b> <http://c> .\nnonsense\n"
    with pytest.raises(InputError, match=r"made\.nt:2"):
        made.read(text, name="made.nt")
