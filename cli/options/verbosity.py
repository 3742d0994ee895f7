"""How much a command says, and where it is logged: options in, fields of its terminal set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from vecattr.cli.options.decorators import Function, together
from vecattr.cli.options.output import check_folder
from vecattr.cli.options.types import FILE
from vecattr.cli.run_log import LOG_FORMATS, LogFormat
from vecattr.cli.terminal import terminal


def _flag(*names: str, field: str, help_text: str) -> Callable[[Function], Function]:
    """A flag that sets a field of the terminal, and is no argument of the command."""

    def set_field(ctx: click.Context, param: click.Parameter, is_given: bool) -> None:
        if is_given:
            setattr(terminal(), field, True)

    return click.option(
        *names, is_flag=True, expose_value=False, callback=set_field, help=help_text, is_eager=True
    )


def _set_log_file(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:
    terminal().log_file = check_folder(ctx, param, path)
    terminal().command = ctx.info_name or "vecattr"


def _set_log_format(ctx: click.Context, param: click.Parameter, form: LogFormat | None) -> None:
    terminal().log_format = form or "text"


verbosity_options = together(
    _flag("-q", "--quiet", field="quiet", help_text="Print errors only."),
    _flag("-v", "--verbose", field="verbose", help_text="Print more messages."),
    _flag("--debug", field="debug", help_text="Show a traceback when something fails."),
    click.option(
        "--log-file",
        type=FILE,
        metavar="FILE",
        expose_value=False,
        callback=_set_log_file,
        is_eager=True,
        help="Append what the command tells to this file, with the time, with -q, too.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(LOG_FORMATS),
        expose_value=False,
        callback=_set_log_format,
        is_eager=True,
        show_default="text",
        help="The format of --log-file: lines for people, or one JSON object a line.",
    ),
)
