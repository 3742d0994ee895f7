"""What a run leaves while it runs: a network in, weights in small files and a log out, and back."""

from __future__ import annotations

import io
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vecattr.errors import MismatchError
from vecattr.files.atomic import atomic_write, read_file, sha256_bytes
from vecattr.training.fitting.loop import TrainingLoop
from vecattr.training.fitting.network import AttributionNetwork
from vecattr.training.progress import Epoch, SilentWatcher

PART_BYTES = 15 << 20


class TimeIsUpError(Exception):
    """The minutes of a run are spent."""


class Recorder(SilentWatcher):
    """Writes log and weights of a run; raises TimeIsUpError at its end."""

    def __init__(self, out: Path, network: AttributionNetwork, deadline: float) -> None:
        self.out, self.network, self.deadline = out, network, deadline
        self.loop: TrainingLoop | None = None
        self.written_at = time.monotonic()

    def log(self, event: str, **figures: Any) -> None:
        """A line of the log."""
        with (self.out / "log.jsonl").open("a") as stream:
            stream.write(json.dumps({"event": event, **figures}) + "\n")

    def advances(self, units: int, **figures: float) -> None:
        """Write weights every minute."""
        now = time.monotonic()
        if now - self.written_at >= 60 or now >= self.deadline:
            self.write("last")
            self.written_at = now
        if figures and now >= self.deadline:
            raise TimeIsUpError

    def ends_epoch(self, epoch: Epoch) -> None:
        """Log the epoch; write its weights when it is the best."""
        self.log("epoch", **asdict(epoch))
        if self.loop and self.loop.best is self.loop.history[-1]:
            self.write("best")

    def write(self, name: str) -> None:
        """The weights as float16, in parts, then the file that lists them."""
        arrays = {
            key: value.cpu().half().numpy() for key, value in self.network.state_dict().items()
        }
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        content = stream.getvalue()
        parts = [content[at : at + PART_BYTES] for at in range(0, len(content), PART_BYTES)]
        for number, part in enumerate(parts):
            atomic_write(self.out / f"{name}.{number:02d}", part)
        epochs = len(self.loop.history) if self.loop else 0
        facts = {"parts": len(parts), "sha256": sha256_bytes(content), "epochs": epochs}
        atomic_write(self.out / f"{name}.json", json.dumps(facts).encode())


def read_weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    """The weights that a run wrote, as float32. MismatchError when a part is not what it was."""
    facts = json.loads((folder / f"{name}.json").read_text())
    content = b"".join(
        read_file(folder / f"{name}.{number:02d}") for number in range(facts["parts"])
    )
    if sha256_bytes(content) != facts["sha256"]:
        raise MismatchError(
            "the parts of the weights do not belong together",
            where=str(folder / name),
            hint="fetch all parts of one moment again",
        )
    with np.load(io.BytesIO(content)) as arrays:
        return {key: torch.from_numpy(arrays[key].astype(np.float32)) for key in arrays.files}


def weights_digest(folder: Path, name: str) -> str:
    """The SHA-256 of weights that a run wrote."""
    digest: str = json.loads((folder / f"{name}.json").read_text())["sha256"]
    return digest


def read_history(folder: Path) -> dict[int, Epoch]:
    """The epochs of the log by number; one that was trained again after a cut counts once."""
    lines = (json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines())
    epochs = [Epoch(**line) for line in lines if line.pop("event") == "epoch"]
    return {epoch.epoch: epoch for epoch in epochs}
