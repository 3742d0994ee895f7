"""An opened index in; its labs as rows, with what is known of them, out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vecattr.cli.rendering.formats import Row

if TYPE_CHECKING:
    from vecattr.indexes.scoring.opened_index import OpenedIndex

#: A contract, only ever extended at the end; what is known of labs stands last.
COLUMNS = ("lab", "plasmids", "origin", "print_name", "institution", "url", "contact")
#: How many columns tell what is known.
KNOWN_COLUMNS = 4


def lab_rows(index: OpenedIndex) -> Iterator[Row]:
    """A row under COLUMNS for each lab, sorted by name."""
    for lab in index.labs():
        info = index.lab_info.get(lab.name) if index.lab_info else None
        known = (info.print_name, info.institution, info.url, info.contact) if info else (None,) * 4
        yield (lab.name, lab.plasmids, lab.origin, *known)
