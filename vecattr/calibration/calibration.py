"""Calibration of answers: held-out plasmids in; verdicts, probabilities and candidate sets out.

The verdict says whether the lab is known at all (`vecattr.calibration.open_set`); its threshold is
set so that a chosen share of plasmids of known labs, from *new* work, is called unknown.
Probabilities (`vecattr.calibration.temperature`) and candidate sets
(`vecattr.calibration.conformal`) are fitted twice, for plasmids of work that the collection holds
part of, and of new work: at the same cosine the first are right far more often. Queries with
features have fits of their own, because their cosines differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from vecattr.attribution import WORKS, Work
from vecattr.calibration.conformal import mass_for, needed_masses
from vecattr.calibration.open_set import (
    OpenSetInputs,
    OpenSetScore,
    fit_open_set_score,
    named_columns,
)
from vecattr.calibration.outcomes import OUTSIDE, CaseRows, OutcomeFit, fit_outcome
from vecattr.calibration.temperature import Temperature, fit_temperature
from vecattr.errors import UsageError
from vecattr.vectors import Codes, Column, Mask, Scores

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
    """The open-set score, and its values for held-out plasmids of known labs, ascending."""

    open_set: OpenSetScore
    scores: tuple[float, ...]

    def threshold(self, false_alarm: float) -> float:
        """As `threshold_for`."""
        return threshold_for(self.scores, false_alarm)


@dataclass(frozen=True)
class Fits:
    """The fits for queries with features, or for those without."""

    verdicts: VerdictFit
    works: Mapping[Work, WorkFit]
    outcome: OutcomeFit | None = None  # None in calibrations by older versions
    together: OutcomeFit | None = None  # of plasmids of one lab; None in older calibrations, too


@dataclass(frozen=True)
class Calibration:
    """Fitted on `rows` held-out plasmids, `named` of them of labs with a name and from new work;
    `source` says in words where they come from; `labs` are those that the index had then, and
    new names of these; None where that was not written down."""

    sequence: Fits  # of queries without features
    features: Fits | None  # of queries with features; None: features change nothing
    rows: int
    named: int
    source: str
    labs: frozenset[str] | None = None

    def fits(self, *, features: bool) -> Fits:
        """For queries with features, or without."""
        return self.features if features and self.features else self.sequence

    @property
    def weighs_outcomes(self) -> bool:
        """Whether it weighs known work, new work and labs outside the index."""
        kinds = [self.sequence] if self.features is None else [self.sequence, self.features]
        return all(fits.outcome is not None for fits in kinds)

    @property
    def threshold(self) -> float:
        """Of queries without features, at the usual false alarm."""
        return self.sequence.verdicts.threshold(FALSE_ALARM)

    @property
    def false_alarm(self) -> float:
        """The share of held-out plasmids of known labs that this threshold calls unknown."""
        return measured_alarm(self.sequence.verdicts.scores, self.threshold)

    def summary(self) -> dict[str, object]:
        """The figures that `info` shows, as a JSON object."""
        return {
            "threshold": self.threshold,
            "false_alarm": self.false_alarm,
            "rows": self.rows,
            "rows_of_the_threshold": self.named,
            "works": sorted(self.sequence.works),
            "outcomes": self.sequence.outcome and self.sequence.outcome.summary(),
            "together": self.sequence.together and self.sequence.together.summary(),
            "with_features": self.features is not None,
            "source": self.source,
        }

    def to_json(self) -> bytes:
        """The content of calibration.json."""
        data = {
            "version": VERSION,
            "rows": self.rows,
            "named": self.named,
            "source": self.source,
            "sequence": _fits_json(self.sequence),
            "features": self.features and _fits_json(self.features),
            **({} if self.labs is None else {"labs": sorted(self.labs)}),
        }
        return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


def _fits_json(fits: Fits) -> dict[str, object]:
    """The JSON object of fits; `familiarity` is the file format's name of the open-set score."""
    verdicts = fits.verdicts
    return {
        "verdicts": {"familiarity": asdict(verdicts.open_set), "scores": verdicts.scores},
        "works": {work: asdict(fit) for work, fit in fits.works.items()},
        **({"outcome": fits.outcome.to_object()} if fits.outcome else {}),
        **({"together": fits.together.to_object()} if fits.together else {}),
    }


def check_false_alarm(share: float) -> None:
    """UsageError unless the share lies in [0, 1)."""
    if not 0 <= share < 1:
        raise UsageError(f"false alarm must be a share from 0 to below 1, not {share}")


