"""Calibration after rank fusion: scores of plasmids that no model learned from in; a threshold and
probabilities of the fused answer out.

Ranks carry no confidence, so fusing them destroys probabilities. Here the fused ranking orders the
labs, and the mean cosines, sorted, say how far apart its places are; these are calibrated again, on
plasmids that were held out of all models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import WORKS, Work
from vecattr.calibration.calibration import (
    FALSE_ALARM,
    FEWEST,
    Calibration,
    WorkFit,
    fit_works,
    threshold_for,
)
from vecattr.calibration.calibration_set import HeldOut
from vecattr.calibration.cases import case_probabilities
from vecattr.calibration.open_set import OpenSetInputs, named_columns
from vecattr.calibration.outcomes import OUTSIDE
from vecattr.indexes.scoring.confidence import (
    DEFAULT_OPTIONS,
    Confidence,
    ConfidenceOptions,
    by_features,
    with_probabilities,
)
from vecattr.ranking.rank_fusion import Fusion, aligned_scores, fuse, rank_matched

#: Held-out plasmids of each kind of work that are ranked, because Copeland's method takes about
#: two milliseconds for each.
MOST = 600


@dataclass(frozen=True)
class FusedFits:
    """`margins` of held-out plasmids of known labs and new work, ascending, none when there are
    too few; `works` as for a single index."""

    margins: tuple[float, ...]
    works: Mapping[Work, WorkFit]


def majority(margins: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The median margin, of an even number the lower one, (q,): at least 0 where more than half of
    the indexes are."""
    ordered = np.sort(np.stack(list(margins)), axis=0)  # (v, q)
    decided: NDArray[np.float64] = ordered[(len(ordered) - 1) // 2]
    return decided


def fit_fused(
    calibration_sets: Sequence[HeldOut],
    calibrations: Sequence[Calibration],
    *,
    fusion: Fusion,
    weights: Sequence[float] = (),
    features: bool,
) -> FusedFits:
    """From the held-out plasmids of each model, of which those count that no model learned from
    and that have the same class in all."""
    common = _common(calibration_sets)
    names = tuple(sorted({name for rows in calibration_sets for name in rows.labs.names}))
    if not len(common[0]):
        return FusedFits((), {})
    ballots = np.stack(
        [aligned_scores(rows.scores(features=features), rows.labs.names, names) for rows in common]
    )  # (v, q, n)
    column_of = {name: column for column, name in enumerate(names)}
    first = common[0]
    columns = np.array(
        [column_of[first.labs.names[label]] for label in first.labels], dtype=np.intp
    )
    _, matched = fuse(ballots, fusion=fusion, weights=weights)
    works = fit_works(matched, columns, first.is_new)
    decides_threshold = first.is_new & named_columns(names)[columns]
    margins = _margins(common, calibrations, features=features)[decides_threshold]
    if len(margins) < FEWEST:
        return FusedFits((), works)
    return FusedFits(tuple(np.sort(margins).tolist()), works)


@dataclass(frozen=True)
class FusedCalibration:
    """Of several models, each with its held-out plasmids; fitted when it is first asked for. None
    at all: there is nothing to fit to."""

    models: tuple[tuple[HeldOut, Calibration], ...]
    fusion: Fusion
    weights: tuple[float, ...] = ()

    @cached_property
    def plain(self) -> FusedFits:
        """For queries without features."""
        return self._fit(features=False)

    @cached_property
    def featured(self) -> FusedFits:
        """For queries with features; the plain ones when no model's plasmids have any, because
        then both come from the same cosines."""
        if any(rows.has_features for rows, _ in self.models):
            return self._fit(features=True)
        return self.plain

    def fits(self, *, features: bool) -> FusedFits:
        """For queries with features, or without."""
        return self.featured if features else self.plain

    def member_options(self, options: ConfidenceOptions, *, features: bool) -> ConfidenceOptions:
        """The options of each index before their margins are fused: the default false alarm, which
        the fused margins were fitted with, or without such margins the wanted one, because then
        the indexes' own thresholds decide.

        There are as many margins with features as without; `features` says whose fit to look at,
        so that none is made that the queries do not need.
        """
        fitted = bool(self.fits(features=features).margins)
        return (
            DEFAULT_OPTIONS if fitted else replace(DEFAULT_OPTIONS, false_alarm=options.false_alarm)
        )

    def _fit(self, *, features: bool) -> FusedFits:
        if not self.models:
            return FusedFits((), {})
        calibration_sets, calibrations = zip(*self.models, strict=True)
        return fit_fused(
            calibration_sets,
            calibrations,
            fusion=self.fusion,
            weights=self.weights,
            features=features,
        )


def fused_confidence(
    calibration: FusedCalibration,
    confidences: Sequence[Confidence],
    matched: NDArray[np.float64],
    featured: NDArray[np.bool_],
    options: ConfidenceOptions,
) -> Confidence:
    """From the confidence of each index, the cosines of `rank_matched` (q, n), and which queries
    have features (q,).

    Confidences are margins over the threshold of the deciding index, of the calibrated ones if
    there are any; the indexes had the options of `FusedCalibration.member_options`.
    """
    margins = [
        index_confidence.confidences - index_confidence.thresholds
        for index_confidence in confidences
        if index_confidence.thresholds is not None
    ]
    work = options.likelier_work
    if not margins:
        return Confidence(
            majority([index_confidence.confidences for index_confidence in confidences]), work=work
        )
    thresholds = np.zeros(len(matched))
    row_fits = []
    for features, rows in by_features(featured):
        fits = calibration.fits(features=features)
        if fits.margins:
            false_alarm = FALSE_ALARM if options.false_alarm is None else options.false_alarm
            thresholds[rows] = threshold_for(fits.margins, false_alarm)
        row_fits.append((rows, fits.works.get(work)))
    confidence = Confidence(majority(margins), thresholds, work=work)
    return with_probabilities(confidence, matched, row_fits, options)


@dataclass(frozen=True)
class Members:
    """What the v indexes of a panel, which weigh labs that they do not know, say by themselves of q
    queries: `confidences`; probabilities of the panel's n classes, 0 of those that an index does
    not know (v, q, n); `OpenedPanel.shared_labs` (v, v); and how much each index counts, none where
    all count alike."""

    confidences: Sequence[Confidence]
    probabilities: NDArray[np.float64]
    shared_labs: NDArray[np.float64]
    weights: tuple[float, ...] = ()

    def shares(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean probabilities of classes, as if one of them were true, handed out in the order
        of the fused scores (q, n)."""
        means = np.average(self.probabilities, axis=0, weights=self.weights or None)
        totals = means.sum(axis=1, keepdims=True)
        return rank_matched(scores, means / np.maximum(totals, np.finfo(float).tiny))


def weighing_outside(
    confidence: Confidence,
    calibration: FusedCalibration,
    members: Members,
    matched: NDArray[np.float64],
    featured: NDArray[np.bool_],
    options: ConfidenceOptions,
) -> Confidence:
    """A fused confidence that also weighs labs which no index knows; `matched`, whose order is that
    of the fused ranking, `featured` and the options as in `fused_confidence`.

    Shares of labs are those that were fitted, else `Members.shares`. Verdicts follow from the
    probabilities, as those of one index do.
    """
    shared_labs = members.shared_labs * np.array(members.weights or 1.0)
    cases = fused_cases([of_cases(member) for member in members.confidences], shared_labs)
    weights = case_probabilities(cases, options.cases)  # (q, 3)
    probabilities = members.shares(matched) * (1 - weights[:, OUTSIDE, None])
    for features, rows in by_features(featured):
        works = calibration.fits(features=features).works
        fits = [works.get(work) or next(iter(works.values())) for work in WORKS if works]
        if fits:
            shares = [fit.temperature.probabilities(matched[rows]) for fit in fits]
            probabilities[rows] = np.einsum("wqn,qw->qn", np.stack(shares), weights[rows, :2])
    thresholds = [one.thresholds for one in members.confidences if one.thresholds is not None]
    return replace(
        confidence,
        confidences=1 - weights[:, OUTSIDE],
        thresholds=np.mean(thresholds, axis=0),
        probabilities=probabilities,
        outside=weights[:, OUTSIDE],
        work=options.label,
        cases=cases,
    )


def of_cases(member: Confidence) -> NDArray[np.float64]:
    """The likelihoods of the cases, as logarithms (q, 3), of an index that weighs them."""
    assert member.cases is not None, "an index that weighs outside labs"
    return member.cases


def fused_cases(
    cases: Sequence[NDArray[np.float64]], shared_labs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The likelihoods of the cases, as logarithms, by v indexes (q, 3), as those of all (q, 3).

    A lab is outside of all when it is outside of each: the index that speaks least for an outside
    lab decides. The others count as far as they know its labs, (v, v): indexes of the same labs are
    averaged, and one of other labs, to which these are strangers, has no say.
    """
    stacked = np.stack(list(cases))  # (v, q, 3)
    inside = np.logaddexp(stacked[:, :, 0], stacked[:, :, 1])
    deciding = (stacked[:, :, OUTSIDE] - inside).argmin(axis=0)  # (q,)
    weights = shared_labs[deciding]  # (q, v)
    weights = weights / weights.sum(axis=1, keepdims=True)
    fused: NDArray[np.float64] = np.einsum("qv,vqc->qc", weights, stacked)
    return fused


def _margins(
    common: Sequence[HeldOut], calibrations: Sequence[Calibration], *, features: bool
) -> NDArray[np.float64]:
    """How far each plasmid is above the threshold of the deciding model, (q,)."""
    margins = []
    for rows, calibration in zip(common, calibrations, strict=True):
        verdicts = calibration.fits(features=features).verdicts
        inputs = OpenSetInputs.from_scores(
            rows.scores(features=features),
            rows.nearest,
            named=named_columns(rows.labs.names),
        )
        margins.append(verdicts.open_set.score(inputs) - verdicts.threshold(FALSE_ALARM))
    return majority(margins)


def _common(calibration_sets: Sequence[HeldOut]) -> list[HeldOut]:
    """The same plasmids of each, at most MOST of each kind of work, spread over all."""
    row_of = [{name: row for row, name in enumerate(rows.ids)} for rows in calibration_sets]
    first = calibration_sets[0]
    ids: list[str] = []
    for is_new in (False, True):
        agreed = [
            name
            for row, name in enumerate(first.ids)
            if first.is_new[row] == is_new and _is_agreed(name, calibration_sets, row_of)
        ]
        ids += agreed[:: max(1, -(-len(agreed) // MOST))]
    return [
        rows.where(np.array([model_row_of[name] for name in ids], dtype=np.intp))
        for rows, model_row_of in zip(calibration_sets, row_of, strict=True)
    ]


def _is_agreed(
    name: str, calibration_sets: Sequence[HeldOut], row_of: Sequence[dict[str, int]]
) -> bool:
    """Did no model learn from this plasmid, and has it the same class and work in all?"""
    if not all(name in model_row_of for model_row_of in row_of):
        return False
    truths = {
        (rows.labs.names[rows.labels[model_row_of[name]]], bool(rows.is_new[model_row_of[name]]))
        for rows, model_row_of in zip(calibration_sets, row_of, strict=True)
    }
    return len(truths) == 1
