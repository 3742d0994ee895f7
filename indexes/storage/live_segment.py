"""Segments as the manifest shows them: stored rows in; living rows out, under their present names.

Removal and renaming are applied in this module only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, compress

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.axes import Axes
from vecattr.errors import DamagedError, MissingError
from vecattr.files.atomic import translated_errors
from vecattr.files.folder import Entry, Location
from vecattr.indexes.storage.index_folder import opened_index, segment_path
from vecattr.indexes.storage.lab_parts import ORIGINS, LabPart
from vecattr.indexes.storage.manifest import Manifest, SegmentEntry
from vecattr.indexes.storage.segment import Segment
from vecattr.indexes.storage.segment_schema import StoredCodes
from vecattr.indexes.storage.stored_info import StoredPlasmid
from vecattr.plasmid import POOLED, composed, is_composed
from vecattr.ranking.discriminant import Discriminant
from vecattr.vectors import Mask, Rows, Vectors


@dataclass(frozen=True)
class LiveSegment:
    """A segment and its entry in the manifest."""

    entry: SegmentEntry
    stored: Segment

    @classmethod
    def open(cls, path: Location, entry: SegmentEntry, *, model: str) -> LiveSegment:
        """Open the file of this entry of the index at `path`, and check that it is that very file.

        MissingError, DamagedError or MismatchError name the file.
        """
        with opened_index(path) as folder:
            return cls._open(segment_path(folder, entry.name), entry, model=model)

    @classmethod
    def _open(cls, file: Entry, entry: SegmentEntry, *, model: str) -> LiveSegment:
        if not file.exists():
            raise MissingError(
                "this segment, which manifest.json names, is missing",
                where=str(file),
                hint="restore it from a copy, or build the index again",
            )
        stored = Segment(file, model=model)
        with translated_errors(file):
            size = file.stat().st_size
        actual = size, stored.digest, stored.rows
        expected = entry.file.size, entry.header, entry.rows
        if actual != expected:
            raise DamagedError(
                f"not the segment this index was made of: size, header and rows are "
                f"{_shown(actual)}, expected {_shown(expected)}",
                where=str(file),
                hint="restore the file from a copy, or build the index again",
            )
        return cls(entry, stored)

    def present(self, stored: str) -> str | None:
        """The name that a stored lab or class has now, in composed form; None when it is removed.
        (Segments written before names were composed may hold others.)"""
        if self.is_unchanged or stored == POOLED:
            return stored
        name = self.entry.present(stored)
        return None if name is None else composed(name)

    def present_names(self, stored: Sequence[str]) -> list[str | None]:
        """As `present`, of several names."""
        return [*stored] if self.is_unchanged else [*map(self.present, stored)]

    @cached_property
    def is_unchanged(self) -> bool:
        """Whether every lab has the name that it is stored under."""
        if self.entry.removed or self.entry.renamed:
            return False
        if self.stored.are_names_ascii:  # then they are in composed form
            return True
        names = (*self.stored.lab_names, *self.stored.label_names, *self.stored.part_names)
        return is_composed("\n".join(names))

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """Which rows are living (n,)."""
        if not self.entry.removed:
            return np.ones(self.stored.rows, dtype=bool)
        is_present = [name is not None for name in self.present_names(self.stored.lab_names)]
        return np.array(is_present, dtype=bool)[self.stored.lab_codes]

    @cached_property
    def parts(self) -> tuple[LabPart, ...]:
        """The lab parts that are not removed, under their present names."""
        if self.is_unchanged:
            return self.stored.parts
        return tuple(self.some_parts(np.ones(len(self.part_names), dtype=bool)))

    @cached_property
    def _living_parts(self) -> Rows | slice:
        """Which lab parts are not removed, as places."""
        if self.is_unchanged:
            return slice(None)
        present = enumerate(self.present_names(self.stored.part_names))
        return np.array([place for place, name in present if name is not None], dtype=np.int64)

    @cached_property
    def part_names(self) -> list[str]:
        """The present names of the lab parts that are not removed (m,)."""
        present = self.present_names(self.stored.part_names)
        return [name for name in present if name is not None]

    def some_parts(self, chosen: Mask) -> list[LabPart]:
        """Those of `part_names` that are chosen (m,)."""
        places = np.arange(len(self.stored.part_names))[self._living_parts][chosen]
        parts = self.stored.part_columns.parts(places.tolist())
        names = compress(self.part_names, chosen.tolist())
        return [part._replace(name=name) for part, name in zip(parts, names, strict=True)]

    @property
    def part_vectors(self) -> Vectors:
        """Their unit vectors (m, d)."""
        return self.stored.part_columns.vectors[self._living_parts]

    @property
    def part_is_learned(self) -> Mask:
        """Which of them are learned (m,)."""
        origins = self.stored.part_columns.origins[self._living_parts]
        return np.asarray(origins == ORIGINS.index("learned"))

    def lab(self, row: int) -> str:
        """The true lab of a living row, under its present name."""
        name = self.present(self.stored.lab_names[int(self.stored.lab_codes[row])])
        assert name is not None, "a removed row was asked for"
        return name

    def label(self, row: int) -> str:
        """The class of a living row, under its present name."""
        stored_name = self.stored.label_names[int(self.stored.label_codes[row])]
        return POOLED if stored_name == POOLED else self.lab(row)

    def labs(self, rows: NDArray[np.int64]) -> list[str]:
        """The true labs of some living rows, under their present names."""
        codes = self.stored.lab_codes[rows].tolist()
        names = {code: self.present(self.stored.lab_names[code]) for code in {*codes}}
        labs = [names[code] for code in codes]
        assert None not in labs, "a removed row was asked for"
        return [lab for lab in labs if lab is not None]

    def labels(self, rows: NDArray[np.int64]) -> list[str]:
        """The classes of some living rows, under their present names."""
        codes = self.stored.label_codes[rows].tolist()
        stored_names = (self.stored.label_names[code] for code in codes)
        pairs = zip(stored_names, self.labs(rows), strict=True)
        return [POOLED if name == POOLED else lab for name, lab in pairs]

    def plasmid(self, row: int) -> StoredPlasmid:
        """Everything about a living row, under its present name."""
        return replace(self.stored.plasmid(row), lab=self.lab(row), label=self.label(row))

    def rows(self) -> NDArray[np.int64]:
        """The living rows, ascending."""
        return np.flatnonzero(self.alive)

    def class_sizes(self) -> Counter[str]:
        """How many living rows each class has."""
        return self._sizes(self.stored.label_codes, self.stored.label_names)

    def lab_sizes(self) -> Counter[str]:
        """How many living rows each lab has, pooled ones by name."""
        return self._sizes(self.stored.lab_codes, self.stored.lab_names)

    def _sizes(self, codes: StoredCodes, stored_names: Sequence[str]) -> Counter[str]:
        """How many living rows each name has, by present names."""
        counts = np.bincount(codes[self.alive], minlength=len(stored_names)).tolist()
        sizes: Counter[str] = Counter()
        for stored_name, count in zip(stored_names, counts, strict=True):
            name = self.present(stored_name)
            if name is not None and count:
                sizes[name] += count
        return sizes

    def stored_as(self, name: str) -> frozenset[str]:
        """The stored lab names that are called `name` now."""
        return self.stored_as_any(frozenset((name,)))

    def stored_as_any(self, names: Collection[str]) -> frozenset[str]:
        """The stored lab names that are called one of these now."""
        stored_names = {*self.stored.lab_names, *self.stored.part_names} - {POOLED}
        return frozenset(stored for stored in stored_names if self.present(stored) in names)

    def with_entry(self, entry: SegmentEntry) -> LiveSegment:
        """The same file under another entry of a manifest."""
        return LiveSegment(entry, self.stored)


def _shown(facts: tuple[int, str, int]) -> str:
    return f"{facts[0]}, {facts[1][:12]}…, {facts[2]}"


def open_segments(path: Location, manifest: Manifest) -> tuple[LiveSegment, ...]:
    """Every segment of a manifest; errors as in `LiveSegment.open`."""
    with opened_index(path) as folder:
        segments = tuple(
            LiveSegment.open(folder, entry, model=manifest.model) for entry in manifest.segments
        )
    check_shared_labs(path, segments)
    return segments


def check_shared_labs(path: Location, segments: Sequence[LiveSegment]) -> None:
    """DamagedError when two entries of the manifest show one lab of one segment: its plasmids
    would count twice. (A segment may be named again when the labs it shows were removed before.)"""
    entries = Counter(segment.entry.name for segment in segments)
    names_shown: dict[str, set[str]] = {}
    for segment in segments:
        if entries[segment.entry.name] == 1:
            continue
        stored_names = {*segment.stored.lab_names, *segment.stored.part_names}
        shown = {name for name in stored_names if segment.present(name) is not None}
        earlier = names_shown.setdefault(segment.entry.name, set())
        if common := earlier & shown:
            raise DamagedError(
                f"the segment {segment.entry.name} is named twice, both times with the lab "
                f"{min(common)!r}",
                where=str(path / "manifest.json"),
                hint="restore the file from a copy, or build the index again",
            )
        earlier |= shown


def discriminant_of(segments: Sequence[LiveSegment]) -> Discriminant | None:
    """The discriminant of the plasmids that an index was built from; None without moments."""
    return Discriminant.from_moments(
        part for segment in segments for part in segment.stored.moments
    )


def class_names(segments: Iterable[LiveSegment]) -> set[str]:
    """The names of all classes."""
    return {name for segment in segments for name in segment.part_names}


def class_sizes(segments: Iterable[LiveSegment]) -> Counter[str]:
    """How many living plasmids each class has over all segments."""
    sizes: Counter[str] = Counter()
    for segment in segments:
        sizes.update(segment.class_sizes())
    return sizes


def living_places(
    segments: Sequence[LiveSegment], ids: Sequence[str]
) -> dict[str, tuple[LiveSegment, int]]:
    """The segment and the row there of each of the ids that a living row has."""
    places: dict[str, tuple[LiveSegment, int]] = {}
    for segment in segments:
        for name, rows in segment.stored.find(ids).items():
            for row in rows:
                if segment.alive[row]:
                    places[name] = segment, row
    return places


def stored_axes(segments: Sequence[LiveSegment]) -> Axes | None:
    """The axes along which the vectors of some segments of one model are compared; None when none
    of them stores any."""
    axes = (segment.stored.axes for segment in segments)
    return next((stored for stored in axes if stored is not None), None)


def living_rows(segments: Sequence[LiveSegment], ids: Sequence[str]) -> dict[str, int]:
    """The row of each of the ids that a living row has, counted over all segments."""
    return row_numbers(segments, living_places(segments, ids))


def row_numbers(
    segments: Sequence[LiveSegment], places: Mapping[str, tuple[LiveSegment, int]]
) -> dict[str, int]:
    """Places as row numbers, counted over all segments."""
    sizes = [segment.stored.rows for segment in segments]
    first_row = dict(zip(map(id, segments), accumulate(sizes, initial=0), strict=False))
    return {name: first_row[id(segment)] + row for name, (segment, row) in places.items()}


def find_living(segments: Sequence[LiveSegment], ids: Sequence[str]) -> list[str]:
    """Those of the ids that a living row has, in the order given."""
    places = living_places(segments, ids)
    return [name for name in ids if name in places]
