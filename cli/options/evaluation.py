"""What `vecattr evaluate` measures besides the ranking: click options in, one checked value out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.cli.options.index import near_copies_option
from vecattr.cli.options.joint import by_column
from vecattr.cli.options.output import refuse_inputs
from vecattr.cli.options.types import FILE, Conditions, check_folder, conditions
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from vecattr.indexes.index import Panel
    from vecattr.readers.plasmids import ReadOptions


@dataclass(frozen=True)
class EvaluationOptions:
    """The options of `evaluation_options`; `exclude_near_copies` is of the ranking, too."""

    per_query: Path | None
    unknown_where: Conditions
    few_shot_where: Conditions
    shots: tuple[int, ...]
    repeats: int
    seed: int
    newest: int | None
    newest_by: str
    exclude_near_copies: bool
    together_by: str | None
    linked: bool

    def check(self, panel: Panel, sources: Sequence[str]) -> None:
        """UsageError for options that do not fit each other, the panel or the sources."""
        refuse_inputs(self.per_query)
        if (self.unknown_where or self.few_shot_where or self.newest) and "-" in sources:
            raise UsageError("standard input can be read only once", hint="give the table's path")
        if self.few_shot_where and not panel.is_one_index:
            raise UsageError("--few-shot-where measures one index", hint="give one -i")
        if (self.together_by or self.linked) and not panel.is_one_index:
            raise UsageError("--together-by and --linked measure one index", hint="give one -i")
        if self.exclude_near_copies:
            self._check_near_copies(panel)

    def grouped(self, read_options: ReadOptions) -> ReadOptions:
        """The options with the column of --together-by as the one of groups."""
        return by_column(read_options, self.together_by)

    def _check_near_copies(self, panel: Panel) -> None:
        from vecattr.indexes.evidence.near_copies import check_bases_kept  # start-up

        check_bases_kept(panel.indexes)
        if self.few_shot_where:
            raise UsageError(
                "--exclude-near-copies does not reach the plasmids that --few-shot-where draws",
                hint="give one of the two; few_shot_disjoint draws from other groups",
            )


def _shots(ctx: click.Context, param: click.Parameter, text: str) -> tuple[int, ...]:
    """`1,5,10` as ascending numbers; a usage error for anything that is no number from 1 on."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(f"{text!r} is not a list of numbers such as 1,5,10")
    return tuple(sorted({int(part) for part in parts}))


_OPTIONS = together(
    click.option(
        "--per-query",
        type=FILE,
        metavar="FILE",
        callback=check_folder,
        help="Also write, as CSV, the rank of the true lab and the first ten labs of each record.",
    ),
    click.option(
        "--unknown-where",
        multiple=True,
        callback=conditions,
        metavar="COLUMN=VALUE",
        help="Table rows of labs that the index lacks: measure how well the verdict tells them "
        "from known labs; repeatable.",
    ),
    click.option(
        "--few-shot-where",
        multiple=True,
        callback=conditions,
        metavar="COLUMN=VALUE",
        help="Table rows of new labs: measure how well these are found once a few of their "
        "plasmids are added; repeatable.",
    ),
    click.option(
        "--shots",
        default="1,5,10",
        show_default=True,
        callback=_shots,
        metavar="N,N,...",
        help="Numbers of plasmids that a new lab is added with.",
    ),
    click.option(
        "--repeats",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        metavar="N",
        help="How often these plasmids are drawn.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Seed of these draws and of the intervals.",
    ),
    click.option(
        "--newest",
        type=click.IntRange(min=1),
        metavar="N",
        help="Also measure the N newest publications beside the earlier ones.",
    ),
    click.option(
        "--newest-by",
        default="year",
        show_default=True,
        metavar="COLUMN",
        help="The column of years or dates that says what is new.",
    ),
    near_copies_option,
    click.option(
        "--together-by",
        metavar="COLUMN",
        help="Also measure joint answers: rows with the same value in this column are asked about "
        "together, as of one lab.",
    ),
    click.option(
        "--linked",
        is_flag=True,
        help="Also measure answers in which rows that share rare stretches help each other.",
    ),
)

#: The options above, handed over as one argument `evaluation: EvaluationOptions`.
evaluation_options = as_one_argument(
    _OPTIONS,
    names=[field.name for field in fields(EvaluationOptions)],
    argument="evaluation",
    build=EvaluationOptions,
)
