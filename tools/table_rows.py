"""A table and conditions on its columns in, the labelled plasmids of those rows out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.plasmid import Plasmid
from vecattr.readers.plasmids import ReadOptions


def read_rows(table: Path, *, group_by: str | None = None, **where: Sequence[str]) -> list[Plasmid]:
    """The rows whose columns have one of the given values, as bare sequences; bad records are
    reported."""
    conditions = tuple((column, value) for column, values in where.items() for value in values)
    options = ReadOptions(where=conditions, no_features=True, group_by=group_by)
    return load_labelled_plasmids([str(table)], options)
