"""How sure an answer has to be: click options in, one checked value out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.cli.options.types import Amount

if TYPE_CHECKING:
    from vecattr.indexes.scoring.confidence import ConfidenceOptions

#: `WORKS` of `vecattr.attribution`, which help need not load.
WORKS = ("known", "new")

_OPTIONS = together(
    click.option(
        "--expect",
        metavar="KNOWN:NEW:OUTSIDE",
        help="How likely queries are work that the index holds part of, new work of a lab it "
        "knows, and of a lab it does not know, as three weights. [default: 1:1:1]",
    ),
    click.option(
        "--work",
        type=click.Choice(WORKS),
        help="The same, when it is certain; known: 1:0:0, new: 0:1:0.",
    ),
    click.option(
        "--false-alarm",
        type=Amount(0, 1, max_open=True),
        metavar="X",
        help="Call unknown at most this share of plasmids of known labs. [default: call unknown "
        "what is likelier of a lab outside the index than of one in it]",
    ),
    click.option(
        "--coverage",
        type=Amount(0, 1, min_open=True, max_open=True),
        metavar="X",
        help="Name as many labs as are needed to include the true one with this probability, "
        "instead of a fixed number.",
    ),
)


def _confidence_options(*, expect: str | None, **values: Any) -> ConfidenceOptions:
    from vecattr.calibration.expectation import Expectation  # start-up
    from vecattr.indexes.scoring.confidence import ConfidenceOptions  # start-up

    expectation = None if expect is None else Expectation.from_text(expect)
    return ConfidenceOptions(expectation=expectation, **values)


#: The options above, handed over as one argument `confidence: ConfidenceOptions`.
confidence_options = as_one_argument(
    _OPTIONS,
    names=("expect", "work", "false_alarm", "coverage"),
    argument="confidence",
    build=_confidence_options,
)
