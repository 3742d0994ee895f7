"""One immutable segment: an HDF5 file of plasmids and lab parts in, checked columns out.

The layout is described in indexes/FORMAT.md. A segment knows nothing of removals and renames: the
manifest lists them, and `vecattr.indexes.storage.live_segment` applies them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.axes import Axes, are_orthonormal, coordinates
from vecattr.errors import DamagedError, MismatchError
from vecattr.files.arrays import ArrayFile
from vecattr.files.folder import Location
from vecattr.indexes.storage.lab_parts import LabPart, PartColumns
from vecattr.indexes.storage.segment_kmers import SegmentKmers
from vecattr.indexes.storage.segment_schema import (
    AXES,
    COORDINATES,
    IdIndex,
    StoredCodes,
    check_layout,
)
from vecattr.indexes.storage.stored_info import (
    NO_GROUP,
    PackedFeatures,
    PlasmidColumns,
    StoredPlasmid,
)
from vecattr.plasmid import Topology
from vecattr.ranking.discriminant import Moments
from vecattr.sequences.two_bit import PackedBases
from vecattr.vectors import Vectors, are_within_unit_length

SEGMENT_FORMAT = "vecattr-segment"
#: The version of a segment that may have coordinates and k-mers that share posting lists, and of
#: one without either.
SEGMENT_VERSION, OLDEST_VERSION = 2, 1

TOPOLOGIES: tuple[Topology, ...] = ("circular", "linear")
#: A feature that is not known, in the uint8 matrix of features.
MISSING_FEATURE = 255
_ASCII = 127

Word = TypeVar("Word", bound=str)


class Segment:
    """A segment file, opened; columns are read when they are first needed.

    Errors as in `vecattr.files.arrays.ArrayFile`; MismatchError when another model made it.
    """

    def __init__(self, source: Location | bytes, *, model: str | None = None) -> None:
        self._file = ArrayFile(
            source,
            format=SEGMENT_FORMAT,
            version=SEGMENT_VERSION,
            oldest=OLDEST_VERSION,
        )
        self.name = self._file.name
        self.digest = self._file.digest
        self.model = str(self._file.attributes.get("model"))
        if model is not None and self.model != model:
            what = f"made by model {self.model[:16]}…, expected {model[:16]}…"
            hint = "restore the file that belongs here, or build the index again"
            raise MismatchError(what, where=self.name, hint=hint)
        self.rows, self.width = check_layout(self._file)
        self.shape = self.rows, self.width
        self.has_sequences = "sequences/bases/bytes" in self._file

    @property
    def size(self) -> tuple[int, int]:
        """How many rows it has, and how many bytes of packed bases."""
        bases = self._file.shape("sequences/bases/bytes")[0] if self.has_sequences else 0
        return self.rows, bases

    def check_all(self) -> None:
        """Check every block of the file; DamagedError names the first bad one."""
        self._file.check_all()

    @cached_property
    def lab_names(self) -> tuple[str, ...]:
        """The true labs that occur, as stored; `lab_codes` count into it."""
        return self._file.strings("sequences/lab_name")

    @cached_property
    def lab_codes(self) -> StoredCodes:
        """The true lab of each row (n,)."""
        return self._codes("lab", self.lab_names)

    @cached_property
    def kmers(self) -> SegmentKmers | None:
        """The exact k-mers of the plasmids; None in a segment without sequences and in one written
        before k-mers were stored. Errors as in `SegmentKmers`."""
        return SegmentKmers(self._file, rows=self.rows) if SegmentKmers.are_in(self._file) else None

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """The classes that occur, as stored; `label_codes` count into it."""
        return self._file.strings("sequences/label_name")

    @cached_property
    def label_codes(self) -> StoredCodes:
        """The class of each row (n,)."""
        return self._codes("label", self.label_names)

    def _codes(self, column: str, names: Sequence[str], *, least: int = 0) -> StoredCodes:
        codes = cast("StoredCodes", self._file.array(f"sequences/{column}"))
        if len(codes) and not least <= int(codes.min()) <= int(codes.max()) < len(names):
            raise DamagedError(f"a {column} code outside its {len(names)} names", where=self.name)
        return codes

    @cached_property
    def part_columns(self) -> PartColumns:
        """The lab parts by column, under the stored names."""
        return PartColumns(self._file)

    @property
    def part_names(self) -> tuple[str, ...]:
        """The classes that this segment has parts of, as stored."""
        return self.part_columns.names

    @property
    def are_names_ascii(self) -> bool:
        """Whether the names of all labs and classes are."""
        columns = ("sequences/lab_name", "sequences/label_name", "labs/name")
        return all(self._file.is_ascii(column) for column in columns)

    @cached_property
    def parts(self) -> tuple[LabPart, ...]:
        """The lab parts, under the stored names."""
        return self.part_columns.parts(range(len(self.part_names)))

    def _word(self, words: tuple[Word, ...], code: int) -> Word:
        """The word that a code stands for."""
        if not 0 <= code < len(words):
            raise DamagedError(f"the code {code} stands for none of {words}", where=self.name)
        return words[code]

    @cached_property
    def moments(self) -> tuple[Moments, ...]:
        """Of the vectors that the index was built from; none in a segment that was added later."""
        counts = self._file.array("moments/count").tolist()
        totals = cast("NDArray[np.float64]", self._file.array("moments/total"))
        outers = cast("NDArray[np.float64]", self._file.array("moments/outer"))
        return tuple(map(Moments, counts, totals, outers))

    @cached_property
    def vectors(self) -> Vectors:
        """All unit vectors (n, d): reads and checks the whole array."""
        return cast("Vectors", self._file.array("sequences/vector"))

    @cached_property
    def axes(self) -> Axes | None:
        """The axes (r, d) of `coordinates`; None when vectors themselves are compared."""
        if AXES not in self._file:
            return None
        axes = cast("Axes", self._file.array(AXES))
        if not are_orthonormal(axes, width=self.width):
            raise DamagedError(f"{AXES} holds no orthonormal axes", where=self.name)
        return axes

    @cached_property
    def coordinates(self) -> Vectors:
        """By what all vectors are compared: their coordinates (n, r), or they themselves."""
        if self.axes is None:
            return self.vectors
        along = cast("Vectors", self._file.array(COORDINATES))
        if not are_within_unit_length(along):
            raise DamagedError(f"{COORDINATES} holds none of unit vectors", where=self.name)
        return along

    def along_axes(self, vectors: NDArray[np.floating]) -> NDArray[np.floating]:
        """Unit vectors (q, d) as they are compared with `coordinates`, (q, r)."""
        return vectors if self.axes is None else coordinates(vectors, self.axes)

    def fetch_vectors(self, rows: NDArray[np.int64]) -> Vectors:
        """The vectors of some rows (r, d), reading little else; all of them are read at once when
        most are wanted."""
        if len(rows) * 8 >= self.rows:
            return self.vectors[rows]
        return cast("Vectors", self._file.rows("sequences/vector", rows))

    def ids(self, rows: Iterable[int] | NDArray[np.int64]) -> list[str]:
        """The ids of some rows."""
        return self._file.some_strings("sequences/id", np.array([*rows], dtype=np.int64))

    @cached_property
    def all_ids(self) -> tuple[str, ...]:
        """The id of every row."""
        return self._file.strings("sequences/id")

    def find(self, ids: Sequence[str]) -> dict[str, list[int]]:
        """The rows that have these ids (a removed row may share its id with a living one)."""
        return self.id_index.find(ids)

    @cached_property
    def id_index(self) -> IdIndex:
        """Where ids are."""
        return IdIndex(self._file, rows=self.rows)

    def length(self, row: int) -> int:
        """Bases of one plasmid."""
        return int(self._file.slice("sequences/length", row, row + 1)[0])

    def topology(self, row: int) -> Topology:
        """Circular or linear."""
        code = int(self._file.slice("sequences/topology", row, row + 1)[0])
        return self._word(TOPOLOGIES, code)

    def shapes(self, rows: NDArray[np.int64]) -> tuple[list[int], list[Topology]]:
        """The bases and the topologies of some plasmids; little else is read."""
        codes = self._file.items("sequences/topology", rows).tolist()
        lengths = self._file.items("sequences/length", rows).tolist()
        return lengths, [self._word(TOPOLOGIES, code) for code in codes]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Bases of each plasmid (n,); DamagedError unless all have some."""
        lengths = self._file.array("sequences/length").astype(np.int64)
        if len(lengths) and lengths.min() < 1:
            raise DamagedError("a plasmid without bases", where=self.name)
        return lengths

    @cached_property
    def are_linear(self) -> NDArray[np.bool_]:
        """Which plasmids are linear (n,); DamagedError for an undefined code."""
        codes = self._file.array("sequences/topology")
        if len(codes) and int(codes.max()) >= len(TOPOLOGIES):
            raise DamagedError("a topology that is neither circular nor linear", where=self.name)
        return np.asarray(codes == TOPOLOGIES.index("linear"))

    @cached_property
    def group_names(self) -> tuple[str, ...]:
        """The groups that occur, as stored; `group_codes` count into it."""
        return self._file.strings("sequences/group_name")

    @cached_property
    def group_codes(self) -> StoredCodes:
        """The group of each row (n,), NO_GROUP when it has none."""
        return self._codes("group", self.group_names, least=NO_GROUP)

    @cached_property
    def groups(self) -> tuple[str | None, ...]:
        """The group of each row (n,)."""
        codes = self.group_codes.tolist()
        return tuple(None if code == NO_GROUP else self.group_names[code] for code in codes)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The features that are known of any row, sorted."""
        return self._file.strings("sequences/feature_name")

    @cached_property
    def features(self) -> NDArray[np.uint8]:
        """The features of every row (n, f), MISSING_FEATURE where one is not known."""
        return cast("NDArray[np.uint8]", self._file.array("sequences/feature"))

    def plasmid(self, row: int) -> StoredPlasmid:
        """Everything about one plasmid."""
        group = int(self.group_codes[row])
        return StoredPlasmid(
            id=self._file.string("sequences/id", row),
            lab=self.lab_names[int(self.lab_codes[row])],
            label=self.label_names[int(self.label_codes[row])],
            group=None if group == NO_GROUP else self.group_names[group],
            topology=self.topology(row),
            length=self.length(row),
            vector=cast("Vectors", self._file.slice("sequences/vector", row, row + 1))[0],
            bases=self.bases(row) if self.has_sequences else None,
            features=self._features(row),
            publication=self.info.publication(row),
            year=self.info.year(row),
            source_url=self.info.source_url(row),
        )

    @cached_property
    def info(self) -> PlasmidColumns:
        """What is known of the plasmids beside their bases, row by row."""
        return PlasmidColumns(self._file)

    def _features(self, row: int) -> PackedFeatures | None:
        values = self._file.slice("sequences/feature", row, row + 1)[0]
        columns = np.flatnonzero(values != MISSING_FEATURE)
        if not len(columns):
            return None
        names = tuple(self.feature_names[column] for column in columns.tolist())
        return names, values[columns].tobytes()

    def bases(self, row: int) -> PackedBases:
        """The bases of one plasmid; DamagedError when this segment holds none."""
        start, stop = self._file.slice("sequences/bases/offsets", row, row + 2).tolist()
        first, last = self._file.slice("sequences/exceptions/offsets", row, row + 2).tolist()
        starts, lengths, letters = (
            self._file.slice(f"sequences/exceptions/{column}", first, last)
            for column in ("start", "length", "letter")
        )
        packed = self._file.slice("sequences/bases/bytes", start, stop)
        length = self.length(row)
        if len(packed) != -(-length // 4) or (len(letters) and int(letters.max()) > _ASCII):
            raise DamagedError(f"the bases of row {row} are not {length} letters", where=self.name)
        return PackedBases(
            length,
            cast("NDArray[np.uint8]", packed),
            cast("NDArray[np.int64]", starts),
            cast("NDArray[np.int64]", lengths),
            cast("NDArray[np.uint8]", letters),
        )
