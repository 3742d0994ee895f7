"""How much a command says: -q, -v and --debug in, fields of its terminal set."""

from __future__ import annotations

from collections.abc import Callable

import click

from vecattr.cli.options.decorators import Function, together
from vecattr.cli.terminal import terminal


def _flag(*names: str, field: str, help_text: str) -> Callable[[Function], Function]:
    """A flag that sets a field of the terminal, and is no argument of the command."""

    def set_field(ctx: click.Context, param: click.Parameter, is_given: bool) -> None:
        if is_given:
            setattr(terminal(), field, True)

    return click.option(
        *names, is_flag=True, expose_value=False, callback=set_field, help=help_text, is_eager=True
    )


verbosity_options = together(
    _flag("-q", "--quiet", field="quiet", help_text="Print errors only."),
    _flag("-v", "--verbose", field="verbose", help_text="Print more messages."),
    _flag("--debug", field="debug", help_text="Show a traceback when something fails."),
)
