"""Fields of a training configuration in, click options out; their values in, a configuration out.

The default of an option is that of its field, so that it is written in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

import click

from vecattr.cli.options.decorators import Function
from vecattr.cli.options.types import Amount
from vecattr.encoders.config import BagConfig, CnnConfig, DropoutOf, EncoderConfig, Numbers
from vecattr.errors import UsageError
from vecattr.training.settings import (
    BestBy,
    HardNegatives,
    Loss,
    Objective,
    OneCycle,
    Preset,
    PresetValues,
    TrainConfig,
    preset_values,
)

LOSSES: tuple[Loss, ...] = get_args(Loss)
NUMBERS: tuple[Numbers, ...] = get_args(Numbers)
BEST_BY: tuple[BestBy, ...] = get_args(BestBy)
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
PRESETS: tuple[Preset, ...] = get_args(Preset)
ENCODERS: dict[str, type[CnnConfig] | type[BagConfig]] = {"cnn": CnnConfig, "bag": BagConfig}


def kernel_widths(text: str) -> tuple[int, ...]:
    """Widths in order, each once; ValueError for anything else.

    >>> kernel_widths("1-3,7")
    (1, 2, 3, 7)
    """
    widths: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        widths |= set(range(int(first), int(last if dash else first) + 1))
    if not widths or max(widths) > WIDEST_KERNEL:
        raise ValueError(text)
    return tuple(sorted(widths))


@dataclass(frozen=True)
class Setting:
    """One option and the field it sets."""

    flag: str
    field: str
    type: Any  # what click.option takes as `type`
    help: str


#: Tokens; wider kernels than this are typing errors.
WIDEST_KERNEL = 1_000

SHARE = Amount(0, 1)
COUNT = click.IntRange(min=1)

ENCODER_SETTINGS = (
    Setting("--width", "width", COUNT, "Width of the unit vectors."),
    Setting("--token-width", "token_width", COUNT, "Width of a token's or k-mer's vector."),
    Setting("--dropout", "dropout", SHARE, "Share of tokens or k-mers dropped in training."),
    Setting(
        "--dropout-of",
        "dropout_of",
        click.Choice(get_args(DropoutOf)),
        "cnn: what is dropped; tokens: whole tokens, as published, for which a step on a processor "
        "is many times faster; numbers: single numbers of their vectors.",
    ),
    Setting("--pieces", "pieces", COUNT, "cnn: vocabulary size of the byte-pair tokenizer."),
    Setting("--kernels", "kernels", kernel_widths, "cnn: widths in tokens, as 1-12 or 3,5,7."),
    Setting("--filters", "filters", COUNT, "cnn: filters of each kernel."),
    Setting(
        "--activation",
        "activation",
        click.Choice(["selu", "relu", "gelu", "tanh"]),
        "cnn: activation function after the convolution.",
    ),
    Setting("--kmer", "k", COUNT, "bag: bases of a k-mer, odd."),
    Setting("--scaled", "scaled", COUNT, "bag: use one k-mer in N, chosen by its hash."),
    Setting(
        "--kmer-plasmids", "min_plasmids", COUNT, "bag: use k-mers that at least N plasmids have."
    ),
    Setting(
        "--kmer-numbers",
        "numbers",
        click.Choice(NUMBERS),
        "bag: number type of the stored k-mer vectors; int8 takes half the space.",
    ),
)

TRAIN_SETTINGS = (
    Setting("--loss", "loss", click.Choice(LOSSES), "The loss that is minimised."),
    Setting(
        "--margin",
        "margin",
        Amount(min=0),
        "Margin of the loss.",
    ),
    Setting(
        "--hard-negatives",
        "hard_negatives",
        click.Choice(get_args(HardNegatives)),
        "triplet: where another lab is nearer than the own one; both: pull the own lab and push "
        "the other, as published; push: push the other alone.",
    ),
    Setting("--scale", "scale", Amount(min=0), "Inverse temperature of cosface and softmax."),
    Setting("--label-smoothing", "label_smoothing", SHARE, "Label smoothing of the loss softmax."),
    Setting(
        "--oversampling",
        "oversampling",
        SHARE,
        "0: every plasmid once per epoch; 1: all labs equally often.",
    ),
    Setting("--epochs", "epochs", COUNT, "Most passes over the plasmids."),
    Setting("--max-steps", "max_steps", COUNT, "Most optimizer steps, over all epochs."),
    Setting("--batch-size", "batch_size", COUNT, "Plasmids per step, over all processes together."),
    Setting(
        "--learning-rate", "learning_rate", float, "Peak learning rate of the one-cycle schedule."
    ),
    Setting(
        "--one-cycle",
        "one_cycle",
        click.Choice(get_args(OneCycle)),
        "When the learning rate changes: after every step; or after every epoch, as published, "
        "with Adam's first momentum going down and up against it.",
    ),
    Setting("--weight-decay", "weight_decay", float, "Weight decay of Adam."),
    Setting("--crop", "crop", COUNT, "cnn: tokens of a plasmid used in one step."),
    Setting(
        "--reverse-complement",
        "reverse_complement",
        SHARE,
        "Probability that a plasmid is read on its other strand.",
    ),
    Setting(
        "--feature-dropout", "feature_dropout", SHARE, "Probability that features are withheld."
    ),
    Setting(
        "--validation-share",
        "validation_share",
        Amount(0, 0.5),
        "Share of plasmids split off for validation, in whole groups.",
    ),
    Setting(
        "--calibration-share",
        "calibration_share",
        Amount(0, 0.5),
        "Share of other plasmids held out one by one, to calibrate.",
    ),
    Setting(
        "--best-by",
        "best_by",
        click.Choice(BEST_BY),
        "Which epoch is kept; macro-mrr: the one with the best mean reciprocal rank, averaged over "
        "labs; top1: the one with the most plasmids whose lab is ranked first, as published.",
    ),
    Setting(
        "--validate-every",
        "validate_every",
        COUNT,
        "Epochs from one validation to the next; the last epoch has one, too.",
    ),
    Setting(
        "--patience",
        "patience",
        COUNT,
        "Epochs without a better validation result before training stops.",
    ),
    Setting(
        "--tokenizer-bases",
        "tokenizer_bases",
        COUNT,
        "cnn: bases that the tokenizer is trained on.",
    ),
    Setting("--seed", "seed", int, "Seed of every random choice."),
    Setting(
        "--device", "device", click.Choice(["auto", "cpu", "cuda"]), "Where the training runs."
    ),
)


def setting_options(
    settings: Sequence[Setting], *configs: type[CnnConfig] | type[BagConfig] | type[TrainConfig]
) -> Callable[[Function], Function]:
    """The click options of `settings`; an option that is not given arrives as None."""

    def decorate(function: Function) -> Function:
        for setting in reversed(settings):
            help_text = f"{setting.help} [default: {_default(setting.field, configs)}]"
            option = click.option(
                setting.flag,
                f"set_{setting.field}",
                type=setting.type,
                metavar=_metavar(setting.type),
                help=help_text,
            )
            function = option(function)
        return function

    return decorate


def _default(field: str, configs: Sequence[type[Any]]) -> str:
    """The field's default in words; by encoder and loss where it depends on them."""
    defaults = {
        (config.__name__.removesuffix("Config").lower(), ""): config_field.default
        for config in configs
        for config_field in fields(config)
        if config_field.name == field
    }
    if set(defaults.values()) != {None}:
        return _in_words(defaults)
    return _in_words(
        {
            (encoder, loss): getattr(TrainConfig(loss=loss).resolved(config()), field)
            for encoder, config in ENCODERS.items()
            for loss in LOSSES
        }
    )


