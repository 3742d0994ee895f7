"""Encoder networks: a batch of ids and features in, unit vectors out.

A new encoder is a module with `forward(Batch) -> (b, d)` unit rows, as the two here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from vecattr.encoders.config import BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.tokenizer import PADDING, Ids

#: Tokens that the CNN convolves at once; longer sequences are taken in overlapping chunks.
CHUNK = 1_024

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "selu": F.selu,
    "relu": F.relu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
}


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


class Encoder(Protocol):
    """What training, embedding and saving need of an encoder."""

    @property
    def config(self) -> EncoderConfig:
        """The settings that the network was made with."""
        ...

    def __call__(self, batch: Batch) -> Tensor:
        """Unit vectors, (b, d)."""
        ...


class TextCnn(nn.Module):
    """Kim's text CNN: token vectors, filters of several widths, max-pooling, one linear layer.

    Padding does not leak: a window that reaches past the end of its sequence is not pooled (except
    the one window of a sequence shorter than the filter, which reads zeros there). The activations
    are monotone, so applying them after the maximum gives the same.
    """

    def __init__(self, config: CnnConfig, *, vocabulary_size: int, feature_columns: int) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(vocabulary_size, config.token_width, padding_idx=PADDING)
        self.filters = nn.ModuleList(
            nn.Conv1d(config.token_width, config.filters, kernel) for kernel in config.kernels
        )
        self.dropout = nn.Dropout(config.dropout)
        self.activation = _ACTIVATIONS[config.activation]
        pooled = config.filters * len(config.kernels)
        self.project = nn.Linear(pooled + feature_columns, config.width)
        self.kernels = config.kernels
        self.reach = max(config.kernels) - 1  # tokens a window extends past its first

    def forward(self, batch: Batch) -> Tensor:
        """Unit vectors, (b, d)."""
        ids, lengths, owners, first = _chunks(batch, self.reach)
        x = self.dropout(self.tokens(ids))  # (r, t) -> (r, t, e)
        pooled = self._pooled(x, lengths, first)  # (r, c)
        if len(owners) > len(batch.features):
            pooled = _maximum_by_owner(pooled, owners, len(batch.features))  # (r, c) -> (b, c)
        joined = torch.cat([self.activation(pooled), batch.features], dim=1)  # (b, c + f)
        return F.normalize(self.project(joined).float(), dim=1)

    def _pooled(self, x: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
        """The largest response of every filter in each row, (r, t, e) -> (r, c) float32.

        The gradient of a maximum is zero except at its position. So positions are found without
        gradients, and only the windows there are convolved again with gradients: the same result
        as a dense backward pass, with a thousandth of its arithmetic.
        """
        with torch.no_grad():
            signal = x.transpose(1, 2).contiguous()  # (r, e, t)
            if torch.is_autocast_enabled(x.device.type):
                signal = signal.to(torch.get_autocast_dtype(x.device.type))
            maxima = [
                _maxima(layer, signal, lengths, first, kernel)
                for layer, kernel in zip(self.filters, self.kernels, strict=True)
            ]
        if not torch.is_grad_enabled():
            return torch.cat([responses for responses, _ in maxima], dim=1).float()
        with torch.autocast(x.device.type, enabled=False):
            responses = [
                _responses_at(layer, x, positions)
                for layer, (_, positions) in zip(self.filters, maxima, strict=True)
            ]
            return torch.cat(responses, dim=1)


def _responses_at(layer: nn.Module, x: Tensor, positions: Tensor) -> Tensor:
    """Each filter's response at its own position in each row; (r, t, e), (r, c) -> (r, c)."""
    assert isinstance(layer, nn.Conv1d)
    kernel, channels = layer.kernel_size[0], layer.out_channels
    row_starts = torch.arange(len(x), device=x.device) * x.shape[1]
    starts = (row_starts[:, None] + positions).T  # (c, r)
    windows = starts[..., None] + torch.arange(kernel, device=x.device)  # (c, r, k)
    tokens = F.embedding(windows, x.reshape(-1, x.shape[2]))  # (c, r, k, e)
    weight = layer.weight.transpose(1, 2).reshape(channels, -1, 1)  # (c, e, k) -> (c, ke, 1)
    responses = torch.bmm(tokens.reshape(channels, len(x), -1), weight)[..., 0].T  # (r, c)
    return responses if layer.bias is None else responses + layer.bias


def _maxima(
    layer: nn.Module, x: Tensor, lengths: Tensor, first: Tensor, kernel: int
) -> tuple[Tensor, Tensor]:
    """Each filter's largest response over the windows that begin in each row, and its position;
    (r, e, t) -> (r, c), (r, c)."""
    responses = layer(x)[..., :CHUNK]  # (r, e, t) -> (r, c, p)
    position = torch.arange(responses.shape[2], device=x.device)  # (p,)
    inside = position + kernel <= lengths[:, None]  # (r, p)
    inside |= (position == 0) & first[:, None]
    largest, positions = responses.masked_fill_(~inside[:, None, :], -torch.inf).max(dim=2)
    return largest, positions


def _chunks(batch: Batch, reach: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sequences cut into rows of CHUNK tokens, each with the `reach` tokens that follow it.

    Returns ids (r, t), padded with zeros so that the widest filter fits; the number of tokens in
    each row (r,); the sequence it belongs to (r,); and whether it is that sequence's first.
    """
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
    return ids, lengths, owners, starts == 0


def _maximum_by_owner(rows: Tensor, owners: Tensor, count: int) -> Tensor:
    """The maximum over the rows of each owner, (r, c) -> (count, c)."""
    lowest = rows.new_full((count, rows.shape[1]), -torch.inf)
    return lowest.scatter_reduce(0, owners[:, None].expand_as(rows), rows, "amax")


class KmerBag(nn.Module):
    """The mean of the k-mers' learned vectors, plus a linear layer over the features.

    A plasmid without any known k-mer still gets its features and a learned bias, so that every
    plasmid has a direction.
    """

    def __init__(self, config: BagConfig, *, vocabulary_size: int, feature_columns: int) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.EmbeddingBag(
            vocabulary_size, config.token_width, mode="mean", sparse=True, include_last_offset=True
        )
        nn.init.normal_(self.tokens.weight, std=config.token_width**-0.5)
        narrow = config.token_width != config.width
        self.widen = nn.Linear(config.token_width, config.width, bias=False) if narrow else None
        self.features = nn.Linear(feature_columns, config.width)

    def forward(self, batch: Batch) -> Tensor:
        """Unit vectors, (b, d)."""
        pooled = self.tokens(batch.ids, batch.offsets)  # (b, e)
        wide = pooled if self.widen is None else self.widen(pooled)  # (b, e) -> (b, d)
        return F.normalize(wide + self.features(batch.features), dim=1)


def new_encoder(
    config: EncoderConfig, *, vocabulary_size: int, feature_columns: int
) -> TextCnn | KmerBag:
    """A new encoder with random weights, drawn from torch's global generator."""
    if isinstance(config, CnnConfig):
        return TextCnn(config, vocabulary_size=vocabulary_size, feature_columns=feature_columns)
    return KmerBag(config, vocabulary_size=vocabulary_size, feature_columns=feature_columns)
