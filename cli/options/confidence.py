"""How sure an answer has to be: click options in, one checked value out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vecattr.attribution import WORKS
from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.cli.options.types import Amount

if TYPE_CHECKING:
    from vecattr.indexes.scoring.confidence import ConfidenceOptions

_OPTIONS = together(
    click.option(
        "--work",
        type=click.Choice(WORKS),
        default="known",
        show_default=True,
        help="known: probabilities for plasmids of work that the index holds part of; new: for "
        "plasmids of new work.",
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
        help="Name as many labs as are needed to include the true one with this probability, "
        "instead of a fixed number.",
    ),
)


def _confidence_options(**values: Any) -> ConfidenceOptions:
    from vecattr.indexes.scoring.confidence import ConfidenceOptions  # start-up

    return ConfidenceOptions(**values)


#: The options above, handed over as one argument `confidence: ConfidenceOptions`.
confidence_options = as_one_argument(
    _OPTIONS,
    names=("work", "false_alarm", "coverage"),
    argument="confidence",
    build=_confidence_options,
)
