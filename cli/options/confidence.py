"""Options on how sure an answer is to be: click decorators in, one checked value out."""

from __future__ import annotations

import functools
from typing import Any

import click

from vecattr.attribution import WORKS
from vecattr.cli.options.shared import Amount, Function, together

_options = together(
    click.option(
        "--work",
        type=click.Choice(WORKS),
        default="known",
        show_default=True,
        help="Probabilities for plasmids of work that the index holds part of, or of new work.",
    ),
    click.option(
        "--false-alarm",
        type=Amount(0, 1, max_open=True),
        default=0.05,
        show_default=True,
        metavar="X",
        help="Share of plasmids of known labs and new work that may be called unknown.",
    ),
    click.option(
        "--coverage",
        type=Amount(0, 1, min_open=True, max_open=True),
        metavar="X",
        help="Name as many labs as hold the true one so often, instead of a fixed number.",
    ),
)


def asking(function: Function) -> Function:
    """The options above, handed over as one argument `confidence: ConfidenceOptions`."""

    @functools.wraps(function)
    def collected(*args: Any, **given: Any) -> Any:
        from vecattr.indexes.scoring.confidence import ConfidenceOptions

        names = ("work", "false_alarm", "coverage")
        confidence = ConfidenceOptions(**{name: given.pop(name) for name in names})
        return function(*args, confidence=confidence, **given)

    return _options(collected)  # type: ignore[return-value]
