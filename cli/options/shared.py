"""Options that several commands share: click decorators in, checked values out."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from vecattr.datasets.classes import ClassRule
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions

Function = TypeVar("Function", bound=Callable[..., Any])

#: More than any disk holds.
MOST_BYTES = 1 << 62

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=True, path_type=Path)


def conditions(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """`COLUMN=VALUE` texts as pairs; a usage error without an equals sign or a column."""
    pairs = [value.partition("=") for value in values]
    for column, equals, wanted in pairs:
        if not equals or not column.strip():
            raise click.BadParameter(f"{column + equals + wanted!r} is not COLUMN=VALUE")
    return tuple((column, wanted) for column, _, wanted in pairs)


def together(*decorators: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Several decorators as one, the first one outermost (and first in the help)."""

    def decorate(function: Function) -> Function:
        return functools.reduce(lambda inner, outer: outer(inner), reversed(decorators), function)

    return decorate


def _set(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            setattr(terminal(), name, True)

    return remember


def _flag(*names: str, field: str, text: str) -> Callable[[Function], Function]:
    return click.option(
        *names, is_flag=True, expose_value=False, callback=_set(field), help=text, is_eager=True
    )


talk_options = together(
    _flag("-q", "--quiet", field="quiet", text="Say nothing but errors."),
    _flag("-v", "--verbose", field="verbose", text="Say more."),
    _flag("--debug", field="debug", text="Show a traceback when something fails."),
)

index_option = click.option(
    "-i",
    "--index",
    "index",
    type=FOLDER,
    envvar="VECATTR_INDEX",
    default=Path("vecattr.index"),
    show_default="$VECATTR_INDEX, else ./vecattr.index",
    help="The index folder.",
)


class Amount(click.FloatRange):
    """A number of a range that is a number: click lets "nan" pass every range."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; a usage error for text, for what is out of range and for NaN."""
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return found


wait_option = click.option(
    "--wait",
    type=Amount(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait while another process writes to the index.",
)


def _index_paths(
    ctx: click.Context, param: click.Parameter, given: tuple[Path, ...]
) -> tuple[Path, ...]:
    """The indexes named, else the one of the environment (whose path may hold any character)."""
    return given or (Path(os.environ.get("VECATTR_INDEX") or "vecattr.index"),)


indexes_option = together(
    click.option(
        "-i",
        "--index",
        "indexes",
        type=FOLDER,
        multiple=True,
        callback=_index_paths,
        show_default="$VECATTR_INDEX, else ./vecattr.index",
        help="The index folder; repeat it to ask several as one.",
    ),
    click.option(
        "--fusion",
        type=click.Choice(["copeland", "rrf"]),
        default="copeland",
        show_default=True,
        help="How the rankings of several indexes become one.",
    ),
)

copies_option = click.option(
    "--exclude-near-copies",
    is_flag=True,
    help="As if no near copy of a query were stored; learned lab vectors do not forget.",
)

compute_options = together(
    click.option(
        "--threads", type=click.IntRange(min=1), metavar="N", help="Processor threads to use."
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="Where the encoder runs; auto: a GPU if there is one.",
    ),
)

rule_options = together(
    click.option(
        "--labs", "labs_file", type=FILE, help="File of lab names to keep as classes, one a line."
    ),
    click.option(
        "--min-plasmids",
        type=click.IntRange(min=1),
        metavar="N",
        help="Keep labs with at least this many plasmids; the rest are pooled.",
    ),
)

read_options = together(
    click.option(
        "--where",
        multiple=True,
        callback=conditions,
        metavar="COLUMN=VALUE",
        help="Use only such rows of a table; repeatable.",
    ),
    click.option("--labels", metavar="FILE", help="The labs of a table that comes without them."),
    click.option("--features", metavar="FILE", help="Table of 0/1 features by sequence_id."),
    click.option(
        "--topology",
        type=click.Choice(["auto", "circular", "linear"]),
        default="auto",
        show_default=True,
        help="auto: what the file says, else circular.",
    ),
    click.option("--group-by", metavar="COLUMN", help="Column that ties plasmids (a publication)."),
    click.option("--as-one", is_flag=True, help="Join all records of a file into one plasmid."),
    click.option("--no-features", is_flag=True, help="Leave 0/1 features out: sequences alone."),
    click.option(
        "--max-bases",
        type=click.IntRange(min=1),
        default=20_000_000,
        show_default=True,
        metavar="N",
        help="The longest record that is read.",
    ),
    click.option(
        "--max-unpacked",
        type=Amount(min=0, min_open=True),
        default=16.0,
        show_default=True,
        metavar="GB",
        help="The most that a compressed file may unpack to.",
    ),
)


def reading(function: Function) -> Function:
    """The reading options of a command, handed over as one argument `reads: ReadOptions`."""

    @functools.wraps(function)
    def collected(*args: Any, **options: Any) -> Any:
        from vecattr.readers.limits import Limits
        from vecattr.readers.plasmids import ReadOptions

        unpacked = min(options.pop("max_unpacked") * 1e9, MOST_BYTES)
        limits = Limits(bases=options.pop("max_bases"), unpacked=int(unpacked))
        names = ("where", "labels", "features", "topology", "group_by", "as_one", "no_features")
        reads = ReadOptions(**{name: options.pop(name) for name in names}, limits=limits)
        return function(*args, reads=reads, **options)

    return read_options(collected)  # type: ignore[return-value]


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(count: int) -> None:
    """Processor threads of libraries that are not loaded yet; called before torch is imported."""
    os.environ["OMP_NUM_THREADS"] = str(count)


def labelled_plasmids(sources: Sequence[str], reads: ReadOptions) -> list[Plasmid]:
    """As `plasmids_of`; a record without a lab is a bad one."""
    return plasmids_of(sources, replace(reads, labelled=True))


def plasmids_of(sources: Sequence[str], reads: ReadOptions) -> list[Plasmid]:
    """All good plasmids of the sources; bad records are reported. InputError when there is none."""
    from vecattr.errors import InputError
    from vecattr.readers.plasmids import read_plasmids

    plasmids = list(terminal().good_records(read_plasmids(sources, reads)))
    if not plasmids:
        raise InputError(
            "no plasmids to work on",
            where=", ".join(sources),
            hint="check the files, and --where if it was given",
        )
    return plasmids


def class_rule(
    plasmids: Sequence[Plasmid], *, labs_file: Path | None, min_plasmids: int | None
) -> ClassRule:
    """Which labs are classes of their own: by file, by count, else all of them."""
    from vecattr.datasets.classes import ClassRule, rule_by_count, rule_from_file

    if labs_file is not None and min_plasmids is not None:
        raise UsageError("--labs and --min-plasmids both say which labs to keep", hint="give one")
    if labs_file is not None:
        rule = rule_from_file(labs_file)
        absent = sorted((rule.named or frozenset()) - {plasmid.lab for plasmid in plasmids})
        if absent:
            terminal().say(f"{labs_file}: no plasmid is of {len(absent)} labs, first {absent[0]!r}")
        return rule
    if min_plasmids is not None:
        labs = [plasmid.lab for plasmid in plasmids if plasmid.lab is not None]
        return rule_by_count(labs, minimum=min_plasmids)
    return ClassRule(named=None)
