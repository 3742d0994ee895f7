"""Training examples: plasmids are read into ids once, and augmented batches come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vecattr.canonical import canonical_sequence
from vecattr.config import ResolvedTrainConfig
from vecattr.encoder import Batch
from vecattr.features import FeatureSpace
from vecattr.plasmid import Plasmid, reverse_complement
from vecattr.tokens import Ids
from vecattr.vocabulary import Reading, Vocabulary

_READ_AT_ONCE = 512  # plasmids


@dataclass(frozen=True)
class RaggedIds:
    """Id arrays of many sequences end to end: sequence i is `flat[offsets[i]:offsets[i + 1]]`."""

    flat: Ids  # (total,)
    offsets: NDArray[np.int64]  # (n + 1,)

    @classmethod
    def of(cls, arrays: Sequence[Ids]) -> RaggedIds:
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
        return Batch.of([self.strands[0][int(row)] for row in rows], self.features[rows])

    def augmented(
        self,
        rows: NDArray[np.int64],
        config: ResolvedTrainConfig,
        keep: float,
        rng: np.random.Generator,
    ) -> tuple[Batch, Tensor]:
        """These rows as training sees them: a random strand, rotation and crop (or, when the
        order is free, a random share `keep` of the ids), features withheld at random."""
        ids = (
            [self._thinned(int(row), keep, rng) for row in rows]
            if self.order_free
            else [self._cut(int(row), config, rng) for row in rows]
        )
        features = self.features[rows]  # a copy
        hidden = rng.random(len(rows)) < config.feature_dropout
        features[hidden, :-1] = 0
        features[hidden, -1] = 1
        return Batch.of(ids, features), torch.from_numpy(self.targets[rows])

    def _thinned(self, row: int, keep: float, rng: np.random.Generator) -> Ids:
        ids = self.strands[0][row]
        return ids[rng.random(len(ids)) < keep]

    def _cut(self, row: int, config: ResolvedTrainConfig, rng: np.random.Generator) -> Ids:
        """At most `crop` tokens from a random place; round the circle when there is one."""
        ids = self.strands[int(rng.random() < config.reverse_complement)][row]
        if self.circular[row]:
            ids = np.roll(ids, -int(rng.integers(len(ids))))
            return ids[: config.crop]
        start = int(rng.integers(max(len(ids) - config.crop, 0) + 1))
        return ids[start : start + config.crop]


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
        for arrays, spell in zip(strands, (str, reverse_complement), strict=False):
            readings = [
                Reading(spell(bases), plasmid.is_circular)
                for bases, plasmid in zip(forward, some, strict=True)
            ]
            arrays.extend(vocabulary.ids(readings, threads=threads))
        if progress:
            progress(len(some))
    return tuple(RaggedIds.of(arrays) for arrays in strands)


def shuffled_batches(
    count: int, size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """All rows once in random order, `size` at a time; the last batch may be smaller."""
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]
