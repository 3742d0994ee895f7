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
from vecattr.config import CnnConfig, EncoderConfig
from vecattr.encoder import new_encoder
from vecattr.features import FeatureSpace
from vecattr.folded import folded
from vecattr.model import ModelConfig, read_config
from vecattr.plasmid import Plasmid
from vecattr.shipped import shipped_encoder
from vecattr.tokens import Tokenizer
from vecattr.trained import TrainedEncoder, load_torch, save_encoder
from vecattr.views import fixed_views
from vecattr.vocabulary import PieceVocabulary, Vocabulary
from vecattr.weights import read_weights


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
    found: dict[str, object] = {"shipped bag": _both(folder, config, plasmids)}
    some = plasmids[:20]
    with tempfile.TemporaryDirectory() as scratch:
        cnn = _random_cnn(Path(scratch), some)
        found["published cnn, random weights"] = _both(Path(scratch), cnn, some)
    return found


def _both(folder: Path, config: ModelConfig, plasmids: Sequence[Plasmid]) -> dict[str, object]:
    plain, vocabulary = load_torch(folder, config, device="cpu", threads=1)
    began = time.process_time()
    columns = config.features.columns
    arrays = read_weights(folder)
    tables = folded(folder, arrays, config.encoder, size=vocabulary.size, columns=columns)
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
    said = re.findall(r"([\d,]+) plasmids/s", done.stderr)
    return {"bag": {"plasmids/s": max(float(one.replace(",", "")) for one in said)}}
