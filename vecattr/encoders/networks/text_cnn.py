"""The text CNN: rows of tokens and features in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vecattr.encoders.config import CnnConfig
from vecattr.encoders.networks.batch import Batch, TokenRows
from vecattr.encoders.networks.filter_search import (
    FilterSearch,
    responses_at,
    search_by_convolution,
    search_by_lookup,
)
from vecattr.encoders.networks.search_choice import Search
from vecattr.encoders.tokenizer import PADDING

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "selu": F.selu,
    "relu": F.relu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
}


def _compiled_search() -> FilterSearch:
    from vecattr.encoders.networks.compiled import search_compiled  # extra

    return search_compiled


_SEARCHES: dict[Search, Callable[[], FilterSearch]] = {
    "lookup": lambda: search_by_lookup,
    "compiled": _compiled_search,
}


class TextCnn(nn.Module):
    """Kim's text CNN: token vectors, filters of several widths, max-pooling, one linear layer.

    Padding does not leak: a window that reaches past the end of its sequence is not pooled (except
    the one window of a sequence shorter than the filter, which reads zeros there). The activations
    are monotone, so applying them after the maximum gives the same.
    """

    def __init__(self, config: CnnConfig, *, vocabulary_size: int, feature_columns: int) -> None:
        super().__init__()
        self.config = config
        self.search: Search = "convolution"
        self.tokens = nn.Embedding(vocabulary_size, config.token_width, padding_idx=PADDING)
        self.filters = nn.ModuleList(
            nn.Conv1d(config.token_width, config.filters, kernel) for kernel in config.kernels
        )
        self.dropout = nn.Dropout(config.dropout)
        self.activation = _ACTIVATIONS[config.activation]
        pooled = config.filters * len(config.kernels)
        self.project = nn.Linear(pooled + feature_columns, config.width)
        self.reach = max(config.kernels) - 1  # tokens a window extends past its first

    @property
    def layers(self) -> list[nn.Conv1d]:
        """The filters, one layer a width."""
        return [layer for layer in self.filters if isinstance(layer, nn.Conv1d)]

    def forward(self, batch: Batch) -> Tensor:
        """Unit vectors, (b, d)."""
        rows = TokenRows.from_batch(batch, self.reach)
        pooled = rows.maxima(self._pooled(rows), len(batch.features))  # (r, c) -> (b, c)
        joined = torch.cat([self.activation(pooled), batch.features], dim=1)  # (b, c + f)
        return F.normalize(self.project(joined).float(), dim=1)

    def _pooled(self, rows: TokenRows) -> Tensor:
        """The largest response of every filter in each row, (r, c) float32.

        The gradient of a maximum is zero except at its position. So positions are found without
        gradients, and only the windows there are convolved again with gradients: the same result
        as a dense backward pass, with a thousandth of its arithmetic.
        """
        rows, vectors = self._after_token_dropout(rows)
        x = F.embedding(rows.ids, vectors, padding_idx=PADDING)  # (r, t) -> (r, t, e)
        if self.config.dropout_of == "numbers":
            x = self.dropout(x)
        with torch.no_grad():
            maxima = self._maxima(x, vectors, rows)
        if not torch.is_grad_enabled():
            return torch.cat([largest for largest, _ in maxima], dim=1).float()
        with torch.autocast(x.device.type, enabled=False):
            responses = [
                self._responses(x, vectors, rows, layer=layer, positions=positions)
                for layer, (_, positions) in zip(self.layers, maxima, strict=True)
            ]
        return torch.cat(responses, dim=1)

    def _after_token_dropout(self, rows: TokenRows) -> tuple[TokenRows, Tensor]:
        """Rows in which dropped tokens are padding, and the vectors of those that stay, scaled up
        as dropout does, (v, e)."""
        vectors = self.tokens.weight
        share = self.config.dropout
        if not (self.training and share and self.config.dropout_of == "tokens"):
            return rows, vectors
        kept = torch.rand(rows.ids.shape, device=rows.ids.device) >= share
        return replace(rows, ids=rows.ids * kept), vectors / (1 - share)

    def _maxima(self, x: Tensor, vectors: Tensor, rows: TokenRows) -> list[tuple[Tensor, Tensor]]:
        """Each filter's largest response in each row and its position, (r, c), (r, c) a layer."""
        if self.looks_up:
            search = _SEARCHES[self.search]()
            return [search(vectors, layer, rows) for layer in self.layers]
        signal = x.transpose(1, 2).contiguous()  # (r, t, e) -> (r, e, t)
        if torch.is_autocast_enabled(x.device.type):
            signal = signal.to(torch.get_autocast_dtype(x.device.type))
        return [search_by_convolution(signal, layer, rows) for layer in self.layers]

    @property
    def looks_up(self) -> bool:
        """Whether a step looks responses up: not where dropout makes every token's vector
        another."""
        return self.search != "convolution" and not (self.training and self.varies_vectors)

    @property
    def varies_vectors(self) -> bool:
        """Whether dropout in training makes the vector of every token of a batch another."""
        return self.config.dropout_of == "numbers" and self.config.dropout > 0

    def _responses(
        self, x: Tensor, vectors: Tensor, rows: TokenRows, *, layer: nn.Conv1d, positions: Tensor
    ) -> Tensor:
        """A layer's responses at its positions, with gradients, (r, c); -inf without a window."""
        if self.looks_up and self.search == "compiled":
            from vecattr.encoders.networks.compiled import WindowResponses  # extra

            responses: Tensor = WindowResponses.apply(  # type: ignore[no-untyped-call]
                vectors, layer.weight, layer.bias, rows.ids, positions
            )
        else:
            responses = responses_at(x, layer, positions)
        windows = rows.windows(layer.kernel_size[0])
        return responses.masked_fill((windows == 0)[:, None], -torch.inf)
