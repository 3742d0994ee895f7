"""Where the filters of a CNN respond most: rows of tokens and filters in, positions out.

Two searches with the same result: by convolution of the token vectors, and by look-up. A filter's
response is a sum over its tokens, and a token's part in it depends on nothing but the token, so the
products of all tokens with all filters are computed once a step, as tables, and a response is the
sum of a few table rows.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vecattr.encoders.networks.batch import TokenRows

#: Token vectors (v, e), one filter layer and rows in; each filter's largest response in each row,
#: (r, c), and its position, (r, c), out; -inf and 0 in a row without any window.
FilterSearch = Callable[[Tensor, nn.Conv1d, TokenRows], tuple[Tensor, Tensor]]

_ROWS_AT_ONCE = 16  # bounds the memory of the responses by look-up


def search_by_convolution(
    signal: Tensor, layer: nn.Conv1d, rows: TokenRows
) -> tuple[Tensor, Tensor]:
    """As a FilterSearch, but from the token vectors of each row, (r, e, t)."""
    return _largest(layer(signal), rows.windows(layer.kernel_size[0]), dim=2)


def search_by_lookup(vectors: Tensor, layer: nn.Conv1d, rows: TokenRows) -> tuple[Tensor, Tensor]:
    """A FilterSearch in torch, on any device."""
    kernel, channels = layer.kernel_size[0], layer.out_channels
    weights = layer.weight.permute(2, 1, 0).to(vectors.dtype)  # (c, e, k) -> (k, e, c)
    tables = (vectors @ weights).float()  # (v, e) @ (k, e, c) -> (k, v, c)
    tables = tables.reshape(-1, channels)
    table_starts = len(vectors) * torch.arange(kernel, device=rows.ids.device)  # (k,)
    windows = rows.windows(kernel)
    largest, positions = [], []
    for start in range(0, len(rows.ids), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        table_rows = rows.ids[part].unfold(1, kernel, 1) + table_starts  # (r, p, k)
        sums = nn.functional.embedding_bag(table_rows.reshape(-1, kernel), tables, mode="sum")
        responses = sums.reshape(*table_rows.shape[:2], channels)  # (r, p, c)
        values, places = _largest(responses, windows[part], dim=1)
        largest.append(values)
        positions.append(places)
    return torch.cat(largest) + _bias(layer), torch.cat(positions)


def _bias(layer: nn.Conv1d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _largest(responses: Tensor, windows: Tensor, *, dim: int) -> tuple[Tensor, Tensor]:
    """Each filter's largest response among the first `windows`, and its position, (r, c), (r, c);
    positions are the dimension `dim` of the responses, 1 or 2."""
    place = torch.arange(responses.shape[dim], device=responses.device)  # (p,)
    outside = (place >= windows[:, None]).unsqueeze(3 - dim)  # (r, p, 1) or (r, 1, p)
    largest, positions = responses.masked_fill(outside, -torch.inf).max(dim=dim)
    return largest, positions


def responses_at(x: Tensor, layer: nn.Conv1d, positions: Tensor) -> Tensor:
    """Each filter's response at its own position in each row; (r, t, e), (r, c) -> (r, c)."""
    kernel, channels = layer.kernel_size[0], layer.out_channels
    row_starts = torch.arange(len(x), device=x.device) * x.shape[1]
    starts = (row_starts[:, None] + positions).T  # (c, r)
    windows = starts[..., None] + torch.arange(kernel, device=x.device)  # (c, r, k)
    tokens = nn.functional.embedding(windows, x.reshape(-1, x.shape[2]))  # (c, r, k, e)
    weight = layer.weight.transpose(1, 2).reshape(channels, -1, 1)  # (c, e, k) -> (c, ke, 1)
    responses = torch.bmm(tokens.reshape(channels, len(x), -1), weight)[..., 0].T  # (r, c)
    return responses + _bias(layer)
