"""The reference of commands: a click group in, Markdown out; a hook of the documentation site.

A line `::: click MODULE:GROUP` of a page is replaced by a section a command, made of the same help
texts that `--help` shows. Options that many commands share are listed once, at the end.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from vecattr.cli.options.compute import compute_options
from vecattr.cli.options.reading import reading_options
from vecattr.cli.options.verbosity import verbosity_options

_DIRECTIVE = re.compile(r"^::: click ([\w.]+):(\w+)$", re.MULTILINE)
_TABLE_CODE = re.compile(r"`[^`\n]*\\\|[^`\n]*`")


def _options_of(decorator: Callable[[Any], Any]) -> tuple[click.Parameter, ...]:
    """The options that a decorator adds, in the order of the help."""
    command = click.command()(decorator(lambda: None))
    return tuple(command.params)


#: Options that are listed once, by the title of their list.
SHARED: Mapping[str, tuple[click.Parameter, ...]] = {
    "Reading options": _options_of(reading_options),
    "Computing options": _options_of(compute_options),
    "Options of every command": _options_of(verbosity_options),
}


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page with every directive replaced (called by MkDocs).

    GitHub wants a bar in the code of a table written `\\|`, and Python-Markdown wants it bare. An
    error stays in the line of its figure.
    """
    text = _DIRECTIVE.sub(lambda match: _reference_of(*match.groups()), markdown)
    text = _TABLE_CODE.sub(lambda match: match[0].replace("\\|", "|"), text)
    return text.replace(" ± ", "\u00a0±\u00a0")


def _reference_of(module: str, name: str) -> str:
    return reference(getattr(import_module(module), name))


def reference(group: click.Group) -> str:
    """One section a command, in the order of the group, then the shared options."""
    context = group.context_class(group, info_name="vecattr", **group.context_settings)
    lines: list[str] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        lines += _section(command, context)
    for title, options in SHARED.items():
        lines += ["", f"## {title}", "", *_table(options, context)]
    help_option = group.get_help_option(context)
    assert help_option is not None
    lines += _row(help_option, context)
    return "\n".join(lines) + "\n"


def _section(command: click.Command, parent: click.Context) -> Iterator[str]:
    context = command.context_class(command, info_name=command.name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield from ("", f"## vecattr {command.name}", "", inspect.cleandoc(command.help or ""), "")
    yield from ("```text", usage, "```", "")
    options = [param for param in command.params if isinstance(param, click.Option)]
    common = {_key(option) for group in SHARED.values() for option in group}
    own = [option for option in options if _key(option) not in common]
    if own:
        yield from (*_table(own, context), "")
    links = [
        f"[{title.lower()}](#{title.lower().replace(' ', '-')})"
        for title, group in SHARED.items()
        if {_key(option) for option in options} & {_key(option) for option in group}
    ]
    yield f"{'Also' if own else 'Takes'} the {' and the '.join(links)}."


def _key(option: click.Parameter) -> tuple[str, str | None]:
    return option.opts[-1], getattr(option, "help", None)


def _table(options: Sequence[click.Parameter], context: click.Context) -> Iterator[str]:
    yield from ("| option | meaning |", "| --- | --- |")
    for option in options:
        yield from _row(option, context)


def _row(option: click.Parameter, context: click.Context) -> Iterator[str]:
    record = option.get_help_record(context)
    assert record is not None, option.name
    names, text = (" ".join(part.split()).replace("|", "\\|") for part in record)
    for mark in "[*_":  # of Markdown
        text = text.replace(mark, f"\\{mark}")
    text = text.replace("<", "&lt;")
    yield f"| `{names}` | {text} |"
