"""A table of plasmids: an open file in, its records out, one by one; plasmids in, CSV text out."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile
from vecattr.plasmid import Plasmid, composed
from vecattr.readers.columns import (
    BY_NAME,
    ColumnNames,
    ColumnUse,
    is_missing,
    topology_of,
)
from vecattr.readers.csv_table import read_any_table
from vecattr.readers.features import FeatureParser, feature_columns
from vecattr.readers.info import InfoParser
from vecattr.readers.table import Row, Table, filled_cell, unescape_formula

#: Rows, and characters in them, that decide which columns are features: whichever comes first.
HEAD_ROWS = 1000
HEAD_CHARACTERS = 1 << 26


def read_table(
    file: InputFile,
    *,
    names: ColumnNames = BY_NAME,
    where: tuple[tuple[str, str], ...] = (),
    use: ColumnUse | None = None,
) -> Iterator[Record]:
    """One record per row of a table with a column of sequences; ids, labs, topologies and
    publications come from columns that are called so, or that `names` names.

    A column is a feature when it holds none of these, its cells in the first `HEAD_ROWS` rows
    (selected or not) are all 0, 1 or missing, and it is one that counts. This is decided before the
    first record: a later cell with another value is that record's problem, and the column stays a
    feature. So a row's features depend neither on `where` nor on how the file is cut into chunks.

    Raises InputError for a missing column, a table without rows and broken quoting.
    """
    table = read_any_table(file, names)
    head = _head_rows(table)
    if not head:
        raise table.no_rows()
    layout = _layout(table, head, where=where, use=use or ColumnUse())
    for row in chain(head, table.rows):
        yield layout.record(row)


def _head_rows(table: Table) -> list[Row]:
    head: list[Row] = []
    characters = 0
    for row in table.rows:
        head.append(row)
        characters += sum(map(len, row.cells))
        if len(head) == HEAD_ROWS or characters > HEAD_CHARACTERS:
            break
    return head


def _layout(
    table: Table, head: list[Row], *, where: tuple[tuple[str, str], ...], use: ColumnUse
) -> _Layout:
    header = table.header
    selected: dict[int, set[str]] = {}
    for column, value in where:
        selected.setdefault(table.position(column), set()).add(composed(value.strip()))
    sequence = header.find("sequence")
    if sequence is None:
        raise InputError(
            "the table has no column of sequences",
            where=table.name,
            hint="call it sequence, or name it with --sequence-column",
        )
    reserved = header.reserved()
    positions = _features(table, head, reserved, use)
    taken = reserved | selected.keys() | set(positions)
    use.features |= {table.columns[position]: None for position in positions}
    use.unused |= {
        name: None for place, name in enumerate(table.columns) if name and place not in taken
    }
    return _Layout(
        table,
        id=header.find("id"),
        sequence=sequence,
        lab=header.find("lab"),
        topologies=header.topologies(),
        group=header.group(),
        info=InfoParser.from_header(header, use),
        selected=selected,
        features=FeatureParser(table.columns, positions),
    )


def _features(
    table: Table, head: list[Row], reserved: Collection[int], use: ColumnUse
) -> tuple[int, ...]:
    """Where the columns of features stand that count."""
    named = {table.position(name) for name in table.header.names.features}
    rows = [row.cells for row in head]
    positions = feature_columns(table.columns, rows, reserved=set(reserved) - named)
    if named:
        odd = min(named - set(positions), default=None)
        if odd is not None:
            raise InputError(
                f"the column {table.columns[odd]!r} holds other values than 0 and 1",
                where=table.name,
                hint="name columns of 0 and 1 with --feature-column",
            )
        return tuple(position for position in positions if position in named)
    known = use.known_features() if positions else None
    return tuple(
        position for position in positions if known is None or table.columns[position] in known
    )


@dataclass(frozen=True)
class _Layout:
    """The position of each column; `selected` maps a position to the values that select a row."""

    table: Table
    id: int | None
    sequence: int
    lab: int | None
    topologies: Sequence[tuple[int, str]]
    group: int | None
    info: InfoParser
    selected: Mapping[int, set[str]]
    features: FeatureParser

    def record(self, row: Row) -> Record:
        place = self.table.place(row)
        problem = self.table.count_problem(row)
        if problem is not None:
            return Record(filled_cell(row.cells, self.id) or "", place, "", problem=problem)
        cells = row.cells
        features = topology = None
        try:
            topology = topology_of(cells, self.topologies) if self.topologies else None
            features = self.features(cells)
        except InputError as error:
            problem = error
        sequence = cells[self.sequence]
        if len(sequence) < _LONGEST_WORD and is_missing(sequence.strip()):
            sequence = ""
        return Record(
            filled_cell(cells, self.id) or "",
            place,
            sequence,
            topology=topology,
            lab=None if self.lab is None else filled_cell(cells, self.lab) or "",
            group=filled_cell(cells, self.group),
            info=self.info(cells, place=place),
            features=features,
            is_selected=not self.selected or self._selects(cells),
            problem=problem or self.table.cut_problem(sequence),
        )

    def _selects(self, cells: list[str]) -> bool:
        return all(
            composed(unescape_formula(cells[column].strip())) in values
            for column, values in self.selected.items()
        )


#: No word for a missing value is as long (characters).
_LONGEST_WORD = 20


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
