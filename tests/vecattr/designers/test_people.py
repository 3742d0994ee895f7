"""Claims about the names of authors: every way of writing them gives the same persons."""

from __future__ import annotations

import pytest

from vecattr.designers.people import Person, people_in, person_in, plain

LISTS = {
    "GenBank": (
        "Roe,A.B., van der Coe,D.-E. and Poe,F. Jr.",
        ["Roe AB", "van der Coe DE", "Poe F"],
    ),
    "GenBank with blanks": ("Roe, A.B., de Coe, D.", ["Roe AB", "de Coe D"]),
    "PubMed": (
        "Roe AB, de Coe D, McPoe F 3rd, Doe JR",
        ["Roe AB", "de Coe D", "McPoe F", "Doe JR"],
    ),
    "PubMed with an end": ("Roe AB, Coe D.", ["Roe AB", "Coe D"]),
    "EMBL": ("Roe A.B., de Coe D.-E.;", ["Roe AB", "de Coe DE"]),
    "EMBL with blanks": ("Roe A. B., Coe D.", ["Roe AB", "Coe D"]),
    "names in full": ("Ann B. Roe, Carl van Coe and Dr. Ed Poe", ["Roe AB", "van Coe C", "Poe E"]),
    "mixed": ("Poe, Ed D., Ann Roe", ["Poe ED", "Roe A"]),
    "one, family first": ("Roe, Ann", ["Roe A"]),
    "footnotes": ("Roe A1, Coe BC2,3", ["Roe A", "Coe BC"]),
    "capitals": ("ROEMER AB", ["Roemer AB"]),
    "et al": ("Roe A et al", ["Roe A"]),
    "apostrophe": ("O'Roe,A. and St. Coe,B.", ["O'Roe A", "St. Coe B"]),
    "organisation": ("Ann Roe, Open Widget Network", ["Roe A"]),
    "organisations": ("Acme Widgets Inc.", []),
    "placeholders": (".", []),
    "one word": ("ravi", []),
}


@pytest.mark.parametrize(("text", "persons"), LISTS.values(), ids=LISTS)
def test_authors_are_taken_apart(text: str, persons: list[str]) -> None:
    assert [f"{person.family} {person.initials}" for person in people_in(text)] == persons


def test_a_first_name_is_one_that_is_written_out() -> None:
    assert Person("Roe", "Ann B.").first_name == "ann"
    assert Person("Roe", "Yi").first_name == "yi"
    assert [Person("Roe", given).first_name for given in ("A.B.", "AB", "JRD", "")] == [""] * 4


@pytest.mark.parametrize("name", ["", ".", "1", "Roe 2", "R"])
def test_what_is_no_name_is_no_person(name: str) -> None:
    assert person_in(name) is None


def test_plain_letters_have_no_accents() -> None:
    assert plain("Søren Łüß") == "Soren Luss"
