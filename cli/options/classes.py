"""Which labs are classes of their own: click options and plasmids in, a class rule out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.decorators import together
from vecattr.cli.options.types import FILE
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from vecattr.datasets.classes import ClassRule

class_options = together(
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


def check_class_options(labs_file: Path | None, min_plasmids: int | None) -> None:
    """UsageError when both options are given."""
    if labs_file is not None and min_plasmids is not None:
        raise UsageError("--labs and --min-plasmids both say which labs to keep", hint="give one")


def class_rule(
    labs: Counter[str | None], *, labs_file: Path | None, min_plasmids: int | None
) -> ClassRule:
    """Which labs are classes of their own: by file, by count, else all of them; `labs` says how
    many plasmids each has."""
    from vecattr.datasets.classes import ClassRule, rule_by_count, rule_from_file  # start-up

    check_class_options(labs_file, min_plasmids)
    if labs_file is not None:
        rule = rule_from_file(labs_file)
        absent = sorted((rule.named or frozenset()) - labs.keys())
        if absent:
            terminal().say(f"{labs_file}: no plasmid is of {len(absent)} labs, first {absent[0]!r}")
        return rule
    if min_plasmids is not None:
        named = Counter({lab: count for lab, count in labs.items() if lab is not None})
        return rule_by_count(named, minimum=min_plasmids)
    return ClassRule(named=None)
