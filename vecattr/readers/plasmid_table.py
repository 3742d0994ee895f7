"""A table of plasmids: an open file in, its records out, one by one; plasmids in, CSV text out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile
from vecattr.plasmid import Plasmid, composed
from vecattr.readers.csv_table import CsvTable, Row, read_csv_table
from vecattr.readers.features import FeatureParser, feature_columns

#: Rows, and characters in them, that decide which columns are features: whichever comes first.
HEAD_ROWS = 1000
HEAD_CHARACTERS = 1 << 26

#: The group column that is used when none is named.
DEFAULT_GROUP = "publication"


def read_table(
    file: InputFile, *, where: tuple[tuple[str, str], ...] = (), group_by: str | None = None
) -> Iterator[Record]:
    """One record per row of a table with `sequence_id` and `sequence`.

    A column is a feature when it is not reserved and its cells in the first `HEAD_ROWS` rows
    (selected or not) are all 0, 1 or empty. This is decided before the first record: a later cell
    with another value is that record's problem, and the column stays a feature. So a row's features
    depend neither on `where` nor on how the file is cut into chunks.

    Raises InputError for a missing column, a table without rows and broken quoting.
    """
    table = read_csv_table(file)
    head = _head_rows(table)
    if not head:
        raise table.no_rows()
    layout = _layout(table, head, where=where, group_by=group_by)
    for row in chain(head, table.rows):
        yield layout.record(row)


def _head_rows(table: CsvTable) -> list[Row]:
    head: list[Row] = []
    characters = 0
    for row in table.rows:
        head.append(row)
        characters += sum(map(len, row.cells))
        if len(head) == HEAD_ROWS or characters > HEAD_CHARACTERS:
            break
    return head


def _layout(
    table: CsvTable, head: list[Row], *, where: tuple[tuple[str, str], ...], group_by: str | None
) -> _Layout:
    group = group_by or (DEFAULT_GROUP if DEFAULT_GROUP in table.columns else None)
    reserved = set() if group is None else {group}
    positions = feature_columns(table.columns, [row.cells for row in head], reserved=reserved)
    selected: dict[int, set[str]] = {}
    for column, value in where:
        selected.setdefault(table.position(column), set()).add(composed(value.strip()))
    return _Layout(
        table,
        id=table.position("sequence_id"),
        sequence=table.position("sequence"),
        lab=_optional(table, "lab"),
        topology=_optional(table, "topology"),
        group=None if group is None else table.position(group),
        selected=selected,
        features=FeatureParser(table.columns, positions),
    )


def _optional(table: CsvTable, column: str) -> int | None:
    return table.position(column) if column in table.columns else None


@dataclass(frozen=True)
class _Layout:
    """The position of each column; `selected` maps a position to the values that select a row."""

    table: CsvTable
    id: int
    sequence: int
    lab: int | None
    topology: int | None
    group: int | None
    selected: Mapping[int, set[str]]
    features: FeatureParser

    def record(self, row: Row) -> Record:
        place = self.table.place(row)
        problem = self.table.count_problem(row)
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
            is_selected=all(
                composed(cells[column].strip()) in values
                for column, values in self.selected.items()
            ),
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
    writer = csv.writer(text, lineterminator="\n")
    extra = [] if split is None else ["split"]
    writer.writerow(["sequence_id", "lab", *extra, "topology", "publication", *names, "sequence"])
    for plasmid in plasmids:
        features = plasmid.features or {}
        values = [features.get(name, "") for name in names]
        part = [] if split is None else [split[plasmid.id]]
        writer.writerow(
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
