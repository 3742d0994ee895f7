"""A softmax classifier is a model like any other: its class weights are the lab vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.config import BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.model_folder import learned_labs
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.index import Index
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.fitting.losses import SmoothedSoftmax
from vecattr.training.report import TrainReport
from vecattr.training.settings import TrainConfig
from vecattr.training.train import train_model

_CORPUS = synthetic_plasmids(labs=8, plasmids_per_lab=12, seed=3)[:-7]  # the last lab is rare
_BAG = BagConfig(width=32, token_width=16, scaled=4)
_CNN = CnnConfig(width=32, pieces=120, token_width=8, kernels=(1, 2), filters=16, activation="tanh")
_CONFIG = TrainConfig(loss="softmax", epochs=6, batch_size=32, crop=200, learning_rate=1e-2)


def _train(out: Path, encoder: EncoderConfig, config: TrainConfig = _CONFIG) -> TrainReport:
    return train_model(_CORPUS, out, rule=ClassRule(None), encoder=encoder, train=config)


@pytest.mark.parametrize("encoder", [_BAG, _CNN], ids=["bag", "cnn"])
def test_an_index_ranks_labs_as_the_classifier_does(tmp_path: Path, encoder: EncoderConfig) -> None:
    model = _train(tmp_path / "model", encoder).model
    labs = learned_labs(model)
    assert labs is not None
    head = SmoothedSoftmax(24.0, 0.1)
    logits = head.logits(
        torch.from_numpy(load_embedder(model).embed(_CORPUS)), torch.from_numpy(labs.vectors)
    ).numpy()
    build_index(tmp_path / "index", _CORPUS, model=model, rule=ClassRule(None))
    answers = Index.open(tmp_path / "index").query_many(_CORPUS, k=len(labs.names))
    for row, answer in zip(logits, answers, strict=True):
        own = dict(zip(labs.names, row, strict=True))
        assert [hit.name for hit in answer.labs] == sorted(own, key=lambda name: -own[name])
        shown = np.array([24 * hit.cosine for hit in answer.labs])
        assert np.allclose(shown, sorted(row, reverse=True), atol=1e-4)


def test_a_classifier_learns_more_than_chance(tmp_path: Path) -> None:
    config = replace(_CONFIG, epochs=12, validation_share=0)
    report = _train(tmp_path / "model", _BAG, config)
    labs = learned_labs(report.model)
    assert labs is not None
    cosines = load_embedder(report.model).embed(_CORPUS) @ labs.vectors.T
    named = [labs.names[place] for place in cosines.argmax(axis=1)]
    assert (
        np.mean([name == plasmid.lab for name, plasmid in zip(named, _CORPUS, strict=True)]) > 0.5
    )
