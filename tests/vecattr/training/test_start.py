"""Runs that start from a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.config import BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.model_folder import (
    TOKENIZER_FILE,
    learned_labs,
    model_identity,
    read_config,
    unknown_vector,
)
from vecattr.errors import MismatchError, UsageError
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.cross_validation import train_folds
from vecattr.training.progress import SilentWatcher
from vecattr.training.settings import TrainConfig
from vecattr.training.train import train_model

_CNN = CnnConfig(width=8, pieces=60, token_width=4, kernels=(1, 3), filters=4)
_BAG = BagConfig(width=8, token_width=8, scaled=8)
_CORPUS = synthetic_plasmids(labs=5, plasmids_per_lab=12, seed=3)
_FIRST = TrainConfig(loss="cosface", epochs=3, batch_size=16, crop=100, learning_rate=1e-2)

#: A run of steps so small that what it started from can still be seen.
_STILL = replace(_FIRST, loss="triplet", epochs=1, learning_rate=1e-9)


def _train(
    out: Path,
    encoder: EncoderConfig,
    train: TrainConfig,
    *,
    corpus: list[Plasmid] = _CORPUS,
    **options: Any,
) -> Path:
    rule = ClassRule(None)
    return train_model(corpus, out, rule=rule, encoder=encoder, train=train, **options).model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("start")
    return {
        name: _train(folder / name, encoder, _FIRST)
        for name, encoder in {"cnn": _CNN, "bag": _BAG}.items()
    }


@pytest.mark.parametrize("name", ["cnn", "bag"])
def test_a_run_begins_with_the_model_it_starts_from(
    tmp_path: Path, models: dict[str, Path], name: str
) -> None:
    """Other plasmids, one lab under another name: all but that lab's vector are the model's."""
    encoder = {"cnn": _CNN, "bag": _BAG}[name]
    others = synthetic_plasmids(labs=5, plasmids_per_lab=10, seed=9)
    corpus = [replace(p, lab="A new lab") if p.lab == "Lab 02" else p for p in others]
    model = _train(tmp_path / "m", encoder, _STILL, corpus=corpus, start_from=models[name])
    assert np.allclose(
        load_embedder(model).embed(_CORPUS[:6]),
        load_embedder(models[name]).embed(_CORPUS[:6]),
        atol=1e-3,
    )
    assert read_config(model).features == read_config(models[name]).features
    before, after = learned_labs(models[name]), learned_labs(model)
    assert before is not None
    assert after is not None
    assert {*after.names} - {*before.names} == {"A new lab"}
    for lab in {*after.names} & {*before.names}:
        of_model = before.vectors[before.names.index(lab)]
        assert np.allclose(after.vectors[after.names.index(lab)], of_model, atol=1e-4), lab
    new = after.vectors[after.names.index("A new lab")]
    assert (before.vectors @ new).max() < 0.999
    assert np.allclose(unknown_vector(model), unknown_vector(models[name]), atol=1e-4)


def test_a_run_keeps_the_tokenizer_it_starts_from(tmp_path: Path, models: dict[str, Path]) -> None:
    others = synthetic_plasmids(labs=5, plasmids_per_lab=10, seed=9)
    model = _train(tmp_path / "m", _CNN, _STILL, corpus=others, start_from=models["cnn"])
    before, after = ((folder / TOKENIZER_FILE).read_bytes() for folder in (models["cnn"], model))
    assert before == after


def test_the_card_names_the_model_that_a_run_started_from(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    model = _train(tmp_path / "m", _BAG, _STILL, start_from=models["bag"])
    text = (model / "MODEL_CARD.md").read_text()
    assert "started from the weights, the vocabulary and the features of the model bag" in text
    assert str(models["bag"].parent) not in text


def test_weights_of_another_shape_are_refused_with_the_options_to_give(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    other = replace(_CNN, kernels=(2, 5), filters=6)
    with pytest.raises(MismatchError, match="kernels 1,3 instead of 2,5") as refusal:
        _train(tmp_path / "m", other, _STILL, start_from=models["cnn"])
    assert refusal.value.hint is not None
    assert "--kernels 1,3 --filters 4" in refusal.value.hint
    with pytest.raises(MismatchError, match="encoder bag instead of cnn"):
        _train(tmp_path / "m", _CNN, _STILL, start_from=models["bag"])
    assert not (tmp_path / "m").exists()


def test_what_no_weight_depends_on_may_differ(tmp_path: Path, models: dict[str, Path]) -> None:
    other = replace(_CNN, dropout=0.4, dropout_of="tokens", activation="tanh")
    model = _train(tmp_path / "m", other, _STILL, start_from=models["cnn"])
    assert read_config(model).encoder == other


@pytest.mark.parametrize("name", ["cnn", "bag"])
def test_a_frozen_encoder_stays_and_lab_vectors_are_learned(
    tmp_path: Path, models: dict[str, Path], name: str
) -> None:
    encoder = read_config(models[name]).encoder
    others = synthetic_plasmids(labs=6, plasmids_per_lab=14, seed=9)
    config = replace(_FIRST, freeze_encoder=True, epochs=20)
    model = _train(tmp_path / "m", encoder, config, corpus=others, start_from=models[name])
    vectors = load_embedder(model).embed(others)
    assert np.array_equal(vectors, load_embedder(models[name]).embed(others))
    labs = learned_labs(model)
    assert labs is not None
    truths = np.array([labs.names.index(f"{plasmid.lab}") for plasmid in others])
    found = (vectors @ labs.vectors.T).argmax(axis=1) == truths
    assert found.mean() > 0.3  # by chance a sixth


def test_a_frozen_encoder_needs_a_model_and_labs_to_learn(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    with pytest.raises(UsageError, match="keeps the encoder of a model"):
        _train(tmp_path / "m", _BAG, replace(_FIRST, freeze_encoder=True))
    with pytest.raises(UsageError, match="nothing to learn"):
        replace(_FIRST, freeze_encoder=True, reserve=True)
    assert not (tmp_path / "m").exists()


class Stopped(SilentWatcher):
    """Stops the run after its first step."""

    def __init__(self) -> None:
        self.steps = 0

    def advances(self, units: int, **figures: float) -> None:
        self.steps += bool(figures)
        if self.steps == 2:
            raise KeyboardInterrupt


def test_a_run_goes_on_only_from_the_model_it_started_from(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    config = replace(_FIRST, epochs=2)
    whole = _train(tmp_path / "whole", _BAG, config, start_from=models["bag"])
    cut = {"start_from": models["bag"], "checkpoint_minutes": 0}
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "cut", _BAG, config, watcher=Stopped(), **cut)
    with pytest.raises(MismatchError, match="other data or options"):
        _train(tmp_path / "cut", _BAG, config, resume=True)
    resumed = _train(tmp_path / "cut", _BAG, config, resume=True, **cut)
    assert model_identity(resumed) == model_identity(whole)


def test_a_run_with_a_reserve_starts_from_no_model_that_may_have_seen_it(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    config = replace(_STILL, reserve=True)
    with pytest.raises(UsageError, match="may have learned from the plasmids that --reserve"):
        _train(tmp_path / "m", _BAG, config, start_from=models["bag"])
    first = _train(tmp_path / "first", _BAG, replace(_FIRST, reserve=True))
    assert learned_labs(_train(tmp_path / "m", _BAG, config, start_from=first)) is None


def test_folds_start_from_the_same_folds(tmp_path: Path, models: dict[str, Path]) -> None:
    options: dict[str, Any] = {"rule": ClassRule(None), "encoder": _BAG, "folds": 2}
    first = train_folds(_CORPUS, tmp_path / "first", train=_FIRST, **options)
    second = train_folds(
        _CORPUS, tmp_path / "second", train=_STILL, start_from=tmp_path / "first", **options
    )
    for before, after in zip(first, second, strict=True):
        vectors = [load_embedder(report.model).embed(_CORPUS[:4]) for report in (before, after)]
        assert np.allclose(*vectors, atol=1e-3)
    of_one = tmp_path / "of-one"
    train_folds(_CORPUS, of_one, train=_STILL, start_from=models["bag"], **options)
    with pytest.raises(MismatchError, match="2 folds to start from, 3 folds to train"):
        train_folds(
            _CORPUS,
            tmp_path / "third",
            train=_STILL,
            start_from=tmp_path / "first",
            **{**options, "folds": 3},
        )
