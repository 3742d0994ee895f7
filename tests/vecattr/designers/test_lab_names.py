"""Claims about names of labs: spellings of one lab come together, namesakes stay apart."""

from __future__ import annotations

import random

import pytest

from vecattr.designers.designer import Designer
from vecattr.designers.lab_names import merge_names
from vecattr.designers.people import person_in


def mention(
    lab: str, institute: str = "", publication: str = "", colleagues: tuple[str, ...] = ()
) -> Designer:
    person = person_in(lab)
    name = str(person) if person else lab
    return Designer(
        name,
        "submission" if person else "company",
        True,
        publication=publication,
        person=person,
        institute=institute,
        colleagues=frozenset(colleagues),
    )


def names_of(*mentions: Designer) -> list[str | None]:
    names = merge_names(mentions)
    return [names.name_of(part) for part in mentions]


ONE_LAB = {
    "initials": ("Roemer,A.", "Roemer,A.B."),
    "first name": ("Roemer,A.B.", "Ann Roemer"),
    "PubMed and GenBank": ("Roemer AB", "Roemer,A.B."),
    "particle": ("Van Roemer,A.J.", "van Roemer,A.J.M."),
    "accent": ("Víctor Roemer", "Roemer,V."),
    "umlaut": ("Röemerin,A.", "Roemerin,A."),
    "umlaut as two letters": ("Ann Müllerin", "Muellerin,A."),
    "moved": (mention("Roemer,A.B.", "Nowhere University"), mention("Roemer,A.B.", "Acme College")),
    "company": ("Acmeco", "ACMECO Laboratories, Inc."),
    "common, one institute": (
        mention("Wang,X.", "University of Nowhere"),
        mention("Wang,X.Y.", "Nowhere University"),
    ),
    "common, one paper": (
        mention("Wang X", publication="12"),
        mention("Xin Wang", publication="12"),
    ),
    "common, colleagues": (
        mention("Wang,X.", "Acme College", "1", ("roemer A", "coe C")),
        mention("Wang,X.", "Nowhere University", "2", ("roemer A", "coe C")),
    ),
}


@pytest.mark.parametrize("pair", ONE_LAB.values(), ids=ONE_LAB)
def test_spellings_of_one_lab_get_one_name(pair: tuple[str | Designer, ...]) -> None:
    mentions = [part if isinstance(part, Designer) else mention(part) for part in pair]
    assert len(set(names_of(*mentions))) == 1


TWO_LABS = {
    "first names": ("Ann Roemer", "Adam Roemer"),
    "initials": ("Roemer,A.B.", "Roemer,A.C."),
    "first initials": ("Roemer,A.", "Roemer,B."),
    "first name and initials": ("Ann Roemer", "Roemer,B.A."),
    "common name": ("Yi Wang", "Yan Wang"),
    "common name, no evidence": (
        mention("Wang,Y.", "Nowhere University"),
        mention("Wang,Y.", "Acme College"),
    ),
    "common name in full, other institutes": (
        mention("Yi Wang", "Nowhere University"),
        mention("Yi Wang", "Acme College"),
    ),
    "companies": ("Acmeco", "Acmeco Widgets"),
    "near families": ("Bauer,A.", "Baur,A."),
}


@pytest.mark.parametrize("pair", TWO_LABS.values(), ids=TWO_LABS)
def test_namesakes_stay_apart(pair: tuple[str | Designer, ...]) -> None:
    mentions = [part if isinstance(part, Designer) else mention(part) for part in pair]
    assert len(set(names_of(*mentions))) == 2


def test_initials_that_fit_two_labs_join_neither_without_evidence() -> None:
    mentions = [mention("Ann Roemer"), mention("Adam Roemer"), mention("Roemer,A.")]
    assert len(set(names_of(*mentions))) == 3
    told = [
        mention("Ann Roemer", publication="1"),
        mention("Adam Roemer"),
        mention("Roemer,A.", "", "1"),
    ]
    names = names_of(*told)
    assert names[0] == names[2] != names[1]


def test_a_lab_is_called_by_its_most_complete_name() -> None:
    assert set(names_of(mention("Roemer AB"), mention("Ann B. Roemer"))) == {"Roemer, Ann B."}


def test_namesakes_are_told_by_their_institute() -> None:
    names = names_of(mention("Wang,Y.", "Nowhere University"), mention("Wang,Y.", "Acme College"))
    assert names == ["Wang, Y. (Nowhere University)", "Wang, Y. (Acme College)"]


def test_the_order_of_records_does_not_matter() -> None:
    rng = random.Random(0)
    given = ["Ann", "A.", "A.B.", "Adam", "B.", "Bea", "B.C."]
    mentions = [
        mention(
            f"{family},{name}", rng.choice(["", "Nowhere University", "Acme College"]), str(n % 9)
        )
        for family in ("Roemer", "Wang", "Mueller", "Müller")
        for n, name in enumerate(given * 3)
    ]
    expected = merge_names(mentions)
    for _ in range(3):
        rng.shuffle(mentions)
        names = merge_names(mentions)
        assert names.rows == expected.rows
        assert [names.name_of(part) for part in mentions] == [
            expected.name_of(part) for part in mentions
        ]


def test_rows_tell_what_was_merged_and_why_and_can_be_handed_in_again() -> None:
    mentions = [
        mention("Roemer,A.B.", "Nowhere University"),
        mention("Ann Roemer"),
        mention("Acme"),
    ]
    names = merge_names(mentions)
    assert [(row.lab, row.spelling, row.records) for row in names.rows] == [
        ("Acme", "Acme", 1),
        ("Roemer, Ann", "Roemer, A.B.", 1),
        ("Roemer, Ann", "Roemer, Ann", 1),
    ]
    assert [row.why for row in names.rows] == ["", *["initials that fit one person only"] * 2]
    aliases = {(row.spelling, row.institute, row.publication): row.lab for row in names.rows}
    again = merge_names(mentions, aliases=aliases)
    assert [again.name_of(part) for part in mentions] == [names.name_of(part) for part in mentions]


def test_an_alias_has_the_last_word() -> None:
    mentions = [mention("Roemer,A.", "Nowhere University"), mention("Roemer,A.", "Acme College")]
    aliases = {("Roemer, A.", "", ""): "Roemer lab"}
    names = merge_names(mentions, aliases=aliases)
    assert {names.name_of(part) for part in mentions} == {"Roemer lab"}
    aliases["Roemer, A.", "Acme College", ""] = "Other lab"
    names = merge_names(mentions, aliases=aliases)
    assert [names.name_of(part) for part in mentions] == ["Roemer lab", "Other lab"]


def test_a_designer_that_was_not_merged_keeps_its_name() -> None:
    names = merge_names([mention("Roemer,A.")])
    assert names.name_of(mention("Coe,C.")) == "Coe, C."
    assert names.name_of(Designer(None, "none", True)) is None
