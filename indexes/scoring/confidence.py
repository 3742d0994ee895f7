"""How sure answers are: lab scores of queries and a calibration in; confidences, thresholds,
probabilities and candidate sets out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import WORKS, Work
from vecattr.calibration.calibration import (
    FALSE_ALARM,
    Calibration,
    Fits,
    WorkFit,
    check_false_alarm,
)
from vecattr.calibration.conformal import check_coverage, set_sizes
from vecattr.calibration.expectation import CASES, Expectation
from vecattr.calibration.open_set import OpenSetInputs, named_columns
from vecattr.calibration.outcomes import OUTSIDE, OutcomeFit
from vecattr.errors import UsageError
from vecattr.indexes.scoring.outside_odds import outside_odds
from vecattr.mosaic import Reach
from vecattr.ranking.scores import LOG_RANGE, pooled_scores
from vecattr.vectors import Codes

#: No cosine is lower: the confidence when no lab has a name.
NO_CONFIDENCE = -1.0


@dataclass(frozen=True)
class ConfidenceOptions:
    """What confidences are computed for: how likely each case is before the query is looked at
    (an `expectation`, or a kind of `work` that is certain; all three cases alike unless said), the
    share of plasmids of known labs that may be called unknown (None: unknown is what is likelier
    outside than not), and the coverage of candidate sets (None: no set).

    UsageError for shares out of range, and for both an expectation and a kind of work.

    >>> ConfidenceOptions(work="new", coverage=0.9).cases
    Expectation(known=0.0, new=1.0, outside=0.0)
    """

    work: Work | None = None
    false_alarm: float | None = None
    coverage: float | None = None
    expectation: Expectation | None = None

    def __post_init__(self) -> None:
        if self.work is not None and self.work not in WORKS:
            raise UsageError(f"work is {self.work!r}, expected one of {', '.join(WORKS)}")
        if self.work is not None and self.expectation is not None:
            raise UsageError(
                f"work {self.work} is an expectation of its own, beside {self.expectation}",
                hint="give one of them",
            )
        if self.false_alarm is not None:
            check_false_alarm(self.false_alarm)
        if self.coverage is not None:
            check_coverage(self.coverage)

    @property
    def cases(self) -> Expectation:
        """How likely each case is before the query is looked at."""
        if self.work is not None:
            return Expectation.from_work(self.work)
        return self.expectation or Expectation()

    @property
    def likelier_work(self) -> Work:
        """The kind of work of a known lab that is expected more, for a calibration that cannot
        weigh them; known work when both are expected alike."""
        return "known" if self.cases.known >= self.cases.new else "new"

    @property
    def label(self) -> str:
        """The kind of work when it is certain, else the expectation, as answers state it."""
        certain = [work for work in WORKS if self.cases == Expectation.from_work(work)]
        return certain[0] if certain else str(self.cases)


DEFAULT_OPTIONS = ConfidenceOptions()


@dataclass(frozen=True)
class Confidence:
    """Of q queries and n labs: `confidences` (q,), the `thresholds` that the verdict compares them
    with (q,), `probabilities` (q, n), those of a lab `outside` the index (q,), and the `sizes` of
    candidate sets (q,); None where the index cannot say, or a set was not asked for. `work` is what
    probabilities are for, as `ConfidenceOptions.label`. `cases`: likelihoods of the cases, as
    logarithms (q, 3)."""

    confidences: NDArray[np.float64]
    thresholds: NDArray[np.float64] | None = None
    probabilities: NDArray[np.float64] | None = None
    sizes: NDArray[np.intp] | None = None
    outside: NDArray[np.float64] | None = None
    work: str = "known"
    cases: NDArray[np.float64] | None = None

    def threshold(self, query: int) -> float | None:
        """The threshold of a query's verdict; None where the index cannot say."""
        return None if self.thresholds is None else float(self.thresholds[query])

    def probability(self, query: int, lab: int) -> float | None:
        """Probability (0 to 1) that the query is of the lab; None where the index cannot say."""
        return None if self.probabilities is None else float(self.probabilities[query, lab])

    def outside_probability(self, query: int) -> float | None:
        """Probability that no lab of the index made it; None where the index cannot say."""
        return None if self.outside is None else float(self.outside[query])

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
    if calibration is not None and calibration.weighs_outcomes:
        return
    fits = calibration and calibration.sequence.works
    if not fits or options.likelier_work not in fits:
        raise UsageError(
            f"the index {path} has no calibration for {options.likelier_work} work, so no coverage "
            "can be promised",
            hint="train with more plasmids held out, or ask for a number of labs with -k",
        )


