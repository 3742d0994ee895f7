"""What a training run can be set to, and what its open settings become."""

from __future__ import annotations

from typing import Any

import pytest

from vecattr.encoders.config import BagConfig, CnnConfig
from vecattr.errors import UsageError
from vecattr.training.settings import TrainConfig


@pytest.mark.parametrize(
    "choice", [{"loss": "softmax", "margin": 0.3}, {"loss": "triplet", "label_smoothing": 0.1}]
)
def test_a_choice_that_the_loss_has_no_place_for_is_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=choice["loss"]):
        TrainConfig(**choice)


def test_what_is_set_stays_when_the_open_settings_are_resolved() -> None:
    run = TrainConfig(epochs=3, batch_size=7, margin=0.5).resolved(CnnConfig(), rows=40)
    assert (run.epochs, run.batch_size, run.margin, run.learning_rate) == (3, 7, 0.5, 1e-3)


def test_a_bag_takes_smaller_batches_more_often_on_a_small_table() -> None:
    small, large = (TrainConfig().resolved(BagConfig(), rows=rows) for rows in (400, 80_000))
    assert (small.batch_size, small.epochs) == (25, 38)
    assert (large.batch_size, large.epochs) == (256, 10)
