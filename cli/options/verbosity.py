"""How much a command says, and where it is logged: options in, fields of its terminal set."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vecattr.cli.log_format import LOG_FORMATS, LogFormat
from vecattr.cli.options.decorators import Function, together
from vecattr.cli.options.output import refuse_log
from vecattr.cli.options.types import FILE, check_folder
from vecattr.cli.terminal import terminal


def _flag(*names: str, field: str, help_text: str) -> Callable[[Function], Function]:
    """A flag that sets a field of the terminal, and is no argument of the command."""

    def set_field(ctx: click.Context, param: click.Parameter, is_given: bool) -> None:
        if is_given:
            setattr(terminal(), field, True)

    return click.option(
        *names, is_flag=True, expose_value=False, callback=set_field, help=help_text, is_eager=True
    )


def _log_option(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Tell the terminal where to log once both options are known."""
    given = ctx.meta.setdefault("vecattr log", {})
    given[param.name] = check_folder(ctx, param, value) if isinstance(value, Path) else value
    if len(given) == 2 and given["log_file"] is not None:
        form: LogFormat = given["log_format"] or "text"
        terminal().log_to(given["log_file"], form=form, command=ctx.info_name or "vecattr")


def _logged(function: Function) -> Function:
    """A command that writes the first line of its log when it begins."""

    @functools.wraps(function)
    def begun(*args: Any, **values: Any) -> Any:
        options = terminal().log_options
        if options is not None:
            terminal().log_options = None  # a file that is no log gets no line
            refuse_log(options[0])
            terminal().log_options = options
        terminal().open_log()
        return function(*args, **values)

    return begun  # type: ignore[return-value]


verbosity_options = together(
    _flag("-q", "--quiet", field="quiet", help_text="Print errors only."),
    _flag("-v", "--verbose", field="verbose", help_text="Print more messages."),
    _flag("--debug", field="debug", help_text="Show a traceback when something fails."),
    click.option(
        "--log-file",
        type=FILE,
        metavar="FILE",
        expose_value=False,
        callback=_log_option,
        is_eager=True,
        help="Append what the command tells to this file, with the time, with -q, too.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(LOG_FORMATS),
        expose_value=False,
        callback=_log_option,
        is_eager=True,
        show_default="text",
        help="The format of --log-file: lines for people, or one JSON object a line.",
    ),
    _logged,
)
