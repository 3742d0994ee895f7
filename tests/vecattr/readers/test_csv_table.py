"""Claims about CSV tables: the header decides, line numbers are exact, broken text is refused."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import InputError
from vecattr.inputs.input_files import open_input
from vecattr.readers.csv_table import read_csv_table
from vecattr.readers.table import check_header


def rows_of(content: bytes, folder: Path) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    path = folder / "table.csv"
    path.write_bytes(content)
    with open_input(path) as file:
        table = read_csv_table(file)
        return table.columns, [(row.line, row.cells) for row in table.rows]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_the_header_shows_the_delimiter_and_line_ends_do_not_matter(
    delimiter: str, line_end: str, bom: bytes, tmp_path: Path
) -> None:
    lines = ["sequence_id, sequence ,lab", "a,ACGT,L 1", "", "b,AC,L 2", ""]
    text = line_end.join(lines).replace(",", delimiter)
    columns, rows = rows_of(bom + text.encode(), tmp_path)
    assert columns == ("sequence_id", "sequence", "lab")
    assert rows == [(2, ["a", "ACGT", "L 1"]), (4, ["b", "AC", "L 2"])]


def test_a_row_is_named_by_the_line_it_begins_on(tmp_path: Path) -> None:
    _, rows = rows_of(b'sequence_id,sequence\na,"AC\nGT"\nb,A\n', tmp_path)
    assert [line for line, _ in rows] == [2, 4]


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), max_size=9)


@given(st.lists(st.tuples(cell, cell), max_size=5), st.sampled_from(",\t;"))
def test_quoted_cells_survive_the_round_trip(rows: list[tuple[str, str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("sequence_id", "sequence"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        _, read_rows = rows_of(text.getvalue().encode(), Path(folder))
    assert [tuple(cells) for _, cells in read_rows] == rows


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"AP1,ACGT,PI1\n", "no header", 1),
        (b'"\t"', "no header", None),
        (b"sequence_id,sequence,lab,lab\n", "'lab' occurs twice", 1),
        (b'sequence_id,sequence\na,ACGT\nb,"AC\n', "quoting", 3),
        (b'sequence_id,sequence\na,"AC"GT\n', "quoting", 2),
    ],
)
def test_a_broken_table_is_refused_with_its_line(
    content: bytes, message: str, line: int | None, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        rows_of(content, tmp_path)
    place = str(tmp_path / "table.csv")
    assert caught.value.where is not None
    assert caught.value.where.startswith(place)
    if line is not None:
        assert caught.value.where == f"{place}:{line}"


def test_a_missing_column_names_the_columns_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text("sequence_id," + ",".join(f"c{n}" for n in range(20)) + "\n")
    with open_input(path) as file, pytest.raises(InputError, match="and 13 more"):
        read_csv_table(file).position("split")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-8-sig"])
def test_a_letter_of_another_encoding_refuses_no_table(encoding: str, tmp_path: Path) -> None:
    text = "sequence_id\tsequence\tlab\na\tAC\tMüller\n"
    assert rows_of(text.encode(encoding), tmp_path)[1] == [(2, ["a", "AC", "Müller"])]


def test_fasta_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a table"):
        rows_of(b">a\nACGT\n", tmp_path)


class CountedName(str):
    """A column's name that counts how often it is compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        CountedName.comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_the_names_of_columns_are_compared_about_once_each() -> None:
    columns = tuple(CountedName(f"f{number}") for number in range(2000))
    check_header(("sequence_id", *columns), "wide.csv")
    assert CountedName.comparisons < 10 * len(columns)


def test_a_column_that_occurs_twice_among_thousands_is_refused(tmp_path: Path) -> None:
    names = ["sequence_id", *(f"f{number}" for number in range(50_000)), "f7"]
    (tmp_path / "wide.csv").write_text(",".join(names) + "\n")
    with open_input(tmp_path / "wide.csv") as file, pytest.raises(InputError, match="'f7' occurs"):
        read_csv_table(file)
