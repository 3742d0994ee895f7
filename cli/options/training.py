"""Options that mirror the fields of a configuration: dataclass fields in, click options out.

The default of each option is the field's own, so that it is written in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_args

import click

from vecattr.cli.options.shared import Amount
from vecattr.encoders.config import BagConfig, CnnConfig, EncoderConfig, Numbers
from vecattr.errors import UsageError
from vecattr.training.presets import Choices, Objective, Preset, choose
from vecattr.training.settings import BestBy, Loss, TrainConfig

Function = TypeVar("Function", bound=Callable[..., Any])

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
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        found |= set(range(int(first), int(last if dash else first) + 1))
    if not found or max(found) > WIDEST_KERNEL:
        raise ValueError(text)
    return tuple(sorted(found))


@dataclass(frozen=True)
class Setting:
    """One option and the field it sets."""

    flag: str
    field: str
    type: Any  # what click.option takes as `type`
    help: str


#: Tokens; wider kernels than this are a slip of the finger.
WIDEST_KERNEL = 1_000

SHARE = Amount(0, 1)
COUNT = click.IntRange(min=1)

ENCODER_SETTINGS = (
    Setting("--width", "width", COUNT, "Width of the unit vectors."),
    Setting("--token-width", "token_width", COUNT, "Width of a token's or k-mer's vector."),
    Setting("--dropout", "dropout", SHARE, "Share of tokens or k-mers dropped in training."),
    Setting("--pieces", "pieces", COUNT, "cnn: pieces of the byte-pair tokenizer."),
    Setting("--kernels", "kernels", kernel_widths, "cnn: widths in tokens, as 1-12 or 3,5,7."),
    Setting("--filters", "filters", COUNT, "cnn: filters of each kernel."),
    Setting(
        "--activation",
        "activation",
        click.Choice(["selu", "relu", "gelu", "tanh"]),
        "cnn: after the convolution.",
    ),
    Setting("--kmer", "k", COUNT, "bag: bases of a k-mer, odd."),
    Setting("--scaled", "scaled", COUNT, "bag: read one k-mer in so many."),
    Setting(
        "--kmer-plasmids", "min_plasmids", COUNT, "bag: use k-mers that so many plasmids have."
    ),
    Setting(
        "--kmer-numbers",
        "numbers",
        click.Choice(NUMBERS),
        "bag: what the k-mers' vectors are stored as; int8 takes half the room.",
    ),
)

TRAIN_SETTINGS = (
    Setting("--loss", "loss", click.Choice(LOSSES), "What is minimised."),
    Setting(
        "--margin",
        "margin",
        Amount(min=0),
        "Margin of the loss.",
    ),
    Setting("--scale", "scale", Amount(min=0), "Inverse temperature of cosface and softmax."),
    Setting("--label-smoothing", "label_smoothing", SHARE, "Of the loss softmax."),
    Setting(
        "--oversampling",
        "oversampling",
        SHARE,
        "0: every plasmid once an epoch; 1: every lab as often as any other.",
    ),
    Setting("--epochs", "epochs", COUNT, "Passes over the plasmids at most."),
    Setting("--max-steps", "max_steps", COUNT, "Optimizer steps at most, over all epochs."),
    Setting("--batch-size", "batch_size", COUNT, "Plasmids a step, over all processes together."),
    Setting("--learning-rate", "learning_rate", float, "Peak of the one-cycle schedule."),
    Setting("--weight-decay", "weight_decay", float, "Weight decay of Adam."),
    Setting("--crop", "crop", COUNT, "cnn: tokens of a plasmid seen in one step."),
    Setting(
        "--reverse-complement", "reverse_complement", SHARE, "Probability of the other strand."
    ),
    Setting(
        "--feature-dropout", "feature_dropout", SHARE, "Probability that features are withheld."
    ),
    Setting(
        "--validation-share",
        "validation_share",
        Amount(0, 0.5),
        "Share of plasmids held out, in whole groups.",
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
        "Which epoch is kept: macro-mrr: of the best mean reciprocal rank, all labs counting "
        "alike; top1: of the most plasmids whose lab is first, as published.",
    ),
    Setting("--patience", "patience", COUNT, "Epochs without a better validation before the end."),
    Setting("--tokenizer-bases", "tokenizer_bases", COUNT, "cnn: bases the tokenizer learns from."),
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
        (config.__name__.removesuffix("Config").lower(), ""): found.default
        for config in configs
        for found in fields(config)
        if found.name == field
    }
    if set(defaults.values()) != {None}:
        return _in_words(defaults)
    return _in_words(
        {
            (encoder, loss): getattr(TrainConfig(loss=loss).resolved(kind()), field)
            for encoder, kind in ENCODERS.items()
            for loss in LOSSES
        }
    )


def _in_words(by_choice: Mapping[tuple[str, str], object]) -> str:
    """Values by (encoder, loss) with only those words that matter to the value."""
    for place in ((), (0,), (1,), (0, 1)):
        short: dict[tuple[str, ...], set[object]] = {}
        for choice, value in by_choice.items():
            short.setdefault(tuple(choice[at] for at in place), set()).add(value)
        if all(len(values) == 1 for values in short.values()):
            break
    named = [(" ".join(choice), _shown(*values)) for choice, values in short.items()]
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


def choices_of(
    objective: Objective, preset: Preset | None, *, encoder: str, options: Mapping[str, Any]
) -> Choices:
    """What objective and preset choose; UsageError where they do not fit the other options."""
    if preset is not None and encoder != "cnn":
        raise UsageError(
            f"--preset {preset} is a cnn, not --encoder {encoder}", hint="leave one of them out"
        )
    return choose(objective, preset=preset, loss=options["set_loss"])


def _given(settings: Sequence[Setting], options: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the user gave, by field."""
    values = {setting.field: options[f"set_{setting.field}"] for setting in settings}
    return {name: value for name, value in values.items() if value is not None}


def encoder_of(kind: str, options: Mapping[str, Any], *, chosen: Choices) -> EncoderConfig:
    """The encoder's configuration; UsageError for an option that only another encoder has."""
    config = ENCODERS[kind]
    known = {field.name for field in fields(config)}
    given = _given(ENCODER_SETTINGS, options)
    for setting in ENCODER_SETTINGS:
        if setting.field in given and setting.field not in known:
            raise UsageError(
                f"{setting.flag} does not apply to --encoder {kind}", hint="leave it out"
            )
    return config(**(dict(chosen.cnn) | given if kind == "cnn" else given))


def training_of(options: Mapping[str, Any], *, chosen: Choices, **more: Any) -> TrainConfig:
    """The configuration of a training run; `more` are fields that have no setting here."""
    return TrainConfig(**{**chosen.train, **_given(TRAIN_SETTINGS, options), **more})
