"""Messages, errors and progress of a command in, lines on stderr out; results go elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import click

from vecattr.cli.rendering.color import colored_kind, takes_colors
from vecattr.errors import AppliedError, InputError, VecattrError
from vecattr.reports.wording import escape_control

if TYPE_CHECKING:
    from pathlib import Path

    from vecattr.cli.log_format import Level, LogFormat
    from vecattr.cli.run_log import RunLog
    from vecattr.plasmid import Plasmid
    from vecattr.readers.records import BadRecord

#: What becomes of a record that cannot be read; None: it is told, the others are used, and the exit
#: code is 3.
OnBadRecord = Literal["fail", "skip", "report"]

ON_BAD_RECORD: tuple[OnBadRecord, ...] = get_args(OnBadRecord)

#: Seconds after which it is told how long something took.
_WORTH_TELLING = 2

#: A stream of a million records may have a note on each.
MOST_NOTES = 100


@dataclass
class Terminal:
    """How much to print, and the exit code if the command ends without an error."""

    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    exit_code: int = 0
    bad_records: int = 0
    on_bad_record: OnBadRecord | None = None
    is_in_force: bool = False
    progress_seconds: float = 30
    notes: dict[str, None] = field(default_factory=dict)
    further_notes: int = 0
    log_options: tuple[Path, LogFormat, str] | None = None
    run_log: RunLog | None = None

    def log_to(self, path: Path, *, form: LogFormat, command: str) -> None:
        """Log what this command tells; the file is opened when the command begins."""
        self.log_options = path, form, command

    def open_log(self) -> None:
        """Write the first line of the log file, if there is to be one; ArtifactError when it cannot
        be opened."""
        if self.log_options is not None:
            from vecattr.cli.run_log import RunLog  # start-up
            from vecattr.files.atomic import translated_errors  # start-up

            path, form, command = self.log_options
            self.log_options = None  # without a log file its own failure is told, and not logged
            with translated_errors(path):
                self.run_log = RunLog(path, form=form, command=command)

    def log(self, level: Level, message: str, **fields: str | int | float | None) -> None:
        """Add a line to the log file, if there is one."""
        self.open_log()
        if self.run_log is not None:
            self.run_log.event(level, escape_control(message), **fields)

    def commit_at(self, last: str) -> Callable[[str], None]:
        """A hook of an edit whose commit is the step of this name; it sets `is_in_force`."""

        def hook(step: str) -> None:
            self.is_in_force = self.is_in_force or step == last

        return hook

    def note(self, text: str) -> None:
        """Keep a note on the input, which is printed once, when the command ends; of very many
        only the first, and how many more there were."""
        if len(self.notes) < MOST_NOTES or text in self.notes:
            self.notes[text] = None
        else:
            self.further_notes += 1

    def tell_notes(self) -> None:
        """Print the notes kept."""
        for text in self.notes:
            self.say(f"note: {text}")
        if self.further_notes:
            self.say(f"note: {self.further_notes:,} more notes are not shown")
        self.notes.clear()
        self.further_notes = 0

    def say(self, text: str) -> None:
        """Print a line; nothing with -q."""
        self.log("info", text)
        if not self.quiet:
            _print_line(escape_control(text))

    def detail(self, text: str) -> None:
        """Print a line only with -v."""
        self.log("debug", text)
        if self.verbose:
            _print_line(escape_control(text))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """An error that came after a change was in force is a warning, and the command goes on."""
        try:
            yield
        except AppliedError as error:
            self.complain(error, kind="warning")

    def complain(self, error: VecattrError, *, kind: str = "error") -> None:
        """Print an error in one or two lines: where, what, and the next step."""
        message = f"{error.where}: {error.what}" if error.where else error.what
        level: Level = "warning" if kind == "warning" else "error"
        self.log(level, message, what=error.what, where=error.where, hint=error.hint)
        shown = colored_kind(kind) if takes_colors(sys.stderr) else kind
        _print_line(f"vecattr: {shown}: {escape_control(message)}")
        if error.hint:
            _print_line(f"  {escape_control(error.hint)}")

    def trace(self, error: BaseException) -> None:
        """Print the traceback of an error line by line; messages may quote a stranger's file."""
        import traceback  # start-up

        self.log("debug", f"traceback of {type(error).__name__}")
        for line in "".join(traceback.format_exception(error)).rstrip("\n").split("\n"):
            _print_line(escape_control(line))

    def good_records(
        self,
        records: Iterable[Plasmid | BadRecord],
        *,
        report: Callable[[BadRecord], None] | None = None,
    ) -> Iterator[Plasmid]:
        """The plasmids among `records`; what becomes of the bad ones says `on_bad_record`. Those to
        report are given to `report`, or told where there is none.

        Raises InputError when there were bad records and not one good one, unless the bad ones are
        skipped or reported; and that of the first bad one, when it shall `fail`.
        """
        from vecattr.plasmid import Plasmid  # start-up

        good = 0
        for record in records:
            if isinstance(record, Plasmid):
                good += 1
                yield record
            else:
                self._take_bad(record, report)
        if not self.bad_records:
            return
        if self.on_bad_record is None and not good:
            raise InputError(f"not one good record among {self.bad_records}")
        done = {"skip": " left out", "report": " reported"}.get(self.on_bad_record or "", "")
        self.say(f"{self.bad_records} bad record(s){done}, {good} good")

    def _take_bad(self, record: BadRecord, report: Callable[[BadRecord], None] | None) -> None:
        """Count a bad record and do with it what `on_bad_record` says."""
        if self.on_bad_record == "fail":
            raise record.error
        self.bad_records += 1
        if self.on_bad_record is None:
            self.complain(record.error)
            self.exit_code = InputError.exit_code
        elif self.on_bad_record == "report" and report is not None:
            report(record)
        elif self.on_bad_record == "report":
            self.complain(record.error, kind="warning")

    def tell_progress(self, sentence: str, done: int, seconds: float) -> None:
        """Print a line about how far the command is, and log it with its figures."""
        self.log("info", sentence, done=done, seconds=round(seconds, 3))
        if not self.quiet:
            _print_line(escape_control(sentence))

    @property
    def shows_progress(self) -> bool:
        """Progress is drawn only on a terminal, and not with -q."""
        return not self.quiet and sys.stderr.isatty()

    @contextmanager
    def progress(
        self, title: str, *, total: int | None = None, unit: str = " plasmids"
    ) -> Iterator[Callable[[int], None]]:
        """A bar on stderr; call the value with the number of units done since its last call. What
        took long is told in a line at the end."""
        if not self.shows_progress:
            from vecattr.cli.progress_lines import ProgressLines  # start-up

            every, tell = self.progress_seconds, self.tell_progress
            lines = ProgressLines(title, total=total, unit=unit, every=every, tell=tell)
            yield lines.advance
            lines.close()
            return
        from vecattr.cli.progress_bar import ProgressBar  # start-up

        bar = ProgressBar(title, total=total, unit=unit, is_drawn=True)
        try:
            yield bar.advance
        finally:
            bar.close()
        if bar.seconds >= _WORTH_TELLING:
            units = unit.removesuffix("s") if bar.done == 1 else unit
            self.say(f"{title}: {bar.done:,}{units} in {bar.seconds:.0f} s")


def _print_line(line: str) -> None:
    """A line on stderr; work continues when it cannot be written (a full disk, a closed pipe)."""
    with suppress(OSError):
        click.echo(line, err=True, color=takes_colors(sys.stderr))


def terminal() -> Terminal:
    """The terminal of the running command."""
    return click.get_current_context().ensure_object(Terminal)
