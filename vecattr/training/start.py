"""The model that a training run starts from: its folder in, weights and lab vectors out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from vecattr.encoders.config import EncoderConfig, as_json
from vecattr.encoders.model_folder import (
    LABS_FILE,
    UNKNOWN_VECTOR,
    learned_labs,
    model_identity,
    read_config,
    unknown_vector,
)
from vecattr.encoders.torch_encoder import TrainedEncoder, load_encoder
from vecattr.errors import MismatchError, UsageError
from vecattr.files.atomic import sha256_file
from vecattr.files.fold_folder import fold_path, is_folds, read_folds
from vecattr.vectors import Vectors

#: Fields of an encoder's configuration that may differ: no weight depends on them.
_FREE_FIELDS = frozenset({"activation", "dropout", "dropout_of", "numbers"})

#: Options whose names are not those of their fields.
_FLAGS = {"kind": "encoder", "k": "kmer", "min_plasmids": "kmer-plasmids"}


@dataclass(frozen=True)
class StartModel:
    """A model's encoder and lab vectors, with which a run begins."""

    name: str
    identity: str  # hex digest of everything that the run takes from the model
    parts: TrainedEncoder
    labs: dict[str, Vectors]  # by name, (d,) each, the unknown vector under its own name


def read_start(folder: Path, encoder: EncoderConfig, *, reserve: bool = False) -> StartModel:
    """The model of a folder, for a run with this encoder.

    Raises MismatchError when their weights differ in shape, UsageError when the run keeps a
    `reserve` and the model has lab vectors, since it may have learned from the reserve; otherwise
    as `load_encoder`.
    """
    config = read_config(folder)
    _check_shapes(config.encoder, encoder, folder)
    table, unknown = learned_labs(folder), unknown_vector(folder)
    labs = dict(zip(table.names, table.vectors, strict=True)) if table else {}
    if unknown is not None:
        labs[UNKNOWN_VECTOR] = unknown
    if labs and reserve:
        raise UsageError(
            f"{folder} may have learned from the plasmids that --reserve leaves out",
            hint="start from a model that was trained with --reserve, or leave one option out",
        )
    digest = hashlib.sha256(model_identity(folder).encode())
    if labs:
        digest.update(sha256_file(folder / LABS_FILE).encode())
    return StartModel(folder.name, digest.hexdigest(), load_encoder(folder, config), labs)


def start_of_fold(folder: Path, number: int, folds: int) -> Path:
    """The model that fold `number` starts from: the same fold of a folder of folds, or the one
    model that the folder holds. MismatchError when there is another number of folds."""
    if not is_folds(folder):
        return folder
    count = read_folds(folder).count
    if count != folds:
        raise MismatchError(
            f"{count} folds to start from, {folds} folds to train",
            where=str(folder),
            hint=f"give --folds {count}, or one of its models",
        )
    return fold_path(folder, number)


def _check_shapes(of_model: EncoderConfig, of_run: EncoderConfig, folder: Path) -> None:
    wanted, given = as_json(of_model), as_json(of_run)
    different = [
        name
        for name, value in wanted.items()
        if name not in _FREE_FIELDS and given.get(name) != value
    ]
    if not different:
        return
    if "kind" in different:
        different = ["kind"]
    values = ", ".join(
        f"{_flag(name)} {_text(wanted[name])} instead of {_text(given[name])}" for name in different
    )
    options = " ".join(f"--{_flag(name)} {_text(wanted[name])}" for name in different)
    raise MismatchError(
        f"the model to start from has {values}",
        where=str(folder),
        hint=f"give {options}, or start from another model",
    )


def _flag(field: str) -> str:
    return _FLAGS.get(field, field.replace("_", "-"))


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
