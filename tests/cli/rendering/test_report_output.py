"""Pages and pictures of `query`: they ask for what they show, and are written like every format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from vecattr.cli.main import run

Capture = pytest.CaptureFixture[str]

GENBANK = """LOCUS       turned {length:>16} bp    DNA     circular SYN 01-JAN-2026
FEATURES             Location/Qualifiers
     CDS             complement(20..400)
                     /label="made <i>gene</i>"
ORIGIN
{bases}
//
"""


@pytest.fixture
def query(shelf: Any, tmp_path: Path) -> str:
    """A GenBank file of a stored plasmid, turned."""
    bases = shelf.plasmids[1].rotated(100).sequence.lower()  # of split=train: it is stored
    lines = [f"{start + 1:>9} {bases[start : start + 60]}" for start in range(0, len(bases), 60)]
    path = tmp_path / "turned.gb"
    path.write_text(GENBANK.format(length=len(bases), bases="\n".join(lines)))
    return str(path)


def test_a_page_shows_evidence_neighbors_and_annotations_unasked(
    shelf: Any, query: str, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    assert run(["query", query, "-i", str(shelf.index), "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "Nearest stored plasmids" in text
    assert "What the answer rests on" in text
    assert "made &lt;i&gt;gene&lt;/i&gt;" in text
    assert "made <i>gene" not in text


def test_a_page_without_neighbors_has_none(shelf: Any, query: str, capsys: Capture) -> None:
    options = ["--format", "html", "--neighbors", "0"]
    assert run(["query", query, "-i", str(shelf.index), *options]) == 0
    assert "Nearest stored plasmids" not in capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".svg", ".SVG"])
def test_a_picture_is_chosen_by_suffix_and_holds_the_stretches(
    shelf: Any, query: str, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"map{suffix}"
    assert run(["query", query, "-i", str(shelf.index), "-o", str(path)]) == 0
    root = ElementTree.parse(path).getroot()
    classes = [element.get("class") or "" for element in root.iter()]
    assert classes.count("arc gene") == 1
    assert any(one.startswith("arc lab-") for one in classes)


def test_an_index_without_sequences_has_a_page_without_evidence(
    shelf: Any, query: str, tmp_path: Path, capsys: Capture
) -> None:
    index = str(tmp_path / "private.index")
    table = [str(shelf.table), "--where", "split=train", "--model", str(shelf.model)]
    assert (
        run(["build-index", *table, "-i", index, "--no-sequences", "--disclose-model-kmers", "-q"])
        == 0
    )
    capsys.readouterr()
    assert run(["query", query, "-i", index, "--format", "html"]) == 0
    page = capsys.readouterr().out
    assert "What the answer rests on" not in page
    assert "the answer holds no evidence" in page


@pytest.mark.parametrize("options", [["--format", "svg"], ["-o", "labs.svg"]])
def test_lists_are_not_drawn(shelf: Any, options: list[str]) -> None:
    assert run(["list-labs", "-i", str(shelf.index), *options]) == 2


def test_the_plasmid_itself_is_not_written(shelf: Any, query: str, capsys: Capture) -> None:
    """A page is sent to others; it holds places of bases and never the bases."""
    assert run(["query", query, "-i", str(shelf.index), "--format", "html"]) == 0
    page = capsys.readouterr().out.upper()
    bases = replace(shelf.plasmids[1]).sequence
    assert not any(bases[start : start + 40] in page for start in range(0, len(bases) - 40, 40))
