"""Claims about who designed a plasmid: made records, as each kind of file has them."""

from __future__ import annotations

import pytest

from vecattr.designers.designer import LAB_SOURCES, designer_of, named

PAPER = {"journal": "Plasmid 10 (2), 1-9 (2014)", "pubmed": "1234567"}


def lab_and_source(record) -> tuple[str | None, str]:
    designer = designer_of(record)
    return designer.lab, designer.lab_source


def test_the_last_author_of_the_submission_designed_it(made) -> None:
    record = made.record(made.reference("Poe,E., Coe,C. and de Roe,A.B."))
    designer = designer_of(record)
    assert (designer.lab, designer.lab_source) == ("de Roe, A.B.", "submission")
    assert (designer.institute, designer.year) == ("University of Nowhere", 2015)
    assert designer.lab_sure
    assert designer.colleagues == {"poe E", "coe C"}


def test_an_unpublished_paper_does_not_matter(made) -> None:
    references = (
        made.reference("Coe,C. and Roe,A.", title="New vectors", journal="Unpublished"),
        made.reference("Coe,C. and Roe,A."),
    )
    assert lab_and_source(made.record(*references)) == ("Roe, A.", "submission")


def test_a_student_who_submits_gives_way_to_the_last_author_of_the_paper(made) -> None:
    paper = made.reference("Coe,C., Poe,E. and Roe,A.", title="A gene", **PAPER)
    record = made.record(paper, made.reference("Coe,C."))
    designer = designer_of(record)
    assert (designer.lab, designer.lab_source) == ("Roe, A.", "paper")
    assert (designer.publication, designer.institute) == ("1234567", "University of Nowhere")


def test_papers_on_the_origin_of_parts_do_not_matter(made) -> None:
    part = made.reference("Loe,L. and Moe,M.", title="Sequence of a gene", span="", **PAPER)
    own = made.reference("Coe,C. and Roe,A.", title="Modules", span="", **PAPER | {"pubmed": "7"})
    record = made.record(part, own, part, made.reference("Roe,A."))
    designer = designer_of(record)
    assert (designer.lab, designer.publication) == ("Roe, A.", "7")


def test_who_compiled_the_sequence_of_a_published_vector_did_not_design_it(made) -> None:
    paper = made.reference("Coe,C. and Roe,A.", title="A set of shuttle vectors", **PAPER)
    assert lab_and_source(made.record(paper, made.reference("Loe,L."))) == ("Roe, A.", "paper")


def test_who_submits_a_vector_with_a_published_part_designed_it(made) -> None:
    paper = made.reference("Coe,C. and Roe,A.", title="Bright mutants of a protein", **PAPER)
    assert lab_and_source(made.record(paper, made.reference("Loe,L."))) == ("Loe, L.", "submission")


@pytest.mark.parametrize("authors", ["Roe,A.", "Acme Widgets."])
def test_a_company_is_the_lab_of_what_its_people_submit(authors: str, made) -> None:
    journal = "Submitted (01-JAN-2015) R & D, Acme Widgets, Inc., 1 Main St., Nowhere, USA"
    record = made.record(made.reference(authors, journal=journal))
    assert lab_and_source(record) == ("Acme Widgets", "company")


@pytest.mark.parametrize(
    "journal",
    [
        "Exported Jan 1, 2020 from SnapGene 5.0.1 https://www.snapgene.com",
        "Exported Saturday, May 1, 2021 from SnapGene Viewer 4.3.11",
        "Distributed with a library of parts",
        "Obtained from a database of vectors",
    ],
)
@pytest.mark.parametrize("authors", [".", "Ann Roe", "ravi", "Acme Biofoundry"])
def test_who_exported_or_packed_the_file_did_not_design_it(
    authors: str, journal: str, made
) -> None:
    note = made.reference(authors, journal=journal)
    assert lab_and_source(made.record(note)) == (None, "none")
    paper = made.reference("Coe C, Roe AB.", title="A kit", **PAPER)
    assert lab_and_source(made.record(paper, note)) == ("Roe, AB", "paper")


def test_a_repository_that_submits_gives_way_to_the_paper(made) -> None:
    paper = made.reference("Coe,C. and Roe,A.", title="Some gene", **PAPER)
    journal = "Submitted (01-JAN-2015) Addgene, Main St., Watertown, USA"
    record = made.record(paper, made.reference("Loe,L.", journal=journal))
    assert lab_and_source(record) == ("Roe, A.", "paper")


def test_a_submission_of_an_ancestor_says_nothing(made) -> None:
    record = made.record(made.reference("Roe,A.", span="1 to 2000"))
    assert designer_of(record).lab is None
    record = made.record(made.reference("Roe,A.", span="1 to 2700"))
    assert (designer_of(record).lab, designer_of(record).lab_sure) == ("Roe, A.", False)


