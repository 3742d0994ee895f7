"""Encoders without torch: the weights of a bag or of a text CNN in, tables whose rows add up to the
same unit vectors out.

A bag is a table already. The first layer of a text CNN is linear in the tokens' vectors, so the
response of a filter at a position is a sum of one table row for each token that it covers,

    table[kernel, j] = tokens @ filters[kernel][:, :, j].T      (v, e) @ (e, c) -> (v, c)

which leaves look-ups and additions of what was a convolution (exactly, but for rounding).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.config import Activation, BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.model_folder import WEIGHTS_FILE
from vecattr.encoders.tokenizer import PADDING, Ids
from vecattr.encoders.weights import Arrays, StoredKmerVectors
from vecattr.errors import DamagedError
from vecattr.vectors import Vectors, unit_rows

#: Positions whose responses are added up at once: they fit into a core's cache.
_POSITIONS = 128

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017


class IdEncoder(Protocol):
    """Ids and features in, unit vectors out; a row depends on nothing but itself."""

    def encode(self, ids: Sequence[Ids], features: NDArray[np.float32]) -> Vectors:
        """One id array (t,) a sequence, and features (b, f), -> (b, d)."""
        ...


class KmerVectors(Protocol):
    """The vectors of a bag's k-mers, (n + 1, e)."""

    @property
    def width(self) -> int:
        """Components of a vector, e."""
        ...

    def at(self, ids: NDArray[np.int32]) -> Vectors:
        """Those of these ids, (t,) -> (t, e) float32."""
        ...


@dataclass(frozen=True)
class LookupBag:
    """The mean of k-mers' vectors (e,), widened to (d,), plus what features and the bias add."""

    rows: KmerVectors
    widen: NDArray[np.float64] | None  # (e, d)
    features: NDArray[np.float64]  # (f, d)
    bias: NDArray[np.float64]  # (d,)

    @classmethod
    def from_arrays(
        cls, folder: Path, arrays: Arrays, config: BagConfig, *, size: int, columns: int
    ) -> LookupBag:
        """DamagedError when the arrays do not fit the configuration."""
        width = config.width
        take = _Taker(folder, arrays)
        widen = None
        if config.token_width != width:
            widen = take("widen.weight", (width, config.token_width)).T
        return cls(
            StoredKmerVectors.from_arrays(folder, arrays, config, size=size),
            widen,
            take("features.weight", (width, columns)).T,
            take("features.bias", (width,)),
        )

    def encode(self, ids: Sequence[Ids], features: NDArray[np.float32]) -> Vectors:
        """Unit vectors of k-mer ids, (t,) of each sequence, and features (b, f) -> (b, d)."""
        pooled = np.stack([self._mean(one) for one in ids])  # (b, e)
        wide = pooled if self.widen is None else _each_row(pooled, self.widen)  # (b, e) -> (b, d)
        return unit_rows(wide + _each_row(features, self.features) + self.bias)

    def _mean(self, ids: Ids) -> NDArray[np.float64]:
        if not len(ids):
            return np.zeros(self.rows.width)
        mean: NDArray[np.float64] = self.rows.at(ids).mean(axis=0, dtype=np.float64)
        return mean  # (t, e) -> (e,)


