"""A table of plasmids: an open table in, its records out, one by one; plasmids in, CSV text out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from vecattr.errors import InputError
from vecattr.plasmid import Plasmid
from vecattr.readers.csv_table import CsvTable, Row, read_csv_table
from vecattr.readers.feature_columns import FeatureParser, feature_columns
from vecattr.readers.input_files import InputFile
from vecattr.readers.records import Record

#: Rows, and characters in them, that decide which columns are features: whichever comes first.
HEAD_ROWS = 1000
HEAD_CHARACTERS = 1 << 26

#: The group column that is used when none is named.
DEFAULT_GROUP = "publication"


def read_table(
    opened: InputFile, *, where: tuple[tuple[str, str], ...] = (), group_by: str | None = None
) -> Iterator[Record]:
    """One record per row of a table with `sequence_id` and `sequence`.

    A column is a feature when it is not reserved and its cells in the first `HEAD_ROWS` rows
    (selected or not) are all 0, 1 or empty. This is settled before the first record: a later cell
    that is neither is that record's problem, and the column stays a feature. So a row's features
    depend neither on `where` nor on how the file is cut into chunks.

    Raises InputError for a missing column, a table without rows and broken quoting.
    """
    sheet = read_csv_table(opened)
    head = _head_rows(sheet)
    if not head:
        raise InputError(
            "the table has a header and no rows", where=sheet.name, hint="give at least one row"
        )
    layout = _layout(sheet, head, where=where, group_by=group_by)
    for row in chain(head, sheet.rows):
        yield layout.record(row)


def _head_rows(sheet: CsvTable) -> list[Row]:
    head: list[Row] = []
    characters = 0
    for row in sheet.rows:
        head.append(row)
        characters += sum(map(len, row.cells))
        if len(head) == HEAD_ROWS or characters > HEAD_CHARACTERS:
            break
    return head


def _layout(
    sheet: CsvTable, head: list[Row], *, where: tuple[tuple[str, str], ...], group_by: str | None
) -> _Layout:
    group = group_by or (DEFAULT_GROUP if DEFAULT_GROUP in sheet.columns else None)
    reserved = set() if group is None else {group}
    positions = feature_columns(sheet.columns, [row.cells for row in head], reserved=reserved)
    wanted: dict[int, set[str]] = {}
    for column, value in where:
        wanted.setdefault(sheet.position(column), set()).add(value.strip())
    return _Layout(
        sheet,
        id=sheet.position("sequence_id"),
        sequence=sheet.position("sequence"),
        lab=_optional(sheet, "lab"),
        topology=_optional(sheet, "topology"),
        group=None if group is None else sheet.position(group),
        wanted=wanted,
        features=FeatureParser(sheet.columns, positions),
    )


def _optional(sheet: CsvTable, column: str) -> int | None:
    return sheet.position(column) if column in sheet.columns else None


@dataclass(frozen=True)
class _Layout:
    """Where everything stands in a row; `wanted` maps a position to the values that select."""

    sheet: CsvTable
    id: int
    sequence: int
    lab: int | None
    topology: int | None
    group: int | None
    wanted: Mapping[int, set[str]]
    features: FeatureParser

    def record(self, row: Row) -> Record:
        place = self.sheet.place(row)
        problem = self.sheet.count_problem(row)
        if problem is not None:
            name = row.cells[self.id].strip() if self.id < len(row.cells) else ""
            return Record(name, place, "", problem=problem)
        cells = row.cells
        try:
            features = self.features(cells)
        except InputError as error:
            features, problem = None, error
        topology = _cell(cells, self.topology)
        return Record(
            cells[self.id].strip(),
            place,
            cells[self.sequence],
            topology=topology.lower() if topology else None,
            lab=None if self.lab is None else cells[self.lab].strip(),
            group=_cell(cells, self.group),
            features=features,
            is_selected=all(cells[at].strip() in values for at, values in self.wanted.items()),
            problem=problem,
        )


def _cell(cells: list[str], position: int | None) -> str | None:
    """A cell without outer whitespace; None when empty or when there is no such column."""
    return None if position is None else cells[position].strip() or None


def table_text(plasmids: Sequence[Plasmid], *, split: Mapping[str, str] | None = None) -> str:
    """The plasmids as CSV, features as 0/1 columns, as `read_plasmids` reads it again.

    `split` maps an id to the value of a column `split`. A row without features, or with others
    than the first plasmid that has some, has empty cells there.
    """
    names = list(next((plasmid.features for plasmid in plasmids if plasmid.features), {}))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    extra = [] if split is None else ["split"]
    table.writerow(["sequence_id", "lab", *extra, "topology", "publication", *names, "sequence"])
    for plasmid in plasmids:
        features = plasmid.features or {}
        values = [features.get(name, "") for name in names]
        part = [] if split is None else [split[plasmid.id]]
        table.writerow(
            [
                plasmid.id,
                plasmid.lab,
                *part,
                plasmid.topology,
                plasmid.group,
                *values,
                plasmid.sequence,
            ]
        )
    return text.getvalue()
