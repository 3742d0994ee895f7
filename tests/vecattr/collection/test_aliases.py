"""The file of aliases: what is written is read, and what a person decided stays."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from vecattr.collection.aliases import ALIAS_COLUMNS, Aliases, read_aliases, write_aliases
from vecattr.collection.collecting import CollectOptions, collect
from vecattr.collection.settled import DEFAULT_SOURCES, Settled, designer_text, lab_from_text
from vecattr.collection.sources import file_sources
from vecattr.designers.designer import Designer
from vecattr.designers.lab_names import MergedName
from vecattr.designers.people import Person
from vecattr.errors import InputError
from vecattr.inputs.limits import DEFAULT_LIMITS

NAMES = (
    MergedName("Lomnor, Bea", "Lomnor, B.", "", "", 2, "same initials"),
    MergedName("Lomnor, Bea", "Lomnor, Bea", "", "", 1, ""),
    MergedName("Rasut, T.", "Rasut, T.", "University of Nowhere", "", 4, ""),
)


def edited(path: Path, spelling: str, lab: str) -> None:
    """Give a spelling another lab, as a person does in a spreadsheet."""
    rows = list(csv.DictReader(path.read_text().splitlines()))
    for row in rows:
        row["lab"] = lab if row["spelling"] == spelling else row["lab"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ALIAS_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def test_what_nobody_edited_decides_nothing(tmp_path: Path) -> None:
    write_aliases(tmp_path / "a.csv", NAMES, Aliases({}, {}))
    assert read_aliases(tmp_path / "a.csv").labs == {}
    assert read_aliases(tmp_path / "none.csv").labs == {}


def test_an_edited_row_decides_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_aliases(path, NAMES, Aliases({}, {}))
    edited(path, "Rasut, T.", "The Rasut lab")
    aliases = read_aliases(path)
    assert aliases.labs == {("Rasut, T.", "University of Nowhere", ""): "The Rasut lab"}
    write_aliases(path, NAMES[:2], aliases)  # the spelling no longer occurs
    assert read_aliases(path).labs == aliases.labs
    before = path.read_bytes()
    write_aliases(path, NAMES[:2], read_aliases(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("lab\nx\n", "no column 'spelling'"),
        ("spelling,lab\na,b\na,c\n", "'b' in an earlier row"),
        ("spelling,lab\na,\n", "name is empty"),
        ("spelling,lab\na,unknown\n", "reserved"),
        ('spelling,lab\n"a,b\n', "no table of aliases"),
    ],
)
def test_a_file_that_decides_nothing_clear_is_refused(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=what):
        read_aliases(tmp_path / "a.csv")


def test_the_file_of_another_program_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfspelling;lab\r\nA, B;C\r\n\r\n")
    assert read_aliases(tmp_path / "a.csv").labs == {("A, B", "", ""): "C"}


def test_edits_reach_the_table(
    tmp_path: Path,
    record_text: Callable[..., str],
    bases: Callable[..., str],
    rows: Callable[[Path], list[dict[str, str]]],
) -> None:
    authors = ["Lomnor,B.C.", "Lomnor,B.", "Rasut,T."]
    texts = [
        record_text(f"ZZ00000{number}.1", bases(number), authors=name)
        for number, name in enumerate(authors)
    ]
    (tmp_path / "a.gb").write_text("".join(texts))
    options = CollectOptions(lab_from=DEFAULT_SOURCES, aliases=tmp_path / "aliases.csv")
    sources = file_sources([tmp_path / "a.gb"], limits=DEFAULT_LIMITS)
    collect(sources, tmp_path / "t.csv", options)
    assert [row["lab"] for row in rows(tmp_path / "t.csv")] == [*["Lomnor, B.C."] * 2, "Rasut, T."]
    merged = {row["spelling"]: row for row in rows(tmp_path / "aliases.csv")}
    assert merged["Lomnor, B."]["lab"] == "Lomnor, B.C."
    assert merged["Lomnor, B."]["why"]
    edited(tmp_path / "aliases.csv", "Lomnor, B.", "Another Lomnor")
    collect(sources, tmp_path / "t.csv", options)
    assert [row["lab"] for row in rows(tmp_path / "t.csv")][:2] == [
        "Lomnor, B.C.",
        "Another Lomnor",
    ]
    assert read_aliases(tmp_path / "aliases.csv").labs


@pytest.mark.parametrize(
    "designer",
    [
        Designer("Lomnor, B.", "paper", False, "1", 2004, "why", Person("Lomnor", "B."), "I"),
        Designer("Acme", "company", True, colleagues=frozenset({"a b", "c d"})),
    ],
)
def test_a_designer_is_read_as_it_was_kept(designer: Designer) -> None:
    assert lab_from_text(designer_text(designer)) == designer


def test_a_settled_lab_is_read_as_it_was_kept() -> None:
    lab = Settled("Lomnor, B. (University of Nowhere)", "submission", "no")
    assert lab_from_text(lab.to_text()) == lab
    designer = lab.designer("7")
    assert designer is not None
    assert (designer.lab, designer.institute) == ("Lomnor, B.", "University of Nowhere")
    assert Settled("Own lab", "column", "yes").designer("") is None
