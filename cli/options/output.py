"""Where results go and in which format: click options in, a checked path and a format out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from vecattr.cli.options.decorators import Decorator, together
from vecattr.cli.options.types import FILE
from vecattr.cli.rendering.formats import ANSWER_FORMATS, FORMATS, Format

_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".htm": "html",
    ".html": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".svg": "svg",
    ".tsv": "tsv",
    ".txt": "table",
}


def check_folder(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """The path; a usage error, before any long work, when no file can be made in its folder."""
    if path is None or (path.exists() and not path.is_file()):
        return path  # a pipe or a device is written to as it is
    folder = path.resolve().parent
    if not folder.is_dir():
        raise click.BadParameter(f"there is no folder {str(path.parent)!r}")
    if not os.access(folder, os.W_OK):
        raise click.BadParameter(f"the folder {str(path.parent)!r} cannot be written to")
    return path


def _output_options(formats: tuple[Format, ...]) -> Decorator:
    """Where results go, in one of these formats."""
    return together(
        click.option(
            "--format",
            "form",
            type=click.Choice(formats),
            show_default="table on a terminal, tsv in a pipe, by suffix with -o",
            help="How results are written.",
        ),
        click.option(
            "-o",
            "--output",
            type=FILE,
            metavar="FILE",
            callback=check_folder,
            help="Write results to this file, atomically, instead of standard output.",
        ),
    )


output_options = _output_options(FORMATS)
answer_output_options = _output_options(ANSWER_FORMATS)


def chosen_format(
    form: Format | None, output: Path | None, *, formats: tuple[Format, ...] = FORMATS
) -> Format:
    """The format asked for, else the one of these formats that fits where the results go."""
    if form is not None:
        return form
    if output is not None:
        by_suffix = _SUFFIXES.get(output.suffix.lower(), "tsv")
        return by_suffix if by_suffix in formats else "tsv"
    return "table" if sys.stdout.isatty() else "tsv"
