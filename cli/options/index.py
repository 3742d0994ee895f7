"""Which index a command works on, and how long it waits for one: click options in, paths out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.options.completions import INDEX
from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.cli.options.types import Amount

if TYPE_CHECKING:
    from vecattr.indexes.index import Panel
    from vecattr.ranking.rank_fusion import Fusion

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


@dataclass(frozen=True)
class PanelOptions:
    """Which indexes answer as one, how they are fused, and how much each of them counts."""

    indexes: tuple[Path, ...]
    fusion: Fusion
    weights: tuple[float, ...]

    def open(self, **how: Any) -> Panel:
        """The indexes, opened; options and errors as those of `vecattr.indexes.open_panel`."""
        from vecattr.indexes.index import open_panel  # start-up

        return open_panel(self.indexes, fusion=self.fusion, weights=self.weights, **how)


_PANEL_OPTIONS = together(
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

panel_options = as_one_argument(
    _PANEL_OPTIONS,
    names=("indexes", "fusion", "weights"),
    argument="asked",
    build=PanelOptions,
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
