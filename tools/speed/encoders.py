"""Encoders and what reads for them: plasmids in, plasmids and bases a second out."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from speed.commands import vecattr
from vecattr.encoders.config import BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.embedder import fixed_views
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.lookup import lookup_encoder
from vecattr.encoders.model_folder import ModelConfig, read_config
from vecattr.encoders.networks.kinds import new_encoder
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.encoders.tokenizer import Tokenizer
from vecattr.encoders.torch_encoder import TrainedEncoder, load_torch, save_encoder
from vecattr.encoders.vocabulary import PieceVocabulary, Vocabulary
from vecattr.encoders.weights import read_weights
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import sampled_kmers


def rate(run: Callable[[], object], plasmids: Sequence[Plasmid]) -> dict[str, float]:
    """Plasmids and million bases a second of one processor's time, the better of two runs."""
    seconds = []
    for _ in range(2):
        began = time.process_time()
        run()
        seconds.append(time.process_time() - began)
    bases = sum(map(len, plasmids))
    return {"plasmids/s": len(plasmids) / min(seconds), "Mbp/s": bases / min(seconds) / 1e6}


def encoder_rates(plasmids: Sequence[Plasmid]) -> dict[str, object]:
    """Of the shipped encoder, and of the published text CNN with random weights (on fewer)."""
    torch.set_num_threads(1)
    folder = shipped_encoder()
    config = read_config(folder)
    rates: dict[str, object] = {"shipped bag": _both(folder, config, plasmids)}
    fewer = plasmids[:20]
    with tempfile.TemporaryDirectory() as scratch:
        cnn = _random_cnn(Path(scratch), fewer)
        rates["published cnn, random weights"] = _both(Path(scratch), cnn, fewer)
    return rates


def _both(folder: Path, config: ModelConfig, plasmids: Sequence[Plasmid]) -> dict[str, object]:
    plain, vocabulary = load_torch(folder, config, device="cpu", threads=1)
    began = time.process_time()
    columns = config.features.columns
    arrays = read_weights(folder)
    tables = lookup_encoder(folder, arrays, config.encoder, size=vocabulary.size, columns=columns)
    folding = time.process_time() - began
    ids = _ids(vocabulary, plasmids)
    features = np.zeros((len(ids), columns), dtype=np.float32)
    return {
        "reading ids": rate(lambda: _ids(vocabulary, plasmids), plasmids),
        "torch": rate(lambda: plain.encode(ids, features), plasmids),
        "numpy": rate(lambda: tables.encode(ids, features), plasmids),
        "folding seconds": folding,
        "greatest difference": float(
            np.abs(plain.encode(ids, features) - tables.encode(ids, features)).max()
        ),
    }


def _ids(vocabulary: Vocabulary, plasmids: Sequence[Plasmid]) -> list[NDArray[np.int32]]:
    views = [
        view
        for plasmid in plasmids
        for view in fixed_views(plasmid, rotations=1, order_free=vocabulary.order_free)
    ]
    return vocabulary.ids(views)


def _random_cnn(folder: Path, plasmids: Sequence[Plasmid]) -> ModelConfig:
    """The published text CNN, untrained, in a model folder."""
    config: EncoderConfig = CnnConfig()
    vocabulary = PieceVocabulary(Tokenizer.train(plasmid.sequence for plasmid in plasmids))
    features = FeatureSpace()
    torch.manual_seed(0)
    network = new_encoder(config, vocabulary_size=vocabulary.size, feature_columns=features.columns)
    save_encoder(folder, TrainedEncoder(network, vocabulary, features), rotations=1)
    return read_config(folder)


def training_rate(table: str, where: str, *, steps: int) -> dict[str, object]:
    """Plasmids a second that `vecattr train` says for a bag, in so many steps."""
    with tempfile.TemporaryDirectory() as scratch:
        options = ("--encoder", "bag", "--loss", "cosface", "--max-steps", str(steps), "-v")
        command = vecattr("train", table, "--where", where, *options, "-o", f"{scratch}/model")
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    reported = re.findall(r"([\d,]+) plasmids/s", done.stderr)
    return {"plasmids/s": max(float(number.replace(",", "")) for number in reported)}


def training_floor(plasmids: Sequence[Plasmid], *, steps: int = 20) -> dict[str, object]:
    """Plasmids a second if training a bag did nothing but move what it must: read the vectors of
    the k-mers that dropout leaves of a batch, write their gradients, and read and write each
    distinct one and the two moments that Adam keeps of it."""
    config, rng = BagConfig(), np.random.default_rng(0)
    rows = 1 << 20
    weights = [np.ones((rows, config.token_width), dtype=np.float32) for _ in range(3)]
    kmers = np.concatenate([_kmers(plasmid, config) for plasmid in plasmids]) % np.uint64(rows)
    batches = [kmers[rng.random(len(kmers)) >= config.dropout].astype(np.int64) for _ in range(4)]
    began = time.process_time()
    for step in range(steps):
        kept = batches[step % len(batches)]
        gradients = np.take(weights[0], kept, axis=0)
        distinct = np.flatnonzero(np.bincount(kept, minlength=rows))
        for table in weights:
            table[distinct] = np.take(table, distinct, axis=0)
        gradients += 1
    seconds = time.process_time() - began
    return {"plasmids/s": steps * len(plasmids) / seconds, "k-mers of a batch": len(batches[0])}


def _kmers(plasmid: Plasmid, config: BagConfig) -> NDArray[np.uint64]:
    circular = plasmid.is_circular
    return sampled_kmers(plasmid.sequence, k=config.k, scaled=config.scaled, circular=circular)
