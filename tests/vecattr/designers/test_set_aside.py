"""Claims about what is no engineered plasmid: every kind is told, and plasmids are kept."""

from __future__ import annotations

import pytest

from vecattr.designers.set_aside import REASONS, set_aside

NATURAL = {
    "organism": "Escherichia coli",
    "lineage": "Bacteria; Proteobacteria; Gammaproteobacteria.",
    "definition": "Escherichia coli plasmid pNat, complete sequence.",
    "facts": "DNA     circular BCT 01-FEB-2015",
}
PAPER = {"journal": "Plasmid 10 (2), 1-9 (2014)"}

KINDS = {
    "protein": ({"unit": "aa", "facts": "linear SYN 01-FEB-2015"}, "protein"),
    "mRNA": ({"facts": "mRNA    linear   PRI 01-FEB-2015"}, "RNA"),
    "patent": ({"facts": "DNA     linear   PAT 01-FEB-2015"}, "patent"),
    "primer": ({"length": 25, "facts": "DNA     linear   SYN 01-FEB-2015"}, "oligonucleotide"),
    "short circle": ({"length": 900}, "too short"),
    "short part": ({"length": 720, "facts": "DNA     linear   SYN 01-FEB-2015"}, "too short"),
    "region": ({"accession": "XX000001 REGION: complement(1..3000)"}, "fragment"),
    "partial": ({"definition": "Cloning vector pXY1, partial sequence."}, "fragment"),
    "gene": (
        {
            "definition": "Synthetic construct widget (wdg) gene, complete cds.",
            "organism": "synthetic construct",
            "facts": "DNA     linear   SYN 01-FEB-2015",
        },
        "fragment",
    ),
    "short and linear": (
        {"length": 1500, "facts": "DNA     linear   SYN 01-FEB-2015"},
        "fragment",
    ),
    "natural plasmid": (NATURAL, "natural"),
    "natural plasmid, no division": (
        NATURAL | {"facts": "DNA     circular UNK 01-FEB-2015"},
        "natural",
    ),
    "phage": (
        {
            "organism": "Widget virus phi",
            "lineage": "Viruses; Monodnaviria.",
            "definition": "Widget phage phi, complete genome.",
            "facts": "DNA     circular PHG 01-FEB-2015",
        },
        "natural",
    ),
    "natural plasmid as an organism": (
        NATURAL | {"organism": "Plasmid pNat", "lineage": "other sequences; plasmids."},
        "natural",
    ),
    "vector": ({}, None),
    "linear vector": ({"facts": "DNA     linear   SYN 01-FEB-2015"}, None),
    "vector of no topology": ({"facts": "DNA              SYN 01-FEB-2015"}, None),
    "vector in a natural division": (
        NATURAL | {"definition": "Shuttle vector pNat, complete sequence."},
        None,
    ),
    "exported": (
        {
            "definition": "natural linear DNA",
            "organism": "unspecified",
            "lineage": "",
            "facts": "ds-DNA  circular UNA 01-FEB-2015",
        },
        None,
    ),
}


@pytest.mark.parametrize(("facts", "reason"), KINDS.values(), ids=KINDS)
def test_each_kind_is_told(facts: dict[str, object], reason: str | None, made) -> None:
    assert set_aside(made.record(**facts)) == reason


def test_a_paper_on_a_vector_makes_a_natural_plasmid_an_engineered_one(made) -> None:
    vector = made.reference("Roe,A.", title="A selection vector for cloning", **PAPER)
    assert set_aside(made.record(vector, **NATURAL)) is None


@pytest.mark.parametrize(
    "title",
    [
        "Nucleotide sequence of pNat and construction of shuttle vectors",
        "Characterization of a cryptic plasmid for expression vectors",
        "Plasmids of a disease vector",
    ],
)
def test_a_study_of_a_natural_plasmid_does_not(title: str, made) -> None:
    study = made.reference("Roe,A.", title=title, **PAPER)
    assert set_aside(made.record(study, **NATURAL)) == "natural"


def test_a_clones_note_on_its_vector_does_not_make_it_engineered(made) -> None:
    text = made.genbank(**NATURAL).replace(
        '/mol_type="other DNA"', '/note="in the cloning vector pWidget"'
    )
    assert set_aside(made.one(text)) == "natural"


def test_a_source_that_is_but_a_part_from_rna_makes_no_rna(made) -> None:
    text = made.genbank().replace('/mol_type="other DNA"', '/mol_type="mRNA"')
    assert set_aside(made.one(text)) is None


def test_the_shortest_length_is_an_option(made) -> None:
    record = made.record(length=900)
    assert (set_aside(record), set_aside(record, shortest=500)) == ("too short", None)


def test_every_reason_is_met_in_these_tests() -> None:
    assert {reason for _, reason in KINDS.values()} == {None, *REASONS}
