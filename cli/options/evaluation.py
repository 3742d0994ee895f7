"""What `vecattr evaluate` measures beside the ranking: options in, one checked value out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.options.shared import Function, conditions, copies_option, together
from vecattr.cli.rendering.output import check_folder
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from vecattr.indexes.index import Panel

Conditions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Measures:
    """The options of `measuring`."""

    per_query: Path | None
    unknown_where: Conditions
    few_shot_where: Conditions
    shots: tuple[int, ...]
    repeats: int
    seed: int
    exclude_near_copies: bool

    def check(self, panel: Panel, sources: Sequence[str]) -> None:
        """UsageError for options that do not fit each other."""
        if (self.unknown_where or self.few_shot_where) and "-" in sources:
            raise UsageError("standard input can be read only once", hint="give the table's path")
        if self.few_shot_where and not panel.is_one_index:
            raise UsageError("--few-shot-where measures one index", hint="give one -i")
        if self.exclude_near_copies:
            self._check_copies(panel)

    def _check_copies(self, panel: Panel) -> None:
        from vecattr.indexes.evidence.near_copies import check_bases_kept

        check_bases_kept(panel.indexes)
        if self.few_shot_where:
            raise UsageError(
                "--exclude-near-copies does not reach the plasmids that --few-shot-where draws",
                hint="ask for one of them; few_shot_disjoint draws from other groups",
            )


def _shots(ctx: click.Context, param: click.Parameter, text: str) -> tuple[int, ...]:
    """`1,5,10` as ascending numbers; a usage error for anything that is no number from 1 on."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(f"{text!r} is not a list of numbers such as 1,5,10")
    return tuple(sorted({int(part) for part in parts}))


_measure_options = together(
    click.option(
        "--per-query",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        callback=check_folder,
        help="Also write the rank of the truth and the first ten labs of each record, as CSV.",
    ),
    click.option(
        "--unknown-where",
        multiple=True,
        callback=conditions,
        metavar="COLUMN=VALUE",
        help="Rows of labs that the index lacks: does the verdict tell them? Repeatable.",
    ),
    click.option(
        "--few-shot-where",
        multiple=True,
        callback=conditions,
        metavar="COLUMN=VALUE",
        help="Rows of new labs: how well are they found, once added? Repeatable.",
    ),
    click.option(
        "--shots",
        default="1,5,10",
        show_default=True,
        callback=_shots,
        metavar="N,N,...",
        help="Plasmids that a new lab is added with.",
    ),
    click.option(
        "--repeats",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        metavar="N",
        help="Draws of such plasmids.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Of these draws and of the intervals.",
    ),
    copies_option,
)


def measuring(function: Function) -> Function:
    """The options above, handed over as one argument `measures: Measures`."""

    @functools.wraps(function)
    def collected(*args: Any, **options: Any) -> Any:
        names = [field.name for field in fields(Measures)]
        measures = Measures(**{name: options.pop(name) for name in names})
        return function(*args, measures=measures, **options)

    return _measure_options(collected)  # type: ignore[return-value]
