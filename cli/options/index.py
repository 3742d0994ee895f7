"""Which index a command works on, and how long it waits for one: click options in, paths out."""

from __future__ import annotations

import os
from pathlib import Path

import click

from vecattr.cli.options.completions import INDEX
from vecattr.cli.options.decorators import together
from vecattr.cli.options.types import Amount

_VARIABLE = "VECATTR_INDEX"
_DEFAULT = Path("vecattr.index")
_DEFAULT_TEXT = f"${_VARIABLE}, else ./{_DEFAULT}"

index_option = click.option(
    "-i",
    "--index",
    "index",
    type=INDEX,
    envvar=_VARIABLE,
    default=_DEFAULT,
    show_default=_DEFAULT_TEXT,
    help="The index folder.",
)


def _index_paths(
    ctx: click.Context, param: click.Parameter, paths: tuple[Path, ...]
) -> tuple[Path, ...]:
    """The indexes named, else the one of the environment (whose path may hold any character)."""
    return paths or (Path(os.environ.get(_VARIABLE) or _DEFAULT),)


def _weights(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[float, ...]:
    """`1,0.15` as numbers; a usage error for anything else."""
    try:
        return tuple(float(one) for one in text.split(",")) if text else ()
    except ValueError as cause:
        raise click.BadParameter(f"{text!r} is not a list of numbers such as 1,0.5") from cause


indexes_option = together(
    click.option(
        "-i",
        "--index",
        "indexes",
        type=INDEX,
        multiple=True,
        callback=_index_paths,
        show_default=_DEFAULT_TEXT,
        help="The index folder; repeat it to query several indexes as one.",
    ),
    click.option(
        "--fusion",
        type=click.Choice(["copeland", "rrf", "shares"]),
        default="copeland",
        show_default=True,
        help="How the rankings of several indexes are combined.",
    ),
    click.option(
        "--weights",
        metavar="W1,W2,...",
        callback=_weights,
        help="With --fusion shares: how much each index counts.  [default: all alike]",
    ),
)

wait_option = click.option(
    "--wait",
    type=Amount(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait while another process writes to the index.",
)

near_copies_option = click.option(
    "--exclude-near-copies",
    is_flag=True,
    help="Rank as if no near copy of a query were stored; learned lab vectors are not changed.",
)
