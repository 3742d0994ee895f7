"""Look-up of filter responses compiled by numba (extra `train`): the search for the largest
responses, the responses themselves and their gradients, on the threads of the processor.

The same results as `filter_search`, in a tenth of the time: table rows are summed in registers
instead of arrays that leave the cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Where machine code is kept: said here, or a `.numba_config.yaml` of the working folder says it,
#: and numba unpickles, and so runs, what lies there.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parent / "__pycache__"))

import numba
import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray
from torch import Tensor, nn

from vecattr.encoders.networks.batch import TokenRows
from vecattr.encoders.tokenizer import PADDING

_TILE = 64  # filters whose sums stay in registers
_PARTS = 8  # sums of gradients side by side; fixed, so that threads change no digit

_Floats = NDArray[np.float32]

#: Machine code is kept beside this file where that may be written, so that a process compiles
#: nothing that another has compiled.
_KEPT = os.access(Path(__file__).parent, os.W_OK)


def search_compiled(vectors: Tensor, layer: nn.Conv1d, rows: TokenRows) -> tuple[Tensor, Tensor]:
    """A FilterSearch on the processor."""
    kernel, channels = layer.kernel_size[0], layer.out_channels
    tiles = -(-channels // _TILE)
    weights = layer.weight.permute(2, 1, 0)  # (c, e, k) -> (k, e, c)
    weights = nn.functional.pad(weights, (0, tiles * _TILE - channels))
    weights = weights.reshape(*weights.shape[:2], tiles, _TILE)  # (k, e, tiles, _TILE)
    weights = weights.permute(2, 0, 1, 3)  # (tiles, k, e, _TILE)
    tables = torch.matmul(vectors, weights.to(vectors.dtype)).float()  # (tiles, k, v, _TILE)
    largest = np.empty((len(rows.ids), tiles * _TILE), dtype=np.float32)
    positions = np.empty(largest.shape, dtype=np.int64)
    arrays = (
        tables.reshape(tiles, -1).numpy(),
        rows.ids.numpy().astype(np.uint32),
        rows.windows(kernel).numpy(),
    )
    _run(_search, *arrays, kernel, len(vectors), largest, positions)
    assert layer.bias is not None
    return (
        torch.from_numpy(largest[:, :channels]) + layer.bias,
        torch.from_numpy(positions[:, :channels]),
    )


class WindowResponses(torch.autograd.Function):
    """Each filter's response at its own position in each row, with gradients.

    Takes token vectors (v, e), of which the padding's is zero and gets no gradient, filters
    (c, e, k), bias (c,), ids (r, t) and positions (r, c); gives (r, c).
    """

    @staticmethod
    def forward(
        ctx: Any, vectors: Tensor, weight: Tensor, bias: Tensor, ids: Tensor, positions: Tensor
    ) -> Tensor:
        """The responses."""
        filters = weight.transpose(1, 2).contiguous()  # (c, e, k) -> (c, k, e)
        ctx.save_for_backward(vectors, filters, ids, positions)
        responses = np.empty(positions.shape, dtype=np.float32)
        _run(_responses, *_arrays(vectors, filters, ids, positions, bias), responses)
        return torch.from_numpy(responses)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of vectors, filters and bias."""
        vectors, filters, ids, positions = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        for_vectors = np.zeros((_PARTS, *vectors.shape), dtype=np.float32)
        for_filters = np.zeros(filters.shape, dtype=np.float32)
        arrays = _arrays(vectors, filters, ids, positions, gradient)
        _run(_gradients, *arrays, for_vectors, for_filters)
        return (
            torch.from_numpy(for_vectors.sum(axis=0)),
            torch.from_numpy(for_filters).transpose(1, 2),
            gradient.sum(0),
            None,
            None,
        )


def _arrays(*tensors: Tensor) -> list[NDArray[Any]]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


def _run(function: Callable[..., None], *arguments: Any) -> None:
    """Call a compiled function on as many threads as torch uses."""
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(min(torch.get_num_threads(), most))
    function(*arguments)


