"""A segment in the making: plasmids with vectors, or rows of other segments, in; bytes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.files.arrays import string_arrays, write_arrays
from vecattr.files.directory import Attribute
from vecattr.indexes.editing.kmer_writer import Arrays, kmer_arrays
from vecattr.indexes.storage.lab_parts import LabPart
from vecattr.indexes.storage.manifest import Manifest
from vecattr.indexes.storage.segment import (
    MISSING_FEATURE,
    NO_GROUP,
    ORIGINS,
    SEGMENT_FORMAT,
    SEGMENT_VERSION,
    TOPOLOGIES,
    Codes,
    Features,
    Record,
    id_hashes,
)
from vecattr.indexes.storage.segment_kmers import PARAMETERS
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Moments
from vecattr.sequences.two_bit import pack_bases
from vecattr.vectors import Vectors

#: A segment is closed when it holds this many rows or bytes of packed bases (four bases each), so
#: that counting its k-mers takes some gigabytes at most.
MOST_ROWS = 1 << 17
MOST_BYTES = 1 << 28


class SegmentWriter:
    """Rows and lab parts that will be one segment."""

    def __init__(
        self, *, model: str, width: int, keep_sequences: bool, most_rows: int = MOST_ROWS
    ) -> None:
        self._model = model
        self._width = width
        self._keep_sequences = keep_sequences
        self._most_rows = most_rows
        self._records: list[Record] = []
        self._parts: list[LabPart] = []
        self._moments: list[Moments] = []
        self._base_bytes = 0
        self._feature_names: dict[tuple[str, ...], tuple[str, ...]] = {}

    @classmethod
    def from_manifest(cls, manifest: Manifest, *, most_rows: int = MOST_ROWS) -> SegmentWriter:
        """An empty segment for the index of this manifest."""
        return cls(
            model=manifest.model,
            width=manifest.width,
            keep_sequences=manifest.keep_sequences,
            most_rows=most_rows,
        )

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_full(self) -> bool:
        """Whether the next plasmid belongs in another segment: enough rows, or enough bases."""
        return len(self._records) >= self._most_rows or self._base_bytes >= MOST_BYTES

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self._records or self._parts or self._moments)

    @property
    def labels(self) -> list[str]:
        """The class of each row so far."""
        return [record.label for record in self._records]

    @property
    def vectors(self) -> Vectors:
        """The vector of each row so far (n, d)."""
        rows = np.zeros((len(self._records), self._width), dtype=np.float32)
        for row, record in enumerate(self._records):
            rows[row] = record.vector
        return rows

    def add_plasmid(self, plasmid: Plasmid, *, label: str, vector: Vectors) -> None:
        """One labelled plasmid with its unit vector (d,)."""
        assert plasmid.lab is not None, "a stored plasmid has a lab"
        self.add_record(
            Record(
                id=plasmid.id,
                lab=plasmid.lab,
                label=label,
                group=plasmid.group,
                topology=plasmid.topology,
                length=len(plasmid),
                vector=vector,
                bases=pack_bases(plasmid.sequence) if self._keep_sequences else None,
                features=self._packed_features(plasmid),
            )
        )

    def _packed_features(self, plasmid: Plasmid) -> Features | None:
        if not plasmid.features:
            return None
        names = tuple(sorted(plasmid.features))
        names = self._feature_names.setdefault(names, names)
        return names, bytes(plasmid.features[name] for name in names)

    def add_record(self, record: Record) -> None:
        """One row as it is (from another segment)."""
        self._records.append(record)
        if record.bases is not None:
            self._base_bytes += len(record.bases.packed)

    def add_parts(self, parts: Iterable[LabPart]) -> None:
        """Lab parts as they are; several of one name may stand side by side."""
        self._parts.extend(parts)

    def add_moments(self, moments: Iterable[Moments]) -> None:
        """What plasmids in general look like, as seen when the index was built."""
        self._moments.extend(moments)

    def to_bytes(self) -> bytes:
        """The segment file; the same content gives the same bytes."""
        arrays = self._sequence_arrays() | self._feature_arrays() | self._lab_arrays()
        arrays |= self._moment_arrays()
        facts: dict[str, Attribute] = {
            "format": SEGMENT_FORMAT,
            "version": SEGMENT_VERSION,
            "model": self._model,
            "width": self._width,
        }
        if self._keep_sequences:
            arrays |= self._base_arrays() | self._kmer_arrays(arrays)
            facts |= PARAMETERS
        return write_arrays(dict(sorted(arrays.items())), facts)

    def _sequence_arrays(self) -> Arrays:
        records = self._records
        hashes = id_hashes([record.id for record in records])
        order = np.argsort(hashes, kind="stable")
        topologies = [TOPOLOGIES.index(record.topology) for record in records]
        return {
            **string_arrays("sequences/id", [record.id for record in records]),
            "sequences/id_hash": hashes[order],
            "sequences/id_row": order.astype(np.int64),
            **_coded("lab", [record.lab for record in records]),
            **_coded("label", [record.label for record in records]),
            **_coded("group", [record.group for record in records]),
            "sequences/topology": np.array(topologies, dtype=np.uint8),
            "sequences/length": np.array([record.length for record in records], dtype=np.int64),
            "sequences/vector": self.vectors,
        }

    def _feature_arrays(self) -> Arrays:
        known = {record.features[0] for record in self._records if record.features}
        names = sorted(set().union(*known))
        place = {name: column for column, name in enumerate(names)}
        columns = {group: [place[name] for name in group] for group in known}
        matrix = np.full((len(self._records), len(names)), MISSING_FEATURE, dtype=np.uint8)
        for row, record in enumerate(self._records):
            if record.features:
                values = np.frombuffer(record.features[1], dtype=np.uint8)
                matrix[row, columns[record.features[0]]] = values
        return {"sequences/feature": matrix, **string_arrays("sequences/feature_name", names)}

    def _base_arrays(self) -> Arrays:
        packed = [record.bases for record in self._records if record.bases is not None]
        assert len(packed) == len(self._records), "either all rows have bases or none"
        none = np.zeros(0, dtype=np.int64)
        byte, letter = none.astype(np.uint8), none.astype(np.uint8)
        return {
            "sequences/bases/bytes": np.concatenate([byte, *(item.packed for item in packed)]),
            "sequences/bases/offsets": _offsets([len(item.packed) for item in packed]),
            "sequences/exceptions/offsets": _offsets([len(item.starts) for item in packed]),
            "sequences/exceptions/start": np.concatenate([none, *(i.starts for i in packed)]),
            "sequences/exceptions/length": np.concatenate([none, *(i.lengths for i in packed)]),
            "sequences/exceptions/letter": np.concatenate([letter, *(i.letters for i in packed)]),
        }

    def _kmer_arrays(self, made: Arrays) -> Arrays:
        """Counted anew from the bases, whatever segments the rows come from."""
        records = self._records
        molecules = ((one.bases, one.topology) for one in records if one.bases is not None)
        labs, groups = (cast("Codes", made[f"sequences/{name}"]) for name in ("lab", "group"))
        return kmer_arrays(molecules, labs=labs, groups=groups)

    def _lab_arrays(self) -> Arrays:
        parts = sorted(
            self._parts, key=lambda part: (part.name, part.weight, part.vector.tobytes())
        )
        vectors = np.zeros((len(parts), self._width), dtype=np.float32)  # (m, d)
        for row, part in enumerate(parts):
            vectors[row] = part.vector
        origins = [ORIGINS.index(part.origin) for part in parts]
        return {
            **string_arrays("labs/name", [part.name for part in parts]),
            "labs/vector": vectors,
            "labs/weight": np.array([part.weight for part in parts], dtype=np.float64),
            "labs/origin": np.array(origins, dtype=np.uint8),
        }

    def _moment_arrays(self) -> Arrays:
        moments = sorted(self._moments, key=lambda one: (one.count, one.total.tobytes()))
        shape = len(moments), self._width, self._width
        totals, outers = np.zeros(shape[:2]), np.zeros(shape)  # (j, d), (j, d, d)
        for row, one in enumerate(moments):
            totals[row], outers[row] = one.total, one.outer
        return {
            "moments/count": np.array([one.count for one in moments], dtype=np.int64),
            "moments/total": totals,
            "moments/outer": outers,
        }


def _coded(column: str, values: Sequence[str | None]) -> Arrays:
    """A column of few different strings as codes into its sorted names; None is NO_GROUP."""
    names = sorted({value for value in values if value is not None})
    code: dict[str | None, int] = {name: place for place, name in enumerate(names)}
    code[None] = NO_GROUP
    codes = np.array([code[value] for value in values], dtype=np.int32)
    return {f"sequences/{column}": codes, **string_arrays(f"sequences/{column}_name", names)}


def _offsets(lengths: Sequence[int]) -> NDArray[np.generic]:
    """Where each piece begins when pieces stand end to end, (n + 1,)."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.uint64)
    offsets[1:] = np.cumsum(lengths, dtype=np.uint64)
    return offsets
