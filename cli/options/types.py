"""Click types and callbacks: the text of an option in, a checked value or a usage error out."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=True, path_type=Path)


class _ModelFolder(click.Path):
    """A model folder by its path, or an encoder that comes with vecattr by its kind."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The folder; a path that is there is no kind."""
        from vecattr.encoders.pretrained import KINDS, shipped_encoder  # start-up

        kinds = [kind for kind in KINDS if kind == value and not os.path.lexists(value)]
        if kinds:
            return shipped_encoder(kinds[0])
        folder: Path = super().convert(value, param, ctx)  # type: ignore[assignment]
        return folder


MODEL = _ModelFolder(file_okay=True, path_type=Path)

#: Pairs of a table's column and the value that a row must have there.
Conditions = tuple[tuple[str, str], ...]


class Amount(click.FloatRange):
    """A number of a range that is a number: click lets "nan" pass every range."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; a usage error for text, for what is out of range and for NaN."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def conditions(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> Conditions:
    """`COLUMN=VALUE` texts as pairs; a usage error without an equals sign or a column."""
    pairs = [value.partition("=") for value in values]
    for column, equals, wanted in pairs:
        if not equals or not column.strip():
            raise click.BadParameter(f"{column + equals + wanted!r} is not COLUMN=VALUE")
    return tuple((column, wanted) for column, _, wanted in pairs)


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
