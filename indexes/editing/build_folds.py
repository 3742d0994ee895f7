"""Indexes of folds: labelled plasmids and a folder of models in, a folder of indexes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import UsageError
from vecattr.files.atomic import atomic_write, read_file, sync_tree
from vecattr.files.fold_folder import FOLDS_FILE, is_folds
from vecattr.files.place import Place
from vecattr.indexes.editing.build import BuildReport, build_index
from vecattr.indexes.editing.index_place import (
    check_folds_replaceable,
    check_place,
    index_place,
    put_in_force,
)
from vecattr.indexes.editing.publish import StepHook, no_hook, not_in_force_yet
from vecattr.indexes.storage.index_folder import MANIFEST_FILE, model_folds
from vecattr.indexes.storage.lock import unfinished_folder, writing
from vecattr.plasmid import Plasmid


def build_folds(
    path: Path,
    plasmids: Iterable[Plasmid],
    *,
    model: Path,
    embedders: Sequence[SequenceEmbedder],
    replace: bool = False,
    place: Place | None = None,
    wait: float = 0,
    step: StepHook = no_hook,
    **options: Any,
) -> tuple[BuildReport, ...]:
    """Build one index for each fold of `model`, at `path`/fold-1 and so on, all of them or none.

    `plasmids` are gone through once for each fold. `embedders` are those of the folds, in order;
    `step` is called with "move" when all indexes are in place. `options` and errors as in
    `build_index`, and MissingError when a fold of the model is not there.
    """
    path = Path(path).resolve()
    plasmids = list(plasmids) if isinstance(plasmids, Iterator) else plasmids
    place = place or index_place(path)
    replaced = check_folds_place(path, replace=replace)
    with (
        ExitStack() as locks,
        place.told_when_taken(),
        unfinished_folder(place.location) as (new, unfinished),
    ):
        for old in replaced:
            locks.enter_context(writing(old, wait=wait))
        place.check()
        with not_in_force_yet(path):
            reports = tuple(
                build_index(
                    new.path / fold.name,
                    plasmids,
                    model=fold,
                    embedder=embedder,
                    place=index_place(unfinished.root / fold.name),
                    **options,
                )
                for fold, embedder in zip(model_folds(model), embedders, strict=True)
            )
        atomic_write(
            unfinished.root / FOLDS_FILE, read_file(model / FOLDS_FILE), in_shared_folder=True
        )
        sync_tree(unfinished.root)
        put_in_force(new, unfinished, place, step)
    return reports


def check_folds_place(path: Path, *, replace: bool) -> tuple[Path, ...]:
    """The indexes of folds that are there, to be replaced.

    UsageError when some are there and `replace` is False, or when a single index is there; else
    as `build_index`.
    """
    if is_folds(path):
        if not replace:
            raise UsageError(
                "there are indexes of folds already",
                where=str(path),
                hint="build with --replace, or give another path",
            )
        check_folds_replaceable(path)
        return tuple(manifest.parent for manifest in sorted(path.glob(f"*/{MANIFEST_FILE}")))
    if check_place(path, replace=replace):
        raise UsageError(
            "there is a single index, and the model is a folder of folds",
            where=str(path),
            hint="give another path",
        )
    return ()
