"""Calibration: verdicts, probabilities and sets from held-out plasmids."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vecattr.calibration.calibration import fit_calibration, threshold_for
from vecattr.calibration.calibration_file import read_calibration
from vecattr.calibration.calibration_set import HeldOut
from vecattr.calibration.open_set import OpenSetInputs
from vecattr.encoders.model_folder import CALIBRATION_FILE
from vecattr.errors import DamagedError, MismatchError, UsageError
from vecattr.plasmid import POOLED
from vecattr.vectors import EmbeddingTable, unit_rows


def held_out_plasmids(
    *, queries: int = 400, labs: int = 12, width: int = 16, features: bool = False, seed: int = 0
) -> HeldOut:
    """Plasmids near the vectors of their labs: those of known work nearer than those of new."""
    rng = np.random.default_rng(seed)
    names = (POOLED, *(f"L{lab}" for lab in range(1, labs)))
    vectors = unit_rows(rng.normal(size=(labs, width)).astype(np.float32))
    labels = rng.integers(labs, size=queries)
    is_new = np.arange(queries) % 2 == 0
    spread = np.where(is_new, 0.45, 0.2)[:, None] * rng.normal(size=(queries, width))
    bare = unit_rows((vectors[labels] + spread).astype(np.float32))
    full = unit_rows((vectors[labels] + spread / 2).astype(np.float32)) if features else bare
    nearest = np.where(is_new, 0.7, 0.9) + rng.normal(0, 0.05, queries)
    return HeldOut(
        ids=tuple(f"p{row}" for row in range(queries)),
        labels=labels,
        is_new=is_new,
        full=full,
        bare=bare,
        nearest=np.clip(nearest, -1, 1).astype(np.float32),
        nearest_other=np.clip(nearest - 0.3, -1, 1).astype(np.float32),
        labs=EmbeddingTable(names, vectors),
    )


def test_the_threshold_calls_the_wanted_share_of_new_work_unknown() -> None:
    held_out = held_out_plasmids()
    fitted = fit_calibration(held_out, source="made")
    assert fitted is not None
    named = np.array([name != POOLED for name in held_out.labs.names])
    scores = OpenSetInputs.from_scores(
        held_out.scores(features=False), held_out.nearest.astype(float), named=named
    )
    confidences = fitted.sequence.verdicts.open_set.score(scores)
    judged = confidences[held_out.is_new & named[held_out.labels]]
    for share in (0.05, 0.2):
        threshold = fitted.sequence.verdicts.threshold(share)
        assert np.mean(judged < threshold) == pytest.approx(share, abs=0.01)
    assert fitted.false_alarm == pytest.approx(0.05, abs=0.01)
    assert fitted.named == len(judged)


def test_hidden_labs_have_lower_open_set_scores() -> None:
    held_out = held_out_plasmids()
    fitted = fit_calibration(held_out, source="made")
    assert fitted is not None
    named = np.array([name != POOLED for name in held_out.labs.names])
    cosines = held_out.scores(features=False)
    hidden = cosines.copy()
    hidden[np.arange(len(held_out)), held_out.labels] = -1
    score = fitted.sequence.verdicts.open_set.score
    known = score(OpenSetInputs.from_scores(cosines, held_out.nearest.astype(float), named=named))
    strange = score(
        OpenSetInputs.from_scores(hidden, held_out.nearest_other.astype(float), named=named)
    )
    assert np.mean(known[:, None] > strange[None, :]) > 0.9


def test_known_work_is_stated_with_more_confidence_than_new_work() -> None:
    held_out = held_out_plasmids()
    fitted = fit_calibration(held_out, source="made")
    assert fitted is not None
    cosines = held_out.scores(features=False)
    works = fitted.sequence.works
    for work, rows in ("known", ~held_out.is_new), ("new", held_out.is_new):
        best = works[work].temperature.probabilities(cosines[rows]).max(axis=1)
        right = cosines[rows].argmax(axis=1) == held_out.labels[rows]
        assert best.mean() == pytest.approx(right.mean(), abs=0.05)
    both = [fit.temperature.probabilities(cosines).max(axis=1).mean() for fit in works.values()]
    assert both[0] > both[1]


def test_queries_with_features_have_fits_of_their_own() -> None:
    fitted = fit_calibration(held_out_plasmids(features=True), source="made")
    assert fitted is not None
    assert fitted.fits(features=True) != fitted.fits(features=False)
    plain = fit_calibration(held_out_plasmids(), source="made")
    assert plain is not None
    assert plain.features is None
    assert plain.fits(features=True) == plain.fits(features=False)


def test_a_kind_of_work_without_plasmids_has_no_probabilities() -> None:
    held_out = held_out_plasmids()
    fitted = fit_calibration(held_out.where(held_out.is_new), source="made")
    assert fitted is not None
    assert set(fitted.sequence.works) == {"new"}


def test_too_few_rows_of_new_work_give_no_calibration() -> None:
    held_out = held_out_plasmids()
    assert fit_calibration(held_out.where(~held_out.is_new), source="made") is None
    assert fit_calibration(held_out.where(np.arange(30)), source="made") is None


def test_ties_never_push_the_rate_above_what_was_asked() -> None:
    scores = (0.2,) * 50 + (0.9,) * 50
    assert np.mean(np.array(scores) < threshold_for(scores, 0.3)) == 0


@pytest.mark.parametrize("share", [-0.1, 1.0, 3.0])
def test_a_false_alarm_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="false alarm"):
        threshold_for((0.1, 0.2), share)


def test_a_calibration_survives_its_file(tmp_path: Path) -> None:
    fitted = fit_calibration(held_out_plasmids(features=True), source="made")
    assert fitted is not None
    assert read_calibration(tmp_path) is None
    (tmp_path / CALIBRATION_FILE).write_bytes(fitted.to_json())
    again = read_calibration(tmp_path)
    assert again is not None
    assert again.to_json() == fitted.to_json()
    assert again.weighs_outcomes
    assert again.labs is None


def test_a_calibration_names_its_labs(tmp_path: Path) -> None:
    fitted = fit_calibration(held_out_plasmids(features=False), source="made")
    assert fitted is not None
    dated = replace(fitted, labs=frozenset(("b", "a")))
    content = dated.to_json()
    (tmp_path / CALIBRATION_FILE).write_bytes(content)
    assert read_calibration(tmp_path) == dated
    (tmp_path / CALIBRATION_FILE).write_bytes(content.replace(b'"a"', b"1"))
    with pytest.raises(DamagedError):
        read_calibration(tmp_path)


def test_the_file_keeps_the_names_of_its_format() -> None:
    fitted = fit_calibration(held_out_plasmids(features=True), source="made")
    assert fitted is not None
    assert fitted.features is not None
    data = json.loads(fitted.to_json())
    assert {*data} == {"version", "rows", "named", "source", "sequence", "features"}
    for fits, name in ((fitted.sequence, "sequence"), (fitted.features, "features")):
        assert data[name]["verdicts"] == {
            "familiarity": {"weights": list(fits.verdicts.open_set.weights)},
            "scores": list(fits.verdicts.scores),
        }
        assert {*data[name]["works"]} == {"known", "new"}
        assert {*data[name]["works"]["new"]} == {"temperature", "masses"}


def test_a_calibration_without_known_work_survives_its_file(tmp_path: Path) -> None:
    held_out = held_out_plasmids()
    fitted = fit_calibration(held_out.where(held_out.is_new), source="made")
    assert fitted is not None
    (tmp_path / CALIBRATION_FILE).write_bytes(fitted.to_json())
    assert read_calibration(tmp_path) == fitted


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(sequence=3),
        lambda data: data["sequence"]["verdicts"].update(scores=[3, 1, 2]),
        lambda data: data["sequence"]["verdicts"].update(scores=[]),
        lambda data: data["sequence"]["works"]["new"].pop("temperature"),
        lambda data: data.pop("rows"),
    ],
)
def test_an_unreadable_calibration_is_named(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    fitted = fit_calibration(held_out_plasmids(), source="made")
    assert fitted is not None
    data = json.loads(fitted.to_json())
    change(data)
    (tmp_path / CALIBRATION_FILE).write_text(json.dumps(data))
    with pytest.raises(DamagedError, match=CALIBRATION_FILE):
        read_calibration(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', "nothing"])
def test_what_is_no_calibration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(text)
    with pytest.raises(DamagedError, match=CALIBRATION_FILE):
        read_calibration(tmp_path)


def test_a_calibration_of_another_version_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION_FILE).write_text('{"version": 9}')
    with pytest.raises(MismatchError, match="version 9"):
        read_calibration(tmp_path)


def test_a_summary_tells_rows_and_rates() -> None:
    fitted = fit_calibration(held_out_plasmids(), source="made")
    assert fitted is not None
    summary = fitted.summary()
    assert summary["rows"] == 400
    assert summary["works"] == ["known", "new"]
    assert json.dumps(summary)
