"""What tables and GenBank records say of labs and plasmids, as it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.info import LabInfo, PlasmidInfo
from vecattr.plasmid import Plasmid
from vecattr.readers.columns import ColumnNames
from vecattr.readers.info import read_lab_info
from vecattr.readers.plasmids import ReadOptions, read_plasmids


def labs(tmp_path: Path, text: str) -> dict[str, LabInfo]:
    (tmp_path / "labs.csv").write_text(text)
    return read_lab_info(tmp_path / "labs.csv")


def infos(tmp_path: Path, text: str, **options: object) -> tuple[list[object], list[str]]:
    """What is known of each plasmid of a table, and the notes."""
    notes: list[str] = []
    (tmp_path / "t.csv").write_text(text)
    plasmids = list(
        read_plasmids([tmp_path / "t.csv"], ReadOptions(note=notes.append, **options))  # type: ignore[arg-type]
    )
    assert all(isinstance(plasmid, Plasmid) for plasmid in plasmids)
    return [plasmid.info for plasmid in plasmids if isinstance(plasmid, Plasmid)], notes


@pytest.mark.parametrize(
    "header",
    [
        "lab,print_name,institution,url,contact",
        "Lab,Name to print,Institute,Website,E-mail",
        "PI,Display Name,University,Homepage,Contact",
        "lab,Lab name,Organisation,Link,email address",
    ],
)
def test_columns_of_labs_are_found_by_their_usual_names(tmp_path: Path, header: str) -> None:
    row = "L1,Doe lab,University of X,https://x.example.org,doe@x.example.org"
    assert labs(tmp_path, f"{header}\n{row}\n") == {
        "L1": LabInfo("Doe lab", "University of X", "https://x.example.org", "doe@x.example.org")
    }


def test_tables_of_labs_may_be_tsv_and_lack_columns_and_cells(tmp_path: Path) -> None:
    text = "contact\tlab\nNA\tL1\nmail@x.org\tL2\n"
    assert labs(tmp_path, text) == {"L1": LabInfo(), "L2": LabInfo(contact="mail@x.org")}


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("name,url\nL1,https://x.org\n", "no header", ":1"),
        ("lab,remark\nL1,x\n", "tells nothing of its labs", "labs.csv"),
        ("lab,url\n", "no rows", "labs.csv"),
        ("lab,url\nL1,https://x.org\nL1,https://y.org\n", "occurs twice", ":3"),
        ("lab,url\nL1,https://x.org\nL2,javascript:x\n", "no address of a page", ":3"),
        ("lab,contact\nL1,a\u202eb\n", "invisible", ":2"),
        ("lab,print_name\nL1," + "x" * 301 + "\n", "301 characters", ":2"),
        ("lab,url\n,https://x.org\n", "name is empty", ":2"),
        ("lab,url\nunknown,https://x.org\n", "reserved", ":2"),
        ("lab,url\nL1\n", "cells, the header", ":2"),
    ],
)
def test_a_wrong_table_of_labs_is_told_with_its_line(
    tmp_path: Path, text: str, what: str, where: str
) -> None:
    with pytest.raises(InputError, match=what) as caught:
        labs(tmp_path, text)
    assert caught.value.where is not None
    assert caught.value.where.endswith(where)


@pytest.mark.parametrize(
    "header", ["publication,year,source_url", "DOI,Publication Year,URL", "pmid,pub_year,Link"]
)
def test_plasmids_get_publication_year_and_page_from_usual_columns(
    tmp_path: Path, header: str
) -> None:
    text = f"id,sequence,{header}\np1,ACGT,10.1/x,2019,https://x.org/1\np2,ACGA,NA,,\n"
    known, notes = infos(tmp_path, text)
    assert known == [PlasmidInfo("10.1/x", 2019, "https://x.org/1"), None]
    assert not any("not kept" in note or "change nothing" in note for note in notes)


def test_columns_may_be_named_and_the_group_be_another(tmp_path: Path) -> None:
    text = "id,sequence,Where,When,At,family\np1,ACGT,Nature 1,1999-05-03,https://x.org/1,f7\n"
    names = ColumnNames(publication="where", year="when", source_url="at")
    known, _ = infos(tmp_path, text, columns=names, group_by="family")
    assert known == [PlasmidInfo("Nature 1", 1999, "https://x.org/1")]
    [plasmid] = read_plasmids(
        [tmp_path / "t.csv"], ReadOptions(columns=names, group_by="family", labelled=False)
    )
    assert isinstance(plasmid, Plasmid)
    assert plasmid.group == "f7"
    [plasmid] = read_plasmids([tmp_path / "t.csv"], ReadOptions(columns=names))
    assert isinstance(plasmid, Plasmid)
    assert plasmid.group == "Nature 1"


def test_a_value_that_is_none_of_its_kind_costs_no_plasmid_and_one_note_tells(
    tmp_path: Path,
) -> None:
    text = (
        "id,lab,sequence,publication,year,url\n"
        "p1,L,ACGT,pub,in press,https://x.org/1\n"
        "p2,L,ACGA,pub,2019.0,javascript:alert(1)\n"
        f"p3,L,ACGC,{'x' * 400},1812,\n"
    )
    known, notes = infos(tmp_path, text, labelled=True)
    assert known == [
        PlasmidInfo("pub", None, "https://x.org/1"),
        PlasmidInfo("pub", 2019),
        None,
    ]
    [note] = [note for note in notes if "not kept" in note]
    assert "4 cells" in note
    assert "t.csv:2: 'in press' is no year" in note


REFERENCES = """REFERENCE   1  (bases 1 to 12)
  AUTHORS   Doe,J.
  TITLE     Direct Submission
  JOURNAL   Submitted (12-JAN-2019) Department (Of Things), Somewhere
REFERENCE   2
  AUTHORS   Roe,R.
  TITLE     A thing of (2001)
  JOURNAL   J. Made 6 (5), 343-345
            (2009)
   PUBMED   12345678
  REMARK    DOI: 10.1000/made.1318.
"""


@pytest.mark.parametrize(
    ("references", "known"),
    [
        (REFERENCES, PlasmidInfo("12345678", 2009)),
        (REFERENCES.replace("PUBMED", "PMC"), PlasmidInfo("10.1000/made.1318", 2009)),
        (REFERENCES.replace("(2009)", "In press"), PlasmidInfo("12345678")),
        (REFERENCES.split("REFERENCE   2")[0], None),
        ("", None),
    ],
)
def test_a_genbank_record_tells_the_first_paper_that_it_cites(
    tmp_path: Path, references: str, known: PlasmidInfo | None
) -> None:
    text = (
        "LOCUS       made                      12 bp    DNA     circular SYN 01-JAN-2020\n"
        f"{references}FEATURES             Location/Qualifiers\n"
        '     misc_feature    1..2\n                     /note="PUBMED   99"\n'
        "ORIGIN\n        1 acgtacgtac gt\n//\n"
    )
    (tmp_path / "a.gb").write_text(text)
    [plasmid] = read_plasmids([tmp_path / "a.gb"])
    assert isinstance(plasmid, Plasmid)
    assert plasmid.info == known
    assert plasmid.group is None  # which would change answers
