"""The published faults of the text CNN, each shut out; and the bag."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from vecattr.encoders.config import BagConfig, CnnConfig
from vecattr.encoders.networks.batch import CHUNK, Batch
from vecattr.encoders.networks.kinds import new_encoder
from vecattr.encoders.networks.kmer_bag import KmerBag
from vecattr.encoders.networks.text_cnn import TextCnn

_KERNELS = (1, 3, 6)


def _cnn(**changes: object) -> TextCnn:
    torch.manual_seed(5)
    config = CnnConfig(width=16, token_width=8, kernels=_KERNELS, filters=10, **changes)  # type: ignore[arg-type]
    encoder = new_encoder(config, vocabulary_size=50, feature_columns=3)
    assert isinstance(encoder, TextCnn)
    return encoder.eval()


def _bag() -> KmerBag:
    torch.manual_seed(5)
    config = BagConfig(width=16, token_width=8)
    encoder = new_encoder(config, vocabulary_size=50, feature_columns=3)
    assert isinstance(encoder, KmerBag)
    return encoder.eval()


def _ids(*sizes: int, seed: int = 0) -> list[NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 50, size).astype(np.int32) for size in sizes]


def _batch(ids: list[NDArray[np.int32]]) -> Batch:
    features = np.random.default_rng(1).random((len(ids), 3)).astype(np.float32)
    return Batch.from_ids(ids, features)


def _plain_cnn(encoder: TextCnn, ids: NDArray[np.int32], features: Tensor) -> Tensor:
    """One sequence, no batch, no chunks: valid convolution, maximum, activation, projection."""
    widest = max(_KERNELS)
    padded = np.concatenate([ids, np.zeros(max(widest - len(ids), 0), dtype=np.int32)])
    x = encoder.tokens(torch.from_numpy(padded.astype(np.int64))).T[None]  # (1, e, t)
    pooled = []
    for layer, kernel in zip(encoder.filters, _KERNELS, strict=True):
        windows = max(len(ids) - kernel + 1, 1)
        pooled.append(F.selu(layer(x)[0, :, :windows]).amax(dim=1))
    return F.normalize(encoder.project(torch.cat([*pooled, features])), dim=0)


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 100, CHUNK, CHUNK + 1, CHUNK + 5, 3 * CHUNK + 2])
def test_cnn_equals_a_plain_reading_at_every_length(size: int) -> None:
    encoder, batch = _cnn(), _batch(_ids(size))
    with torch.no_grad():
        expected = _plain_cnn(encoder, _ids(size)[0], batch.features[0])
        assert torch.allclose(encoder(batch)[0], expected, atol=1e-6)


@pytest.mark.parametrize("make", [_cnn, _bag])
def test_batch_mates_do_not_change_a_vector(make: type[nn.Module]) -> None:
    encoder = make()
    ids = _ids(3, 40, 1, 2_500, 700)
    batch = _batch(ids)
    with torch.no_grad():
        together = encoder(batch)
        for row, sequence_ids in enumerate(ids):
            alone = Batch.from_ids([sequence_ids], batch.features[row : row + 1].numpy())
            assert torch.allclose(encoder(alone)[0], together[row], atol=1e-6)


def test_sparse_backward_of_the_pool_equals_the_dense_one() -> None:
    encoder, batch = _cnn(), _batch(_ids(4, 60, 1_500))
    target = torch.randn(3, 16)
    (encoder(batch) * target).sum().backward()
    gradients = {name: weights.grad.clone() for name, weights in encoder.named_parameters()}  # type: ignore[union-attr]
    encoder.zero_grad()
    ids = _ids(4, 60, 1_500)
    plain = [
        _plain_cnn(encoder, sequence_ids, batch.features[row])
        for row, sequence_ids in enumerate(ids)
    ]
    (torch.stack(plain) * target).sum().backward()
    for name, weights in encoder.named_parameters():
        assert weights.grad is not None
        assert torch.allclose(gradients[name], weights.grad, atol=1e-5), name


@pytest.mark.parametrize("make", [_cnn, _bag])
def test_vectors_have_unit_length(make: type[nn.Module]) -> None:
    with torch.no_grad():
        lengths = make()(_batch(_ids(1, 9, 300))).norm(dim=1)
    assert torch.allclose(lengths, torch.ones(3), atol=1e-6)


def test_dropout_is_off_at_inference() -> None:
    encoder, batch = _cnn(dropout=0.9), _batch(_ids(30))
    with torch.no_grad():
        assert torch.equal(encoder(batch), encoder(batch))


def test_a_bag_without_any_known_kmer_still_has_a_direction() -> None:
    with torch.no_grad():
        vector = _bag()(_batch(_ids(0)))
    assert torch.isfinite(vector).all()
    assert vector.norm().item() == pytest.approx(1)


def test_the_order_of_kmers_does_not_matter_to_a_bag() -> None:
    ids = _ids(80)
    features = np.zeros((1, 3), dtype=np.float32)
    with torch.no_grad():
        forward = _bag()(Batch.from_ids(ids, features))
        backward = _bag()(Batch.from_ids([ids[0][::-1].copy()], features))
    assert torch.allclose(forward, backward, atol=1e-6)


def test_the_published_configuration_has_its_five_million_parameters() -> None:
    encoder = new_encoder(CnnConfig(), vocabulary_size=1_002, feature_columns=40)
    assert 4.5e6 < sum(weights.numel() for weights in encoder.parameters()) < 5.5e6
