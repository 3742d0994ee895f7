"""What tables say of labs and plasmids beside the bases: rows in, checked values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from vecattr.errors import InputError
from vecattr.info import LabInfo, PlasmidInfo
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import check_lab_name
from vecattr.readers.columns import ColumnNames, ColumnUse, Header, year_of
from vecattr.readers.csv_table import read_any_table
from vecattr.readers.table import Row, Table, filled_cell

PlasmidField = Literal["publication", "year", "source_url"]

#: The names of each column of a table of labs, the best first; letters and digits, lower case.
LAB_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "print_name": (
        "printname", "nametoprint", "displayname", "shownname", "fullname", "labname", "name",
    ),
    "institution": (
        "institution", "institute", "organisation", "organization", "university", "company",
        "affiliation",
    ),
    "url": ("url", "website", "homepage", "webpage", "page", "link", "laburl", "web"),
    "contact": (
        "contact", "email", "contactemail", "mail", "emailaddress", "contactperson",
        "correspondence",
    ),
}  # fmt: skip

#: A table of labs needs no ids and no sequences.
_LABS_ALONE = ColumnNames(needed=frozenset({"lab"}))


def read_lab_info(path: str | Path) -> dict[str, LabInfo]:
    """What a table tells of labs, by name: its columns are `lab`, `print_name`, `institution`,
    `url` and `contact`, or usual other names of these. A row may say nothing of its lab.

    Raises InputError for a table without a column of labs or without any other of these, a lab
    twice, a name that no lab may have, and a value that `LabInfo` refuses.

    >>> from pathlib import Path
    >>> _ = Path("labs.csv").write_text("lab,url\\nLab 01,https://one.example.org/\\n")
    >>> read_lab_info("labs.csv")["Lab 01"].url
    'https://one.example.org/'
    """
    with open_input(path) as file:
        table = read_any_table(file, _LABS_ALONE)
        lab_position = table.header.find("lab")
        assert lab_position is not None  # checked with the header
        positions = _positions(table.header, besides=lab_position)
        infos: dict[str, LabInfo] = {}
        for row in table.rows:
            name = _lab_of(row, lab_position, table)
            if name in infos:
                raise InputError(
                    f"the lab {name!r} occurs twice",
                    where=table.place(row),
                    hint="keep one row for each lab",
                )
            infos[name] = _lab_info(row, positions, place=table.place(row))
        if not infos:
            raise table.no_rows()
    return infos


def unread_columns(path: str | Path) -> list[str]:
    """The columns of a table of labs of which `read_lab_info` makes nothing; errors as there."""
    with open_input(path) as file:
        header = read_any_table(file, _LABS_ALONE).header
    lab_position = header.find("lab")
    assert lab_position is not None  # checked with the header
    read = {lab_position, *_positions(header, besides=lab_position).values()}
    return [name for place, name in enumerate(header.columns) if name and place not in read]


def _positions(header: Header, *, besides: int) -> dict[str, int]:
    """Where the columns stand that tell something of labs."""
    others = ["" if place == besides else name for place, name in enumerate(header.columns)]
    found = {field: Header(tuple(others), "").first(names) for field, names in LAB_COLUMNS.items()}
    positions = {field: place for field, place in found.items() if place is not None}
    if not positions:
        raise InputError(
            "the table tells nothing of its labs",
            where=header.file,
            hint=f"give it one or more of the columns {', '.join(LAB_COLUMNS)}",
        )
    return positions


def _lab_of(row: Row, position: int, table: Table) -> str:
    problem = table.count_problem(row)
    if problem is not None:
        raise problem
    return check_lab_name(filled_cell(row.cells, position) or "", where=table.place(row))


def _lab_info(row: Row, positions: Mapping[str, int], *, place: str) -> LabInfo:
    cells = {field: filled_cell(row.cells, position) for field, position in positions.items()}
    try:
        return LabInfo(**cells)
    except InputError as error:
        raise InputError(error.what, where=place, hint=error.hint) from error


@dataclass(frozen=True)
class InfoParser:
    """Makes the `PlasmidInfo` of a row; a cell that is none of its kind is left out, and counted,
    because nothing that is computed depends on it. `positions`: where the column of a field is."""

    positions: Mapping[PlasmidField, int]
    use: ColumnUse

    @classmethod
    def from_header(cls, header: Header, use: ColumnUse) -> InfoParser:
        """By the columns of a table."""
        positions = {field: header.find(field) for field in get_args(PlasmidField)}
        held = {field: place for field, place in positions.items() if place is not None}
        return cls(held, use)

    def __call__(self, cells: list[str], *, place: str) -> PlasmidInfo | None:
        values: dict[str, Any] = {}
        for field, position in self.positions.items():
            cell = filled_cell(cells, position)
            try:
                if cell is not None:
                    values[field] = _value(field, cell)
            except InputError as error:
                self.use.leave_out(error, place=place)
        return PlasmidInfo(**values) if values else None


@lru_cache(maxsize=1024)  # plasmids of one publication stand together
def _value(field: PlasmidField, cell: str) -> str | int | None:
    """The checked value of a cell."""
    if field == "publication":
        return PlasmidInfo(publication=cell).publication
    if field == "source_url":
        return PlasmidInfo(source_url=cell).source_url
    year = year_of(cell)
    if year is None:
        raise InputError(f"{cell[:40]!r} is no year")
    return PlasmidInfo(year=year).year
