"""A segment of an index in, what is wrong with it, its cache and its cells out, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vecattr.encoders.axes import are_coordinates
from vecattr.errors import ArtifactError
from vecattr.files.atomic import check_file, read_file
from vecattr.files.folder import Entry
from vecattr.indexes.editing.kmer_writer import MoleculeKmers, kmer_arrays
from vecattr.indexes.joining.join_check import join_faults
from vecattr.indexes.search.nearest_plasmids import open_cells
from vecattr.indexes.search.vector_search import build_faiss_index
from vecattr.indexes.storage.index_folder import cells_path, faiss_path, segment_path
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import SegmentEntry
from vecattr.indexes.storage.segment import Segment
from vecattr.indexes.storage.segment_schema import id_hashes
from vecattr.sequences.two_bit import unpack_bases
from vecattr.vectors import UNIT_TOLERANCE


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. An error can change answers or block an edit; a warning cannot (a
    cache that is rebuilt, a file that the next edit deletes)."""

    level: Literal["error", "warning"]
    where: str
    what: str


def segment_findings(
    path: Entry, entry: SegmentEntry, model: str, opened: dict[str, LiveSegment]
) -> Iterator[Finding]:
    """What is wrong with a segment (errors) and with its cache (warnings). A segment that can be
    read is put into `opened`, and its file is not checked again."""
    file = segment_path(path, entry.name)
    if entry.name not in opened:
        try:
            check_file(file, sha256=entry.file.sha256, size=entry.file.size)
            segment = LiveSegment.open(path, entry, model=model)
            segment.stored.check_all()
            opened[entry.name] = segment
        except ArtifactError as error:
            yield Finding("error", error.where or str(file), error.what)
            return
        for what in _content_faults(opened[entry.name]):
            yield Finding("error", str(file), what)
    cache = faiss_path(path, entry.name)
    try:
        check_file(cache, sha256=entry.faiss.sha256, size=entry.faiss.size)
    except ArtifactError as error:
        what = f"{error.what}; this cache is rebuilt in memory at each query"
        yield Finding("warning", str(cache), what)
        return
    with suppress(ArtifactError):  # which is told as a fault of the segment
        if read_file(cache) != build_faiss_index(opened[entry.name].stored.coordinates):
            what = "differs from what this version of faiss makes of the segment"
            yield Finding("warning", str(cache), what)


def cache_findings(path: Entry, segments: Sequence[LiveSegment]) -> Iterator[Finding]:
    """What is wrong with the cells and the joined k-mers of some segments. These are errors,
    because a query refuses damaged ones, but not of the segments, which are asked without them."""
    for segment in segments:
        try:
            if cells := open_cells(path, segment):
                cells.check_all()
        except ArtifactError as error:
            what = f"{error.what}; without this cache search is exact"
            yield Finding("error", str(cells_path(path, segment.entry.name)), what)
    for file, fault in join_faults(path, segments):
        what = f"{fault}; without this cache k-mers are looked up in each segment"
        yield Finding("error", str(file), what)


def _content_faults(segment: LiveSegment) -> Iterator[str]:
    """Promises of the format that checksums cannot check."""
    stored = segment.stored
    parts = [part.vector for part in stored.parts]
    for name, vectors in (("sequence", stored.vectors), ("lab", np.array(parts))):
        lengths = np.linalg.norm(vectors, axis=1) if len(vectors) else np.ones(0)
        if not np.all(np.abs(lengths - 1) < UNIT_TOLERANCE):
            yield f"a {name} vector is not of length 1"
    yield from _coordinate_faults(stored)
    if any(not (part.weight > 0) for part in stored.parts):
        yield "the weight of a lab is not positive"
    if len(set(stored.all_ids)) != len(stored.all_ids):
        yield "an id occurs twice"
    hashes = id_hashes(stored.all_ids)
    if not stored.id_index.matches(hashes):
        yield "the index of ids does not match the ids"
    for row in range(stored.rows):
        plasmid = stored.plasmid(row)
        if plasmid.bases is not None and len(unpack_bases(plasmid.bases)) != plasmid.length:
            yield f"the bases of {plasmid.id!r} are not {plasmid.length}"
            return
    yield from _kmer_faults(stored)


def _coordinate_faults(stored: Segment) -> Iterator[str]:
    """Axes must be orthonormal, and coordinates those of the vectors."""
    try:
        axes = stored.axes
        if axes is not None and not are_coordinates(stored.coordinates, stored.vectors, axes):
            yield "coordinates are not those of the vectors"
    except ArtifactError as error:
        yield error.what


def _kmer_faults(stored: Segment) -> Iterator[str]:
    """Sketches, postings and counts must be those of the stored sequences."""
    try:
        if stored.kmers is None:
            return
        if not stored.has_sequences:
            yield "has k-mers, which disclose sequences, but no sequences"
            return
        molecules = (
            MoleculeKmers.from_packed(stored.bases(row), stored.topology(row))
            for row in range(stored.rows)
        )
        expected = kmer_arrays(
            molecules,
            labs=stored.lab_codes,
            groups=stored.group_codes,
            sketch_scaled=stored.kmers.sketch_scaled,
        )
        for name in stored.kmers.differing(expected):
            yield f"{name} is not what the sequences give"
    except ArtifactError as error:
        yield error.what
