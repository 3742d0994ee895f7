"""How sure is an answer? Held-out plasmids in; verdicts, probabilities and candidate sets out.

The verdict asks whether the lab is known at all (`vecattr.calibration.open_set`); its threshold
calls so many plasmids of known labs from *new* work unknown. Probabilities
(`vecattr.calibration.temperature`) and candidate sets (`vecattr.calibration.conformal`) are fitted
twice, for plasmids of work that the collection holds part of, and of new work: a network is right
about the first far more often at the same cosine. Queries with features have fits of their own,
because their cosines do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import WORKS, Work
from vecattr.calibration.conformal import mass_for, needed_masses
from vecattr.calibration.open_set import (
    OpenSetInputs,
    OpenSetScore,
    fit_open_set_score,
    named_columns,
)
from vecattr.calibration.temperature import Temperature, fit_temperature
from vecattr.encoders.model_folder import CALIBRATION_FILE
from vecattr.errors import UsageError
from vecattr.files.json_files import read_sidecar

if TYPE_CHECKING:
    from vecattr.calibration.calibration_set import HeldOut

VERSION = 2

#: The share of plasmids of known labs that the verdict may call unknown unless asked otherwise.
FALSE_ALARM = 0.05
#: The work that a query comes from unless said otherwise.
DEFAULT_WORK: Work = "known"
#: With fewer held-out plasmids of a kind nothing is claimed about it.
FEWEST = 20


@dataclass(frozen=True)
class WorkFit:
    """Probabilities for one kind of work; `masses` ascend, one for each held-out plasmid."""

    temperature: Temperature
    masses: tuple[float, ...]

    def mass(self, coverage: float) -> float:
        """As `vecattr.calibration.conformal.mass_for`."""
        return mass_for(self.masses, coverage)


@dataclass(frozen=True)
class VerdictFit:
    """`scores` of held-out plasmids of known labs, ascending."""

    familiarity: OpenSetScore
    scores: tuple[float, ...]

    def threshold(self, false_alarm: float) -> float:
        """As `threshold_for`."""
        return threshold_for(self.scores, false_alarm)


@dataclass(frozen=True)
class Fits:
    """What is known about queries that all have features, or all have none."""

    verdicts: VerdictFit
    works: Mapping[Work, WorkFit]


@dataclass(frozen=True)
class Calibration:
    """`rows` held-out plasmids, `named` of them of labs with a name and from new work."""

    sequence: Fits
    features: Fits | None  # None: features change nothing
    rows: int
    named: int
    source: str

    def fits(self, *, features: bool) -> Fits:
        """For queries with features, or without."""
        return self.features if features and self.features else self.sequence

    @property
    def threshold(self) -> float:
        """Of queries without features, at the usual false alarm."""
        return self.sequence.verdicts.threshold(FALSE_ALARM)

    @property
    def false_alarm(self) -> float:
        """The share of held-out plasmids of known labs that this threshold calls unknown."""
        return measured_alarm(self.sequence.verdicts.scores, self.threshold)

    def summary(self) -> dict[str, object]:
        """What people want to know of it; fits into JSON."""
        return {
            "threshold": self.threshold,
            "false_alarm": self.false_alarm,
            "rows": self.rows,
            "rows_of_the_threshold": self.named,
            "works": sorted(self.sequence.works),
            "with_features": self.features is not None,
            "source": self.source,
        }

    def to_json(self) -> bytes:
        """The content of calibration.json."""
        data = {"version": VERSION, **asdict(self)}
        return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


def check_false_alarm(share: float) -> None:
    """UsageError unless it is a share below 1."""
    if not 0 <= share < 1:
        raise UsageError(f"false alarm must be a share from 0 to below 1, not {share}")


def threshold_for(scores: tuple[float, ...], false_alarm: float) -> float:
    """The score below which at most this share of `scores` (ascending) lies; UsageError as in
    `check_false_alarm`.

    >>> threshold_for((0.1, 0.2, 0.3, 0.4), 0.25)
    0.2
    """
    check_false_alarm(false_alarm)
    return scores[int(false_alarm * len(scores) + 1e-9)]


def measured_alarm(scores: tuple[float, ...], threshold: float) -> float:
    """The share of scores below a threshold."""
    return float(np.mean(np.array(scores) < threshold))


def fit_calibration(held: HeldOut, *, source: str) -> Calibration | None:
    """From plasmids that the lab vectors did not see; None when there are too few of known labs
    and new work to speak of rates."""
    named = named_columns(held.labs.names)  # (n,)
    judged = int(np.count_nonzero(held.is_new & named[held.labels]))
    if judged < FEWEST:
        return None
    return Calibration(
        sequence=_fits(held, named, features=False),
        features=_fits(held, named, features=True) if held.has_features else None,
        rows=len(held),
        named=judged,
        source=source,
    )


def _fits(held: HeldOut, named: NDArray[np.bool_], *, features: bool) -> Fits:
    cosines = held.scores(features=features)  # (q, n)
    verdicts = _verdicts(cosines, held, named)
    return Fits(verdicts, fit_works(cosines, held.labels, held.is_new))


def fit_works(
    cosines: NDArray[np.float64], columns: NDArray[np.intp], is_new: NDArray[np.bool_]
) -> dict[Work, WorkFit]:
    """A fit for each kind of work that enough plasmids are of: from cosines (q, n), the columns of
    the true labs (q,), and which plasmids are of new work (q,)."""
    return {
        work: _fit_work(cosines[rows], columns[rows])
        for work, rows in zip(WORKS, (~is_new, is_new), strict=True)
        if int(rows.sum()) >= FEWEST
    }


def _fit_work(cosines: NDArray[np.float64], columns: NDArray[np.intp]) -> WorkFit:
    temperature = fit_temperature(cosines, columns)
    masses = needed_masses(temperature.probabilities(cosines), columns)
    return WorkFit(temperature, _ascending(masses))


def _verdicts(scores: NDArray[np.float64], held: HeldOut, named: NDArray[np.bool_]) -> VerdictFit:
    """Weights learned from both kinds of work, the threshold's scores from new work alone."""
    rows = np.flatnonzero(named[held.labels])  # of labs with a name
    known = OpenSetInputs.from_scores(scores[rows], held.nearest[rows], named=named)
    strange = OpenSetInputs.from_scores(
        held.hidden(scores)[rows], held.nearest_other[rows], named=named
    )
    familiarity = fit_open_set_score(known, strange)
    return VerdictFit(familiarity, _ascending(familiarity.score(known)[held.is_new[rows]]))


def _ascending(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(f"{value:.9g}") for value in np.sort(values).tolist())


def read_calibration(folder: Path) -> Calibration | None:
    """The calibration of a model folder; errors and None as in `read_sidecar`."""
    return read_sidecar(
        folder / CALIBRATION_FILE,
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
    )


def _parsed_fits(data: dict[str, Any]) -> Fits:
    verdicts = data["verdicts"]
    one, best, lead, near = map(float, verdicts["familiarity"]["weights"])
    scores = _parsed_ascending(verdicts["scores"])
    return Fits(
        VerdictFit(OpenSetScore((one, best, lead, near)), scores),
        {work: _parsed_work(data["works"][work]) for work in WORKS if work in data["works"]},
    )


def _parsed_work(data: dict[str, Any]) -> WorkFit:
    temperature = data["temperature"]
    return WorkFit(
        Temperature(float(temperature["level"]), float(temperature["slope"])),
        _parsed_ascending(data["masses"]),
    )


def _parsed_ascending(values: list[Any]) -> tuple[float, ...]:
    found = tuple(map(float, values))
    if not found or not all(a <= b for a, b in pairwise(found)):
        raise ValueError("values that do not ascend")
    return found
