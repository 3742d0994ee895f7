"""Encoders without torch: weights of a bag or a text CNN in, lookup tables that embed alike out.

A bag is a table already. The first layer of a text CNN is linear in the tokens' vectors, so the
response of a filter at a position is a sum of one table row for each token that it covers,

    table[kernel, j] = tokens @ filters[kernel][:, :, j].T      (v, e) @ (e, c) -> (v, c)

so that a convolution becomes look-ups and additions, equal to it up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.config import Activation, BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.model_folder import WEIGHTS_FILE
from vecattr.encoders.tokenizer import PADDING, Ids
from vecattr.encoders.weights import Arrays, StoredKmerVectors, plain_weights
from vecattr.errors import DamagedError
from vecattr.files.folder import Location
from vecattr.products import exact_products
from vecattr.vectors import Vectors, unit_rows

#: Positions whose responses are added up at once: they fit into a core's cache.
_POSITIONS = 128

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017


class IdEncoder(Protocol):
    """Ids and features in, unit vectors out; a row does not depend on its batch mates."""

    def encode(self, ids: Sequence[Ids], features: NDArray[np.float32]) -> Vectors:
        """From one id array (t,) a sequence, and features (b, f), -> (b, d)."""
        ...


class KmerVectors(Protocol):
    """The vectors of a bag's k-mers, (n + 1, e)."""

    @property
    def width(self) -> int:
        """Components of a vector, e."""
        ...

    def at(self, ids: NDArray[np.int32]) -> Vectors:
        """The vectors of these ids, (t,) -> (t, e) float32."""
        ...


