"""Probabilities of all outcomes of a query: every lab, and a lab outside the index; they sum to 1.

Three cases are weighed (`vecattr.calibration.cases`). For work that the index holds part of, and
for new work of a lab it knows, a softmax over lab scores at a temperature of its own gives each
lab's share; the probability of the third case is that of an outside lab. Error rates, strengths and
candidate sets come from held-out plasmids, weighed by the same expectation as the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import STRENGTHS, Strength
from vecattr.calibration.cases import CaseModel, Facts, case_probabilities, fit_cases
from vecattr.calibration.conformal import check_coverage
from vecattr.calibration.expectation import CASES, Expectation
from vecattr.calibration.temperature import Temperature, fit_temperature
from vecattr.vectors import Codes, Column, Mask, Probabilities, Scores

OUTSIDE = CASES.index("outside")

#: The smallest probability of the first lab that makes an answer strong, moderate or weak.
LEAST_PROBABILITY: Mapping[Strength, float] = {"strong": 0.9, "moderate": 0.5, "weak": 0.1}
#: An outside lab is likelier than not below this confidence, the probability of any lab.
EVEN_ODDS = 0.5
#: Held-out plasmids of a case that are kept to state error rates.
MOST_KEPT = 600
#: With fewer held-out plasmids of a case nothing is claimed.
FEWEST = 20
#: Rows whose probabilities are held at once.
_ROWS_AT_ONCE = 64


def strength_of(probability: float) -> Strength:
    """How strong an answer is whose first lab has this probability.

    >>> strength_of(0.93)
    'strong'
    """
    for strength, least in LEAST_PROBABILITY.items():
        if probability >= least:
            return strength
    return "none"


@dataclass(frozen=True)
class CaseRows:
    """r held-out queries: scores of n labs (r, n), the column of the true lab (r,), -1 where it is
    outside, the case of each as a place in CASES (r,), facts (r, f), how much each counts among
    those of its case (r,), and the places of facts that must not tell the case."""

    scores: Scores
    truths: Codes
    cases: Codes
    facts: Facts
    weights: Column
    left_out: Codes | None = None


@dataclass(frozen=True, eq=False)
class KeptRows:
    """What is kept of r held-out queries: their cases (r,); likelihoods of the cases, as
    logarithms (r, 3); of known and of new work the probability of the first lab, and of all labs
    ranked before the true one, (r, 2) each; whether the first lab is the true one (r,)."""

    cases: Codes
    log_likelihoods: NDArray[np.float64]
    first: NDArray[np.float64]
    before: NDArray[np.float64]
    is_right: Mask

    def weights(self, expectation: Expectation) -> Column:
        """How much each counts, so that the cases count as expected, (r,), summing to 1."""
        counts = np.bincount(self.cases, minlength=len(CASES))
        weights = expectation.shares[self.cases] / counts[self.cases]
        total: Column = weights / weights.sum()
        return total

    def probabilities(self, expectation: Expectation) -> NDArray[np.float64]:
        """Of the cases, (r, 3)."""
        return case_probabilities(self.log_likelihoods, expectation)


@dataclass(frozen=True, eq=False)
class OutcomeFit:
    """Fitted on held-out plasmids, of which `rows` are kept. Two fits are equal when their JSON
    objects are."""

    cases: CaseModel
    known: Temperature
    new: Temperature
    rows: KeptRows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OutcomeFit) and self.to_object() == other.to_object()

    def __hash__(self) -> int:
        return hash((self.known, self.new))

    def probabilities(
        self, scores: Scores, facts: Facts, expectation: Expectation
    ) -> tuple[Probabilities, Column]:
        """Of each lab (q, n), and of a lab outside the index (q,)."""
        return self.weighed(scores, self.cases.log_likelihoods(facts), expectation)

    def weighed(
        self, scores: Scores, log_likelihoods: NDArray[np.float64], expectation: Expectation
    ) -> tuple[Probabilities, Column]:
        """As `probabilities`, from the likelihoods of the cases, as logarithms (q, 3)."""
        cases = case_probabilities(log_likelihoods, expectation)
        labs: Probabilities = np.empty(scores.shape)
        of_new = np.empty(scores.shape[1])
        for row, (known, new, _), probabilities in zip(scores, cases, labs, strict=True):
            self.known.shares(row, out=probabilities, total=known)
            self.new.shares(row, out=of_new, total=new)
            probabilities += of_new
        return labs, cases[:, OUTSIDE]

    def threshold(self, false_alarm: float | None, expectation: Expectation) -> float:
        """The confidence below which the verdict is unknown: EVEN_ODDS, or the one below which a
        share `false_alarm` of held-out plasmids of known labs lies."""
        if false_alarm is None:
            return EVEN_ODDS
        weights = self.rows.weights(expectation) * (self.rows.cases != OUTSIDE)
        return _quantile(self._confidences(expectation), weights, false_alarm)

    def error_rates(self, threshold: float, expectation: Expectation) -> tuple[float, float]:
        """Of held-out plasmids: the share of those of known labs that the verdict calls unknown,
        and of those of outside labs that it calls known."""
        is_low = self._confidences(expectation) < threshold
        is_outside, weights = self.rows.cases == OUTSIDE, self.rows.weights(expectation)
        known = weights * ~is_outside
        alarms = float(known @ is_low / known.sum())
        return alarms, float(np.mean(~is_low[is_outside]))

    def mass(self, coverage: float, expectation: Expectation) -> float:
        """The total probability, that of an outside lab included, which a candidate set must exceed
        to hold the truth with this probability; infinity, all labs, when plasmids are too few.

        An outside lab is always a candidate. UsageError as in `check_coverage`.
        """
        check_coverage(coverage)
        rows = self.rows
        cases = rows.probabilities(expectation)  # (r, 3)
        needed = (cases[:, :2] * rows.before).sum(axis=1) + cases[:, OUTSIDE]
        needed[rows.cases == OUTSIDE] = 0.0
        weights = rows.weights(expectation)
        order = np.argsort(needed, kind="stable")
        reached = np.cumsum(weights[order]) * len(needed) / (len(needed) + 1)
        place = int(np.searchsorted(reached, coverage - 1e-9))
        return float(needed[order][place]) if place < len(needed) else math.inf

    def strengths(self, expectation: Expectation) -> dict[Strength, tuple[float, float | None]]:
        """Of each strength: the share of held-out plasmids whose answer has it, and the share of
        these whose first lab is right (None without any)."""
        cases = self.rows.probabilities(expectation)
        first = (cases[:, :2] * self.rows.first).sum(axis=1)  # (r,)
        weights = self.rows.weights(expectation)
        found = np.array([strength_of(probability) for probability in first.tolist()])
        shares: dict[Strength, tuple[float, float | None]] = {}
        for strength in STRENGTHS:
            share = float(weights[found == strength].sum())
            right = float((weights * self.rows.is_right)[found == strength].sum())
            shares[strength] = share, right / share if share else None
        return shares

    def summary(self) -> dict[str, object]:
        """What held-out plasmids say of answers under the default expectation, as a JSON object."""
        expectation = Expectation()
        false_alarms, missed = self.error_rates(EVEN_ODDS, expectation)
        return {
            "expect": str(expectation),
            "false_alarms": false_alarms,
            "missed": missed,
            "strengths": {
                strength: {"share": share, "right": right}
                for strength, (share, right) in self.strengths(expectation).items()
            },
        }

    def _confidences(self, expectation: Expectation) -> Column:
        return 1 - self.rows.probabilities(expectation)[:, OUTSIDE]

    def to_object(self) -> dict[str, object]:
        """The JSON object of the fit."""
        return {
            "mean": _rounded(self.cases.mean),
            "scale": _rounded(self.cases.scale),
            "weights": _rounded(self.cases.weights),
            "temperatures": [[fit.level, fit.slope] for fit in (self.known, self.new)],
            "rows": {
                "case": self.rows.cases.tolist(),
                "log_likelihood": _rounded(self.rows.log_likelihoods),
                "first": _rounded(self.rows.first),
                "before": _rounded(self.rows.before),
                "right": self.rows.is_right.astype(int).tolist(),
            },
        }

    @classmethod
    def from_object(cls, data: Mapping[str, Any]) -> OutcomeFit:
        """The inverse of `to_object`; ValueError, KeyError or TypeError for anything else."""
        model = CaseModel(*(np.array(data[name], float) for name in ("mean", "scale", "weights")))
        facts = len(model.mean)
        rows = data["rows"]
        kept = KeptRows(
            np.array(rows["case"], dtype=np.int64),
            np.array(rows["log_likelihood"], float),
            np.array(rows["first"], float),
            np.array(rows["before"], float),
            np.array(rows["right"], dtype=bool),
        )
        count = len(kept.cases)
        shapes = model.scale.shape, model.weights.shape, kept.log_likelihoods.shape
        pairs = kept.first.shape, kept.before.shape, (len(kept.is_right), 2)
        if shapes != ((facts,), (2, 1 + facts), (count, 3)) or set(pairs) != {(count, 2)}:
            raise ValueError("parts of a calibration that do not fit together")
        if set(kept.cases.tolist()) != {0, 1, 2}:
            raise ValueError("a calibration without plasmids of some case")
        known, new = (Temperature(float(a), float(b)) for a, b in data["temperatures"])
        return cls(model, known, new, kept)


def fit_outcome(rows: CaseRows) -> OutcomeFit | None:
    """None when fewer than FEWEST plasmids are of any case."""
    counts = np.bincount(rows.cases, minlength=len(CASES))
    if counts.min() < FEWEST:
        return None
    model = fit_cases(rows.facts, rows.cases, rows.weights, left_out=rows.left_out)
    known, new = (
        fit_temperature(rows.scores[rows.cases == case], rows.truths[rows.cases == case])
        for case in (0, 1)
    )
    return OutcomeFit(model, known, new, _kept(rows, model, known, new))


def _kept(rows: CaseRows, model: CaseModel, known: Temperature, new: Temperature) -> KeptRows:
    """At most MOST_KEPT rows of each case, evenly spaced."""
    by_case = [np.flatnonzero(rows.cases == case) for case in range(len(CASES))]
    numbers = np.concatenate([case[:: -(-len(case) // MOST_KEPT)] for case in by_case])
    parts = []
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        some = numbers[start : start + _ROWS_AT_ONCE]
        parts.append(_masses(rows.scores[some], rows.truths[some], (known, new)))
    first, before, is_right = (np.concatenate(part) for part in zip(*parts, strict=True))
    log_likelihoods = model.log_likelihoods(rows.facts[numbers])
    return KeptRows(rows.cases[numbers], log_likelihoods, first, before, is_right)


def _masses(
    scores: Scores, truths: Codes, fits: tuple[Temperature, Temperature]
) -> tuple[NDArray[np.float64], NDArray[np.float64], Mask]:
    """Of some rows with their true labs: as `KeptRows.first`, `before` and `is_right`."""
    shares = [fit.probabilities(scores) for fit in fits]
    is_before = scores > scores[np.arange(len(scores)), truths][:, None]  # (r, n)
    before = np.stack([np.where(is_before, share, 0).sum(axis=1) for share in shares], axis=1)
    before[truths < 0] = 0
    first = np.stack([share.max(axis=1) for share in shares], axis=1)
    return first, before, scores.argmax(axis=1) == truths


def _quantile(values: Column, weights: Column, share: float) -> float:
    """The largest value below which at most this share of the weight lies."""
    order = np.argsort(values, kind="stable")
    below = (np.cumsum(weights[order]) - weights[order]) / weights.sum()
    allowed = np.flatnonzero((below <= share + 1e-9) & (weights[order] > 0))
    return float(values[order][allowed[-1]])


def _rounded(values: NDArray[np.float64]) -> object:
    """As JSON holds them: six decimals."""
    return np.asarray(values, dtype=np.float64).round(6).tolist()
