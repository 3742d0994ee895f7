"""Man pages of the command line: a click group in, one page for it and for each command out.

    python tools/man_pages.py dist/man && man dist/man/vecattr-query.1

The texts are those of `--help`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from vecattr.cli.main import cli
from vecattr.version import __version__

PROGRAM = "vecattr"


def pages(group: click.Group) -> Iterator[tuple[str, str]]:
    """File name and text of each page, that of the group first."""
    context = group.context_class(group, info_name=PROGRAM, **group.context_settings)
    commands = [group.get_command(context, name) for name in group.list_commands(context)]
    present = [command for command in commands if command is not None]
    rows = [
        (f"{PROGRAM}-{command.name}(1)", command.get_short_help_str(200)) for command in present
    ]
    yield f"{PROGRAM}.1", _page(group, context, others=_terms("COMMANDS", rows))
    for command in present:
        inner = command.context_class(command, info_name=command.name, parent=context)
        see_also = [".SH SEE ALSO", f".BR {PROGRAM} (1)"]
        yield f"{PROGRAM}-{command.name}.1", _page(command, inner, others=see_also)


def _page(command: click.Command, context: click.Context, *, others: Sequence[str]) -> str:
    name = context.command_path.replace(" ", "-")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    options = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    lines = [
        f'.TH "{name.upper()}" "1" "" "vecattr {__version__}" "vecattr"',
        ".SH NAME",
        f"{escaped(name)} \\- {escaped(command.get_short_help_str(200).rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {escaped(usage)}",
        ".SH DESCRIPTION",
        *_paragraphs(paragraphs),
        *_terms("OPTIONS", records),
        *others,
    ]
    return "\n".join(lines) + "\n"


def _paragraphs(paragraphs: Sequence[str]) -> Iterator[str]:
    """Filled text; what click must not fill (a paragraph with a backspace) keeps its lines."""
    for paragraph in paragraphs:
        yield ".PP"
        if paragraph.startswith("\b"):
            kept = paragraph.removeprefix("\b").strip("\n").split("\n")
            yield from (".nf", *map(escaped, kept), ".fi")
        else:
            yield escaped(" ".join(paragraph.split()))


def _terms(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    """A section of terms and what each means."""
    lines = [f".SH {title}"] if rows else []
    for term, meaning in rows:
        lines += [".TP", f"\\fB{escaped(term)}\\fR", escaped(" ".join(meaning.split()))]
    return lines


def escaped(text: str) -> str:
    """Text that roff sets as it is.

    >>> escaped(".a --b")
    '\\\\&.a \\\\-\\\\-b'
    """
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def write_pages(folder: Path) -> list[Path]:
    """Write all pages into a folder, which is made; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in pages(cli):
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    return paths


if __name__ == "__main__":
    print(f"{len(write_pages(Path(sys.argv[1])))} pages in {sys.argv[1]}")
