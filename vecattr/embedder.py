"""A trained encoder at work: plasmids in, unit vectors out; and its reading and writing.

Building and asking go through the same `Embedder`, so they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from vecattr.config import BagConfig, CnnConfig, EncoderConfig, Numbers
from vecattr.encoder import Batch, KmerBag, TextCnn, new_encoder
from vecattr.errors import DamagedError, UsageError
from vecattr.features import FeatureSpace
from vecattr.files import atomic_write, read_file
from vecattr.model import (
    CONFIG_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    ModelConfig,
    model_identity,
    read_config,
)
from vecattr.plasmid import Plasmid
from vecattr.quantisation import quantised, restored
from vecattr.table import Vectors, unit_rows
from vecattr.tokens import Ids, Tokenizer
from vecattr.views import fixed_views
from vecattr.vocabulary import KmerVocabulary, PieceVocabulary, Vocabulary

_HASHES = "vocabulary.hashes"  # int64 view of the unsigned hashes
_TABLE = "tokens.weight"  # of a bag: float16, or int8 with a step a row
_STEPS = "tokens.steps"
_IDS_AT_ONCE = 1 << 16  # ids in one batch, unless a single view has more


@dataclass(frozen=True)
class TrainedEncoder:
    """Everything that turns a plasmid into a vector."""

    encoder: TextCnn | KmerBag
    vocabulary: Vocabulary
    features: FeatureSpace


class Embedder:
    """Embeds plasmids; the same vectors to 1e-5 whatever the batch, order or threads."""

    def __init__(
        self, parts: TrainedEncoder, *, identity: str, rotations: int, device: torch.device
    ) -> None:
        """`rotations` is the number of test-time views of a circular plasmid on each strand."""
        self.identity = identity
        self.rotations = rotations
        self.width = parts.encoder.config.width
        self._parts = parts
        self._device = device
        parts.encoder.to(device).eval()

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        """Unit vectors, (n, d) float32, the renormalised mean over each plasmid's views."""
        features = self._parts.features.matrix(plasmids)  # (n, f + 1)
        views = [
            fixed_views(
                plasmid, rotations=self.rotations, order_free=self._parts.vocabulary.order_free
            )
            for plasmid in plasmids
        ]
        owners = np.repeat(np.arange(len(plasmids)), [len(some) for some in views])  # (v,)
        ids = self._parts.vocabulary.ids(
            [view for some in views for view in some], threads=torch.get_num_threads()
        )
        sums = np.zeros((len(plasmids), self.width), dtype=np.float64)
        for rows in _by_size(ids):
            batch = Batch.of([ids[row] for row in rows], features[owners[rows]])
            np.add.at(sums, owners[rows], self._encode(batch))
        return unit_rows(sums)

    def _encode(self, batch: Batch) -> Vectors:
        with torch.inference_mode():
            vectors: Vectors = self._parts.encoder(batch.to(self._device)).cpu().numpy()
        return vectors


def _by_size(ids: Sequence[Ids]) -> list[list[int]]:
    """Rows grouped by similar length, so that batches hold little padding."""
    groups: list[list[int]] = []
    longest = 0
    for row in sorted(range(len(ids)), key=lambda row: len(ids[row])):
        longest = max(len(ids[row]), 1)  # ascending, so this row is the longest of its group
        if groups and (len(groups[-1]) + 1) * longest <= _IDS_AT_ONCE:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def choose_device(name: str) -> torch.device:
    """`auto` takes the first CUDA device when there is one; UsageError when asked in vain."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("there is no CUDA device", hint="use --device cpu")
    return torch.device(name)


def load_embedder(
    folder: Path, *, views: int | None = None, device: str = "auto", threads: int | None = None
) -> Embedder:
    """The embedder of a model folder; `views` overrides the model's number of rotations."""
    if threads is not None:
        torch.set_num_threads(threads)
    config = read_config(folder)
    return Embedder(
        load_encoder(folder, config),
        identity=model_identity(folder),
        rotations=config.rotations if views is None else views,
        device=choose_device(device),
    )


def load_encoder(folder: Path, config: ModelConfig) -> TrainedEncoder:
    """Encoder and vocabulary from their files; DamagedError when they do not fit the config."""
    path = folder / WEIGHTS_FILE
    try:
        tensors = load_tensors(read_file(path))
    except safetensors.SafetensorError as cause:
        raise DamagedError(f"not a safetensors file: {cause}", where=str(path)) from cause
    vocabulary = _vocabulary(folder, config.encoder, tensors)
    with torch.device("meta"):  # shapes only: the weights come from the file
        encoder = new_encoder(
            config.encoder,
            vocabulary_size=vocabulary.size,
            feature_columns=config.features.columns,
        )
    weights = _weights(folder, tensors)
    try:
        encoder.load_state_dict(weights, assign=True)
    except RuntimeError as cause:
        raise DamagedError(
            f"the weights do not fit the configuration: {str(cause).splitlines()[-1].strip()}",
            where=str(path),
        ) from cause
    return TrainedEncoder(encoder, vocabulary, config.features)


def _vocabulary(folder: Path, config: EncoderConfig, tensors: dict[str, Tensor]) -> Vocabulary:
    if isinstance(config, CnnConfig):
        return PieceVocabulary(Tokenizer(read_file(folder / TOKENIZER_FILE)))
    hashes = tensors.pop(_HASHES, torch.zeros(0))
    if hashes.dtype != torch.int64:
        raise DamagedError("the k-mers of the vocabulary are absent", where=str(folder))
    known = hashes.numpy().view(np.uint64)
    if known.ndim != 1 or not np.all(known[:-1] < known[1:]):
        raise DamagedError("the k-mers of the vocabulary are out of order", where=str(folder))
    return KmerVocabulary(known, k=config.k, scaled=config.scaled)


def _weights(folder: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """All weights as float32, whatever a bag's table was stored as."""
    steps = tensors.pop(_STEPS, None)
    weights = {name: tensor.float() for name, tensor in tensors.items()}
    if steps is not None:
        table = tensors.get(_TABLE, torch.zeros(0))
        if table.dtype != torch.int8 or steps.shape != table.shape[:1]:
            raise DamagedError("the steps of the k-mers' vectors do not fit", where=str(folder))
        weights[_TABLE] = torch.from_numpy(restored(table.numpy(), steps.numpy()))
    return weights


def save_encoder(folder: Path, parts: TrainedEncoder, *, rotations: int) -> None:
    """Write weights, tokenizer and, last, config.json, each file atomically."""
    tensors = {name: tensor.cpu() for name, tensor in parts.encoder.state_dict().items()}
    if isinstance(parts.vocabulary, KmerVocabulary):
        tensors[_HASHES] = torch.from_numpy(parts.vocabulary.hashes.view(np.int64))
    if isinstance(parts.encoder.config, BagConfig):
        tensors |= _stored_table(tensors[_TABLE], parts.encoder.config.numbers)
    if isinstance(parts.vocabulary, PieceVocabulary):
        atomic_write(folder / TOKENIZER_FILE, parts.vocabulary.tokenizer.serialized)
    atomic_write(folder / WEIGHTS_FILE, save_tensors(tensors))
    config = ModelConfig(parts.encoder.config, parts.features, rotations)
    atomic_write(folder / CONFIG_FILE, config.to_json())


def _stored_table(rows: Tensor, numbers: Numbers) -> dict[str, Tensor]:
    if numbers == "float16":
        return {_TABLE: rows.half()}
    whole, steps = quantised(rows.numpy())
    return {_TABLE: torch.from_numpy(whole), _STEPS: torch.from_numpy(steps)}
