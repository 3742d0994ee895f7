"""When a score is too low to name a lab: held-out scores in, a threshold with its rate out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError

CALIBRATION_FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """A query whose best cosine with a named lab is below `threshold` is called unknown.

    `false_alarm` is the share of `rows` held-out plasmids of known labs that this called unknown.
    """

    threshold: float
    false_alarm: float
    rows: int
    source: str

    def to_json(self) -> bytes:
        return (json.dumps(asdict(self), indent=2, sort_keys=True) + "\n").encode()


def fit_calibration(
    confidences: NDArray[np.floating], *, false_alarm: float, source: str
) -> Calibration | None:
    """The threshold that calls at most `false_alarm` of these known plasmids unknown.

    `confidences` are best cosines of held-out plasmids of known labs, (n,). None when there are
    too few of them to speak of such a rate.
    """
    wanted = int(false_alarm * len(confidences))
    if wanted < 1:
        return None
    threshold = float(np.sort(confidences)[wanted])
    measured = float(np.mean(confidences < threshold))
    return Calibration(threshold, measured, len(confidences), source)


def read_calibration(folder: Path) -> Calibration | None:
    """The calibration of a model folder, None when it has none; DamagedError when unreadable."""
    path = folder / CALIBRATION_FILE
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_bytes())
        return Calibration(
            threshold=float(data["threshold"]),
            false_alarm=float(data["false_alarm"]),
            rows=int(data["rows"]),
            source=str(data["source"]),
        )
    except (ValueError, KeyError, TypeError) as cause:
        raise DamagedError("not a calibration", where=str(path)) from cause
