"""The plasmids of an index as columns: segments in, ids, labs, classes and vectors out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from vecattr.errors import ArtifactError, InputError, UsageError
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.stored_info import StoredPlasmid
from vecattr.info import PlasmidInfo
from vecattr.plasmid import POOLED, Plasmid
from vecattr.sequences.two_bit import unpack_bases
from vecattr.vectors import Vectors


@dataclass(frozen=True)
class StoredPlasmids:
    """n living plasmids in the order they are stored: `labs` as they truly are, `labels` the
    classes they count for (POOLED for those of rare labs)."""

    ids: tuple[str, ...]
    labs: tuple[str, ...]
    labels: tuple[str, ...]
    vectors: Vectors  # (n, d)

    def __post_init__(self) -> None:
        lengths = {len(self.ids), len(self.labs), len(self.labels), len(self.vectors)}
        assert len(lengths) == 1, "columns of different lengths"

    def __len__(self) -> int:
        return len(self.ids)

    def sample(self, size: int, *, seed: int) -> StoredPlasmids:
        """`size` of them drawn without replacement, in their order; all when there are fewer.
        UsageError for a size below 1."""
        if size < 1:
            raise UsageError(f"a sample of {size}, expected 1 or more")
        if size >= len(self):
            return self
        drawn = np.random.default_rng(seed).choice(len(self), size=size, replace=False)
        rows = np.sort(drawn).tolist()
        return StoredPlasmids(
            tuple(self.ids[row] for row in rows),
            tuple(self.labs[row] for row in rows),
            tuple(self.labels[row] for row in rows),
            self.vectors[rows],
        )


def stored_plasmids(segments: Sequence[LiveSegment]) -> StoredPlasmids:
    """All living plasmids of some segments (at least one), under their present names."""
    ids: list[str] = []
    labs: list[str] = []
    labels: list[str] = []
    for segment in segments:
        names = segment.present_names(segment.stored.lab_names)
        stored_ids = segment.stored.all_ids
        classes, codes = segment.stored.label_names, segment.stored.label_codes
        for row in segment.rows().tolist():
            lab = names[int(segment.stored.lab_codes[row])]
            assert lab is not None, "a removed row counts as living"
            ids.append(stored_ids[row])
            labs.append(lab)
            labels.append(POOLED if classes[int(codes[row])] == POOLED else lab)
    vectors = [segment.stored.vectors[segment.rows()] for segment in segments]
    return StoredPlasmids(tuple(ids), tuple(labs), tuple(labels), np.concatenate(vectors))


def exported_plasmids(
    path: Path, segments: Sequence[LiveSegment], *, start: int = 0
) -> Iterator[Plasmid]:
    """All living plasmids of the index at `path`, each with its true lab, in the order they are
    stored, from number `start`. ArtifactError for an index that keeps no sequences."""
    if not all(segment.stored.has_sequences for segment in segments):
        raise ArtifactError(
            "the index keeps no sequences",
            where=str(path),
            hint="give the files that it was built from",
        )
    rows = ((segment, row) for segment in segments for row in segment.rows().tolist())
    for segment, row in islice(rows, start, None):
        yield as_plasmid(segment.plasmid(row))


def as_plasmid(stored: StoredPlasmid) -> Plasmid:
    """The plasmid that is stored with its bases, and with all that is known of it."""
    assert stored.bases is not None, "the segment keeps sequences"
    names, values = stored.features or ((), b"")
    return Plasmid(
        stored.id,
        unpack_bases(stored.bases),
        topology=stored.topology,
        features=dict(zip(names, values, strict=True)) or None,
        lab=stored.lab,
        group=stored.group,
        info=_info(stored),
    )


def _info(stored: StoredPlasmid) -> PlasmidInfo | None:
    """What is known of a plasmid. A group that is kept for its publication is no text to be told
    in a few indexes, and is left out."""
    try:
        info = PlasmidInfo(stored.publication, stored.year, stored.source_url)
    except InputError:
        info = PlasmidInfo(None, stored.year, stored.source_url)
    return info or None