@dataclass(frozen=True)
class LookupCnn:
    """For each kernel the tables of its tokens (k, v, c) and its filters' biases (c,); then one
    layer over the largest responses and the features."""

    tables: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]
    activation: Activation
    project: NDArray[np.float64]  # (c of all kernels + f, d)
    bias: NDArray[np.float64]  # (d,)

    @classmethod
    def from_arrays(
        cls, folder: Path, arrays: Arrays, config: CnnConfig, *, size: int, columns: int
    ) -> LookupCnn:
        """Folds the tables; DamagedError when the arrays do not fit the configuration."""
        take = _Taker(folder, arrays)
        filters, pooled = config.filters, config.filters * len(config.kernels)
        tokens = take("tokens.weight", (size, config.token_width)).astype(np.float32)
        tables, biases = [], []
        for place, kernel in enumerate(config.kernels):
            weight = take(f"filters.{place}.weight", (filters, config.token_width, kernel))
            table = np.empty((kernel, size, filters), dtype=np.float32)
            for j in range(kernel):
                np.matmul(tokens, weight[:, :, j].T.astype(np.float32), out=table[j])
            tables.append(table)
            biases.append(take(f"filters.{place}.bias", (filters,)).astype(np.float32))
        return cls(
            tuple(tables),
            tuple(biases),
            config.activation,
            take("project.weight", (config.width, pooled + columns)).T,
            take("project.bias", (config.width,)),
        )

    def encode(self, ids: Sequence[Ids], features: NDArray[np.float32]) -> Vectors:
        """Unit vectors of piece ids, (t,) of each sequence, and features (b, f) -> (b, d)."""
        activate = _ACTIVATIONS[self.activation]
        pooled = np.stack([activate(self._largest(one)) for one in ids])  # (b, c)
        joined = np.concatenate([pooled, features.astype(np.float64)], axis=1)  # (b, c + f)
        return unit_rows(_each_row(joined, self.project) + self.bias)

    def _largest(self, ids: Ids) -> NDArray[np.float64]:
        """Every filter's largest response over the windows of one sequence, (t,) -> (c,).

        The one window of a sequence shorter than the filter reads padding past the end."""
        best = []
        for table, bias in zip(self.tables, self.biases, strict=True):
            short = max(0, len(table) - len(ids))
            padded = np.concatenate([ids, np.full(short, PADDING, dtype=ids.dtype)])
            best.append(_highest(table, padded) + bias)
        return np.concatenate(best).astype(np.float64)


def _highest(table: NDArray[np.float32], ids: Ids) -> NDArray[np.float32]:
    """The largest sum of rows over all windows, of tables (k, v, c) and ids (t,), t >= k: (c,)."""
    kernel, windows = len(table), len(ids) - len(table) + 1
    best = np.full(table.shape[2], -np.inf, dtype=np.float32)
    for start in range(0, windows, _POSITIONS):
        stop = min(start + _POSITIONS, windows)
        response = table[0].take(ids[start:stop], axis=0)  # (p, c)
        for j in range(1, kernel):
            response += table[j].take(ids[start + j : stop + j], axis=0)
        np.maximum(best, response.max(axis=0), out=best)
    return best


def _each_row(rows: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row times the matrix by itself, so that no batch mate changes a bit of it."""
    wide = rows.astype(np.float64)
    product: NDArray[np.float64] = np.stack([row @ matrix for row in wide])
    return product


def _selu(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low = _SELU_ALPHA * np.expm1(np.minimum(values, 0))
    found: NDArray[np.float64] = _SELU_SCALE * np.where(values > 0, values, low)
    return found


def _relu(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(values, 0)


def _tanh(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.tanh(values)
    return found


def _gelu(values: NDArray[np.float64]) -> NDArray[np.float64]:
    erf = np.array([math.erf(value / math.sqrt(2)) for value in values.tolist()])
    found: NDArray[np.float64] = values * (1 + erf) / 2
    return found


#: They follow the maximum, as in training.
_ACTIVATIONS: dict[Activation, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "selu": _selu,
    "relu": _relu,
    "gelu": _gelu,
    "tanh": _tanh,
}


class _Taker:
    """Arrays of a file, each of the shape that is asked for, as float64."""

    def __init__(self, folder: Path, arrays: Arrays) -> None:
        self._where = str(folder / WEIGHTS_FILE)
        self._arrays = arrays

    def __call__(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        found = self._arrays.get(name)
        if found is None or found.shape != shape:
            raise DamagedError(
                f"the weights do not fit the configuration: {name} has shape "
                f"{None if found is None else found.shape}, expected {shape}",
                where=self._where,
            )
        return cast("NDArray[np.floating]", found).astype(np.float64)


def lookup_encoder(
    folder: Path, arrays: Arrays, config: EncoderConfig, *, size: int, columns: int
) -> IdEncoder:
    """The encoder of a model folder whose vocabulary has `size` ids and whose feature space has so
    many columns. DamagedError when the arrays do not fit the configuration."""
    if isinstance(config, CnnConfig):
        return LookupCnn.from_arrays(folder, arrays, config, size=size, columns=columns)
    return LookupBag.from_arrays(folder, arrays, config, size=size, columns=columns)
