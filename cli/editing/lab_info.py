"""`vecattr lab-info`: a table of what is known of labs in, an index with it out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.types import FILE
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal

if TYPE_CHECKING:
    from vecattr.info import LabInfo

#: How many labs a note names.
_SHOWN = 3


@dataclass(frozen=True)
class LabTable:
    """What a table tells of labs, read when it is first asked for; without a path nothing."""

    path: Path | None

    @cached_property
    def infos(self) -> Mapping[str, LabInfo]:
        """What is known of labs, by name; errors as in `read_lab_info`."""
        from vecattr.readers.info import read_lab_info  # start-up

        return {} if self.path is None else read_lab_info(self.path)

    def note_unknown(self, known: Collection[str]) -> None:
        """Note which labs of the table are not those of the index, and so are left out."""
        unknown = [name for name in self.infos if name not in known]
        if unknown:
            names = ", ".join(map(repr, unknown[:_SHOWN]))
            more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
            terminal().note(
                f"{self.path}: {len(unknown)} of {len(self.infos)} labs are not in the index and "
                f"left out: {names}{more}"
            )


def _read(ctx: click.Context, param: click.Parameter, path: Path | None) -> LabTable:
    return LabTable(path)


lab_info_option = click.option(
    "--lab-info",
    type=FILE,
    metavar="FILE",
    callback=_read,
    help="Table of what is known of labs, to be shown with answers: lab, print_name, institution, "
    "url, contact.",
)


@click.command("lab-info")
@click.argument("table", type=FILE, metavar="FILE")
@index_option
@click.option("--replace", is_flag=True, help="Forget what FILE does not tell.")
@wait_option
@verbosity_options
def command(table: Path, index: Path, replace: bool, wait: float) -> None:
    """Store what is known of labs, to be shown with answers. FILE is a table with the column `lab`
    and any of `print_name`, `institution`, `url` and `contact`.

    Each row takes the place of what was known of its lab; one that says nothing makes it forgotten.
    No ranking changes.
    """
    from vecattr.indexes.editing.lab_info import set_lab_info  # start-up

    lab_table = LabTable(table)
    step = terminal().commit_at("manifest")
    report = set_lab_info(index, lab_table.infos, replaces=replace, wait=wait, step=step)
    lab_table.note_unknown(report.taken)
    terminal().say(
        f"took {len(report.taken)} of {len(lab_table.infos)} rows; "
        f"something is known of {report.labs} labs now"
    )
