"""Named configurations: an objective and a preset in, the values that they choose out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vecattr.errors import UsageError

#: `match`: labs and plasmids are brought together; `classify`: a softmax classifier of labs.
Objective = Literal["match", "classify"]

#: `published`: everything as in Soares et al. 2022.
Preset = Literal["published"]

#: Fields of a training run that mean something else, or nothing, with another loss.
OF_THE_LOSS = ("margin", "scale", "label_smoothing", "oversampling")


@dataclass(frozen=True)
class Choices:
    """Values of configuration fields by name; what a user gives goes before them."""

    cnn: Mapping[str, Any] = field(default_factory=dict)  # of CnnConfig
    train: Mapping[str, Any] = field(default_factory=dict)  # of TrainConfig
    views: int = 1  # test-time rotations of a circular plasmid, on each strand

    def for_loss(self, loss: str) -> Choices:
        """The same for a run with this loss; what belongs to another one is left out."""
        if loss == self.train.get("loss", loss):
            return self
        kept = {name: value for name, value in self.train.items() if name not in OF_THE_LOSS}
        return Choices(self.cnn, kept | {"loss": loss}, self.views)


_CLASSIFIER = Choices(
    cnn={"kernels": (1, 2, 3, 4), "activation": "tanh"}, train={"loss": "softmax"}
)

#: Every value is spelled, so that defaults may change and the presets stay.
_PUBLISHED_CNN = {
    "width": 200,
    "pieces": 1_000,
    "token_width": 200,
    "kernels": tuple(range(1, 13)),
    "filters": 256,
    "activation": "selu",
    "dropout": 0.2,
}
_PUBLISHED_TRAIN = {
    "epochs": 200,
    "best_by": "top1",
    "patience": 20,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "weight_decay": 1e-5,
    "crop": 1_000,
    "reverse_complement": 0.0,
    "feature_dropout": 0.0,
    "tokenizer_bases": 5_000_000,
}
_TRIPLET = {"loss": "triplet", "margin": 1.0, "oversampling": 0.0}
_SOFTMAX = {"loss": "softmax", "scale": 24.0, "label_smoothing": 0.1, "oversampling": 0.5}
_ROTATIONS = 10

_CHOICES: Mapping[tuple[Preset | None, Objective], Choices] = {
    (None, "match"): Choices(),
    (None, "classify"): _CLASSIFIER,
    ("published", "match"): Choices(_PUBLISHED_CNN, _PUBLISHED_TRAIN | _TRIPLET, _ROTATIONS),
    ("published", "classify"): Choices(
        {**_PUBLISHED_CNN, **_CLASSIFIER.cnn}, _PUBLISHED_TRAIN | _SOFTMAX, _ROTATIONS
    ),
}


def choose(objective: Objective, *, preset: Preset | None, loss: str | None) -> Choices:
    """What objective and preset choose; `loss` is the user's own, None when not given.

    UsageError when a classifier is asked for another loss than its softmax.
    """
    chosen = _CHOICES[preset, objective]
    if loss is None:
        return chosen
    if objective == "classify" and loss != "softmax":
        raise UsageError(
            f"--loss {loss} does not apply to --objective classify, whose loss is softmax",
            hint="leave one of them out",
        )
    return chosen.for_loss(loss)
