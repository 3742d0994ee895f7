"""Claims about addresses: companies, institutes and repositories are told apart."""

from __future__ import annotations

import pytest

from vecattr.designers.affiliations import (
    address_in,
    company_in,
    company_name,
    institute_in,
    is_repository,
    parts_of,
)
from vecattr.designers.people import people_in

COMPANIES = {
    "legal form": ("Ann Roe, Acme Widgets, Inc., 1 Main St., Nowhere", "Acme Widgets"),
    "German form": ("Research, Acme GmbH & Co. KG, Hauptstr. 1, Irgendwo", "Acme"),
    "word": ("R&D, Nowhere Biotechnologies, 1 Main St., Nowhere", "Nowhere Biotechnologies"),
    "brand": ("ACME Laboratories, Inc., 1 Main St., Nowhere", "ACME"),
    "known": ("Marketing, Invitrogen, 1 Main St., Carlsbad", "Invitrogen"),
    "university": ("Genomics, University of Nowhere, Nowhere", ""),
    "department": ("Genomics, 1 Main St., Nowhere", ""),
    "public form": ("Helmholtz Zentrum Irgendwo GmbH, Hauptstr. 1", ""),
    "public body": ("Pharma Unit, National Institute of Widgets, Nowhere", ""),
    "national laboratories": ("Nowhere National Laboratories, 1 Main St.", ""),
}


@pytest.mark.parametrize(("address", "company"), COMPANIES.values(), ids=COMPANIES)
def test_companies_are_told_from_institutes(address: str, company: str) -> None:
    assert company_in(parts_of(address, people_in("Roe,A."))) == company


INSTITUTES = {
    "after the department": ("Biology, University of Nowhere, Main St.", "University of Nowhere"),
    "before it": ("University of Nowhere, Institute of Widgets", "University of Nowhere"),
    "no university": ("Dept. of A, Institut Quelconque, Paris", "Institut Quelconque"),
    "named before": (
        "Acme, The State University of Nowhere, B",
        "Acme, The State University of Nowhere",
    ),
    "none": ("12 Main St., Nowhere", ""),
}


@pytest.mark.parametrize(("address", "institute"), INSTITUTES.values(), ids=INSTITUTES)
def test_the_institute_is_the_university_else_the_first_institute(
    address: str, institute: str
) -> None:
    assert institute_in(parts_of(address)) == institute


@pytest.mark.parametrize(
    "journal",
    [
        "Submitted (01-JAN-2015) University of Nowhere, Nowhere",
        "Submitted (01-JAN-2015) to the INSDC. University of Nowhere, Nowhere",
        "Submitted (01-JAN-2015) to the EMBL/DDBJ databases. University of Nowhere, Nowhere",
        "Submitted (01-JAN-2015) Contact:University of Nowhere, Nowhere (E-mail:a@b.example)",
    ],
)
def test_an_address_has_neither_date_nor_contact(journal: str) -> None:
    assert address_in(journal) == "University of Nowhere, Nowhere"


def test_a_submitter_is_no_part_of_the_address_but_a_company_of_that_name_is() -> None:
    people = people_in("Roe,A.")
    assert parts_of("Ann Roe, Nowhere University", people) == ["Nowhere University"]
    assert parts_of("Roe A., Nowhere University", people) == ["Nowhere University"]
    assert parts_of("Roe Widgets Inc, Nowhere", people)[0] == "Roe Widgets Inc"


@pytest.mark.parametrize(
    "text", ["Addgene, Watertown", "Yeast Stock Center", "Widget Culture Collection", "NCBI, NIH"]
)
def test_repositories_are_known(text: str) -> None:
    assert is_repository(text)


def test_a_genome_centre_of_a_university_is_no_repository() -> None:
    assert not is_repository("Genome Center, University of Nowhere")


def test_a_company_has_one_name_with_and_without_its_form() -> None:
    names = {
        company_name(text) for text in ("Acme", "Acme, Inc.", "Acme Corporation", "Acme Co., Ltd.")
    }
    assert names == {"Acme"}
