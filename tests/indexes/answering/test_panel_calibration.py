"""Calibration after fusion: plain loops agree, and what is claimed holds on fresh plasmids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vecattr.attribution import Work
from vecattr.calibration.calibration import FALSE_ALARM, Calibration, fit_calibration, threshold_for
from vecattr.calibration.calibration_set import HeldOut
from vecattr.calibration.open_set import OpenSetInputs
from vecattr.encoders.model_folder import CALIBRATION_FILE, HELD_OUT_FILE
from vecattr.errors import DamagedError, UsageError
from vecattr.indexes.answering.panel_calibration import (
    MOST,
    FusedCalibration,
    Members,
    fit_fused,
    fused_cases,
    majority,
    weighing_outside,
)
from vecattr.indexes.index import Index, Panel
from vecattr.indexes.scoring.confidence import (
    DEFAULT_OPTIONS,
    Confidence,
    ConfidenceOptions,
    class_confidence,
    confidence_of,
)
from vecattr.plasmid import POOLED
from vecattr.ranking.rank_fusion import FUSIONS, Fusion, fused_scores, rank_matched
from vecattr.vectors import EmbeddingTable, unit_rows

NAMES = (*(f"L{lab:02}" for lab in range(1, 12)), POOLED)
NAMED = np.array([name != POOLED for name in NAMES])


def made(*, queries: int = 600, voters: int = 3, width: int = 16, seed: int = 0) -> list[HeldOut]:
    """The same plasmids as several models see them, near the vectors of their labs: those of known
    work nearer than those of new. The labs' vectors do not depend on the seed."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(len(NAMES), size=queries)
    is_new = np.arange(queries) % 2 == 0
    spread = np.where(is_new, 0.6, 0.35) * rng.uniform(0.5, 1.5, queries)  # hard ones for all
    sheets = []
    for voter in range(voters):
        labs = np.random.default_rng(voter).normal(size=(len(NAMES), width))
        vectors = unit_rows(labs)
        rows = vectors[labels] + spread[:, None] * rng.normal(size=(queries, width))
        nearest = np.where(is_new, 0.7, 0.9) + rng.normal(0, 0.03, queries)
        sheets.append(
            HeldOut(
                ids=tuple(f"p{row}" for row in range(queries)),
                labels=labels,
                is_new=is_new,
                full=unit_rows(rows),
                bare=unit_rows(rows),
                nearest=nearest.astype(np.float32),
                nearest_other=(nearest - 0.3).astype(np.float32),
                labs=EmbeddingTable(NAMES, vectors),
            )
        )
    return sheets


def calibrations(sheets: list[HeldOut]) -> list[Calibration]:
    found = [fit_calibration(sheet, source="made") for sheet in sheets]
    return [one for one in found if one is not None]


def matched_of(sheets: list[HeldOut], fusion: Fusion) -> NDArray[np.float64]:
    ballots = np.stack([sheet.scores(features=False) for sheet in sheets])
    fused = fused_scores(ballots, fusion=fusion)
    return fused if fusion == "shares" else rank_matched(fused, ballots.mean(axis=0))


