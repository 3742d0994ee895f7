"""Look-up of filter responses, in torch and compiled, against the convolution it stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from vecattr.encoders.config import CnnConfig
from vecattr.encoders.networks.batch import CHUNK, Batch, TokenRows
from vecattr.encoders.networks.compiled import search_compiled
from vecattr.encoders.networks.filter_search import (
    FilterSearch,
    search_by_convolution,
    search_by_lookup,
)
from vecattr.encoders.networks.search_choice import Search, choose_search
from vecattr.encoders.networks.text_cnn import TextCnn
from vecattr.encoders.tokenizer import PADDING

_KERNELS = (1, 3, 4, 9)
_TOKENS = 300

#: Shorter than filters, of their width, at the borders of chunks, and longer.
_LENGTHS = (1, 2, 3, 8, 9, 10, 100, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 8, 2 * CHUNK + 3)

SEARCHES: dict[Search, FilterSearch] = {"lookup": search_by_lookup, "compiled": search_compiled}

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def _cnn(*, filters: int = 10, dropout: float = 0.0) -> TextCnn:
    torch.manual_seed(7)
    config = CnnConfig(
        width=16,
        token_width=12,
        kernels=_KERNELS,
        filters=filters,
        dropout=dropout,
        dropout_of="tokens",
    )
    return TextCnn(config, vocabulary_size=_TOKENS, feature_columns=2)


def _batch(*lengths: int) -> Batch:
    rng = np.random.default_rng(3)
    ids = [rng.integers(1, _TOKENS, length).astype(np.int32) for length in lengths]
    return Batch.from_ids(ids, rng.random((len(ids), 2)).astype(np.float32))


def _rows_with_dropped_tokens(encoder: TextCnn) -> TokenRows:
    rows = TokenRows.from_batch(_batch(*_LENGTHS), encoder.reach)
    generator = torch.Generator().manual_seed(1)
    return replace(rows, ids=rows.ids * (torch.rand(rows.ids.shape, generator=generator) > 0.3))


def _windows(rows: TokenRows, positions: Tensor, kernel: int) -> Tensor:
    """The tokens under each filter, (r, c, k): equal windows are equal answers anywhere."""
    places = positions[..., None] + torch.arange(kernel)
    return rows.ids[torch.arange(len(rows.ids))[:, None, None], places]


@pytest.mark.parametrize("filters", [1, 10, 64, 70, 130])
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_the_values_and_windows_of_the_convolution(
    name: Search, filters: int
) -> None:
    encoder = _cnn(filters=filters)
    vectors = encoder.tokens.weight
    rows = _rows_with_dropped_tokens(encoder)
    signal = torch.nn.functional.embedding(rows.ids, vectors).transpose(1, 2)
    with torch.no_grad():
        for layer, kernel in zip(encoder.layers, _KERNELS, strict=True):
            expected, places = search_by_convolution(signal, layer, rows)
            largest, positions = SEARCHES[name](vectors, layer, rows)
            assert torch.allclose(largest, expected, atol=1e-5)
            assert torch.equal(_windows(rows, positions, kernel), _windows(rows, places, kernel)), (
                kernel
            )


def _step(encoder: TextCnn, search: Search, *, seed: int = 0) -> tuple[Tensor, dict[str, Tensor]]:
    """Vectors of a training step and its gradients."""
    encoder.search = search
    encoder.zero_grad()
    device = encoder.tokens.weight.device
    torch.manual_seed(seed)
    vectors = encoder(_batch(*_LENGTHS).to(device))
    slopes = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(2))
    (vectors * slopes.to(device)).sum().backward()
    gradients = {
        name: weights.grad.clone()
        for name, weights in encoder.named_parameters()
        if weights.grad is not None
    }
    return vectors.detach(), gradients


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("name", SEARCHES)
def test_a_step_by_lookup_has_the_vectors_and_gradients_of_the_convolution(
    name: Search, dropout: float
) -> None:
    encoder = _cnn(filters=70, dropout=dropout)
    expected, slopes = _step(encoder, "convolution")
    vectors, gradients = _step(encoder, name)
    assert torch.allclose(vectors, expected, atol=1e-5)
    assert gradients.keys() == slopes.keys() == dict(encoder.named_parameters()).keys()
    for weights, gradient in gradients.items():
        largest = slopes[weights].abs().max()
        assert (gradient - slopes[weights]).abs().max() <= 1e-5 * largest, weights


@pytest.mark.parametrize("name", ["convolution", *SEARCHES])
def test_the_row_of_padding_gets_no_gradient(name: Search) -> None:
    _, gradients = _step(_cnn(dropout=0.3), name)
    assert not gradients["tokens.weight"][PADDING].any()
    assert gradients["tokens.weight"].any()


@pytest.mark.parametrize("name", SEARCHES)
def test_under_autocast_a_step_by_lookup_is_as_near_as_bf16_allows(name: Search) -> None:
    encoder = _cnn()
    expected, slopes = _step(encoder, "convolution")
    with torch.autocast("cpu", torch.bfloat16):
        vectors, gradients = _step(encoder, name)
    assert vectors.dtype == torch.float32
    assert torch.allclose(vectors, expected, atol=0.05)
    assert gradients.keys() == slopes.keys()
    assert all(torch.isfinite(gradient).all() for gradient in gradients.values())


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@needs_cuda
def test_a_step_by_lookup_on_a_gpu_is_that_of_the_convolution_there(dropout: float) -> None:
    encoder = _cnn(filters=70, dropout=dropout).to("cuda")
    expected, slopes = _step(encoder, "convolution")
    vectors, gradients = _step(encoder, "lookup")
    assert torch.allclose(vectors, expected, atol=1e-3)
    for weights, gradient in gradients.items():
        largest = slopes[weights].abs().max()
        assert (gradient - slopes[weights]).abs().max() <= 1e-2 * largest, weights


def test_dropout_of_tokens_removes_a_token_whole_or_scales_it_up() -> None:
    """A plasmid of one token has two readings: the token gone, or twice as long at one half."""
    encoder = _cnn(dropout=0.5)
    batch = _batch(1)
    gone = replace(batch, ids=torch.zeros_like(batch.ids))
    with torch.no_grad():
        torch.manual_seed(0)
        drawn = torch.cat([encoder(batch) for _ in range(40)])
        encoder.eval()
        of_nothing = encoder(gone)
        encoder.tokens.weight *= 2
        of_twice = encoder(batch)
    is_gone = torch.isclose(drawn, of_nothing, atol=1e-6).all(dim=1)
    is_twice = torch.isclose(drawn, of_twice, atol=1e-6).all(dim=1)
    assert (is_gone ^ is_twice).all()
    assert is_gone.any()
    assert is_twice.any()


def test_the_share_of_dropped_tokens_is_the_configured_one() -> None:
    encoder = _cnn(dropout=0.2)
    batch = Batch.from_ids(
        [np.array([5], dtype=np.int32)] * 2_000, np.zeros((2_000, 2), np.float32)
    )
    with torch.no_grad():
        torch.manual_seed(0)
        drawn = encoder(batch)
        encoder.eval()
        nothing = Batch.from_ids(
            [np.array([PADDING], dtype=np.int32)], np.zeros((1, 2), np.float32)
        )
        gone = torch.isclose(drawn, encoder(nothing), atol=1e-6).all(dim=1)
    assert gone.float().mean().item() == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("name", ["convolution", *SEARCHES])
def test_no_token_is_dropped_at_inference(name: Search) -> None:
    encoder, batch = _cnn(dropout=0.9).eval(), _batch(30)
    encoder.search = name
    with torch.no_grad():
        assert torch.equal(encoder(batch), encoder(batch))


def test_a_run_says_which_search_it_takes() -> None:
    compiled = choose_search("cpu", looks_up=True)
    assert compiled.search == "compiled"
    assert "compiled by numba" in compiled.note
    dense = choose_search("cpu", looks_up=False)
    assert "--dropout-of tokens" in dense.note
    assert choose_search("cuda", looks_up=True).search == "convolution"