@dataclass(frozen=True)
class LookupBag:
    """The mean of k-mers' vectors (e,), widened to (d,), plus linear features and a bias."""

    kmers: KmerVectors
    widen: NDArray[np.float64] | None  # (e, d)
    features: NDArray[np.float64]  # (f, d)
    bias: NDArray[np.float64]  # (d,)

    @classmethod
    def from_arrays(
        cls, folder: Location, arrays: Arrays, config: BagConfig, *, size: int, columns: int
    ) -> LookupBag:
        """DamagedError when the arrays do not fit the configuration."""
        width = config.width
        weights = _Weights(folder, arrays)
        widen = None
        if config.token_width != width:
            widen = weights.array("widen.weight", (width, config.token_width)).T
        return cls(
            StoredKmerVectors.from_arrays(folder, arrays, config, size=size),
            widen,
            weights.array("features.weight", (width, columns)).T,
            weights.array("features.bias", (width,)),
        )

    def encode(self, ids: Sequence[Ids], features: NDArray[np.float32]) -> Vectors:
        """Unit vectors of k-mer ids, (t,) of each sequence, and features (b, f) -> (b, d)."""
        pooled = np.stack([self._mean(sequence_ids) for sequence_ids in ids])  # (b, e)
        wide = pooled if self.widen is None else _row_products(pooled, self.widen)  # (b, d)
        return unit_rows(wide + _row_products(features, self.features) + self.bias)

    def spanning_rows(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Rows (s, d) of which every vector with these features (f,) is a weighted sum."""
        widen = np.eye(len(self.bias)) if self.widen is None else self.widen
        offset = _row_products(features[None, :], self.features) + self.bias  # (1, d)
        return np.concatenate([widen, offset])

    def _mean(self, ids: Ids) -> NDArray[np.float64]:
        if not len(ids):
            return np.zeros(self.kmers.width)
        mean: NDArray[np.float64] = self.kmers.at(ids).mean(axis=0, dtype=np.float64)
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
        cls, folder: Location, arrays: Arrays, config: CnnConfig, *, size: int, columns: int
    ) -> LookupCnn:
        """Computes the tables; DamagedError when the arrays do not fit the configuration."""
        weights = _Weights(folder, plain_weights(folder, arrays))
        filters, pooled = config.filters, config.filters * len(config.kernels)
        tokens = weights.array("tokens.weight", (size, config.token_width)).astype(np.float32)
        tables, biases = [], []
        for layer, kernel in enumerate(config.kernels):
            shape = filters, config.token_width, kernel
            tables.append(_table(tokens, weights.array(f"filters.{layer}.weight", shape)))
            biases.append(weights.array(f"filters.{layer}.bias", (filters,)).astype(np.float32))
        return cls(
            tuple(tables),
            tuple(biases),
            config.activation,
            weights.array("project.weight", (config.width, pooled + columns)).T,
            weights.array("project.bias", (config.width,)),
        )

    def encode(self, ids: Sequence[Ids], features: NDArray[np.float32]) -> Vectors:
        """Unit vectors of piece ids, (t,) of each sequence, and features (b, f) -> (b, d)."""
        activate = _ACTIVATIONS[self.activation]
        responses = [activate(self._responses(sequence_ids)) for sequence_ids in ids]
        pooled = np.stack(responses)  # (b, c)
        joined = np.concatenate([pooled, features.astype(np.float64)], axis=1)  # (b, c + f)
        return unit_rows(_row_products(joined, self.project) + self.bias)

    def _responses(self, ids: Ids) -> NDArray[np.float64]:
        """Every filter's largest response over the windows of one sequence, (t,) -> (c,).

        The one window of a sequence shorter than the filter reads padding past the end."""
        responses = []
        for table, bias in zip(self.tables, self.biases, strict=True):
            missing = max(0, len(table) - len(ids))
            padded = np.concatenate([ids, np.full(missing, PADDING, dtype=ids.dtype)])
            responses.append(_largest_sum(table, padded) + bias)
        return np.concatenate(responses).astype(np.float64)


def _table(tokens: NDArray[np.float32], weight: NDArray[np.float64]) -> NDArray[np.float32]:
    """What each token adds at each position of a filter; (v, e), (c, e, k) -> (k, v, c)."""
    filters, _, kernel = weight.shape
    table = np.empty((kernel, len(tokens), filters), dtype=np.float32)
    for j in range(kernel):
        table[j] = exact_products(tokens, weight[:, :, j])  # the same for any number of threads
    return table


def _largest_sum(table: NDArray[np.float32], ids: Ids) -> NDArray[np.float32]:
    """The largest sum of rows over all windows; table (k, v, c), ids (t,) with t >= k, -> (c,)."""
    kernel, windows = len(table), len(ids) - len(table) + 1
    best = np.full(table.shape[2], -np.inf, dtype=np.float32)
    for start in range(0, windows, _POSITIONS):
        stop = min(start + _POSITIONS, windows)
        response = table[0].take(ids[start:stop], axis=0)  # (p, c)
        for j in range(1, kernel):
            response += table[j].take(ids[start + j : stop + j], axis=0)
        np.maximum(best, response.max(axis=0), out=best)
    return best


def _row_products(rows: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row times the matrix, computed alone and without BLAS, so that neither batch mates nor
    threads change a bit of it."""
    ordered = np.ascontiguousarray(matrix)  # whose layout einsum's order of summation follows
    wide = rows.astype(np.float64)
    return np.stack([np.einsum("k,kd->d", row, ordered) for row in wide])


def _selu(values: NDArray[np.float64]) -> NDArray[np.float64]:
    negative = _SELU_ALPHA * np.expm1(np.minimum(values, 0))
    activated: NDArray[np.float64] = _SELU_SCALE * np.where(values > 0, values, negative)
    return activated


def _relu(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(values, 0)


def _tanh(values: NDArray[np.float64]) -> NDArray[np.float64]:
    activated: NDArray[np.float64] = np.tanh(values)
    return activated


def _gelu(values: NDArray[np.float64]) -> NDArray[np.float64]:
    erf = np.array([math.erf(value / math.sqrt(2)) for value in values.tolist()])
    activated: NDArray[np.float64] = values * (1 + erf) / 2
    return activated


#: Applied after the maximum, as in training.
_ACTIVATIONS: dict[Activation, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "selu": _selu,
    "relu": _relu,
    "gelu": _gelu,
    "tanh": _tanh,
}


@dataclass(frozen=True)
class _Weights:
    """The arrays of a model folder's weights by name."""

    folder: Location
    arrays: Arrays

    def array(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """One array as float64; DamagedError when it is absent or has another shape."""
        array = self.arrays.get(name)
        if array is None or array.shape != shape:
            raise DamagedError(
                f"the weights do not fit the configuration: {name} has shape "
                f"{None if array is None else array.shape}, expected {shape}",
                where=str(self.folder / WEIGHTS_FILE),
            )
        return cast("NDArray[np.floating]", array).astype(np.float64)


def lookup_encoder(
    folder: Location, arrays: Arrays, config: EncoderConfig, *, size: int, columns: int
) -> IdEncoder:
    """The lookup tables of a model folder whose vocabulary has `size` ids and whose feature space
    has `columns`. DamagedError when the arrays do not fit the configuration."""
    if isinstance(config, CnnConfig):
        return LookupCnn.from_arrays(folder, arrays, config, size=size, columns=columns)
    return LookupBag.from_arrays(folder, arrays, config, size=size, columns=columns)
