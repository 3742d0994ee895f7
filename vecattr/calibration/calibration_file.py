"""The file of a calibration: a model folder in, the fitted calibration out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from vecattr.attribution import WORKS
from vecattr.calibration.calibration import VERSION, Calibration, Fits, VerdictFit, WorkFit
from vecattr.calibration.open_set import OpenSetScore
from vecattr.calibration.outcomes import OutcomeFit
from vecattr.calibration.temperature import Temperature
from vecattr.encoders.model_folder import CALIBRATION_FILE
from vecattr.files.folder import Location
from vecattr.files.json_files import read_sidecar


def read_calibration(folder: Location) -> Calibration | None:
    """The calibration of a model folder; errors and None as in `read_sidecar`."""
    return read_calibration_file(folder / CALIBRATION_FILE)


def read_calibration_file(file: Location) -> Calibration | None:
    """The calibration in a file; errors and None as in `read_sidecar`."""
    return read_sidecar(
        file,
        _parsed,
        kind="calibration",
        version=VERSION,
        hint="train the model again and build the index again",
    )


def _parsed(data: dict[str, Any]) -> Calibration:
    return Calibration(
        sequence=_parsed_fits(data["sequence"]),
        features=_parsed_fits(data["features"]) if data["features"] else None,
        rows=int(data["rows"]),
        named=int(data["named"]),
        source=str(data["source"]),
        labs=frozenset(map(_text, data["labs"])) if "labs" in data else None,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _parsed_fits(data: dict[str, Any]) -> Fits:
    verdicts = data["verdicts"]
    constant, best, lead, nearness = map(float, verdicts["familiarity"]["weights"])
    scores = _parsed_ascending(verdicts["scores"])
    return Fits(
        VerdictFit(OpenSetScore((constant, best, lead, nearness)), scores),
        {work: _parsed_work(data["works"][work]) for work in WORKS if work in data["works"]},
        *(
            OutcomeFit.from_object(data[name]) if name in data else None
            for name in ("outcome", "together")
        ),
    )


def _parsed_work(data: dict[str, Any]) -> WorkFit:
    temperature = data["temperature"]
    return WorkFit(
        Temperature(float(temperature["level"]), float(temperature["slope"])),
        _parsed_ascending(data["masses"]),
    )


def _parsed_ascending(values: list[Any]) -> tuple[float, ...]:
    numbers = tuple(map(float, values))
    if not numbers or not all(low <= high for low, high in pairwise(numbers)):
        raise ValueError("values that do not ascend")
    return numbers