def threshold_for(scores: tuple[float, ...], false_alarm: float) -> float:
    """The score below which at most the share `false_alarm` of `scores` (ascending) lies;
    UsageError as in `check_false_alarm`.

    >>> threshold_for((0.1, 0.2, 0.3, 0.4), 0.25)
    0.2
    """
    check_false_alarm(false_alarm)
    return scores[int(false_alarm * len(scores) + 1e-9)]


def measured_alarm(scores: tuple[float, ...], threshold: float) -> float:
    """The share of scores below a threshold."""
    return float(np.mean(np.array(scores) < threshold))


def fit_calibration(
    held_out: HeldOut,
    *,
    source: str,
    case_rows: tuple[CaseRows, CaseRows] | None = None,
) -> Calibration | None:
    """Fitted on plasmids that the lab vectors did not see; None when fewer than FEWEST of them are
    of known labs and from new work, too few to estimate rates.

    `case_rows` are what outcomes are fitted on, for queries without features and with: those of a
    scorer; without one the held-out plasmids, each also with its own lab hidden.
    """
    named = named_columns(held_out.labs.names)  # (n,)
    named_rows = int(np.count_nonzero(held_out.is_new & named[held_out.labels]))
    if named_rows < FEWEST:
        return None
    return Calibration(
        sequence=_fit(held_out, named, case_rows, features=False),
        features=(
            _fit(held_out, named, case_rows, features=True) if held_out.has_features else None
        ),
        rows=len(held_out),
        named=named_rows,
        source=source,
    )


def _fit(
    held_out: HeldOut,
    named: Mask,
    case_rows: tuple[CaseRows, CaseRows] | None,
    *,
    features: bool,
) -> Fits:
    scores = held_out.scores(features=features)  # (q, n)
    verdicts = _fit_verdicts(scores, held_out, named)
    works = fit_works(scores, held_out.labels, held_out.is_new)
    rows = case_rows[features] if case_rows else _class_rows(scores, held_out, named)
    return Fits(verdicts, works, fit_outcome(rows))


def _class_rows(scores: Scores, held_out: HeldOut, named: Mask) -> CaseRows:
    """What outcomes are fitted on where vectors rank classes: every plasmid, and those of labs with
    a name once more with their own lab hidden."""
    rows = np.flatnonzero(named[held_out.labels])
    hidden = held_out.without_true_lab(scores)[rows]
    seen_facts = OpenSetInputs.from_scores(scores, held_out.nearest, named=named).facts()
    hidden_facts = OpenSetInputs.from_scores(
        hidden, held_out.nearest_other[rows], named=named
    ).facts()
    return CaseRows(
        scores=np.concatenate([scores, hidden]),
        truths=np.concatenate([held_out.labels, np.full(len(rows), -1)]),
        cases=np.concatenate([held_out.is_new.astype(np.int64), np.full(len(rows), OUTSIDE)]),
        facts=np.concatenate([seen_facts, hidden_facts]),
        weights=np.ones(len(scores) + len(rows)),
    )


def fit_works(scores: Scores, columns: Codes, is_new: Mask) -> dict[Work, WorkFit]:
    """A fit for each kind of work that has at least FEWEST plasmids: from scores (q, n), the
    columns of the true labs (q,), and which plasmids are of new work (q,)."""
    return {
        work: _fit_work(scores[rows], columns[rows])
        for work, rows in zip(WORKS, (~is_new, is_new), strict=True)
        if int(rows.sum()) >= FEWEST
    }


def _fit_work(scores: Scores, columns: Codes) -> WorkFit:
    temperature = fit_temperature(scores, columns)
    masses = needed_masses(temperature.probabilities(scores), columns)
    return WorkFit(temperature, _ascending(masses))


def _fit_verdicts(scores: Scores, held_out: HeldOut, named: Mask) -> VerdictFit:
    """Weights learned from both kinds of work, the threshold's scores from new work alone."""
    rows = np.flatnonzero(named[held_out.labels])  # of labs with a name
    lab_hidden = held_out.without_true_lab(scores)
    known = OpenSetInputs.from_scores(scores[rows], held_out.nearest[rows], named=named)
    unknown = OpenSetInputs.from_scores(lab_hidden[rows], held_out.nearest_other[rows], named=named)
    open_set = fit_open_set_score(known, unknown)
    return VerdictFit(open_set, _ascending(open_set.score(known)[held_out.is_new[rows]]))


def _ascending(values: Column) -> tuple[float, ...]:
    """The values in ascending order, rounded as calibration.json holds them."""
    return tuple(float(f"{value:.9g}") for value in np.sort(values).tolist())
