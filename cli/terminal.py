"""What a command says beside its results: messages and progress, all of it on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from vecattr.cli.rendering.escape import escape_control
from vecattr.errors import InputError, VecattrError

if TYPE_CHECKING:
    from vecattr.plasmid import Plasmid
    from vecattr.readers.records import BadRecord


@dataclass
class Terminal:
    """How much to say, and what the process will exit with when the command ends well."""

    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    exit_code: int = 0
    bad_records: int = 0

    def say(self, text: str) -> None:
        """A line for a person; nothing with -q."""
        if not self.quiet:
            _tell(escape_control(text))

    def detail(self, text: str) -> None:
        """A line for a curious person; only with -v."""
        if self.verbose:
            _tell(escape_control(text))

    def complain(self, error: VecattrError) -> None:
        """An error in one or two lines: where, what, and the next step."""
        head = f"{error.where}: {error.what}" if error.where else error.what
        _tell(f"vecattr: error: {escape_control(head)}")
        if error.hint:
            _tell(f"  {escape_control(error.hint)}")

    def good_records(self, records: Iterable[Plasmid | BadRecord]) -> Iterator[Plasmid]:
        """The plasmids among `records`; each bad record is reported, and the exit code becomes 3.

        Raises InputError when there were bad records and not one good one.
        """
        from vecattr.plasmid import Plasmid

        good = 0
        for record in records:
            if isinstance(record, Plasmid):
                good += 1
                yield record
            else:
                self.complain(record.error)
                self.bad_records += 1
                self.exit_code = InputError.exit_code
        if self.bad_records and not good:
            raise InputError(f"not one good record among {self.bad_records}")
        if self.bad_records:
            self.say(f"{self.bad_records} bad record(s), {good} good")

    @property
    def shows_progress(self) -> bool:
        """Progress is drawn only when a person can see it."""
        return not self.quiet and sys.stderr.isatty()

    @contextmanager
    def progress(
        self, title: str, *, total: int | None = None, unit: str = " plasmids"
    ) -> Iterator[Callable[[int], None]]:
        """A bar on stderr; the value is called with the number of units done since last time."""
        if not self.shows_progress:
            yield _unseen
            return
        from tqdm import tqdm

        with tqdm(
            total=total,
            desc=title,
            unit=unit,
            file=sys.stderr,
            leave=False,
            dynamic_ncols=True,
        ) as bar:

            def advance(done: int) -> None:
                bar.update(done)

            yield advance


def _unseen(done: int) -> None:
    """Progress that nobody sees."""


def _tell(line: str) -> None:
    """A line on stderr; when nobody can be told (a full disk, a closed pipe), work goes on."""
    with suppress(OSError):
        click.echo(line, err=True)


def terminal() -> Terminal:
    """The terminal of the running command."""
    return click.get_current_context().ensure_object(Terminal)
