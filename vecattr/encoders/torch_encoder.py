"""Encoders in torch: a model folder in, a network on a device out; and the files of a trained one.

Training and GPUs need this; on a CPU `vecattr.encoders.lookup` embeds without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save as save_tensors
from torch import Tensor

from vecattr.encoders.config import BagConfig, EncoderConfig, Numbers
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.model_folder import (
    CONFIG_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    ModelConfig,
)
from vecattr.encoders.networks.batch import Batch
from vecattr.encoders.networks.kinds import new_encoder
from vecattr.encoders.networks.kmer_bag import KmerBag
from vecattr.encoders.networks.text_cnn import TextCnn
from vecattr.encoders.quantisation import quantised
from vecattr.encoders.tokenizer import Ids
from vecattr.encoders.vocabulary import KmerVocabulary, PieceVocabulary, Vocabulary, read_vocabulary
from vecattr.encoders.weights import (
    HASHES,
    STEPS,
    TABLE,
    Arrays,
    StoredKmerVectors,
    compact_weights,
    plain_weights,
    read_weights,
)
from vecattr.errors import DamagedError, UsageError
from vecattr.files.atomic import atomic_write
from vecattr.files.folder import Location
from vecattr.vectors import Vectors

_IDS_AT_ONCE = 1 << 16  # ids in one batch, unless a single view has more


@dataclass(frozen=True)
class TrainedEncoder:
    """The parts that turn a plasmid into a vector: network, vocabulary and feature space."""

    encoder: TextCnn | KmerBag
    vocabulary: Vocabulary
    features: FeatureSpace


@dataclass(frozen=True)
class TorchEncoder:
    """A network on a device, in inference mode: ids and features in, unit vectors out."""

    network: TextCnn | KmerBag
    device: torch.device

    @classmethod
    def from_network(cls, network: TextCnn | KmerBag, device: torch.device) -> TorchEncoder:
        """The network, moved to the device and set to inference."""
        network.to(device).eval()
        return cls(network, device)

    def encode(self, ids: Sequence[Ids], features: NDArray[np.float32]) -> Vectors:
        """From one id array (t,) a sequence, and features (b, f), -> (b, d)."""
        vectors = np.zeros((len(ids), self.network.config.width), dtype=np.float32)
        for rows in _by_size(ids):
            batch = Batch.from_ids([ids[row] for row in rows], features[rows])
            with torch.inference_mode():
                vectors[rows] = self.network(batch.to(self.device)).cpu().numpy()
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
    """The device of this name (`auto`: the first CUDA device, else the CPU); UsageError when CUDA
    is requested and absent."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("there is no CUDA device", hint="use --device cpu")
    return torch.device(name)


def load_torch(
    folder: Location, config: ModelConfig, *, device: str, threads: int | None
) -> tuple[TorchEncoder, Vocabulary]:
    """The encoder of a model folder on a device, and its vocabulary; errors as in `load_encoder`
    and `choose_device`."""
    if threads is not None:
        torch.set_num_threads(threads)
    parts = load_encoder(folder, config)
    return TorchEncoder.from_network(parts.encoder, choose_device(device)), parts.vocabulary


def load_encoder(folder: Location, config: ModelConfig) -> TrainedEncoder:
    """Encoder and vocabulary from their files; DamagedError when they do not fit the config."""
    arrays = read_weights(folder)
    vocabulary = read_vocabulary(folder, config.encoder, arrays)
    with torch.device("meta"):  # shapes only: the weights come from the file
        encoder = new_encoder(
            config.encoder,
            vocabulary_size=vocabulary.size,
            feature_columns=config.features.columns,
        )
    weights = _weights(folder, config.encoder, arrays, size=vocabulary.size)
    try:
        encoder.load_state_dict(weights, assign=True)
    except RuntimeError as cause:
        raise DamagedError(
            f"the weights do not fit the configuration: {str(cause).splitlines()[-1].strip()}",
            where=str(folder / WEIGHTS_FILE),
        ) from cause
    return TrainedEncoder(encoder, vocabulary, config.features)


def _weights(
    folder: Location, config: EncoderConfig, arrays: Arrays, *, size: int
) -> dict[str, Tensor]:
    """All weights as float32, whatever they were stored as."""
    if isinstance(config, BagConfig):
        not_weights = (HASHES, STEPS, TABLE)
        weights = {
            n: array.astype(np.float32) for n, array in arrays.items() if n not in not_weights
        }
        weights[TABLE] = StoredKmerVectors.from_arrays(folder, arrays, config, size=size).all()
    else:
        weights = plain_weights(folder, arrays)
    return {name: torch.from_numpy(array) for name, array in weights.items()}


def save_encoder(
    folder: Path, parts: TrainedEncoder, *, rotations: int, compact: bool = False
) -> None:
    """Write weights, tokenizer and, last, config.json, each file atomically. `compact`: those of a
    text CNN as int8 (a bag's configuration says how its table is stored)."""
    tensors = {name: tensor.cpu() for name, tensor in parts.encoder.state_dict().items()}
    if isinstance(parts.vocabulary, KmerVocabulary):
        tensors[HASHES] = torch.from_numpy(parts.vocabulary.hashes.view(np.int64))
    if isinstance(parts.encoder.config, BagConfig):
        tensors |= _stored_table(tensors[TABLE], parts.encoder.config.numbers)
    elif compact:
        arrays = compact_weights({name: tensor.numpy() for name, tensor in tensors.items()})
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if isinstance(parts.vocabulary, PieceVocabulary):
        atomic_write(folder / TOKENIZER_FILE, parts.vocabulary.tokenizer.serialized)
    atomic_write(folder / WEIGHTS_FILE, save_tensors(tensors))
    config = ModelConfig(parts.encoder.config, parts.features, rotations)
    atomic_write(folder / CONFIG_FILE, config.to_json())


def _stored_table(rows: Tensor, numbers: Numbers) -> dict[str, Tensor]:
    """A bag's table as it is stored, by names in the file."""
    if numbers == "float16":
        return {TABLE: rows.half()}
    integers, steps = quantised(rows.numpy())
    return {TABLE: torch.from_numpy(integers), STEPS: torch.from_numpy(steps)}