def _in_words(by_choice: Mapping[tuple[str, str], object]) -> str:
    """Values by (encoder, loss), naming only what the value depends on."""
    for places in ((), (0,), (1,), (0, 1)):
        values_by_choice: dict[tuple[str, ...], set[object]] = {}
        for choice, value in by_choice.items():
            values_by_choice.setdefault(tuple(choice[at] for at in places), set()).add(value)
        if all(len(values) == 1 for values in values_by_choice.values()):
            break
    named = [(" ".join(choice), _shown(*values)) for choice, values in values_by_choice.items()]
    return ", ".join(f"{name} {value}".strip() for name, value in named)


def _metavar(kind: object) -> str | None:
    if isinstance(kind, click.Choice):
        return None
    return "WIDTHS" if kind is kernel_widths else "N" if kind in (COUNT, int) else "X"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"{value[0]}-{value[-1]}"
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


def preset_choices(
    objective: Objective, preset: Preset | None, *, encoder: str, options: Mapping[str, Any]
) -> PresetValues:
    """The values that objective and preset set; UsageError if they do not fit other options."""
    if preset is not None and encoder != "cnn":
        raise UsageError(
            f"--preset {preset} is a cnn, not --encoder {encoder}", hint="leave one of them out"
        )
    return preset_values(objective, preset=preset, loss=options["set_loss"])


def _given_values(settings: Sequence[Setting], options: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the user gave, by field."""
    values = {setting.field: options[f"set_{setting.field}"] for setting in settings}
    return {name: value for name, value in values.items() if value is not None}


def encoder_config(
    kind: str, options: Mapping[str, Any], *, choices: PresetValues, frozen: Path | None = None
) -> EncoderConfig:
    """The encoder's configuration, that of the model `frozen` where one stays as it is; UsageError
    for an option that only another encoder has."""
    if frozen is not None:
        return _frozen_encoder(frozen, options)
    config = ENCODERS[kind]
    field_names = {field.name for field in fields(config)}
    values = _given_values(ENCODER_SETTINGS, options)
    for setting in ENCODER_SETTINGS:
        if setting.field in values and setting.field not in field_names:
            raise UsageError(
                f"{setting.flag} does not apply to --encoder {kind}", hint="leave it out"
            )
    return config(**(dict(choices.cnn) | values if kind == "cnn" else values))


def _frozen_encoder(model: Path, options: Mapping[str, Any]) -> EncoderConfig:
    """The configuration of a model's encoder, which stays as it is; UsageError for an option that
    would change it."""
    from vecattr.encoders.model_folder import read_config  # start-up

    given = _given_values(ENCODER_SETTINGS, options)
    for setting in ENCODER_SETTINGS:
        if setting.field in given:
            raise UsageError(
                f"{setting.flag} does not apply to an encoder that stays as it is",
                hint="leave it or --freeze-encoder out",
            )
    return read_config(model).encoder


def train_config(options: Mapping[str, Any], *, choices: PresetValues, **more: Any) -> TrainConfig:
    """The configuration of a training run; `more` are fields that have no setting here."""
    return TrainConfig(**{**choices.train, **_given_values(TRAIN_SETTINGS, options), **more})
