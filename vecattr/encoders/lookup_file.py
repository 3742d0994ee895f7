"""An encoder's lookup tables as a file of an index: a model folder in, sealed bytes out, and back.

The file is mapped, so that a query reads only what it looks up. Its tables hold what the weights
hold (`vecattr.encoders.lookup`) and can be computed again from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.config import BagConfig, CnnConfig
from vecattr.encoders.lookup import IdEncoder, LookupBag, LookupCnn, lookup_encoder
from vecattr.encoders.model_folder import TOKENIZER_FILE, ModelConfig, read_config
from vecattr.encoders.quantisation import dequantised
from vecattr.encoders.tokenizer import Tokenizer
from vecattr.encoders.vocabulary import KmerVocabulary, PieceVocabulary, Vocabulary, read_vocabulary
from vecattr.encoders.weights import StoredKmerVectors, read_weights, vocabulary_hashes
from vecattr.errors import DamagedError, MismatchError
from vecattr.files.array_directory import Attribute
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.files.atomic import read_file
from vecattr.files.folder import Location
from vecattr.vectors import Vectors

TABLES_FORMAT = "vecattr-tables"
TABLES_VERSION = 1


def table_bytes(folder: Location, *, identity: str) -> bytes:
    """The file content for the model in a folder; errors as in
    `vecattr.encoders.embedder.load_embedder`."""
    config = read_config(folder)
    weights = read_weights(folder)
    vocabulary = read_vocabulary(folder, config.encoder, weights)
    columns = config.features.columns
    tables = lookup_encoder(folder, weights, config.encoder, size=vocabulary.size, columns=columns)
    if isinstance(tables, LookupCnn):
        arrays = _cnn_arrays(tables)
    else:
        assert isinstance(tables, LookupBag)
        arrays = _bag_arrays(tables) | {"hashes": vocabulary_hashes(folder, weights)}
    facts: dict[str, Attribute] = {
        "format": TABLES_FORMAT,
        "version": TABLES_VERSION,
        "model": identity,
    }
    return write_arrays(dict(sorted(arrays.items())), facts)


def _bag_arrays(bag: LookupBag) -> dict[str, NDArray[np.generic]]:
    assert isinstance(bag.kmers, StoredKmerVectors)
    rows = bag.kmers.stored
    arrays: dict[str, NDArray[np.generic]] = {
        "rows": np.ascontiguousarray(rows).view(np.uint8),  # int8, or two bytes of a float16
        "features": bag.features,
        "bias": bag.bias,
    }
    if bag.kmers.steps is not None:
        arrays["steps"] = bag.kmers.steps
    return arrays if bag.widen is None else arrays | {"widen": bag.widen}


def _cnn_arrays(cnn: LookupCnn) -> dict[str, NDArray[np.generic]]:
    return {
        "tables": np.concatenate(cnn.tables),  # (sum of k, v, c)
        "biases": np.stack(cnn.biases),
        "project": cnn.project,
        "bias": cnn.bias,
    }


def open_tables(path: Location, folder: Location, *, identity: str) -> tuple[IdEncoder, Vocabulary]:
    """The encoder and the vocabulary of a model folder from its tables at `path`.

    MismatchError for tables of another model; else as in `vecattr.files.arrays.ArrayFile`."""
    config = read_config(folder)
    file = ArrayFile(path, format=TABLES_FORMAT, version=TABLES_VERSION)
    if file.attributes.get("model") != identity:
        raise MismatchError(
            f"tables of model {str(file.attributes.get('model'))[:16]}…, expected {identity[:16]}…",
            where=file.name,
            hint="restore the file that belongs here, or build the index again",
        )
    if isinstance(config.encoder, CnnConfig):
        vocabulary = PieceVocabulary(Tokenizer(read_file(folder / TOKENIZER_FILE)))
        return _cnn(file, config, size=vocabulary.size), vocabulary
    return _bag(file, config)


def check_tables(path: Location, folder: Location, *, identity: str) -> None:
    """Check every byte of a file of tables, and that it belongs to the model in `folder`; errors as
    in `open_tables`."""
    open_tables(path, folder, identity=identity)
    ArrayFile(path, format=TABLES_FORMAT, version=TABLES_VERSION).check_all()


def _check_layout(file: ArrayFile, expected: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    for name, layout in expected.items():
        if file.layout(name) != layout:
            raise DamagedError(
                f"{name} is {file.layout(name)}, expected {layout}",
                where=file.name,
                hint="`vecattr verify --repair` computes the tables again",
            )


def _bag(file: ArrayFile, config: ModelConfig) -> tuple[IdEncoder, Vocabulary]:
    assert isinstance(config.encoder, BagConfig)
    size, width, columns = file.shape("hashes")[0], config.encoder.width, config.features.columns
    token_width = config.encoder.token_width
    has_steps = "steps" in file
    expected: dict[str, tuple[str, tuple[int, ...]]] = {
        "hashes": ("<u8", (size,)),
        "rows": ("|u1", (size + 1, token_width if has_steps else 2 * token_width)),
        "features": ("<f8", (columns, width)),
        "bias": ("<f8", (width,)),
    }
    if has_steps:
        expected["steps"] = ("<f4", (size + 1,))
    if token_width != width:
        expected["widen"] = ("<f8", (token_width, width))
    _check_layout(file, expected)
    hashes = cast("NDArray[np.uint64]", file.array("hashes"))
    encoder = LookupBag(
        MappedKmerVectors(file, token_width),
        cast("NDArray[np.float64]", file.array("widen")) if token_width != width else None,
        cast("NDArray[np.float64]", file.array("features")),
        cast("NDArray[np.float64]", file.array("bias")),
    )
    return encoder, KmerVocabulary(hashes, k=config.encoder.k, scaled=config.encoder.scaled)


def _cnn(file: ArrayFile, model: ModelConfig, *, size: int) -> IdEncoder:
    config = model.encoder
    assert isinstance(config, CnnConfig)
    kernels, filters = config.kernels, config.filters
    _check_layout(
        file,
        {
            "tables": ("<f4", (sum(kernels), size, filters)),
            "biases": ("<f4", (len(kernels), filters)),
            "project": ("<f8", (len(kernels) * filters + model.features.columns, config.width)),
            "bias": ("<f8", (config.width,)),
        },
    )
    tables = cast("NDArray[np.float32]", file.array("tables"))
    ends = np.cumsum(config.kernels).tolist()
    return LookupCnn(
        tuple(tables[end - kernel : end] for kernel, end in zip(config.kernels, ends, strict=True)),
        tuple(cast("NDArray[np.float32]", file.array("biases"))),
        config.activation,
        cast("NDArray[np.float64]", file.array("project")),
        cast("NDArray[np.float64]", file.array("bias")),
    )


@dataclass(frozen=True)
class MappedKmerVectors:
    """The vectors of a bag's k-mers in a file, as `StoredKmerVectors`; only the blocks of those
    looked up are read."""

    file: ArrayFile
    width: int

    def at(self, ids: NDArray[np.int32]) -> Vectors:
        """The vectors of these ids, (t,) -> (t, e) float32."""
        numbers = ids.astype(np.int64)
        rows = self.file.rows("rows", numbers)
        if "steps" not in self.file:
            return rows.view(np.float16).astype(np.float32)
        steps = cast("NDArray[np.float32]", self.file.items("steps", numbers))
        return dequantised(rows.view(np.int8), steps)
