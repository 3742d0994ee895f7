"""What the options of `train` choose."""

from __future__ import annotations

from typing import Any

import pytest

from vecattr.cli.settings import (
    ENCODER_SETTINGS,
    TRAIN_SETTINGS,
    choices_of,
    encoder_of,
    training_of,
)
from vecattr.config import BagConfig, CnnConfig
from vecattr.errors import UsageError


def options(**given: Any) -> dict[str, Any]:
    """All settings as click hands them over; those not given are None."""
    settings = (*ENCODER_SETTINGS, *TRAIN_SETTINGS)
    return {f"set_{one.field}": given.get(one.field) for one in settings}


def test_without_options_everything_has_its_default() -> None:
    chosen = choices_of("match", options())
    assert encoder_of("cnn", options(), chosen=chosen) == CnnConfig()
    assert training_of(options(), chosen=chosen).loss == "triplet"


def test_a_classifier_is_the_published_one() -> None:
    chosen = choices_of("classify", options())
    encoder = encoder_of("cnn", options(), chosen=chosen)
    assert encoder == CnnConfig(kernels=(1, 2, 3, 4), activation="tanh")
    run = training_of(options(), chosen=chosen).resolved(encoder)
    assert (run.loss, run.label_smoothing, run.oversampling) == ("softmax", 0.1, 0.5)


def test_given_options_go_before_what_the_objective_chooses() -> None:
    given = options(kernels=(2, 5), activation="relu", oversampling=0.0, label_smoothing=0.2)
    chosen = choices_of("classify", given)
    encoder = encoder_of("cnn", given, chosen=chosen)
    assert encoder == CnnConfig(kernels=(2, 5), activation="relu")
    run = training_of(given, chosen=chosen).resolved(encoder)
    assert (run.loss, run.label_smoothing, run.oversampling) == ("softmax", 0.2, 0.0)


def test_a_bag_can_be_a_classifier() -> None:
    assert encoder_of("bag", options(), chosen=choices_of("classify", options())) == BagConfig()


@pytest.mark.parametrize("loss", ["triplet", "cosface"])
def test_a_classifier_with_another_loss_is_refused(loss: str) -> None:
    with pytest.raises(UsageError, match=f"--loss {loss} does not apply to --objective classify"):
        choices_of("classify", options(loss=loss))