@njit(fastmath=True, error_model="numpy", cache=_KEPT)
def _sum_rows(
    table: _Floats, ids: NDArray[np.uint32], start: int, kernel: int, tokens: int, sums: _Floats
) -> None:  # pragma: no cover (machine code)
    """The response of _TILE filters to the window that begins at `start`: sums of table rows.

    Offsets are unsigned 32-bit, or numba would test each for a negative index; four rows at once
    spare three of four loads and stores of the sums.
    """
    tile = np.uint32(_TILE)
    size = np.uint32(tokens) * tile
    base, place, end = np.uint32(0), np.uint32(start), np.uint32(start + kernel)
    for f in range(tile):
        sums[f] = np.float32(0)
    while place + np.uint32(4) <= end:
        a = ids[place] * tile + base
        b = ids[place + np.uint32(1)] * tile + base + size
        c = ids[place + np.uint32(2)] * tile + base + size * np.uint32(2)
        d = ids[place + np.uint32(3)] * tile + base + size * np.uint32(3)
        for f in range(tile):
            sums[f] += (table[a + f] + table[b + f]) + (table[c + f] + table[d + f])
        base += size * np.uint32(4)
        place += np.uint32(4)
    while place < end:
        a = ids[place] * tile + base
        for f in range(tile):
            sums[f] += table[a + f]
        base += size
        place += np.uint32(1)


@njit(parallel=True, fastmath=True, error_model="numpy", cache=_KEPT)
def _search(
    tables: _Floats,
    ids: NDArray[np.uint32],
    windows: NDArray[np.int64],
    kernel: int,
    tokens: int,
    largest: _Floats,
    positions: NDArray[np.int64],
) -> None:  # pragma: no cover (machine code)
    """Fill `largest` and `positions` with the first largest sum of each filter in each row.

    Takes (tiles, k * v * _TILE) tables and (r, t) ids.
    """
    rows = ids.shape[0]
    for task in prange(tables.shape[0] * rows):
        tile, row = task // rows, task % rows
        table, row_ids = tables[tile], ids[row]
        sums = np.zeros(_TILE, np.float32)
        best = np.full(_TILE, -np.inf, np.float32)
        places = np.zeros(_TILE, np.float32)  # exact: rows are far shorter than 2 ** 24
        for position in range(windows[row]):
            _sum_rows(table, row_ids, position, kernel, tokens, sums)
            place = np.float32(position)
            for f in range(np.uint32(_TILE)):
                larger = sums[f] > best[f]
                best[f] = sums[f] if larger else best[f]
                places[f] = place if larger else places[f]
        for f in range(_TILE):
            largest[row, tile * _TILE + f] = best[f]
            positions[row, tile * _TILE + f] = np.int64(places[f])


@njit(parallel=True, fastmath=True, error_model="numpy", cache=_KEPT)
def _responses(
    vectors: _Floats,
    filters: _Floats,
    ids: NDArray[np.int64],
    positions: NDArray[np.int64],
    bias: _Floats,
    responses: _Floats,
) -> None:  # pragma: no cover (machine code)
    """Fill `responses` (r, c); (v, e) vectors, (c, k, e) filters."""
    for channel in prange(filters.shape[0]):
        for row in range(ids.shape[0]):
            response = bias[channel]
            for offset in range(filters.shape[1]):
                vector = vectors[ids[row, positions[row, channel] + offset]]
                for e in range(vector.shape[0]):
                    response += filters[channel, offset, e] * vector[e]
            responses[row, channel] = response


@njit(parallel=True, fastmath=True, error_model="numpy", cache=_KEPT)
def _gradients(
    vectors: _Floats,
    filters: _Floats,
    ids: NDArray[np.int64],
    positions: NDArray[np.int64],
    gradient: _Floats,
    for_vectors: _Floats,
    for_filters: _Floats,
) -> None:  # pragma: no cover (machine code)
    """Add to `for_vectors` (parts, v, e) and `for_filters` (c, k, e)."""
    channels, width = filters.shape[0], vectors.shape[1]
    for part in prange(for_vectors.shape[0]):
        for channel in range(part, channels, for_vectors.shape[0]):
            for row in range(ids.shape[0]):
                slope = gradient[row, channel]
                if slope == 0:
                    continue
                for offset in range(filters.shape[1]):
                    token = ids[row, positions[row, channel] + offset]
                    if token == PADDING:
                        continue
                    for e in range(width):
                        for_filters[channel, offset, e] += slope * vectors[token, e]
                        for_vectors[part, token, e] += slope * filters[channel, offset, e]
