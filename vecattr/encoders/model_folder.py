"""A model folder: weights, tokenizer and configuration, written atomically, validated on load.

encoder.safetensors   weights (and, for a bag, the k-mers of its vocabulary)
tokenizer.model       sentencepiece, for encoders that read pieces
config.json           encoder, feature names, views; written last, so a model with it is complete
labs.h5               learned lab vectors and the unknown vector (optional)
heldout.h5            calibration rows: vectors of plasmids held out of training (optional)
calibration.json      the verdict's threshold, probabilities, candidate sets (optional)
MODEL_CARD.md         what it was trained on and how well it does
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vecattr.encoders.config import EncoderConfig, as_json, encoder_config
from vecattr.encoders.features import FeatureSpace
from vecattr.errors import DamagedError, MismatchError, MissingError
from vecattr.files.arrays import read_table
from vecattr.files.atomic import sha256_file
from vecattr.files.fold_folder import fold_name, is_folds
from vecattr.files.folder import Location
from vecattr.files.json_files import read_json
from vecattr.plasmid import composed
from vecattr.vectors import EmbeddingTable, Vectors

WEIGHTS_FILE = "encoder.safetensors"
TOKENIZER_FILE = "tokenizer.model"
CONFIG_FILE = "config.json"
LABS_FILE = "labs.h5"
CARD_FILE = "MODEL_CARD.md"
HELD_OUT_FILE = "heldout.h5"
CALIBRATION_FILE = "calibration.json"
RANKER_FILE = "fusion.json"
#: In an index only: its encoder's lookup tables, computed from the weights.
TABLES_FILE = "tables.h5"

#: The files that determine every vector; the model's identity is a hash of them.
IDENTITY_FILES = (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE)

#: All files that a model folder may hold.
MODEL_FILES = (*IDENTITY_FILES, LABS_FILE, RANKER_FILE, HELD_OUT_FILE, CALIBRATION_FILE, CARD_FILE)

#: The files that a new calibration replaces, and their names then: a part of their SHA-256 before
#: the suffix, so that those of earlier generations stay for rollback.
REPLACED_FILES = (CALIBRATION_FILE, HELD_OUT_FILE)
_NAMED_BY_CONTENT = re.compile(r"(calibration|heldout)-[0-9a-f]{20}(\.json|\.h5)")

#: The reserved name under which labs.h5 keeps the unknown-lab vector.
UNKNOWN_VECTOR = "unknown"

FORMAT = "vecattr-model"
VERSION = 1


def usual_name(name: str) -> str:
    """The name in a model folder of a file of an index's model.

    >>> usual_name("calibration-0123456789abcdef0123.json"), usual_name("config.json")
    ('calibration.json', 'config.json')
    """
    named = _NAMED_BY_CONTENT.fullmatch(name)
    usual = f"{named[1]}{named[2]}" if named else name
    return usual if usual in REPLACED_FILES else name


def content_name(name: str, sha256: str) -> str:
    """The name of a new calibration file by its content: `name` is the usual one."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}-{sha256[:20]}.{suffix}"


@dataclass(frozen=True)
class ModelConfig:
    """The content of config.json."""

    encoder: EncoderConfig
    features: FeatureSpace
    rotations: int  # test-time views of a circular plasmid, per strand

    def to_json(self) -> bytes:
        """The bytes of config.json, with sorted keys."""
        data = {
            "format": FORMAT,
            "version": VERSION,
            "encoder": as_json(self.encoder),
            "features": list(self.features.names),
            "rotations": self.rotations,
        }
        return (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()


def read_config(folder: Location) -> ModelConfig:
    """The configuration of a model folder.

    Raises MissingError when there is no model, MismatchError when a newer version made it,
    DamagedError when its configuration cannot be read.
    """
    path = folder / CONFIG_FILE
    return read_json(_present(path), _parsed_config, kind="model's configuration")


def _parsed_config(data: dict[str, Any]) -> ModelConfig:
    if data.get("format") != FORMAT:
        raise DamagedError(f"format {data.get('format')!r}, expected {FORMAT!r}")
    if data.get("version") != VERSION:
        raise MismatchError(
            f"model version {data.get('version')!r}, this vecattr reads {VERSION}",
            hint="use the vecattr that made it, or train again",
        )
    features = FeatureSpace(tuple(str(name) for name in data["features"]))
    return ModelConfig(encoder_config(data["encoder"]), features, int(data["rotations"]))


def model_identity(folder: Location) -> str:
    """Hex SHA-256 over the names and contents of the files that determine every vector."""
    return identity_of(
        {
            name: sha256_file(_present(folder / name))
            for name in IDENTITY_FILES
            if name != TOKENIZER_FILE or (folder / name).exists()
        }
    )


def identity_of(hashes: Mapping[str, str]) -> str:
    """The model identity from the hex SHA-256 of the model's files by name; names outside of
    IDENTITY_FILES do not matter."""
    digest = hashlib.sha256()
    for name in IDENTITY_FILES:
        if name in hashes:
            digest.update(f"{name} {hashes[name]}\n".encode())
    return digest.hexdigest()


def learned_labs(folder: Location) -> EmbeddingTable | None:
    """The learned lab vectors, without the unknown one, names in composed form; None when the model
    has none."""
    table = _lab_file(folder)
    if table is None:
        return None
    rows = [row for row, name in enumerate(table.names) if name != UNKNOWN_VECTOR]
    names = tuple(table.names[row] for row in rows)
    composed_names = tuple(map(composed, names))
    is_distinct = len(set(composed_names)) == len(set(names))
    return EmbeddingTable(composed_names if is_distinct else names, table.vectors[rows])


def unknown_vector(folder: Location) -> Vectors | None:
    """The learned unknown-lab vector, (d,); None when the model has none."""
    table = _lab_file(folder)
    if table is None or UNKNOWN_VECTOR not in table.names:
        return None
    return np.asarray(table.vectors[table.names.index(UNKNOWN_VECTOR)])


def _lab_file(folder: Location) -> EmbeddingTable | None:
    path = folder / LABS_FILE
    return read_table(path) if path.exists() else None


def _present(path: Location) -> Location:
    """The path itself; MissingError, with the next step, when there is no such file."""
    if not path.exists() and is_folds(path.parent):
        raise MissingError(
            "this folder holds several models, one for each fold",
            where=str(path.parent),
            hint=f"name one of them, such as {path.parent / fold_name(1)}",
        )
    if not path.exists():
        raise MissingError(
            "there is no such model file",
            where=str(path),
            hint="name a folder that `vecattr train PLASMIDS -o MODEL` wrote",
        )
    return path
