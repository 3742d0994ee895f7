"""Where results go and in which format: click options in, a checked path and a format out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vecattr.cli.options.decorators import Decorator, together
from vecattr.cli.options.types import FILE, check_folder
from vecattr.cli.rendering.format_names import ANSWER_FORMATS, FORMATS, Format
from vecattr.errors import UsageError

_SUFFIXES: dict[str, Format] = {
    ".bed": "bed",
    ".csv": "csv",
    ".gb": "genbank",
    ".gbk": "genbank",
    ".gff": "gff3",
    ".gff3": "gff3",
    ".htm": "html",
    ".html": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".svg": "svg",
    ".tsv": "tsv",
    ".txt": "table",
}


#: The names of parameters that say where something is written.
_OUTPUTS = frozenset(("output", "per_query", "picture", "table", "update", "changes"))


def check_output(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """As `check_folder`; and a usage error for a suffix that names no format, when none is given.
    A name without suffix, a pipe and a device get TSV."""
    path = check_folder(ctx, param, path)
    is_new_kind = path is not None and path.suffix and (path.is_file() or not path.exists())
    if path is None or not is_new_kind or ctx.params.get("form") is not None:
        return path
    types = [option.type for option in ctx.command.params if option.name == "form"]
    formats = types[0].choices if types and isinstance(types[0], click.Choice) else FORMATS
    known = [suffix for suffix, form in _SUFFIXES.items() if form in formats]
    if path.suffix.lower() not in known:
        raise click.BadParameter(
            f"no format has the suffix {path.suffix!r}; these are known: {', '.join(known)}. "
            "Or say the format with --format."
        )
    return path


def _output_options(formats: tuple[Format, ...]) -> Decorator:
    """Where results go, in one of these formats."""
    return together(
        click.option(
            "--format",
            "form",
            type=click.Choice(formats),
            is_eager=True,  # the check of the output's suffix asks for it
            show_default="table on a terminal, tsv in a pipe, by suffix with -o",
            help="How results are written.",
        ),
        click.option(
            "-o",
            "--output",
            type=FILE,
            metavar="FILE",
            callback=check_output,
            help="Write results to this file, atomically, instead of standard output.",
        ),
    )


output_options = _output_options(FORMATS)
answer_output_options = _output_options(ANSWER_FORMATS)


def refuse_inputs(*outputs: Path | None) -> None:
    """UsageError when one of the outputs is a file that the command reads, or lies in an index: it
    would be lost."""
    params = click.get_current_context().params
    for value in (value for name, value in params.items() if name not in _OUTPUTS):
        for given in value if isinstance(value, tuple | list) else (value,):
            if isinstance(given, str | Path) and not any(given is output for output in outputs):
                for output in filter(None, outputs):
                    _refuse_input(Path(given), output)


def _refuse_input(given: Path, output: Path) -> None:
    """As `refuse_inputs`, of one file or index that is given and one output."""
    if _is_same_file(given, output):
        raise UsageError(
            "is read by this command, and its results would replace it",
            where=str(output),
            hint="give another name for the results",
        )
    if _is_in_index(output, given):
        raise UsageError(
            "lies in the index, where only vecattr writes",
            where=str(output),
            hint="give a place elsewhere for the results",
        )


def _is_same_file(given: Path, output: Path) -> bool:
    try:
        return given.is_file() and output.samefile(given)
    except (OSError, ValueError):  # not there, or no name of a file
        return False


def _is_in_index(output: Path, folder: Path) -> bool:
    try:
        is_index = (folder / "manifest.json").exists() or (folder / "folds.json").exists()
        return is_index and output.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):
        return False


def chosen_format(form: Format | None, output: Path | None) -> Format:
    """The format asked for, else the one that fits where the results go; errors as in
    `refuse_inputs`."""
    refuse_inputs(output)
    if form is not None:
        return form
    if output is not None:
        return _SUFFIXES.get(output.suffix.lower(), "tsv")
    return "table" if sys.stdout.isatty() else "tsv"
