"""Plasmids with vectors, or rows of other segments, in; the bytes of a segment file out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.axes import Axes, stored_coordinates
from vecattr.files.array_directory import Attribute
from vecattr.files.arrays import string_arrays, write_arrays
from vecattr.indexes.editing.kmer_writer import (
    Arrays,
    CollectedKmers,
    MoleculeKmers,
    kmer_arrays,
)
from vecattr.indexes.storage.kmer_schema import (
    FINE_PARAMETERS,
    PARAMETERS,
    SKETCH_PARAMETER,
    SKETCH_SCALED,
)
from vecattr.indexes.storage.lab_parts import ORIGINS, LabPart
from vecattr.indexes.storage.manifest import Manifest
from vecattr.indexes.storage.segment import (
    MISSING_FEATURE,
    SEGMENT_FORMAT,
    SEGMENT_VERSION,
    TOPOLOGIES,
)
from vecattr.indexes.storage.segment_schema import AXES, COORDINATES, StoredCodes, id_hashes
from vecattr.indexes.storage.stored_info import NO_GROUP, NO_YEAR, PackedFeatures, StoredPlasmid
from vecattr.info import PlasmidInfo
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Moments
from vecattr.sequences.two_bit import PackedBases, pack_bases
from vecattr.vectors import Vectors

#: A segment is full at this many rows or bytes of packed bases (four bases each, so 40,000
#: plasmids or so): writing it takes up to 11 bytes of memory for each base that the file keeps,
#: where plasmids share no k-mers, however large the index becomes.
MOST_ROWS = 1 << 17
MOST_BYTES = 60 << 20


def is_full(rows: int, base_bytes: int, *, most_rows: int = MOST_ROWS) -> bool:
    """Whether the plasmid after so many rows, and bytes of packed bases, belongs in another
    segment."""
    return rows >= most_rows or base_bytes >= MOST_BYTES


class SegmentWriter:
    """Collects the rows and lab parts of one segment."""

    def __init__(
        self,
        *,
        model: str,
        width: int,
        keep_sequences: bool,
        most_rows: int = MOST_ROWS,
        axes: Axes | None = None,
    ) -> None:
        """`axes` (r, d) are those of the space of the model's vectors, where it is narrow."""
        self._model = model
        self._width = width
        self._keep_sequences = keep_sequences
        self._most_rows = most_rows
        self._axes = axes
        self._plasmids: list[StoredPlasmid] = []
        self._kmers = CollectedKmers()
        self._parts: list[LabPart] = []
        self._moments: list[Moments] = []
        self._base_bytes = 0
        self._feature_names: dict[tuple[str, ...], tuple[str, ...]] = {}

    @classmethod
    def from_manifest(
        cls, manifest: Manifest, *, most_rows: int = MOST_ROWS, axes: Axes | None = None
    ) -> SegmentWriter:
        """An empty segment for the index of this manifest."""
        return cls(
            model=manifest.model,
            width=manifest.width,
            keep_sequences=manifest.keep_sequences,
            most_rows=most_rows,
            axes=axes,
        )

    def __len__(self) -> int:
        return len(self._plasmids)

    @property
    def is_full(self) -> bool:
        """Whether the next plasmid belongs in another segment: enough rows, or enough bases."""
        return is_full(len(self._plasmids), self._base_bytes, most_rows=self._most_rows)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self._plasmids or self._parts or self._moments)

    @property
    def labels(self) -> list[str]:
        """The class of each row so far."""
        return [plasmid.label for plasmid in self._plasmids]

    @property
    def vectors(self) -> Vectors:
        """The vector of each row so far (n, d)."""
        rows = np.zeros((len(self._plasmids), self._width), dtype=np.float32)
        for row, plasmid in enumerate(self._plasmids):
            rows[row] = plasmid.vector
        return rows

    def add_plasmid(
        self,
        plasmid: Plasmid,
        *,
        label: str,
        vector: Vectors,
        bases: PackedBases | None = None,
        kmers: MoleculeKmers | None = None,
    ) -> None:
        """One labelled plasmid with its unit vector (d,), and with its packed bases and k-mers if
        they were made before."""
        assert plasmid.lab is not None, "a stored plasmid has a lab"
        info = plasmid.info or PlasmidInfo()
        if not self._keep_sequences:
            bases = None
        elif bases is None:
            bases = pack_bases(plasmid.sequence)
        if bases is not None and kmers is not None and len(self._kmers) == len(self):
            self._kmers.add(kmers)
        self.add_stored(
            StoredPlasmid(
                id=plasmid.id,
                lab=plasmid.lab,
                label=label,
                group=plasmid.group,
                topology=plasmid.topology,
                length=len(plasmid),
                vector=vector,
                bases=bases,
                features=self._packed_features(plasmid),
                publication=info.publication,
                year=info.year,
                source_url=info.source_url,
            )
        )

    def _packed_features(self, plasmid: Plasmid) -> PackedFeatures | None:
        if not plasmid.features:
            return None
        names = tuple(sorted(plasmid.features))
        names = self._feature_names.setdefault(names, names)
        return names, bytes(plasmid.features[name] for name in names)

    def add_stored(self, plasmid: StoredPlasmid) -> None:
        """One row of another segment, unchanged."""
        self._plasmids.append(plasmid)
        if plasmid.bases is not None:
            self._base_bytes += len(plasmid.bases.packed)

    def add_parts(self, parts: Iterable[LabPart]) -> None:
        """Lab parts, unchanged; several may have one name."""
        self._parts.extend(parts)

    def add_moments(self, moments: Iterable[Moments]) -> None:
        """Moments of the vectors that the index was built from, unchanged."""
        self._moments.extend(moments)

    def to_bytes(self) -> bytes:
        """The segment file; the same content gives the same bytes."""
        arrays = self._sequence_arrays() | self._info_arrays() | self._feature_arrays()
        arrays |= self._lab_arrays() | self._moment_arrays()
        if self._axes is not None:
            along = stored_coordinates(cast("Vectors", arrays["sequences/vector"]), self._axes)
            arrays |= {AXES: self._axes, COORDINATES: along}
        facts: dict[str, Attribute] = {
            "format": SEGMENT_FORMAT,
            "version": SEGMENT_VERSION,
            "model": self._model,
            "width": self._width,
        }
        if self._keep_sequences:
            arrays |= self._base_arrays() | self._kmer_arrays(arrays)
            facts |= {**PARAMETERS, **FINE_PARAMETERS, SKETCH_PARAMETER: SKETCH_SCALED}
        return write_arrays(_taken_out(arrays), facts)

    def _sequence_arrays(self) -> Arrays:
        plasmids = self._plasmids
        hashes = id_hashes([plasmid.id for plasmid in plasmids])
        order = np.argsort(hashes, kind="stable")
        topologies = [TOPOLOGIES.index(plasmid.topology) for plasmid in plasmids]
        return {
            **string_arrays("sequences/id", [plasmid.id for plasmid in plasmids]),
            "sequences/id_hash": hashes[order],
            "sequences/id_row": order.astype(np.int64),
            **_coded("lab", [plasmid.lab for plasmid in plasmids]),
            **_coded("label", [plasmid.label for plasmid in plasmids]),
            **_coded("group", [plasmid.group for plasmid in plasmids]),
            "sequences/topology": np.array(topologies, dtype=np.uint8),
            "sequences/length": np.array([plasmid.length for plasmid in plasmids], dtype=np.int64),
            "sequences/vector": self.vectors,
        }

    def _info_arrays(self) -> Arrays:
        """What is known of plasmids, each part where it is known of any; publications only where
        they are not the groups."""
        plasmids, arrays = self._plasmids, Arrays()
        if any(plasmid.publication != plasmid.group for plasmid in plasmids):
            arrays |= _coded("publication", [plasmid.publication for plasmid in plasmids])
        years = np.array([plasmid.year or NO_YEAR for plasmid in plasmids], dtype=np.int32)
        if years.any():
            arrays["sequences/year"] = years
        urls = [plasmid.source_url or "" for plasmid in plasmids]
        return arrays | (string_arrays("sequences/source_url", urls) if any(urls) else {})

    def _feature_arrays(self) -> Arrays:
        name_sets = {plasmid.features[0] for plasmid in self._plasmids if plasmid.features}
        names = sorted(set().union(*name_sets))
        column_of = {name: column for column, name in enumerate(names)}
        columns = {name_set: [column_of[name] for name in name_set] for name_set in name_sets}
        matrix = np.full((len(self._plasmids), len(names)), MISSING_FEATURE, dtype=np.uint8)
        for row, plasmid in enumerate(self._plasmids):
            if plasmid.features:
                values = np.frombuffer(plasmid.features[1], dtype=np.uint8)
                matrix[row, columns[plasmid.features[0]]] = values
        return {"sequences/feature": matrix, **string_arrays("sequences/feature_name", names)}

    def _base_arrays(self) -> Arrays:
        packed = [plasmid.bases for plasmid in self._plasmids if plasmid.bases is not None]
        assert len(packed) == len(self._plasmids), "either all rows have bases or none"
        # Concatenating nothing fails, so each column begins with an empty array.
        no_ints, no_bytes = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint8)
        starts = np.concatenate([no_ints, *(bases.starts for bases in packed)])
        lengths = np.concatenate([no_ints, *(bases.lengths for bases in packed)])
        letters = np.concatenate([no_bytes, *(bases.letters for bases in packed)])
        return {
            "sequences/bases/bytes": np.concatenate(
                [no_bytes, *(bases.packed for bases in packed)]
            ),
            "sequences/bases/offsets": _offsets([len(bases.packed) for bases in packed]),
            "sequences/exceptions/offsets": _offsets([len(bases.starts) for bases in packed]),
            "sequences/exceptions/start": starts,
            "sequences/exceptions/length": lengths,
            "sequences/exceptions/letter": letters,
        }

    def _kmer_arrays(self, columns: Arrays) -> Arrays:
        """Counted from the bases, whatever segments the rows come from, unless those of all rows
        were before; `columns` has the codes."""
        labs = cast("StoredCodes", columns["sequences/lab"])
        groups = cast("StoredCodes", columns["sequences/group"])
        if len(self._kmers) == len(self):
            return self._kmers.arrays(labs=labs, groups=groups)
        molecules = (
            MoleculeKmers.from_packed(plasmid.bases, plasmid.topology)
            for plasmid in self._plasmids
            if plasmid.bases is not None
        )
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
        moments = sorted(self._moments, key=lambda part: (part.count, part.total.tobytes()))
        shape = len(moments), self._width, self._width
        totals, outers = np.zeros(shape[:2]), np.zeros(shape)  # (j, d), (j, d, d)
        for row, part in enumerate(moments):
            totals[row], outers[row] = part.total, part.outer
        return {
            "moments/count": np.array([part.count for part in moments], dtype=np.int64),
            "moments/total": totals,
            "moments/outer": outers,
        }


def _taken_out(arrays: Arrays) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """The arrays by name, each taken out of `arrays`, so that memory need not hold all twice."""
    for name in sorted(arrays):
        yield name, arrays.pop(name)


def _coded(column: str, values: Sequence[str | None]) -> Arrays:
    """A column of few different strings as codes into its sorted names; None is NO_GROUP."""
    names = sorted({value for value in values if value is not None})
    code_of: dict[str | None, int] = {name: code for code, name in enumerate(names)}
    code_of[None] = NO_GROUP
    codes = np.array([code_of[value] for value in values], dtype=np.int32)
    return {f"sequences/{column}": codes, **string_arrays(f"sequences/{column}_name", names)}


def _offsets(lengths: Sequence[int]) -> NDArray[np.generic]:
    """Where each piece begins when pieces stand end to end, (n + 1,)."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.uint64)
    offsets[1:] = np.cumsum(lengths, dtype=np.uint64)
    return offsets
