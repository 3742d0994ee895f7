"""How sure answers are: lab scores of queries and a calibration in; confidences, thresholds,
probabilities and candidate sets out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import WORKS, Work
from vecattr.calibration.calibration import (
    DEFAULT_WORK,
    FALSE_ALARM,
    Calibration,
    Fits,
    WorkFit,
    check_false_alarm,
)
from vecattr.calibration.conformal import check_coverage, set_sizes
from vecattr.calibration.open_set import OpenSetInputs, named_columns
from vecattr.errors import UsageError

#: No cosine is lower: the confidence when no lab has a name.
NO_CONFIDENCE = -1.0


@dataclass(frozen=True)
class ConfidenceOptions:
    """What confidences are computed for: the `work` that queries come from, the share of plasmids
    of known labs that may be called unknown, and the coverage of candidate sets (None: no set).

    UsageError for shares out of range.

    >>> ConfidenceOptions(work="new", coverage=0.9).false_alarm
    0.05
    """

    work: Work = DEFAULT_WORK
    false_alarm: float = FALSE_ALARM
    coverage: float | None = None

    def __post_init__(self) -> None:
        if self.work not in WORKS:
            raise UsageError(f"work is {self.work!r}, expected one of {', '.join(WORKS)}")
        check_false_alarm(self.false_alarm)
        if self.coverage is not None:
            check_coverage(self.coverage)


DEFAULT_OPTIONS = ConfidenceOptions()


@dataclass(frozen=True)
class Confidence:
    """Of q queries and n labs: `confidences` (q,), the `thresholds` that the verdict compares them
    with (q,), `probabilities` (q, n), and the `sizes` of candidate sets (q,); None where the index
    cannot say, or a set was not asked for."""

    confidences: NDArray[np.float64]
    thresholds: NDArray[np.float64] | None = None
    probabilities: NDArray[np.float64] | None = None
    sizes: NDArray[np.intp] | None = None

    def threshold(self, query: int) -> float | None:
        """The threshold of a query's verdict; None where the index cannot say."""
        return None if self.thresholds is None else float(self.thresholds[query])

    def probability(self, query: int, lab: int) -> float | None:
        """Probability (0 to 1) that the query is of the lab; None where the index cannot say."""
        return None if self.probabilities is None else float(self.probabilities[query, lab])

    def size(self, query: int, *, otherwise: int) -> int:
        """How many labs the answer holds: those of the candidate set, if there is one."""
        return otherwise if self.sizes is None else int(self.sizes[query])


def best_named(cosines: NDArray[np.float64], *, named: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The best cosine of a lab with a name, (q, n) -> (q,); NO_CONFIDENCE when there is none."""
    best: NDArray[np.float64] = np.max(cosines[:, named], axis=1, initial=NO_CONFIDENCE)
    return best


def check_promised(
    calibration: Calibration | None, options: ConfidenceOptions, *, path: Path
) -> None:
    """UsageError for a candidate set that the calibration of the index at `path` cannot promise."""
    if options.coverage is None:
        return
    fits = calibration and calibration.sequence.works
    if not fits or options.work not in fits:
        raise UsageError(
            f"the index {path} has no calibration for {options.work} work, so no coverage can be "
            "promised",
            hint="train with more plasmids held out, or ask for a number of labs with -k",
        )


def confidence_of(
    calibration: Calibration | None,
    scores: NDArray[np.float64],
    nearest: NDArray[np.float64] | None,
    *,
    names: Sequence[str],
    featured: NDArray[np.bool_],
    options: ConfidenceOptions = DEFAULT_OPTIONS,
) -> Confidence:
    """Of one index: scores of its classes (q, n), cosines of the nearest plasmids (q,), and which
    queries have features (q,).

    An uncalibrated index has the best score of a named lab as confidence and nothing else; it
    alone needs no nearest plasmids.
    """
    named = named_columns(names)
    if calibration is None:
        return Confidence(best_named(scores, named=named))
    assert nearest is not None, "a calibration weighs the nearest plasmid"
    confidences, thresholds = np.zeros(len(scores)), np.zeros(len(scores))
    row_fits: list[tuple[NDArray[np.intp], WorkFit | None]] = []
    for features, rows in by_features(featured):
        fits: Fits = calibration.fits(features=features)
        query_scores = OpenSetInputs.from_scores(scores[rows], nearest[rows], named=named)
        confidences[rows] = fits.verdicts.open_set.score(query_scores)
        thresholds[rows] = fits.verdicts.threshold(options.false_alarm)
        row_fits.append((rows, fits.works.get(options.work)))
    return with_probabilities(Confidence(confidences, thresholds), scores, row_fits, options)


def by_features(featured: NDArray[np.bool_]) -> list[tuple[bool, NDArray[np.intp]]]:
    """The rows without features and those with, each if there are any."""
    return [
        (features, rows)
        for features in (False, True)
        if len(rows := np.flatnonzero(featured == features))
    ]


def with_probabilities(
    confidence: Confidence,
    scores: NDArray[np.float64],
    row_fits: Sequence[tuple[NDArray[np.intp], WorkFit | None]],
    options: ConfidenceOptions,
) -> Confidence:
    """The same with probabilities and candidate sets, by the fit of each part of the rows; without
    them when a fit is missing."""
    probabilities, sizes = np.zeros(scores.shape), np.ones(len(scores), dtype=np.intp)
    for rows, fit in row_fits:
        if fit is None:
            return confidence
        probabilities[rows] = fit.temperature.probabilities(scores[rows])
        if options.coverage is not None:
            sizes[rows] = set_sizes(probabilities[rows], fit.mass(options.coverage))
    set_size = sizes if options.coverage is not None else None
    return Confidence(confidence.confidences, confidence.thresholds, probabilities, set_size)
