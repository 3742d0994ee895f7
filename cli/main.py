"""An argument list in, an exit code out; the only place where errors are caught.

Exit codes: 0 success, and a change that is in force though something failed or a signal came after
it; 1 unexpected error, 2 wrong usage, 3 bad input data, 4 index or model missing, damaged or
mismatched, 5 locked, 130 interrupted, 143 terminated. A reader that closes its pipe early is no
error.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, TextIO

import click

from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.signals import Stopped, catch_signals, received_signal
from vecattr.cli.terminal import Terminal
from vecattr.errors import (
    AppliedError,
    ArtifactError,
    InputError,
    MovedError,
    UsageError,
    VecattrError,
)
from vecattr.version import __version__

#: Parts of the messages of libraries that get no memory.
_NO_MEMORY = (
    "out of memory",
    "allocate memory",
    "bad_alloc",
    "failed to map segment",
)


#: Set where a shell runs this program to complete a command line.
_COMPLETION = "_VECATTR_COMPLETE"


class CommandEntry(NamedTuple):
    """Where a command lies, below `vecattr.cli`, and its one line of help."""

    module: str
    help: str


#: Every command, in the order of a first session. Nothing here is imported until it is asked for.
COMMANDS = {
    "train": CommandEntry(
        "commands.train", "Train an encoder and lab vectors from labelled plasmids."
    ),
    "collect": CommandEntry(
        "commands.collect", "Make a labelled table from public files, for build-index."
    ),
    "build-index": CommandEntry(
        "editing.build_index", "Embed labelled plasmids and labs into a searchable index."
    ),
    "query": CommandEntry(
        "commands.query", "Rank the labs most likely to have designed a sequence."
    ),
    "add-lab": CommandEntry(
        "editing.add_lab", "Add labs, or plasmids of known labs, without retraining."
    ),
    "remove-lab": CommandEntry(
        "editing.remove_lab", "Take a lab and its plasmids out of an index."
    ),
    "rename-lab": CommandEntry("editing.rename_lab", "Rename a lab, or merge it into another one."),
    "lab-info": CommandEntry(
        "editing.lab_info", "Store what is known of labs, to be shown with answers."
    ),
    "rollback": CommandEntry("editing.rollback", "Go back to an earlier state of an index."),
    "compact": CommandEntry("editing.compact", "Merge an index's segments into one."),
    "recalibrate": CommandEntry(
        "editing.recalibrate", "Fit probabilities to what an index holds now."
    ),
    "verify": CommandEntry("editing.verify", "Check every byte of an index."),
    "info": CommandEntry("commands.info", "Show what an index holds."),
    "list-labs": CommandEntry("commands.list_labs", "List the labs of an index."),
    "embed": CommandEntry(
        "commands.embed", "Write vectors of sequences as features for other models."
    ),
    "evaluate": CommandEntry(
        "commands.evaluate", "Measure how often labelled plasmids find their lab."
    ),
    "map": CommandEntry("commands.map", "Draw plasmids and labs of an index on a map."),
    "cluster": CommandEntry(
        "commands.cluster", "Group the labs or plasmids of an index by similarity."
    ),
    "schema": CommandEntry(
        "commands.schema", "Print the JSON Schema of what a command writes as JSON."
    ),
    "serve": CommandEntry("commands.serve", "Serve a page and an API over an index to colleagues."),
    "doctor": CommandEntry(
        "installation.doctor", "Check this installation and an index, with the next steps."
    ),
    "completion": CommandEntry(
        "installation.completion", "Print a script with which a shell completes command lines."
    ),
    "demo": CommandEntry(
        "commands.demo", "Show everything on a synthetic collection, in about a minute."
    ),
}


def command_named(name: str) -> click.Command:
    """The click command of a name in COMMANDS; its module is imported now. KeyError for others."""
    command = import_module(f"vecattr.cli.{COMMANDS[name].module}").command
    assert isinstance(command, click.Command), f"{name} is not a click command"
    return command


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of a first session."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command's click object, or None for a name that no command has."""
        if cmd_name in COMMANDS:
            return command_named(cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; a usage error tells which it may have meant."""
        known = self.get_command(ctx, args[0]) is not None
        if known or args[0].startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from vecattr.cli.installation.suggestions import unknown_command  # start-up

        raise click.UsageError(unknown_command(args[0], COMMANDS), ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="vecattr")
@verbosity_options
@click.pass_context
def cli(context: click.Context) -> None:
    """Which lab designed this piece of engineered DNA?

    A trained encoder turns plasmids and labs into unit vectors; everything after that is vector
    search. To start, run: vecattr demo
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(UsageError.exit_code)


def run(arguments: Sequence[str], *, group: click.Command = cli, program: str = "vecattr") -> int:
    """Run one command line of a program and return its exit code; no exception comes out."""
    terminal = Terminal()
    code = _code_of(arguments, terminal, group=group, program=program)
    terminal.tell_notes()  # of a command that failed
    if terminal.run_log is not None:
        terminal.run_log.close(code)
    return code


def _code_of(
    arguments: Sequence[str], terminal: Terminal, *, group: click.Command, program: str
) -> int:
    """The exit code of a command line, whose errors are reported."""
    try:
        with group.make_context(program, list(arguments), obj=terminal) as context:
            group.invoke(context)
        terminal.tell_notes()
        sys.stdout.flush()
    except click.exceptions.Exit as click_exit:
        return click_exit.exit_code
    except click.ClickException as error:
        terminal.complain(_usage_error(error))
        return UsageError.exit_code
    except (KeyboardInterrupt, click.Abort, Stopped) as error:
        return _stopped(terminal, error.signal if isinstance(error, Stopped) else signal.SIGINT)
    except BrokenPipeError:
        _redirect_to_null(sys.stdout)
        return terminal.exit_code
    except Exception as error:
        if (number := received_signal()) is not None:  # a library turned it into another error
            return _stopped(terminal, number)
        return _failed(terminal, error)
    return terminal.exit_code


def _stopped(terminal: Terminal, number: int) -> int:
    """The exit code of a command that a signal ended, after a line about it."""
    name = "interrupted" if number == signal.SIGINT else signal.strsignal(number) or "stopped"
    if terminal.is_in_force:
        _say_in_force(terminal, AppliedError(f"{name.lower()}, but the change is in force"))
        return terminal.exit_code
    terminal.complain(VecattrError(name.lower()))
    return 128 + number


def _say_in_force(terminal: Terminal, error: AppliedError) -> None:
    hint = error.hint or "do not make it again"
    terminal.complain(AppliedError(error.what, where=error.where, hint=hint), kind="warning")


def _failed(terminal: Terminal, error: Exception) -> int:
    """The exit code of a failed command, after one or two lines about it on stderr."""
    if terminal.debug:
        terminal.trace(error)
    translated = error if isinstance(error, VecattrError) else _translated(error)
    if isinstance(translated, AppliedError):
        _say_in_force(terminal, translated)
        return terminal.exit_code
    if terminal.is_in_force and not isinstance(translated, MovedError):
        _say_in_force(terminal, AppliedError.from_cause(translated, where=translated.where))
        return terminal.exit_code
    terminal.complain(translated)
    return translated.exit_code


def _translated(error: Exception) -> VecattrError:
    """An error of Python or a library as one of ours; the user can correct those of the file
    system."""
    if isinstance(error, ImportError):
        from vecattr.extras import translated  # start-up

        if missing := translated(error):
            return missing
    message = str(error).lower()
    if isinstance(error, MemoryError) or any(part in message for part in _NO_MEMORY):
        return VecattrError(
            "out of memory",
            hint="query fewer or shorter sequences at once, or use a machine with more memory",
        )
    if isinstance(error, PermissionError) and not Path(str(error.filename)).is_file():
        hint = "name a place that you may write to"  # an existing file could not be read
        return ArtifactError(error.strerror or str(error), where=str(error.filename), hint=hint)
    if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError):
        return InputError(error.strerror or str(error), where=str(error.filename))
    if isinstance(error, OSError) and error.strerror:
        where = str(error.filename) if error.filename else None
        return VecattrError(error.strerror, where=where)
    return VecattrError(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a bug in vecattr; --debug shows where it happened",
    )


