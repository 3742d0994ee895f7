"""Folders of folds: a folder in, the paths of the models or indexes of its folds out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vecattr.encoders.model_folder import CONFIG_FILE
from vecattr.files.fold_folder import fold_members, is_folds
from vecattr.indexes.storage.index_folder import MANIFEST_FILE


def model_folds(model: Path) -> tuple[Path, ...]:
    """The models of a folder of folds; MissingError when one is missing or its training is not
    finished."""
    hint = "finish the training with `vecattr train --folds ... --resume`, or restore the folder"
    return fold_members(model, marker=CONFIG_FILE, hint=hint)


def index_folds(path: Path) -> tuple[Path, ...]:
    """The indexes of a folder of folds; MissingError when one is missing."""
    hint = "restore the folder from a copy, or build again with --replace"
    return fold_members(path, marker=MANIFEST_FILE, hint=hint)


def expand_folds(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The paths in order, each folder of folds replaced by its indexes; errors as `index_folds`."""
    for path in map(Path, paths):
        yield from index_folds(path) if is_folds(path) else (path,)
