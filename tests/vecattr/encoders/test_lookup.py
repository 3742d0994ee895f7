"""Encoders without torch give what torch gives, for any configuration and any ids."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.encoders.config import Activation, BagConfig, CnnConfig, EncoderConfig, Numbers
from vecattr.encoders.embedder import engine_of
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.lookup import IdEncoder, lookup_encoder
from vecattr.encoders.lookup_file import open_tables, table_bytes
from vecattr.encoders.model_folder import TABLES_FILE, WEIGHTS_FILE, ModelConfig
from vecattr.encoders.networks.batch import CHUNK
from vecattr.encoders.networks.kinds import new_encoder
from vecattr.encoders.tokenizer import Ids, Tokenizer
from vecattr.encoders.torch_encoder import TorchEncoder, TrainedEncoder, load_torch, save_encoder
from vecattr.encoders.vocabulary import KmerVocabulary, PieceVocabulary, Vocabulary, read_vocabulary
from vecattr.encoders.weights import STEPS, TABLE, read_weights
from vecattr.errors import DamagedError, MismatchError

_FEATURES = FeatureSpace(("first", "second"))
_KMERS = KmerVocabulary(np.arange(10, 409, dtype=np.uint64) * 7, k=21, scaled=4)
_TOKENIZER = Tokenizer.train(["ACGGTCATTAGCAATCGCCGATTACCGT" * 30], pieces=60)

_SIZES = st.lists(st.integers(0, 60), min_size=1, max_size=4)
_SEEDS = st.integers(0, 1 << 16)


def _both(
    folder: Path,
    config: EncoderConfig,
    vocabulary: Vocabulary,
    *,
    seed: int,
    compact: bool = False,
) -> tuple[TorchEncoder, IdEncoder]:
    """One trained encoder, read back from its files by torch and by NumPy."""
    torch.manual_seed(seed)
    network = new_encoder(config, vocabulary_size=vocabulary.size, feature_columns=3)
    parts = TrainedEncoder(network, vocabulary, _FEATURES)
    save_encoder(folder, parts, rotations=1, compact=compact)
    plain, known = load_torch(folder, ModelConfig(config, _FEATURES, 1), device="cpu", threads=None)
    arrays = read_weights(folder)
    assert read_vocabulary(folder, config, arrays).size == known.size
    return plain, lookup_encoder(folder, arrays, config, size=known.size, columns=3)


def _ids(sizes: list[int], *, size: int, seed: int) -> list[Ids]:
    rng = np.random.default_rng(seed)
    return [rng.integers(1, size, count).astype(np.int32) for count in sizes]


def _assert_same(
    torch_encoder: TorchEncoder, tables: IdEncoder, ids: list[Ids], *, seed: int
) -> None:
    features = np.random.default_rng(seed).random((len(ids), 3)).astype(np.float32)
    expected, vectors = torch_encoder.encode(ids, features), tables.encode(ids, features)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - expected).max() < 1e-5


@settings(max_examples=30, deadline=None)
@given(sizes=_SIZES, seed=_SEEDS, numbers=st.sampled_from(["int8", "float16"]), wide=st.booleans())
def test_a_bag_of_rows_is_the_network(
    sizes: list[int], seed: int, numbers: Numbers, wide: bool
) -> None:
    config = BagConfig(width=16, token_width=16 if wide else 8, numbers=numbers, scaled=4)
    with tempfile.TemporaryDirectory() as folder:
        plain, tables = _both(Path(folder), config, _KMERS, seed=seed)
        _assert_same(plain, tables, _ids(sizes, size=_KMERS.size, seed=seed), seed=seed)


@settings(max_examples=30, deadline=None)
@given(
    sizes=_SIZES,
    seed=_SEEDS,
    kernels=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    activation=st.sampled_from(["selu", "relu", "gelu", "tanh"]),
    compact=st.booleans(),
)
def test_look_up_tables_are_the_network(
    sizes: list[int], seed: int, kernels: list[int], activation: Activation, compact: bool
) -> None:
    config = CnnConfig(
        width=16, token_width=8, kernels=tuple(kernels), filters=12, activation=activation
    )
    vocabulary = PieceVocabulary(_TOKENIZER)
    with tempfile.TemporaryDirectory() as folder:
        plain, tables = _both(Path(folder), config, vocabulary, seed=seed, compact=compact)
        _assert_same(plain, tables, _ids(sizes, size=vocabulary.size, seed=seed), seed=seed)


def test_compact_weights_take_a_quarter_and_give_nearly_the_same_vectors(tmp_path: Path) -> None:
    config = CnnConfig(width=48, token_width=32, kernels=(1, 2, 3), filters=64)
    vocabulary = PieceVocabulary(_TOKENIZER)
    vectors, sizes = [], []
    for compact in (False, True):
        folder = tmp_path / str(compact)
        folder.mkdir()
        _, tables = _both(folder, config, vocabulary, seed=5, compact=compact)
        ids = _ids([40, 200, 900], size=vocabulary.size, seed=5)
        vectors.append(tables.encode(ids, np.zeros((3, 3), dtype=np.float32)))
        sizes.append((folder / WEIGHTS_FILE).stat().st_size)
    assert sizes[1] < 0.35 * sizes[0]
    cosines = (vectors[0] * vectors[1]).sum(axis=1)
    assert 0.999 < cosines.min() < 0.9999999  # not the same weights


@pytest.mark.parametrize("name", ["tokens.steps", "filters.1.steps", "filters.0.weight"])
def test_steps_of_another_length_are_refused(name: str, tmp_path: Path) -> None:
    config = CnnConfig(width=16, token_width=8, kernels=(1, 2), filters=12)
    vocabulary = PieceVocabulary(_TOKENIZER)
    _both(tmp_path, config, vocabulary, seed=1, compact=True)
    arrays = dict(read_weights(tmp_path))
    without = {other: array for other, array in arrays.items() if other != name}
    shorter = {**arrays, name: arrays[name][:-1]}
    for damaged in (shorter, without):
        with pytest.raises(DamagedError, match=r"steps|shape"):
            lookup_encoder(tmp_path, damaged, config, size=vocabulary.size, columns=3)


def test_a_plasmid_of_many_chunks_is_read_to_its_end(tmp_path: Path) -> None:
    config = CnnConfig(width=16, token_width=8, kernels=(1, 5), filters=12)
    vocabulary = PieceVocabulary(_TOKENIZER)
    plain, tables = _both(tmp_path, config, vocabulary, seed=3)
    sizes = [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7]
    _assert_same(plain, tables, _ids(sizes, size=vocabulary.size, seed=3), seed=3)


def test_batch_mates_change_no_bit(tmp_path: Path) -> None:
    _, tables = _both(tmp_path, BagConfig(width=16, token_width=8), _KMERS, seed=1)
    ids = _ids([0, 3, 200, 17], size=_KMERS.size, seed=1)
    features = np.random.default_rng(1).random((4, 3)).astype(np.float32)
    together = tables.encode(ids, features)
    for row, sequence_ids in enumerate(ids):
        assert np.array_equal(
            tables.encode([sequence_ids], features[row : row + 1])[0], together[row]
        )


@pytest.mark.parametrize("name", [TABLE, STEPS, "widen.weight", "features.bias"])
def test_weights_of_another_shape_are_refused(name: str, tmp_path: Path) -> None:
    config = BagConfig(width=16, token_width=8, numbers="int8")
    _both(tmp_path, config, _KMERS, seed=1)
    arrays = dict(read_weights(tmp_path))
    arrays[name] = arrays[name][:-1]
    with pytest.raises(DamagedError, match=r"shape|steps"):
        lookup_encoder(tmp_path, arrays, config, size=_KMERS.size, columns=3)


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS_FILE).write_bytes(b"no weights")
    with pytest.raises(DamagedError, match="safetensors"):
        read_weights(tmp_path)


def test_torch_is_for_a_gpu_that_is_asked_for() -> None:
    for config in (BagConfig(), CnnConfig()):
        assert engine_of(config, "cpu") == "numpy"
        assert engine_of(config, "cuda") == "torch"
    assert engine_of(BagConfig(), "auto") == "numpy"


@pytest.mark.parametrize(
    ("config", "vocabulary"),
    [
        (BagConfig(width=16, token_width=8, numbers="int8", scaled=4), _KMERS),
        (BagConfig(width=16, token_width=16, numbers="float16", scaled=4), _KMERS),
        (
            CnnConfig(width=16, token_width=8, kernels=(1, 4), filters=12),
            PieceVocabulary(_TOKENIZER),
        ),
    ],
)
def test_tables_in_a_file_give_the_same_vectors(
    config: EncoderConfig, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    _, in_memory = _both(tmp_path, config, vocabulary, seed=2)
    tables = tmp_path / TABLES_FILE
    tables.write_bytes(table_bytes(tmp_path, identity="me"))
    mapped, known = open_tables(tables, tmp_path, identity="me")
    assert known.size == vocabulary.size
    ids = _ids([0, 1, 60, 300], size=known.size, seed=2)
    features = np.random.default_rng(2).random((4, 3)).astype(np.float32)
    assert np.array_equal(mapped.encode(ids, features), in_memory.encode(ids, features))


def test_tables_of_another_model_are_refused(tmp_path: Path) -> None:
    _both(tmp_path, BagConfig(width=16, token_width=8), _KMERS, seed=2)
    tables = tmp_path / TABLES_FILE
    tables.write_bytes(table_bytes(tmp_path, identity="me"))
    with pytest.raises(MismatchError, match="of model me"):
        open_tables(tables, tmp_path, identity="another")


def test_a_flipped_bit_of_a_row_is_found_when_it_is_read(tmp_path: Path) -> None:
    config = BagConfig(width=16, token_width=8, numbers="int8", scaled=4)
    _both(tmp_path, config, _KMERS, seed=2)
    tables = tmp_path / TABLES_FILE
    data = table_bytes(tmp_path, identity="me")
    rows = np.asarray(read_weights(tmp_path)[TABLE]).tobytes()
    place = data.index(rows) + 100
    tables.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    ids, features = _ids([60], size=_KMERS.size, seed=2), np.zeros((1, 3), dtype=np.float32)
    with pytest.raises(DamagedError, match="block"):
        open_tables(tables, tmp_path, identity="me")[0].encode(ids, features)
