"""How records help each other out: click options in, one checked value out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypedDict

import click

from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.errors import InputError, UsageError

if TYPE_CHECKING:
    from vecattr.indexes.index import Panel
    from vecattr.indexes.scoring.confidence import ConfidenceOptions
    from vecattr.joint_attribution import JointAttribution
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions


class Request(TypedDict):
    """What every way of asking takes."""

    k: int
    neighbors: int
    exclude_near_copies: bool
    options: ConfidenceOptions
    evidence: int | None
    evidence_for: tuple[str, ...]


@dataclass(frozen=True)
class JointOptions:
    """The options of `joint_options`; UsageError for several of them."""

    together: bool
    together_by: str | None
    linked: bool

    def __post_init__(self) -> None:
        given = {
            "--together": self.together,
            "--together-by": self.together_by is not None,
            "--linked": self.linked,
        }
        names = [name for name, is_given in given.items() if is_given]
        if len(names) > 1:
            raise UsageError(f"{' and '.join(names)} exclude each other", hint="give one of them")

    @property
    def is_together(self) -> bool:
        """Are there joint answers?"""
        return self.together or self.together_by is not None

    def grouped(self, read_options: ReadOptions) -> ReadOptions:
        """The options with the column of --together-by as the one of groups."""
        return by_column(read_options, self.together_by)

    def answers(
        self, panel: Panel, plasmids: Iterable[Plasmid], request: Request
    ) -> Iterator[JointAttribution]:
        """A joint answer for each group; InputError when there is none."""
        from vecattr.joint_attribution import groups_of  # start-up

        groups = groups_of(plasmids, by_group=not self.together)
        if not groups:
            raise InputError("no plasmids to answer together", hint="check the files")
        for name, members in groups.items():
            yield panel.query_together(members, group=name, **request)


def by_column(read_options: ReadOptions, column: str | None) -> ReadOptions:
    """The options with this column of groups; UsageError when --group-by names another one."""
    if column is None:
        return read_options
    if read_options.group_by not in (None, column):
        raise UsageError(
            f"--together-by {column} and --group-by {read_options.group_by}",
            hint="--together-by names the column of groups; leave --group-by out",
        )
    return replace(read_options, group_by=column)


_OPTIONS = together(
    click.option(
        "--together",
        is_flag=True,
        help="All records are of one unknown lab: one joint answer, each record's own after it, "
        "and which of them does not belong.",
    ),
    click.option(
        "--together-by",
        metavar="COLUMN",
        help="The same for table rows with the same value in this column.",
    ),
    click.option(
        "--linked",
        is_flag=True,
        help="Rank records that share rare stretches together, and tell which these are.",
    ),
)

#: The options above, handed over as one argument `joint: JointOptions`.
joint_options = as_one_argument(
    _OPTIONS,
    names=[field.name for field in fields(JointOptions)],
    argument="joint",
    build=JointOptions,
)