def _usage_error(error: click.ClickException) -> UsageError:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "vecattr"
    return UsageError(error.format_message(), hint=f"see: {path} --help")


def _redirect_to_null(stream: TextIO) -> None:
    """Point a stream at the null device, so that Python's last flush cannot fail."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())


def _flush_streams() -> None:
    """Flush both streams, and drop what cannot be written: Python's last flush would fail at it
    and change the exit code. A failure of stdout was reported, one of stderr cannot be."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                _redirect_to_null(stream)


def _open_closed_streams() -> None:
    """Open the null device for streams that the caller closed (`vecattr ... >&-`, None in Python).

    These take the lowest free descriptors, which are the closed ones, so that no file opened later
    is written to as stdout.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def _offered() -> int:
    """The exit code after what a shell asks for was printed, which completes a command line."""
    from vecattr.cli.installation.completion import offer  # start-up

    return offer(cli)


def main() -> None:
    """The console script `vecattr`."""
    catch_signals()
    code: int | None = None
    try:
        _open_closed_streams()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        code = _offered() if _COMPLETION in os.environ else run(sys.argv[1:])
        _flush_streams()
    except (KeyboardInterrupt, Stopped) as error:  # before or after the command
        if code is None:
            code = 128 + (error.signal if isinstance(error, Stopped) else signal.SIGINT)
    sys.exit(code)
