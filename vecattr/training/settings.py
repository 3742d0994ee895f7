"""Settings of a training run: presets and a user's options in, checked frozen values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from vecattr.encoders.config import EncoderConfig, require_positive
from vecattr.errors import UsageError

Loss = Literal["triplet", "cosface", "softmax"]
Device = Literal["auto", "cpu", "cuda"]
BestBy = Literal["macro-mrr", "top1"]

#: What the triplet loss does where another lab is nearer than the plasmid's own: `both` pulls the
#: own lab and pushes the other, as published; `push` pushes the other alone.
HardNegatives = Literal["both", "push"]

#: When the one-cycle schedule moves on: after every step, or after every epoch, as published.
OneCycle = Literal["step", "epoch"]

#: `match`: labs and plasmids are brought together; `classify`: a softmax classifier of labs.
Objective = Literal["match", "classify"]

#: `published`: everything as in Soares et al. 2022.
Preset = Literal["published"]

_MANY_PLASMIDS = 1_000_000  # where no default depends on their number any more
_FEWEST_BAG_STEPS = 600  # optimizer steps a bag should take


@dataclass(frozen=True)
class TrainConfig:
    """One training run; every default is the published choice where there is one.

    >>> TrainConfig(loss="cosface", epochs=5).seed
    0
    """

    loss: Loss = "triplet"
    margin: float | None = None  # None: 1.0 (triplet, a distance) or 0.1 (cosface, a cosine)
    hard_negatives: HardNegatives = "both"  # of triplet
    scale: float = 24.0  # inverse temperature of cosface and softmax
    label_smoothing: float | None = None  # None: 0.1 (softmax); the other losses have none
    oversampling: float | None = None  # 0: as it is, 1: all labs alike; None: 0.5 (softmax) or 0
    epochs: int | None = None  # None: 200 (triplet) or 20 (others); 10 or more for a bag
    max_steps: int | None = None  # optimizer steps at most, over all epochs
    batch_size: int | None = None  # over all processes together; None: 64, at most 256 for a bag
    learning_rate: float | None = None  # one-cycle's peak; None: 1e-3, or 1e-2 for a bag
    one_cycle: OneCycle = "step"  # epoch: the momentum is cycled, too
    weight_decay: float = 1e-5
    crop: int = 1_000  # tokens of a plasmid that a CNN sees in one step
    reverse_complement: float = 0.5  # probability
    feature_dropout: float = 0.5  # probability that a plasmid's features are withheld
    validation_share: float = 0.1  # of the plasmids, in whole groups
    calibration_share: float = 0.05  # of the plasmids, one by one, beside the validation share
    best_by: BestBy = "macro-mrr"  # the validation figure of the epoch that is kept
    validate_every: int = 1  # epochs; the last one is always validated
    patience: int = 20  # epochs without a better one
    refit: bool = False  # train again on all rows for the best number of epochs
    reserve: bool = False  # leave the reserve out, and name no lab and no plasmid in the model
    freeze_encoder: bool = False  # learn lab vectors alone, for the encoder of the start model
    tokenizer_bases: int = 5_000_000  # sample the tokenizer learns from
    seed: int = 0
    device: Device = "auto"
    bf16: bool | None = None  # None: where it is faster

    def __post_init__(self) -> None:
        require_positive(self, "crop", "patience", "scale", "validate_every")
        for name in ("epochs", "max_steps", "batch_size", "learning_rate"):
            if getattr(self, name) is not None:
                require_positive(self, name)
        for name in ("reverse_complement", "feature_dropout", "oversampling"):
            if not 0 <= (getattr(self, name) or 0) <= 1:
                raise UsageError(f"{name} must lie in [0, 1], not {getattr(self, name)}")
        choices = {"best_by": BestBy, "one_cycle": OneCycle, "hard_negatives": HardNegatives}
        for name, kind in choices.items():
            if getattr(self, name) not in get_args(kind):
                raise UsageError(f"{name} must be one of {get_args(kind)}: {getattr(self, name)!r}")
        _check_loss_options(self)
        if self.freeze_encoder and self.reserve:
            raise UsageError(
                "with a reserve no lab vectors are kept, so there is nothing to learn for an "
                "encoder that stays as it is",
                hint="leave one of --freeze-encoder and --reserve out",
            )
        for name in ("validation_share", "calibration_share"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise UsageError(f"{name} must lie in [0, 0.5]: {getattr(self, name)}")

    def resolved(
        self, encoder: EncoderConfig, *, rows: int = _MANY_PLASMIDS
    ) -> ResolvedTrainConfig:
        """The same run on `rows` plasmids with every choice made.

        A bag sees a small table in smaller batches and more often, or it would take a handful of
        steps and learn little more than its bias.
        """
        bag = encoder.kind == "bag"
        values = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        bag_batch = min(256, max(16, rows // 16))
        steps = -(-rows // (self.batch_size or bag_batch))  # of an epoch
        bag_epochs = max(10, min(100, -(-_FEWEST_BAG_STEPS // steps)))
        defaults = {
            "margin": {"triplet": 1.0, "cosface": 0.1, "softmax": 0.0}[self.loss],
            "label_smoothing": 0.1 if self.loss == "softmax" else 0.0,
            "oversampling": 0.5 if self.loss == "softmax" else 0.0,
            "epochs": bag_epochs if bag else 200 if self.loss == "triplet" else 20,
            "batch_size": bag_batch if bag else 64,
            "learning_rate": 1e-2 if bag else 1e-3,
            "kept_ids": 1 - encoder.dropout if bag else 1.0,
        }
        open_values = {name: value for name, value in defaults.items() if values.get(name) is None}
        return ResolvedTrainConfig(**(values | open_values))


@dataclass(frozen=True)
class ResolvedTrainConfig(TrainConfig):
    """A training run in which nothing is left open."""

    margin: float = 1.0
    label_smoothing: float = 0.0
    oversampling: float = 0.0
    epochs: int = 200
    batch_size: int = 64
    learning_rate: float = 1e-3
    kept_ids: float = 1.0  # the share of an order-free plasmid's ids that a step sees


def _check_loss_options(config: TrainConfig) -> None:
    """Raise UsageError for an option that the loss does not have."""
    if config.loss == "softmax" and config.margin:
        raise UsageError("the loss softmax has no margin", hint="cosface is a softmax with one")
    if config.loss != "triplet" and config.hard_negatives != "both":
        raise UsageError(
            f"the loss {config.loss} has no hard negatives", hint="take the loss triplet"
        )
    if config.loss != "softmax" and config.label_smoothing:
        raise UsageError(
            f"the loss {config.loss} has no label smoothing", hint="take the loss softmax"
        )
    if not 0 <= (config.label_smoothing or 0) < 1:
        raise UsageError(f"label_smoothing must lie in [0, 1): {config.label_smoothing}")


#: Fields of TrainConfig that mean something else, or nothing, with another loss.
_LOSS_FIELDS = ("margin", "hard_negatives", "scale", "label_smoothing", "oversampling")


@dataclass(frozen=True)
class PresetValues:
    """Values of settings by name, of an objective and a preset; options of a user override them."""

    cnn: Mapping[str, Any] = field(default_factory=dict)  # of CnnConfig
    train: Mapping[str, Any] = field(default_factory=dict)  # of TrainConfig
    views: int = 1  # test-time rotations of a circular plasmid, on each strand

    def for_loss(self, loss: str) -> PresetValues:
        """The same values for a run with this loss, without those that belong to another loss."""
        if loss == self.train.get("loss", loss):
            return self
        kept = {name: value for name, value in self.train.items() if name not in _LOSS_FIELDS}
        return PresetValues(self.cnn, kept | {"loss": loss}, self.views)


_CLASSIFIER = PresetValues(
    cnn={"kernels": (1, 2, 3, 4), "activation": "tanh"}, train={"loss": "softmax"}
)

#: Every field has a value here, so that the preset stays when a default changes.
_PUBLISHED_CNN = {
    "width": 200,
    "pieces": 1_000,
    "token_width": 200,
    "kernels": tuple(range(1, 13)),
    "filters": 256,
    "activation": "selu",
    "dropout": 0.2,
    "dropout_of": "tokens",
}
_PUBLISHED_TRAIN = {
    "epochs": 200,
    "best_by": "top1",
    "validate_every": 1,
    "patience": 20,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "one_cycle": "epoch",
    "weight_decay": 1e-5,
    "crop": 1_000,
    "reverse_complement": 0.0,
    "feature_dropout": 0.0,
    "tokenizer_bases": 5_000_000,
}
_TRIPLET = {"loss": "triplet", "margin": 1.0, "hard_negatives": "both", "oversampling": 0.0}
_SOFTMAX = {"loss": "softmax", "scale": 24.0, "label_smoothing": 0.1, "oversampling": 0.5}
_ROTATIONS = 10

_PRESETS: Mapping[tuple[Preset | None, Objective], PresetValues] = {
    (None, "match"): PresetValues(),
    (None, "classify"): _CLASSIFIER,
    ("published", "match"): PresetValues(_PUBLISHED_CNN, _PUBLISHED_TRAIN | _TRIPLET, _ROTATIONS),
    ("published", "classify"): PresetValues(
        {**_PUBLISHED_CNN, **_CLASSIFIER.cnn}, _PUBLISHED_TRAIN | _SOFTMAX, _ROTATIONS
    ),
}


def preset_values(objective: Objective, *, preset: Preset | None, loss: str | None) -> PresetValues:
    """The values of an objective and a preset; `loss` is a user's own choice, None without one.

    Raises UsageError when a classifier is to have another loss than its softmax.
    """
    values = _PRESETS[preset, objective]
    if loss is None:
        return values
    if objective == "classify" and loss != "softmax":
        raise UsageError(
            f"--loss {loss} does not apply to --objective classify, whose loss is softmax",
            hint="leave one of them out",
        )
    return values.for_loss(loss)