def confidence_of(
    calibration: Calibration | None,
    scores: NDArray[np.float64],
    nearest: NDArray[np.float64] | None,
    *,
    facts: NDArray[np.float64] | None,
    names: Sequence[str],
    classes: tuple[Codes, Sequence[str]],
    featured: NDArray[np.bool_],
    options: ConfidenceOptions = DEFAULT_OPTIONS,
    reaches: Sequence[Reach] | None = None,
) -> Confidence:
    """Of one index: scores of the labs that its answers rank (q, n), facts of its scorer (q, f)
    (None: vectors rank alone), the labs' `names` (n,), the class of each (n,) and the names of
    classes (c,); nearest plasmids and features as in `class_confidence`; how much of each query is
    known (q) (None: that plays no part)."""
    if calibration is None or not calibration.weighs_outcomes:
        return _spread(calibration, scores, nearest, classes, featured, options)
    parts = []
    for features, rows in by_features(featured):
        fit = calibration.fits(features=features).outcome
        assert fit is not None
        row_scores = scores if len(rows) == len(scores) else scores[rows]
        if facts is not None:
            row_facts = facts[rows]
        else:
            assert nearest is not None, "a calibration weighs the nearest plasmid"
            named = named_columns(names)
            row_facts = OpenSetInputs.from_scores(row_scores, nearest[rows], named=named).facts()
        cases = fit.cases.log_likelihoods(row_facts)
        if reaches is not None:
            row_reaches = [reaches[row] for row in rows.tolist()]
            cases[:, OUTSIDE] += outside_odds(fit, row_scores, cases, row_reaches)
        parts.append((rows, weighed(fit, row_scores, cases, options)))
    return _in_place(parts, scores.shape, options)


def weighed(
    fit: OutcomeFit,
    scores: NDArray[np.float64],
    cases: NDArray[np.float64],
    options: ConfidenceOptions,
) -> Confidence:
    """By an outcome fit, from scores (q, n) and the likelihoods of the cases, as logarithms
    (q, 3)."""
    probabilities, outside = fit.weighed(scores, cases, options.cases)
    sizes = None
    if options.coverage is not None:
        sizes = set_sizes(probabilities, fit.mass(options.coverage, options.cases) - outside)
    return Confidence(
        1 - outside,
        np.full(len(scores), fit.threshold(options.false_alarm, options.cases)),
        probabilities,
        sizes,
        outside=outside,
        work=options.label,
        cases=cases,
    )


def _in_place(
    parts: Sequence[tuple[NDArray[np.intp], Confidence]],
    shape: tuple[int, ...],
    options: ConfidenceOptions,
) -> Confidence:
    """The confidences of some of the rows each, as one of scores of this shape (q, n)."""
    count = shape[0]
    if len(parts) == 1:
        return parts[0][1]
    whole = Confidence(
        np.zeros(count),
        np.zeros(count),
        np.zeros(shape),
        None if options.coverage is None else np.ones(count, dtype=np.intp),
        outside=np.zeros(count),
        work=options.label,
        cases=np.zeros((count, len(CASES))),
    )
    for rows, part in parts:
        for name in ("confidences", "thresholds", "probabilities", "sizes", "outside", "cases"):
            column = getattr(whole, name)
            if column is not None:
                column[rows] = getattr(part, name)
    return whole


def _spread(
    calibration: Calibration | None,
    scores: NDArray[np.float64],
    nearest: NDArray[np.float64] | None,
    classes: tuple[Codes, Sequence[str]],
    featured: NDArray[np.bool_],
    options: ConfidenceOptions,
) -> Confidence:
    """By a calibration of classes: the probability of the pool is spread over its labs, in
    proportion to their scores."""
    class_of_lab, class_names = classes
    are_classes = len(class_of_lab) == len(class_names)
    class_count = len(class_names)
    class_scores = (
        scores if are_classes else pooled_scores(scores, class_of_lab, classes=class_count)
    )
    confidence = class_confidence(
        calibration, class_scores, nearest, names=class_names, featured=featured, options=options
    )
    if confidence.probabilities is None or are_classes:
        return confidence
    shares = np.where(scores > -1, np.exp(LOG_RANGE * scores), 0.0)  # (q, n)
    totals = np.zeros(class_scores.shape)
    np.add.at(totals.T, class_of_lab, shares.T)
    weights = confidence.probabilities / np.maximum(totals, np.finfo(float).tiny)
    return replace(confidence, probabilities=shares * weights[:, class_of_lab])


def class_confidence(
    calibration: Calibration | None,
    scores: NDArray[np.float64],
    nearest: NDArray[np.float64] | None,
    *,
    names: Sequence[str],
    featured: NDArray[np.bool_],
    options: ConfidenceOptions = DEFAULT_OPTIONS,
) -> Confidence:
    """Of one index, by a calibration that weighs no outcomes: scores of its classes (q, n), cosines
    of the nearest plasmids (q,), and which queries have features (q,).

    An uncalibrated index has the best score of a named lab as confidence and nothing else; it
    alone needs no nearest plasmids.
    """
    named = named_columns(names)
    work = options.likelier_work
    if calibration is None:
        return Confidence(best_named(scores, named=named), work=work)
    assert nearest is not None, "a calibration weighs the nearest plasmid"
    false_alarm = FALSE_ALARM if options.false_alarm is None else options.false_alarm
    confidences, thresholds = np.zeros(len(scores)), np.zeros(len(scores))
    row_fits: list[tuple[NDArray[np.intp], WorkFit | None]] = []
    for features, rows in by_features(featured):
        fits: Fits = calibration.fits(features=features)
        query_scores = OpenSetInputs.from_scores(scores[rows], nearest[rows], named=named)
        confidences[rows] = fits.verdicts.open_set.score(query_scores)
        thresholds[rows] = fits.verdicts.threshold(false_alarm)
        row_fits.append((rows, fits.works.get(work)))
    confidence = Confidence(confidences, thresholds, work=work)
    return with_probabilities(confidence, scores, row_fits, options)


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
    return replace(confidence, probabilities=probabilities, sizes=set_size)
