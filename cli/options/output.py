"""Where results go and in which format: click options in, a checked path and a format out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from vecattr.cli.options.completions import SourceText
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


#: The names of parameters that say where something is written. What `update`, `aliases` and
#: `lab_info` of `collect` name is read, and written anew.
_OUTPUTS = frozenset((
    *("output", "per_query", "picture", "table", "update", "changes"),
    *("report", "aliases", "lab_info", "audit"),
))  # fmt: skip
#: Of these, what may be written over what `update` names.
_UPDATED = frozenset(("output", "update"))


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
    """UsageError when one of the outputs is a file that the command reads, or writes something else
    to, or lies in an index: it would be lost."""
    for output in filter(None, outputs):
        refuse_in_index(output)
        _refuse_input(output)


def _refuse_input(output: Path) -> None:
    """As `refuse_inputs`, but for what lies in an index."""
    names = [name for name, path in _named_files() if _is_same_file(name, path, output)]
    if any(name not in _OUTPUTS for name in names):
        raise UsageError(
            "is read by this command, and its results would replace it",
            where=str(output),
            hint="give another name for the results",
        )
    if len(names) > 1 and not _UPDATED.issuperset(names):
        raise UsageError(
            "two results of this command have this name, and one would replace the other",
            where=str(output),
            hint="give each a name of its own",
        )


def refuse_log(log_file: Path) -> None:
    """UsageError when lines of a log would be appended to a file that the command reads or writes,
    or in an index."""
    refuse_in_index(log_file)
    if any(_is_same_file(name, path, log_file) for name, path in _named_files()):
        raise UsageError(
            "is read or written by this command, and is no log file",
            where=str(log_file),
            hint="give --log-file a name of its own",
        )


def _named_files() -> Iterator[tuple[str, Path]]:
    """The parameters of the command that name a file, and what they name."""
    context = click.get_current_context()
    path_types = (click.Path, SourceText)
    are_paths = {
        param.name for param in context.command.params if isinstance(param.type, path_types)
    }
    for name, value in context.params.items():
        for given in value if isinstance(value, tuple | list) else (value,):
            path = getattr(given, "path", given if name in are_paths else None)
            if isinstance(path, str | Path):  # a table that is read later has a path
                yield name, Path(path)


def _is_same_file(name: str, given: Path, output: Path) -> bool:
    """Whether what a parameter names is the file of an output, or would be."""
    try:
        if given.exists():
            return not given.is_dir() and output.samefile(given)
        return name in _OUTPUTS and given.resolve() == output.resolve()
    except (OSError, ValueError):  # not there, or no name of a file
        return False


def refuse_in_index(output: Path) -> None:
    """UsageError when a file lies in an index, or would."""
    try:
        is_inside = any(map(_is_index, output.resolve().parents))
    except (OSError, ValueError):
        is_inside = False
    if is_inside:
        raise UsageError(
            "lies in the index, where only vecattr writes",
            where=str(output),
            hint="give a place elsewhere for the results",
        )


def _is_index(folder: Path) -> bool:
    has_segments = (folder / "manifest.json").exists() and (folder / "segments").exists()
    has_folds = (folder / "folds.json").exists() and (folder / "fold-1/manifest.json").exists()
    return has_segments or has_folds


def chosen_format(form: Format | None, output: Path | None) -> Format:
    """The format asked for, else the one that fits where the results go; errors as in
    `refuse_inputs`."""
    refuse_inputs(output)
    if form is not None:
        return form
    if output is not None:
        return _SUFFIXES.get(output.suffix.lower(), "tsv")
    return "table" if sys.stdout.isatty() else "tsv"