COMMENTS = {
    "citation, short names": (
        "Some Title. Loe L, Moe M, Roe AB. Gene 2005 (344) 43 - 51",
        "Roe, AB",
    ),
    "citation, full names": (
        "NOTES|Ann A. Loe and Bob B. Roe. A title. Yeast 21 (2004) 661-670",
        "Roe, Bob B.",
    ),
    "claim": ("I (Ann Roe) created this plasmid from another one.", "Roe, Ann"),
    "maker": ("This vector was constructed by Ann Roe in 1999.", "Roe, Ann"),
    "lab": ("From the laboratory of Ann B. Roe.", "Roe, Ann B."),
    "program": ("This file is created by Vector Widget http://www.acme.example/", None),
    "program in capitals": ("created by Widget NTI", None),
    "user": ("VNTAUTHORNAME|Ann Roe|", None),
    "a number": ("Confirmed in 2004 by sequencing, 12 of 13 bases.", None),
}


@pytest.mark.parametrize(("comment", "lab"), COMMENTS.values(), ids=COMMENTS)
def test_a_comment_may_say_who_made_it(comment: str, lab: str | None, made) -> None:
    designer = designer_of(made.record(made.reference(".", journal=made.exported), comment=comment))
    assert designer.lab == lab
    assert designer.lab_sure == (lab is None)


def test_a_catalogues_citation_names_the_lab_that_gave_it(made) -> None:
    comment = "pX was a gift from Ann Roe (Addgene plasmid # 12 ; RRID:Addgene_12)"
    record = made.record(made.reference(".", journal=made.exported), comment=comment)
    assert lab_and_source(record) == ("Roe, Ann", "depositor")


TITLES = {
    "Roe Lab plasmids": "Roe",
    "Additional Roe lab plasmids": "Roe",
    "Wet lab plasmids": None,
    "New Widget vectors": None,
}


@pytest.mark.parametrize(("title", "lab"), TITLES.items(), ids=TITLES)
def test_a_title_may_name_the_lab_of_a_paper_without_authors(
    title: str, lab: str | None, made
) -> None:
    record = made.record(made.reference("", title=title, journal=""))
    assert designer_of(record).lab == lab


def test_the_last_of_a_list_that_goes_on_is_not_known(made) -> None:
    record = made.record(made.reference("Roe A et al", title="A vector kit", journal=""))
    assert (designer_of(record).lab, designer_of(record).lab_sure) == ("Roe, A", False)


def test_a_direct_submission_outside_of_a_database_is_not_sure(made) -> None:
    record = made.record(
        made.reference("Ann Roe", journal="", span="1 to 2000"),
        made.reference("Bob Coe, Open Widget Network", journal="", span="2001 to 3000"),
    )
    designer = designer_of(record)
    assert (designer.lab, designer.lab_source, designer.lab_sure) == ("Roe, Ann", "claim", False)


def test_of_papers_without_a_submission_that_of_the_vector_counts(made) -> None:
    gene = made.reference("Loe L, Moe M", title="A receptor", **PAPER)
    vector = made.reference("Coe C, Roe A", title="pXY1 and other plasmids", **PAPER)
    for references in ((gene, vector), (vector, gene)):
        designer = designer_of(made.record(*references))
        assert (designer.lab, designer.lab_sure) == ("Roe, A", False)


def test_fewer_sources_give_other_answers(made) -> None:
    paper = made.reference("Coe,C. and Roe,A.", title="A gene", **PAPER)
    record = made.record(paper, made.reference("Coe,C."))
    assert designer_of(record).lab == "Roe, A."
    assert designer_of(record, lab_from=["paper"]).lab == "Roe, A."
    assert designer_of(record, lab_from=["submission"]).lab == "Coe, C."
    assert designer_of(record, lab_from=["company", "comment"]).lab is None


def test_a_record_without_references_names_nobody(made) -> None:
    designer = designer_of(made.record())
    assert (designer.lab, designer.lab_source, designer.why) == (None, "none", "no reference")


def test_the_sources_are_those_of_the_table_in_the_explanation() -> None:
    assert LAB_SOURCES == ("depositor", "company", "submission", "paper", "claim", "comment")


@pytest.mark.parametrize("lab", ["de Roe, Ann B.", "Roe, A.", "Roe, A. (Nowhere) (2)", "Roe"])
def test_a_person_is_told_from_a_labs_name(lab: str) -> None:
    person = named(lab)
    assert person is None if lab == "Roe" else str(person) == lab.split(" (")[0]
