"""Indexes of folds: labelled plasmids and a folder of models in, a folder of indexes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecattr.encoders.model_folder import CONFIG_FILE
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import UsageError
from vecattr.files.atomic import atomic_write, move_folder, read_file, sync_tree
from vecattr.files.fold_folder import FOLDS_FILE, fold_members, is_folds
from vecattr.indexes.storage.index_folder import MANIFEST_FILE
from vecattr.plasmid import Plasmid

if TYPE_CHECKING:
    from vecattr.indexes.editing.build import BuildReport


def model_folds(model: Path) -> tuple[Path, ...]:
    """The models of a folder of folds; MissingError when one is not there, or not finished."""
    hint = "finish the training with `vecattr train --folds ... --resume`, or restore the folder"
    return fold_members(model, marker=CONFIG_FILE, hint=hint)


def index_folds(path: Path) -> tuple[Path, ...]:
    """The indexes of a folder of folds; MissingError when one is not there."""
    hint = "restore the folder from a copy, or build again with --replace"
    return fold_members(path, marker=MANIFEST_FILE, hint=hint)


def expanded(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The paths, each folder of folds as its indexes; errors as `index_folds`."""
    for path in map(Path, paths):
        yield from index_folds(path) if is_folds(path) else (path,)


def build_folds(
    path: Path,
    plasmids: Sequence[Plasmid],
    *,
    model: Path,
    embedders: Sequence[SequenceEmbedder],
    replace: bool = False,
    wait: float = 0,
    **options: Any,
) -> tuple[BuildReport, ...]:
    """Build an index a fold of `model` at `path`/fold-1 and so on, all of them or none.

    `embedders` are those of the folds, in order; `options` and errors as in `build_index`, and
    MissingError when a fold of the model is not there.
    """
    from vecattr.indexes.editing.build import build_index
    from vecattr.indexes.storage.lock import collect, folder_in_the_making, writing

    path = Path(path).resolve()
    replaced = check_folds_place(path, replace=replace)
    with ExitStack() as locks, folder_in_the_making(path) as folder:
        for old in replaced:
            locks.enter_context(writing(old, wait=wait))
        reports = tuple(
            build_index(folder / one.name, plasmids, model=one, embedder=embedder, **options)
            for one, embedder in zip(model_folds(model), embedders, strict=True)
        )
        atomic_write(folder / FOLDS_FILE, read_file(model / FOLDS_FILE))
        sync_tree(folder)
        move_folder(folder, path)
    collect(path)
    return reports


def check_folds_place(path: Path, *, replace: bool) -> tuple[Path, ...]:
    """The indexes of folds that are there, to be replaced.

    UsageError when some are there and `replace` is False, or when a single index is there; else
    as `build_index`.
    """
    from vecattr.indexes.editing.build import check_place

    if is_folds(path):
        if not replace:
            raise UsageError(
                "there are indexes of folds already",
                where=str(path),
                hint="build with --replace, or give another path",
            )
        return tuple(one.parent for one in sorted(path.glob(f"*/{MANIFEST_FILE}")))
    if check_place(path, replace=replace):
        raise UsageError(
            "there is a single index, and the model is a folder of folds",
            where=str(path),
            hint="give another path",
        )
    return ()
