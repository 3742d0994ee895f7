"""Checkpoints: the state of a training run in, one safetensors file out, and back; no pickle.

Optimizer states are nested dictionaries of tensors and numbers. Tensors are stored under dotted
names, everything else as JSON in the file's metadata, so that both change together.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import safetensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from vecattr.datasets.classes import LabelledSet
from vecattr.encoders.config import EncoderConfig, as_json
from vecattr.errors import DamagedError, MismatchError
from vecattr.files.atomic import atomic_write
from vecattr.files.json_files import parse_json
from vecattr.training.settings import ResolvedTrainConfig

CHECKPOINT_FILE = "checkpoint.safetensors"

#: Of the state in a checkpoint: 2 has the place inside an epoch and the random state.
CHECKPOINT_VERSION = "2"

#: The fit that is calibrated, and a second one on all rows.
Stage = Literal["fit", "refit"]
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a run: in which folder, how many minutes apart at least (they are written
    after steps), and whether the run goes on from the last."""

    folder: Path
    minutes: float
    resume: bool


def checkpoint_path(folder: Path, stage: Stage) -> Path:
    """The checkpoint of a stage in a run folder."""
    return folder / f"{stage}-{CHECKPOINT_FILE}"


def run_fingerprint(
    encoder: EncoderConfig,
    settings: ResolvedTrainConfig,
    training: LabelledSet,
    *,
    start: str | None = None,
) -> str:
    """What a checkpoint depends on, as a hex digest; `training` is what the run learns from, bases,
    topology and features included, `start` the identity of the model that it starts from."""
    parts = [as_json(encoder), as_json(settings), start]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for plasmid, label in zip(training.plasmids, training.labels, strict=True):
        features = sorted((plasmid.features or {}).items())
        facts = [plasmid.id, label, plasmid.topology, plasmid.group, features, len(plasmid)]
        digest.update(json.dumps(facts).encode() + b"\n" + plasmid.sequence.encode())
    return digest.hexdigest()


def write_checkpoint(path: Path, state: dict[str, Any], *, fingerprint: str) -> None:
    """Write nested dictionaries and lists of tensors, numbers, strings and None, atomically.

    `fingerprint` names what the run depends on; another run's checkpoint is refused.
    """
    tensors: dict[str, Tensor] = {}
    skeleton = _take_tensors(state, "", tensors)
    metadata = {
        "version": CHECKPOINT_VERSION,
        "fingerprint": fingerprint,
        "state": json.dumps(skeleton),
    }
    atomic_write(path, save_tensors(tensors, metadata=metadata))


def read_checkpoint(path: Path, *, fingerprint: str) -> dict[str, Any]:
    """The state that was written.

    Raises DamagedError when the file is not a checkpoint, MismatchError when another run or
    another version of vecattr wrote it.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            raise ValueError("no file")
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        skeleton = parse_json(metadata["state"])
    except (safetensors.SafetensorError, KeyError, ValueError, OSError) as cause:
        raise DamagedError(
            "not a checkpoint", where=str(path), hint="remove it to start afresh"
        ) from cause
    if metadata.get("version") != CHECKPOINT_VERSION:
        raise MismatchError(
            f"this checkpoint has version {metadata.get('version', '1')}, this vecattr goes on "
            f"from {CHECKPOINT_VERSION}",
            where=str(path),
            hint="finish the run with the vecattr that began it, or remove the checkpoint to "
            "start afresh",
        )
    if metadata.get("fingerprint") != fingerprint:
        raise MismatchError(
            "this checkpoint belongs to a run with other data or options",
            where=str(path),
            hint="train without --resume, into another folder, or with the same options",
        )
    restored: dict[str, Any] = _put_tensors(skeleton, tensors)
    return restored


def _take_tensors(node: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A copy of the node that JSON can hold: each tensor is moved to `tensors` and replaced by its
    name there.

    Keys keep their type, because optimizer states are keyed by integers.
    """
    if isinstance(node, Tensor):
        tensors[name] = node.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(node, dict):
        pairs = [
            [key, _take_tensors(value, f"{name}.{key}", tensors)] for key, value in node.items()
        ]
        return {"pairs": pairs}
    if isinstance(node, list | tuple):
        return [_take_tensors(value, f"{name}.{i}", tensors) for i, value in enumerate(node)]
    return node


def _put_tensors(node: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `_take_tensors`."""
    if isinstance(node, list):
        return [_put_tensors(value, tensors) for value in node]
    if isinstance(node, dict):
        if "tensor" in node:
            return tensors[node["tensor"]]
        return {key: _put_tensors(value, tensors) for key, value in node["pairs"]}
    return node


def cpu_copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A copy of weights that later steps cannot change."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}
