"""Training examples: labelled plasmids in, their ids and augmented batches out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import LabelledSet
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.networks.batch import Batch
from vecattr.encoders.tokenizer import Ids
from vecattr.encoders.vocabulary import Reading, Vocabulary
from vecattr.plasmid import Plasmid, reverse_complement
from vecattr.sequences.canonical import canonical_sequence
from vecattr.training.progress import Watcher
from vecattr.training.settings import ResolvedTrainConfig
from vecattr.vectors import Codes, Mask, Rows

_READ_AT_ONCE = 512  # plasmids


@dataclass(frozen=True)
class RaggedIds:
    """Id arrays of many sequences end to end: sequence i is `flat[offsets[i]:offsets[i + 1]]`."""

    flat: Ids  # (total,)
    offsets: NDArray[np.int64]  # (n + 1,)

    @classmethod
    def from_arrays(cls, arrays: Sequence[Ids]) -> RaggedIds:
        """The arrays of sequences, (t,) each, joined."""
        offsets = np.zeros(len(arrays) + 1, dtype=np.int64)
        np.cumsum([len(array) for array in arrays], out=offsets[1:])
        return cls(np.concatenate([*arrays, np.empty(0, dtype=np.int32)]), offsets)

    def __getitem__(self, row: int) -> Ids:
        return self.flat[self.offsets[row] : self.offsets[row + 1]]


@dataclass(frozen=True)
class Examples:
    """Labelled plasmids as a network reads them."""

    labelled: LabelledSet
    targets: Codes  # (n,) rows of the lab vectors
    features: NDArray[np.float32]  # (n, f + 1)
    circular: Mask  # (n,)
    strands: tuple[RaggedIds, ...]  # both strands; one when the vocabulary is order-free

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def order_free(self) -> bool:
        """Whether the ids are a set, the same for every rotation and strand."""
        return len(self.strands) == 1

    def without_features(self) -> Examples:
        """The same examples as bare sequences."""
        features = np.zeros_like(self.features)
        features[:, -1] = 1
        return replace(self, features=features)

    def batch(self, rows: Rows) -> Batch:
        """These rows as they are, full length: for validation."""
        return Batch.from_ids([self.strands[0][int(row)] for row in rows], self.features[rows])

    def augmented(
        self, rows: Rows, settings: ResolvedTrainConfig, draws: NDArray[np.float64]
    ) -> Batch:
        """These rows as training sees them: a random strand, rotation and crop (or, when the
        order is free, a random share of the ids), features withheld at random.

        `draws` are three uniform numbers a row, (n, 3), so that a row's augmentation does not
        depend on which process handles it.
        """
        features = self.features[rows]  # a copy
        withheld = draws[:, 0] < settings.feature_dropout
        features[withheld, :-1] = 0
        features[withheld, -1] = 1
        ids = [
            self._thinned(int(row), settings.kept_ids, place)
            if self.order_free
            else self._cropped(int(row), settings.crop, strand < settings.reverse_complement, place)
            for row, (_, strand, place) in zip(rows, draws, strict=True)
        ]
        return Batch.from_ids(ids, features)

    def _thinned(self, row: int, share: float, seed: float) -> Ids:
        """A random share of the ids."""
        ids = self.strands[0][row]
        chances = np.random.default_rng(int(seed * 2**53)).random(len(ids), dtype=np.float32)
        return ids[chances < share]

    def _cropped(self, row: int, crop: int, other_strand: bool, place: float) -> Ids:
        """At most `crop` tokens from a random place; round the circle when there is one."""
        ids = self.strands[int(other_strand)][row]
        if self.circular[row]:
            return np.roll(ids, -int(place * len(ids)))[:crop]
        start = int(place * (max(len(ids) - crop, 0) + 1))
        return ids[start : start + crop]


@dataclass(frozen=True)
class ExampleReader:
    """How plasmids become examples: class names to targets, bases to ids, phenotypes to columns."""

    lab_names: tuple[str, ...]
    vocabulary: Vocabulary
    features: FeatureSpace
    threads: int

    def read(self, labelled: LabelledSet, watcher: Watcher) -> Examples:
        """The plasmids as examples. Raises InputError when one has some of the features and lacks
        others."""
        columns = {name: column for column, name in enumerate(self.lab_names)}
        watcher.starts("reading plasmids", len(labelled.labels))
        return Examples(
            labelled=labelled,
            targets=np.array([columns[label] for label in labelled.labels], dtype=np.int64),
            features=self.features.matrix(labelled.plasmids),
            circular=np.array([plasmid.is_circular for plasmid in labelled.plasmids], dtype=bool),
            strands=self._strands(labelled.plasmids, watcher),
        )

    def read_if_any(self, labelled: LabelledSet, watcher: Watcher) -> Examples | None:
        """As `read`; None without plasmids."""
        return self.read(labelled, watcher) if labelled.labels else None

    def _strands(self, plasmids: Sequence[Plasmid], watcher: Watcher) -> tuple[RaggedIds, ...]:
        """The ids of the plasmids' canonical strand and, unless order is free, of the other."""
        strands: tuple[list[Ids], ...] = ([],) if self.vocabulary.order_free else ([], [])
        for start in range(0, len(plasmids), _READ_AT_ONCE):
            chunk = plasmids[start : start + _READ_AT_ONCE]
            forward = [canonical_sequence(plasmid) for plasmid in chunk]
            sequences = [forward, [reverse_complement(bases) for bases in forward]]
            for arrays, strand in zip(strands, sequences, strict=False):
                readings = [
                    Reading(bases, plasmid.is_circular)
                    for bases, plasmid in zip(strand, chunk, strict=True)
                ]
                arrays.extend(self.vocabulary.ids(readings, threads=self.threads))
            watcher.advances(len(chunk))
        return tuple(RaggedIds.from_arrays(arrays) for arrays in strands)


def shuffled_batches(
    targets: Codes, size: int, rng: np.random.Generator, *, oversampling: float = 0.0
) -> Iterator[Rows]:
    """As many rows as there are in random order, `size` at a time; the last may be fewer.

    Without `oversampling` every row comes once. Otherwise a lab of m rows gets a part of the draws
    in proportion to m ** (1 - oversampling): at 1 all labs are drawn alike.
    """
    order = rng.permutation(len(targets))
    if oversampling:
        order = _drawn_by_lab(targets, order, oversampling, rng)
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _drawn_by_lab(
    targets: Codes, order: Rows, oversampling: float, rng: np.random.Generator
) -> Rows:
    """Systematic sampling: each row as often as expected, rounded up or down by chance, (n,)."""
    weights = np.bincount(targets)[targets].astype(np.float64) ** -oversampling  # (n,)
    cumulative = np.cumsum(weights[order])
    draws = (np.arange(len(order)) + rng.random()) / len(order) * cumulative[-1]
    places = np.searchsorted(cumulative, draws, side="right").clip(max=len(order) - 1)
    return rng.permutation(order[places])
