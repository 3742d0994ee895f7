"""Names of labs that look alike: an index and some of its labs in, groups of names out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vecattr.indexes.storage.live_segment import class_names
from vecattr.indexes.storage.snapshot import open_snapshot
from vecattr.plasmid import look_alikes


def labs_that_look_like(path: Path, names: Iterable[str]) -> list[tuple[str, ...]]:
    """The groups of labs of an index that differ only in blanks and invisible characters, those
    with at least one of the `names`."""
    wanted = set(names)
    all_names = class_names(open_snapshot(path).segments) | wanted
    return [group for group in look_alikes(all_names) if wanted & set(group)]
