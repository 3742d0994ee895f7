"""Batches of networks: id arrays of sequences in, tensors and rows of equal length out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vecattr.encoders.tokenizer import PADDING, Ids

#: Tokens that the CNN convolves at once; longer sequences are taken in overlapping rows.
CHUNK = 1_024


@dataclass(frozen=True)
class Batch:
    """`ids[offsets[i]:offsets[i + 1]]` are the ids of sequence i; features as in `FeatureSpace`."""

    ids: Tensor  # (total,) int64
    offsets: Tensor  # (b + 1,) int64
    features: Tensor  # (b, f + 1) float32

    @classmethod
    def from_ids(cls, ids: Sequence[Ids], features: NDArray[np.float32]) -> Batch:
        """A batch from one id array a sequence."""
        offsets = np.zeros(len(ids) + 1, dtype=np.int64)
        np.cumsum([len(sequence_ids) for sequence_ids in ids], out=offsets[1:])
        flat = np.concatenate([*ids, np.empty(0, dtype=np.int32)]).astype(np.int64)
        return cls(torch.from_numpy(flat), torch.from_numpy(offsets), torch.from_numpy(features))

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(self.ids.to(device), self.offsets.to(device), self.features.to(device))


@dataclass(frozen=True)
class TokenRows:
    """Sequences cut into rows of CHUNK tokens, each with the `reach` tokens that follow it."""

    ids: Tensor  # (r, t), PADDING at the end, so that the widest filter fits
    lengths: Tensor  # (r,) tokens of each row
    owners: Tensor  # (r,) the sequence that a row belongs to
    first: Tensor  # (r,) whether it is that sequence's first row

    @classmethod
    def from_batch(cls, batch: Batch, reach: int) -> TokenRows:
        """The rows of a batch; `reach`: tokens that the widest filter extends past its first."""
        sizes = batch.offsets.diff()  # (b,)
        counts = ((sizes + CHUNK - 1) // CHUNK).clamp(min=1)  # (b,)
        owners = torch.repeat_interleave(torch.arange(len(sizes), device=sizes.device), counts)
        before = counts.cumsum(0) - counts
        starts = (torch.arange(len(owners), device=sizes.device) - before[owners]) * CHUNK  # (r,)
        lengths = (sizes[owners] - starts).clamp(max=CHUNK + reach)
        columns = torch.arange(max(int(lengths.max()), 1) + reach, device=sizes.device)  # (t,)
        columns = columns[: CHUNK + reach]
        positions = (batch.offsets[owners] + starts)[:, None] + columns  # (r, t)
        inside = columns < lengths[:, None]
        padded = F.pad(batch.ids, (0, 1), value=PADDING)
        ids = padded[torch.where(inside, positions, len(batch.ids))]
        return cls(ids, lengths, owners, starts == 0)

    def windows(self, kernel: int) -> Tensor:
        """How many windows of this width begin in each row, (r,) int64.

        A window lies inside its sequence, except the one window of a sequence shorter than the
        filter, which reads zeros past the end.
        """
        inside = (self.lengths - kernel + 1).clamp(min=0, max=CHUNK)  # (r,)
        return torch.maximum(inside, self.first.long())

    def maxima(self, rows: Tensor, sequences: int) -> Tensor:
        """The maximum over the rows of each sequence, (r, c) -> (sequences, c)."""
        if len(self.owners) == sequences:
            return rows
        lowest = rows.new_full((sequences, rows.shape[1]), -torch.inf)
        return lowest.scatter_reduce(0, self.owners[:, None].expand_as(rows), rows, "amax")
