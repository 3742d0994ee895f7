"""A stored plasmid, and what an index knows of plasmids and labs beside the bases: columns of a
segment, or one file for the labs, in; checked values out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError, InputError
from vecattr.files.array_directory import Attribute
from vecattr.files.arrays import ArrayFile, string_arrays, write_arrays
from vecattr.files.atomic import atomic_write, check_file, sha256_bytes
from vecattr.files.folder import Entry, Location
from vecattr.indexes.storage.index_folder import lab_info_path, opened_index
from vecattr.indexes.storage.index_model import SMALL_FILE
from vecattr.indexes.storage.manifest import FileFacts, Manifest
from vecattr.info import LabInfo
from vecattr.plasmid import Topology, check_lab_name
from vecattr.sequences.two_bit import PackedBases
from vecattr.vectors import Vectors

LAB_INFO_FORMAT = "vecattr-lab-info"
LAB_INFO_VERSION = 1

#: The code of a row without a group, or without a publication.
NO_GROUP = -1
#: The year of a row that has none.
NO_YEAR = 0

_FIELDS = tuple(field.name for field in fields(LabInfo))


#: Names, and one byte (0 or 1) for each.
PackedFeatures = tuple[tuple[str, ...], bytes]


@dataclass(frozen=True)
class StoredPlasmid:
    """One stored plasmid: its facts, its unit vector (d,), and its bases unless left out."""

    id: str
    lab: str
    label: str
    group: str | None
    topology: Topology
    length: int
    vector: Vectors
    bases: PackedBases | None
    features: PackedFeatures | None
    publication: str | None = None
    year: int | None = None
    source_url: str | None = None


@dataclass(frozen=True)
class PlasmidColumns:
    """What is known of the plasmids of a segment; a row is read by itself, with little else."""

    file: ArrayFile

    @cached_property
    def _publication(self) -> str:
        """The column of publications: the groups, where the segment keeps no others."""
        own = "sequences/publication"
        return own if own in self.file else "sequences/group"

    @cached_property
    def _has_years(self) -> bool:
        return "sequences/year" in self.file

    @cached_property
    def _has_urls(self) -> bool:
        return "sequences/source_url/bytes" in self.file

    def publication(self, row: int) -> str | None:
        """The publication of a plasmid."""
        code = int(self.file.slice(self._publication, row, row + 1)[0])
        return None if code == NO_GROUP else self.file.string(f"{self._publication}_name", code)

    def year(self, row: int) -> int | None:
        """The year of a plasmid's publication."""
        if not self._has_years:
            return None
        return int(self.file.slice("sequences/year", row, row + 1)[0]) or None

    def source_url(self, row: int) -> str | None:
        """The page that a plasmid comes from."""
        if not self._has_urls:
            return None
        return self.file.string("sequences/source_url", row) or None

    def filled(self) -> dict[str, NDArray[np.bool_]]:
        """Which rows have a publication, a year and a page (n,), by the names of these."""
        has_publication = self.file.array(self._publication) != NO_GROUP
        has_year = has_url = np.zeros(len(has_publication), dtype=bool)
        if self._has_years:
            has_year = self.file.array("sequences/year") != NO_YEAR
        if self._has_urls:
            offsets = self.file.array("sequences/source_url/offsets").astype(np.int64)
            has_url = np.diff(offsets) > 0
        return {"publication": has_publication, "year": has_year, "source_url": has_url}


def lab_info_bytes(infos: Mapping[str, LabInfo]) -> bytes:
    """The file that tells of these labs; the same labs give the same bytes."""
    names = sorted(infos)
    arrays = string_arrays("name", names)
    for field in _FIELDS:
        arrays |= string_arrays(field, [getattr(infos[name], field) or "" for name in names])
    facts: dict[str, Attribute] = {"format": LAB_INFO_FORMAT, "version": LAB_INFO_VERSION}
    return write_arrays(dict(sorted(arrays.items())), facts)


class LabInfoFile:
    """What is known of the labs of an index. Errors as in `vecattr.files.arrays.ArrayFile`, and
    DamagedError for values that no edit stores."""

    def __init__(self, source: Location | bytes) -> None:
        self._file = ArrayFile(source, format=LAB_INFO_FORMAT, version=LAB_INFO_VERSION)
        self.name = self._file.name

    @cached_property
    def labs(self) -> tuple[str, ...]:
        """The labs that something is known of, sorted."""
        return self._file.strings("name")

    def get(self, lab: str) -> LabInfo | None:
        """What is known of a lab, None when nothing is; only its values are read."""
        row = bisect_left(self.labs, lab)
        if row == len(self.labs) or self.labs[row] != lab:
            return None
        try:
            return LabInfo(**{field: self._file.string(field, row) for field in _FIELDS})
        except InputError as error:
            raise DamagedError(
                f"what it says of the lab {lab!r} is no such thing: {error.what}", where=self.name
            ) from error

    def all(self) -> dict[str, LabInfo]:
        """What is known of every lab."""
        infos = ((lab, self.get(lab)) for lab in self.labs)
        return {lab: info for lab, info in infos if info is not None}

    def check_all(self) -> None:
        """Check every block and every value; DamagedError names the first bad one."""
        self._file.check_all()
        if list(self.labs) != sorted(set(self.labs)):
            raise DamagedError("its labs are not sorted, each once", where=self.name)
        for lab in self.labs:
            try:
                is_name = check_lab_name(lab) == lab
            except InputError:
                is_name = False
            if not is_name or not self.get(lab):
                raise DamagedError(f"says nothing of a lab that may be: {lab!r}", where=self.name)


def write_lab_info(path: Entry, infos: Mapping[str, LabInfo]) -> FileFacts | None:
    """Write what is known of labs into the index folder `path`, where no manifest names it yet;
    None when nothing is known of any."""
    known = {lab: info for lab, info in infos.items() if info}
    if not known:
        return None
    data = lab_info_bytes(known)
    facts = FileFacts(sha256_bytes(data), len(data))
    atomic_write(lab_info_path(path, facts.name), data, in_shared_folder=True)
    return facts


def open_lab_info(path: Location, manifest: Manifest) -> LabInfoFile | None:
    """The file of a manifest, checked to be the one that it names; None when it names none.
    MissingError or DamagedError name the file."""
    facts = manifest.lab_info
    if facts is None:
        return None
    is_small = facts.size <= SMALL_FILE  # of larger ones what is read is checked
    with opened_index(path) as folder:
        file = lab_info_path(folder, facts.name)
        check_file(file, sha256=facts.sha256 if is_small else None, size=facts.size)
        return LabInfoFile(file)


def read_lab_info(path: Location, manifest: Manifest) -> dict[str, LabInfo]:
    """All that is known of the labs of an index; errors as in `open_lab_info`."""
    stored = open_lab_info(path, manifest)
    return {} if stored is None else stored.all()


def check_lab_info(path: Location, manifest: Manifest) -> None:
    """Check every byte and value of the file of a manifest, as `verify` does; errors as in
    `open_lab_info` and `LabInfoFile.check_all`."""
    stored = open_lab_info(path, manifest)
    if stored is not None:
        stored.check_all()
