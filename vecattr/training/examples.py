"""Training examples: plasmids are read into ids once, and augmented batches come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.networks import Batch
from vecattr.encoders.tokenizer import Ids
from vecattr.encoders.vocabulary import Reading, Vocabulary
from vecattr.plasmid import Plasmid, reverse_complement
from vecattr.sequences.canonical import canonical_sequence
from vecattr.training.settings import ResolvedTrainConfig

_READ_AT_ONCE = 512  # plasmids


@dataclass(frozen=True)
class RaggedIds:
    """Id arrays of many sequences end to end: sequence i is `flat[offsets[i]:offsets[i + 1]]`."""

    flat: Ids  # (total,)
    offsets: NDArray[np.int64]  # (n + 1,)

    @classmethod
    def of(cls, arrays: Sequence[Ids]) -> RaggedIds:
        """Arrays (t,) of any lengths, end to end."""
        offsets = np.zeros(len(arrays) + 1, dtype=np.int64)
        np.cumsum([len(one) for one in arrays], out=offsets[1:])
        return cls(np.concatenate([*arrays, np.empty(0, dtype=np.int32)]), offsets)

    def __getitem__(self, row: int) -> Ids:
        return self.flat[self.offsets[row] : self.offsets[row + 1]]


class Examples:
    """Plasmids with their ids (both strands unless the vocabulary is order-free) and targets."""

    def __init__(
        self,
        plasmids: Sequence[Plasmid],
        targets: NDArray[np.int64],
        *,
        vocabulary: Vocabulary,
        features: FeatureSpace,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.targets = targets  # (n,) rows of the lab vectors
        self.features = features.matrix(plasmids)  # (n, f + 1)
        self.circular = np.array([plasmid.is_circular for plasmid in plasmids], dtype=bool)
        self.strands = _read(plasmids, vocabulary, threads, progress)
        self.order_free = vocabulary.order_free

    def __len__(self) -> int:
        return len(self.targets)

    def without_features(self) -> Examples:
        """The same examples as bare sequences."""
        bare = copy(self)
        bare.features = np.zeros_like(self.features)
        bare.features[:, -1] = 1
        return bare

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """These rows as they are, full length: for validation."""
        return Batch.from_ids([self.strands[0][int(row)] for row in rows], self.features[rows])

    def augmented(
        self, rows: NDArray[np.int64], config: ResolvedTrainConfig, draws: NDArray[np.float64]
    ) -> Batch:
        """These rows as training sees them: a random strand, rotation and crop (or, when the
        order is free, a random share of the ids), features withheld at random.

        `draws` are three uniform numbers a row, (n, 3), so that a row's fate does not depend on
        which process handles it.
        """
        features = self.features[rows]  # a copy
        hidden = draws[:, 0] < config.feature_dropout
        features[hidden, :-1] = 0
        features[hidden, -1] = 1
        ids = [
            self._thinned(int(row), config.kept_ids, place)
            if self.order_free
            else self._cut(int(row), config.crop, strand < config.reverse_complement, place)
            for row, (_, strand, place) in zip(rows, draws, strict=True)
        ]
        return Batch.from_ids(ids, features)

    def _thinned(self, row: int, kept: float, seed: float) -> Ids:
        ids = self.strands[0][row]
        chance = np.random.default_rng(int(seed * 2**53)).random(len(ids), dtype=np.float32)
        return ids[chance < kept]

    def _cut(self, row: int, crop: int, other_strand: bool, place: float) -> Ids:
        """At most `crop` tokens from a random place; round the circle when there is one."""
        ids = self.strands[int(other_strand)][row]
        if self.circular[row]:
            return np.roll(ids, -int(place * len(ids)))[:crop]
        start = int(place * (max(len(ids) - crop, 0) + 1))
        return ids[start : start + crop]


def _read(
    plasmids: Sequence[Plasmid],
    vocabulary: Vocabulary,
    threads: int,
    progress: Callable[[int], None] | None,
) -> tuple[RaggedIds, ...]:
    strands: tuple[list[Ids], ...] = ([],) if vocabulary.order_free else ([], [])
    for start in range(0, len(plasmids), _READ_AT_ONCE):
        some = plasmids[start : start + _READ_AT_ONCE]
        forward = [canonical_sequence(plasmid) for plasmid in some]
        spelled = [forward, [reverse_complement(bases) for bases in forward]]
        for arrays, strand in zip(strands, spelled, strict=False):
            readings = [
                Reading(bases, plasmid.is_circular)
                for bases, plasmid in zip(strand, some, strict=True)
            ]
            arrays.extend(vocabulary.ids(readings, threads=threads))
        if progress:
            progress(len(some))
    return tuple(RaggedIds.of(arrays) for arrays in strands)


def shuffled_batches(
    targets: NDArray[np.int64], size: int, rng: np.random.Generator, *, oversampling: float = 0.0
) -> Iterator[NDArray[np.int64]]:
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
    targets: NDArray[np.int64],
    order: NDArray[np.int64],
    oversampling: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Systematic sampling: each row as often as expected, rounded up or down by chance, (n,)."""
    weights = np.bincount(targets)[targets].astype(np.float64) ** -oversampling  # (n,)
    reached = np.cumsum(weights[order])
    draws = (np.arange(len(order)) + rng.random()) / len(order) * reached[-1]
    places = np.searchsorted(reached, draws, side="right").clip(max=len(order) - 1)
    return rng.permutation(order[places])