def margins_of(sheets: list[HeldOut], judges: list[Calibration]) -> list[float]:
    """The median over the models of confidence less threshold, a plasmid at a time."""
    margins = []
    for sheet, judge in zip(sheets, judges, strict=True):
        verdicts = judge.sequence.verdicts
        cosines = sheet.scores(features=False)
        scores = OpenSetInputs.from_scores(cosines, sheet.nearest.astype(float), named=NAMED)
        margins.append(verdicts.open_set.score(scores) - verdicts.threshold(FALSE_ALARM))
    return [sorted(mine)[(len(mine) - 1) // 2] for mine in zip(*margins, strict=True)]


@pytest.mark.parametrize("voters", [1, 2, 3, 4, 5])
def test_the_majority_is_at_least_0_where_more_than_half_are(voters: int) -> None:
    margins = np.random.default_rng(voters).normal(size=(voters, 200))
    decided = majority(list(margins))
    for mine, found in zip(margins.T.tolist(), decided.tolist(), strict=True):
        assert found in mine
        assert (found >= 0) == (sum(margin >= 0 for margin in mine) > voters / 2)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("work", ["known", "new"])
def test_fused_probabilities_hold_on_fresh_plasmids(fusion: Fusion, work: Work) -> None:
    sheets = made()
    fits = fit_fused(sheets, calibrations(sheets), fusion=fusion, features=False)
    fresh = made(seed=1, queries=1200)
    rows = fresh[0].is_new == (work == "new")
    matched = matched_of(fresh, fusion)[rows]
    stated = fits.works[work].temperature.probabilities(matched)
    right = matched.argmax(axis=1) == fresh[0].labels[rows]
    assert 0.3 < right.mean() < 0.98  # else there would be nothing to tell
    assert stated.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.05)


def test_the_fused_threshold_calls_the_asked_share_of_new_work_unknown() -> None:
    sheets = made(queries=1000)
    judges = calibrations(sheets)
    fits = fit_fused(sheets, judges, fusion="rrf", features=False)
    fresh = made(seed=1, queries=2000)
    judged = fresh[0].is_new & NAMED[fresh[0].labels]
    margins = np.array(margins_of(fresh, judges))[judged]
    for share in (0.05, 0.2):
        assert np.mean(margins < threshold_for(fits.margins, share)) == pytest.approx(
            share, abs=0.04
        )


def test_margins_are_those_of_known_labs_and_new_work() -> None:
    sheets = made(queries=300)
    judges = calibrations(sheets)
    fits = fit_fused(sheets, judges, fusion="rrf", features=False)
    first = sheets[0]
    judged = (first.is_new & NAMED[first.labels]).tolist()
    pairs = zip(margins_of(sheets, judges), judged, strict=True)
    assert list(fits.margins) == pytest.approx(
        sorted(margin for margin, is_judged in pairs if is_judged)
    )


def test_plasmids_count_that_are_held_out_of_all_models_with_one_class_and_work() -> None:
    sheets = made(queries=300)
    judges = calibrations(sheets)
    lacking = sheets[1].where(np.arange(300) >= 40)
    labels, is_new = sheets[2].labels.copy(), sheets[2].is_new.copy()
    labels[40:80] = (labels[40:80] + 1) % len(NAMES)
    is_new[80:120] = ~is_new[80:120]
    other = replace(sheets[2], labels=labels, is_new=is_new)
    shuffled = other.where(np.random.default_rng(2).permutation(300))
    found = fit_fused([sheets[0], lacking, shuffled], judges, fusion="rrf", features=False)
    common = [sheet.where(np.arange(300) >= 120) for sheet in sheets]
    assert found == fit_fused(common, judges, fusion="rrf", features=False)
    assert found != fit_fused(sheets, judges, fusion="rrf", features=False)


def test_many_plasmids_are_thinned_out() -> None:
    sheets = made(queries=3 * 2 * MOST, voters=2)
    fits = fit_fused(sheets, calibrations(sheets), fusion="rrf", features=False)
    assert MOST / 2 < len(fits.works["new"].masses) <= MOST


def test_featured_queries_have_fits_of_their_own_where_a_model_knows_features() -> None:
    bare = made(queries=300)
    turned = unit_rows(bare[1].full + 0.3 * np.eye(1, bare[1].full.shape[1]))
    for sheets, has_features in ((bare, False), ([bare[0], replace(bare[1], full=turned)], True)):
        models = tuple(zip(sheets, calibrations(sheets), strict=True))
        fitted = FusedCalibration(models, "rrf")
        assert fitted.featured == fit_fused(*zip(*models, strict=True), fusion="rrf", features=True)
        assert (fitted.featured != fitted.plain) == has_features
        assert (fitted.featured is fitted.plain) != has_features  # nothing is fitted twice


def test_few_plasmids_give_no_fits() -> None:
    sheets = made(queries=300)
    judges = calibrations(sheets)
    few = [sheet.where(np.arange(30)) for sheet in sheets]
    fits = fit_fused(few, judges, fusion="rrf", features=False)
    assert (fits.margins, dict(fits.works)) == ((), {})
    strangers = replace(sheets[1], ids=tuple(f"q{row}" for row in range(300)))
    fits = fit_fused([sheets[0], strangers], judges[:2], fusion="rrf", features=False)
    assert (fits.margins, dict(fits.works)) == ((), {})


def panel_of(
    workshop: Any, folder: Path, sheets: list[HeldOut], *, weighs_outside: bool = False
) -> Panel:
    """Indexes whose models had these plasmids held out."""
    opened = []
    for number, sheet in enumerate(sheets):
        model = workshop.calibrated_model(folder / f"m{number}", cosine=-0.5)
        (model / HELD_OUT_FILE).write_bytes(sheet.to_bytes())
        if weighs_outside:
            [calibration] = calibrations([sheet])
            (model / CALIBRATION_FILE).write_bytes(calibration.to_json())
        path = folder / f"i{number}"
        workshop.build(path, workshop.plasmids(NAMES[:6], seed=number), model=model)
        opened.append(workshop.open(path))
    return Panel(tuple(opened))


def spread(workshop: Any, low: float) -> Calibration:
    """One whose threshold grows evenly with the false alarm, from `low` to a confidence of 1."""
    usual: Calibration = workshop.calibration(0.0)
    scores = tuple(np.linspace(low, 1.0, 100).tolist())
    verdicts = replace(usual.sequence.verdicts, scores=scores)
    return replace(usual, sequence=replace(usual.sequence, verdicts=verdicts))


def test_a_panel_with_plasmids_in_common_is_calibrated(tmp_path: Path, workshop: Any) -> None:
    panel = panel_of(workshop, tmp_path, made(queries=100))
    [query] = workshop.plasmids(NAMES[:1], each=1, seed=9)
    answers = [
        next(
            iter(
                panel.query_many(
                    [query], k=6, options=ConfidenceOptions(work=work, false_alarm=share)
                )
            )
        )
        for work, share in (("known", 0.05), ("new", 0.5))
    ]
    shares = [[hit.probability for hit in answer.labs] for answer in answers]
    for mine in shares:
        assert sum(mine) == pytest.approx(1)
        assert mine == sorted(mine, reverse=True)  # in the order of the fused ranking
    assert shares[0] != shares[1]
    assert answers[0].threshold < answers[1].threshold
    [answer] = panel.query_many([query], options=ConfidenceOptions(coverage=0.9))
    assert answer.coverage == 0.9
    assert "candidate set" in " ".join(answer.notes)


def test_indexes_of_the_same_labs_are_averaged_and_of_other_labs_the_surest_decides() -> None:
    cases = [np.array([[0.0, -1.0, 2.0], [0.0, 0.0, -3.0]]), np.array([[0.0, 1.0, 4.0]] * 2)]
    means = np.mean(cases, axis=0)
    assert fused_cases(cases, np.ones((2, 2))) == pytest.approx(means)
    apart = fused_cases(cases, np.eye(2))
    assert apart.tolist() == cases[0].tolist()  # the first speaks less for an outside lab
    half = fused_cases(cases, np.array([[1, 0.5], [0.5, 1]]))
    assert half == pytest.approx((2 * cases[0] + cases[1]) / 3)


def member_confidences(
    sheets: list[HeldOut], judges: list[Calibration], *, hidden: bool
) -> tuple[list[Confidence], Confidence, NDArray[np.float64]]:
    """Of each model by itself, and fused without outside labs; as if each plasmid's own lab were
    unknown when that is `hidden`."""
    names, classes = NAMES, np.arange(len(NAMES))
    featured = np.zeros(len(sheets[0]), dtype=bool)
    members, plain, ballots = [], [], []
    for sheet, judge in zip(sheets, judges, strict=True):
        scores = sheet.scores(features=False)
        scores = sheet.without_true_lab(scores) if hidden else scores
        nearest = (sheet.nearest_other if hidden else sheet.nearest).astype(np.float64)
        members.append(
            confidence_of(
                judge, scores, nearest, facts=None, names=names, classes=(classes, names),
                featured=featured,
            )
        )  # fmt: skip
        plain.append(class_confidence(judge, scores, nearest, names=names, featured=featured))
        ballots.append(scores)
    fused = fused_scores(np.stack(ballots), fusion="copeland")
    matched = rank_matched(fused, np.mean(ballots, axis=0))
    return members, plain[0], matched


def members_of(confidences: list[Confidence]) -> Members:
    """Of indexes with the same labs."""
    probabilities = [one.probabilities for one in confidences if one.probabilities is not None]
    return Members(confidences, np.stack(probabilities), np.ones((len(probabilities),) * 2))


def test_the_fused_probability_of_an_outside_lab_holds_on_fresh_plasmids() -> None:
    """Known and new work of known labs, and as many plasmids whose lab is hidden, each a third."""
    sheets = made(queries=900)
    judges = calibrations(sheets)
    calibration = FusedCalibration(tuple(zip(sheets, judges, strict=True)), "copeland")
    fresh = [sheet.where(NAMED[sheet.labels]) for sheet in made(queries=900, seed=1)]
    stated, truth, weights = [], [], []
    for hidden in (False, True):
        members, plain, matched = member_confidences(fresh, judges, hidden=hidden)
        featured = np.zeros(len(matched), dtype=bool)
        for fitted in (calibration, FusedCalibration((), "copeland")):
            fused = weighing_outside(
                plain, fitted, members_of(members), matched, featured, DEFAULT_OPTIONS
            )
            assert fused.probabilities is not None
            assert fused.outside is not None
            assert fused.probabilities.sum(axis=1) + fused.outside == pytest.approx(1)
            order = np.argsort(-matched, axis=1, kind="stable")
            falling = np.take_along_axis(fused.probabilities, order, axis=1)
            assert np.all(np.diff(falling, axis=1) <= 1e-12)
        assert fused.outside is not None
        stated.append(fused.outside)
        truth.append(np.full(len(matched), hidden))
        weights.append(np.full(len(matched), 1.0 if hidden else 2.0))
    outside, is_outside = np.concatenate(stated), np.concatenate(truth)
    weight = np.concatenate(weights)
    assert np.average(outside, weights=weight) == pytest.approx(1 / 3, abs=0.08)
    likely = outside > 0.5
    assert np.average(is_outside[likely], weights=weight[likely]) > 0.6
    assert np.average(is_outside[~likely], weights=weight[~likely]) < 0.2


def test_a_panel_whose_indexes_weigh_outside_labs_does_so(tmp_path: Path, workshop: Any) -> None:
    panel = panel_of(workshop, tmp_path, made(queries=300), weighs_outside=True)
    [query] = workshop.plasmids(NAMES[:1], each=1, seed=9)
    [answer] = panel.query_many([query], k=50)
    assert answer.outside is not None
    total = sum(hit.probability for hit in answer.labs) + answer.outside
    assert total == pytest.approx(1)
    assert answer.confidence == pytest.approx(1 - answer.outside)
    assert answer.threshold == 0.5
    assert (answer.verdict == "known") == (answer.confidence >= 0.5)
    assert (answer.confidence_name, answer.strength is None) == ("confidence", False)
    assert answer.work == "1:1:1"
    assert answer.right_share is None  # it was not measured
    assert "outside all of them" in answer.notes[-1]
    first, second = made(queries=300, voters=2)
    strangers = replace(second, ids=tuple(f"q{row}" for row in range(300)))
    (tmp_path / "apart").mkdir()
    apart = panel_of(workshop, tmp_path / "apart", [first, strangers], weighs_outside=True)
    [derived] = apart.query_many([query], k=50)
    total = sum(hit.probability for hit in derived.labs) + derived.outside
    assert total == pytest.approx(1)
    shares = [hit.probability for hit in derived.labs]
    assert shares == sorted(shares, reverse=True)
    assert derived.notes[-1].endswith("tells probabilities")
    [certain] = panel.query_many([query], options=ConfidenceOptions(work="known"))
    assert (certain.outside, certain.verdict) == (0.0, "known")
    [covering] = panel.query_many([query], options=ConfidenceOptions(coverage=0.9))
    assert covering.coverage == 0.9


def test_a_panel_without_plasmids_in_common_still_gives_a_verdict(
    tmp_path: Path, workshop: Any
) -> None:
    first, second = made(queries=100, voters=2)
    strangers = replace(second, ids=tuple(f"q{row}" for row in range(100)))
    panel = panel_of(workshop, tmp_path, [first, strangers])
    [query] = workshop.plasmids(NAMES[:1], each=1, seed=9)
    [answer] = panel.query_many([query])
    assert (answer.verdict, answer.threshold) == ("known", 0.0)
    assert {hit.probability for hit in answer.labs} == {None}
    with pytest.raises(UsageError, match="no coverage can be promised for their fusion"):
        panel.query_many([query], options=ConfidenceOptions(coverage=0.9))


def test_a_false_alarm_moves_the_verdict_of_indexes_without_plasmids_in_common(
    tmp_path: Path, workshop: Any
) -> None:
    embedder, opened = workshop.feature_aware(), []
    for place in range(3):
        model = workshop.calibrated_model(tmp_path / f"m{place}", cosine=0.0)
        plain, full = (spread(workshop, low) for low in (0.1 * place, 0.1 * place + 0.05))
        calibration = replace(plain, features=full.sequence)
        (model / CALIBRATION_FILE).write_bytes(calibration.to_json())
        path = tmp_path / f"i{place}"
        workshop.build(path, workshop.plasmids(NAMES[:6]), model=model, embedder=embedder)
        opened.append(Index.open(path, embedder=embedder))
    queries = workshop.plasmids(NAMES[:1], each=2, seed=9)  # the second has features
    verdicts = []
    for share in (0.0, 0.05, 0.3, 0.6, 0.95):
        options = ConfidenceOptions(false_alarm=share)
        singles = [list(index.query_many(queries, options=options)) for index in opened]
        assert singles[0][0].threshold < singles[0][1].threshold
        answers = list(Panel(tuple(opened)).query_many(queries, options=options))
        for answer, *mine in zip(answers, *singles, strict=True):
            margins = sorted(single.confidence - single.threshold for single in mine)
            assert (answer.confidence, answer.threshold) == (pytest.approx(margins[1]), 0.0)
            known = sum(single.verdict == "known" for single in mine)
            assert answer.verdict == ("known" if known >= 2 else "unknown")
        verdicts.append([answer.verdict for answer in answers])
    assert verdicts[0] == ["known", "known"]
    assert verdicts[-1] == ["unknown", "unknown"]


def test_held_out_plasmids_that_are_not_those_of_the_index_are_refused(
    tmp_path: Path, workshop: Any
) -> None:
    panel = panel_of(workshop, tmp_path, made(queries=100, voters=2))
    other = made(queries=100, voters=1, seed=7)[0].to_bytes()
    (tmp_path / "i1" / "model" / HELD_OUT_FILE).write_bytes(other)  # of the same size
    with pytest.raises(DamagedError, match=HELD_OUT_FILE):
        list(panel.query_many(workshop.plasmids(NAMES[:1], each=1)))


def test_held_out_plasmids_that_no_manifest_names_do_not_count(
    tmp_path: Path, workshop: Any
) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(NAMES[:2]))
    (tmp_path / "i" / "model" / HELD_OUT_FILE).write_bytes(made(voters=1)[0].to_bytes())
    assert workshop.open(tmp_path / "i").held_out is None
