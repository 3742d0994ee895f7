"""What the options of `train` choose."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from vecattr.cli.options.training import (
    ENCODER_SETTINGS,
    TRAIN_SETTINGS,
    encoder_config,
    preset_choices,
    train_config,
)
from vecattr.encoders.config import BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.networks.kinds import new_encoder
from vecattr.errors import UsageError
from vecattr.training.fitting.losses import new_loss
from vecattr.training.fitting.network import AttributionNetwork
from vecattr.training.settings import (
    Objective,
    Preset,
    ResolvedTrainConfig,
    TrainConfig,
    preset_values,
)


def options(**given: Any) -> dict[str, Any]:
    """All settings as click hands them over; those not given are None."""
    settings = (*ENCODER_SETTINGS, *TRAIN_SETTINGS)
    return {f"set_{setting.field}": given.get(setting.field) for setting in settings}


def network_and_run(
    objective: Objective, preset: Preset | None = None, **given: Any
) -> tuple[EncoderConfig, ResolvedTrainConfig]:
    choices = preset_choices(objective, preset, encoder="cnn", options=options(**given))
    network = encoder_config("cnn", options(**given), choices=choices)
    return network, train_config(options(**given), choices=choices).resolved(network)


def test_without_options_everything_has_its_default() -> None:
    network, run = network_and_run("match")
    assert network == CnnConfig()
    assert run == TrainConfig().resolved(CnnConfig())


def test_a_classifier_is_the_published_one() -> None:
    network, run = network_and_run("classify")
    assert network == CnnConfig(kernels=(1, 2, 3, 4), activation="tanh")
    assert (run.loss, run.label_smoothing, run.oversampling) == ("softmax", 0.1, 0.5)


def test_given_options_go_before_what_the_objective_chooses() -> None:
    network, run = network_and_run(
        "classify", kernels=(2, 5), activation="relu", oversampling=0.0, label_smoothing=0.2
    )
    assert network == CnnConfig(kernels=(2, 5), activation="relu")
    assert (run.loss, run.label_smoothing, run.oversampling) == ("softmax", 0.2, 0.0)


def test_a_bag_can_be_a_classifier() -> None:
    choices = preset_choices("classify", None, encoder="bag", options=options())
    assert encoder_config("bag", options(), choices=choices) == BagConfig()


@pytest.mark.parametrize("loss", ["triplet", "cosface"])
@pytest.mark.parametrize("preset", [None, "published"])
def test_a_classifier_with_another_loss_is_refused(loss: str, preset: Preset | None) -> None:
    with pytest.raises(UsageError, match=f"--loss {loss} does not apply to --objective classify"):
        network_and_run("classify", preset, loss=loss)


def test_the_published_preset_spells_every_field() -> None:
    choices = preset_values("match", preset="published", loss=None)
    assert {*choices.cnn} == {field.name for field in fields(CnnConfig)} - {"kind"}
    of_a_machine_or_the_data = {"device", "bf16", "seed", "max_steps", "refit"}
    of_a_machine_or_the_data |= {
        "validation_share",
        "calibration_share",
        "reserve",
        "freeze_encoder",
    }
    of_another_loss = {"scale", "label_smoothing"}
    named = {field.name for field in fields(TrainConfig)}
    assert {*choices.train} == named - of_a_machine_or_the_data - of_another_loss


def test_the_published_preset_is_the_published_network() -> None:
    network, run = network_and_run("match", "published")
    assert isinstance(network, CnnConfig)
    encoder = new_encoder(network, vocabulary_size=1_001, feature_columns=39)
    weights = AttributionNetwork(encoder, 1_314, new_loss(run)).parameters()  # the challenge's labs
    assert round(sum(weight.numel() for weight in weights) / 1e6, 1) == 5.1
    assert (run.loss, run.margin, run.epochs, run.patience) == ("triplet", 1.0, 200, 20)
    assert run.reverse_complement == run.feature_dropout == 0
    assert run.best_by == "top1"
    assert preset_values("match", preset="published", loss=None).views == 10


def test_the_published_classifier_differs_from_the_match_where_it_was_published_to() -> None:
    network, run = network_and_run("classify", "published")
    assert network == CnnConfig(kernels=(1, 2, 3, 4), activation="tanh", dropout_of="tokens")
    assert (run.loss, run.margin, run.label_smoothing) == ("softmax", 0.0, 0.1)
    assert (run.epochs, run.reverse_complement, run.oversampling) == (200, 0.0, 0.5)


def test_given_options_go_before_the_preset() -> None:
    network, run = network_and_run("match", "published", filters=8, epochs=3, margin=0.5)
    assert network == CnnConfig(filters=8, dropout_of="tokens")
    assert (run.epochs, run.margin, run.patience) == (3, 0.5, 20)


def test_a_given_loss_takes_its_own_margin_with_it() -> None:
    _, run = network_and_run("match", "published", loss="cosface")
    assert (run.loss, run.margin, run.scale, run.epochs) == ("cosface", 0.1, 24.0, 200)


def test_dropout_schedule_and_hard_negatives_can_be_chosen() -> None:
    network, run = network_and_run(
        "match", dropout_of="tokens", one_cycle="epoch", hard_negatives="push", validate_every=5
    )
    assert network == CnnConfig(dropout_of="tokens")
    assert (run.one_cycle, run.hard_negatives, run.validate_every) == ("epoch", "push", 5)
    network, run = network_and_run("match", "published", dropout_of="numbers", one_cycle="step")
    assert network == CnnConfig(dropout_of="numbers")
    assert run.one_cycle == "step"


@pytest.mark.parametrize("loss", ["cosface", "softmax"])
def test_only_a_triplet_has_hard_negatives(loss: str) -> None:
    with pytest.raises(UsageError, match=f"the loss {loss} has no hard negatives"):
        network_and_run("match", loss=loss, hard_negatives="push")


def test_the_published_preset_is_no_bag() -> None:
    with pytest.raises(UsageError, match="--preset published is a cnn"):
        preset_choices("match", "published", encoder="bag", options=options())
