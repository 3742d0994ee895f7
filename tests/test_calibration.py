"""The verdict's threshold and its measured rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vecattr.calibration import CALIBRATION_FILE, fit_calibration, read_calibration
from vecattr.errors import DamagedError


def test_the_threshold_calls_the_wanted_share_unknown() -> None:
    confidences = np.random.default_rng(0).random(200)
    fitted = fit_calibration(confidences, false_alarm=0.05, source="made")
    assert fitted is not None
    assert fitted.false_alarm == pytest.approx(0.05)
    assert np.mean(confidences < fitted.threshold) == pytest.approx(0.05)


def test_ties_never_push_the_rate_above_what_was_asked() -> None:
    fitted = fit_calibration(np.array([0.2] * 50 + [0.9] * 50), false_alarm=0.3, source="made")
    assert fitted is not None
    assert fitted.false_alarm == 0


def test_too_few_rows_give_no_threshold() -> None:
    assert fit_calibration(np.array([0.5] * 10), false_alarm=0.05, source="made") is None


def test_a_calibration_survives_its_file(tmp_path: Path) -> None:
    fitted = fit_calibration(np.linspace(0, 1, 100), false_alarm=0.1, source="made")
    assert fitted is not None
    assert read_calibration(tmp_path) is None
    (tmp_path / CALIBRATION_FILE).write_bytes(fitted.to_json())
    assert read_calibration(tmp_path) == fitted


def test_an_unreadable_calibration_is_named(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION_FILE).write_text('{"threshold": "high"}')
    with pytest.raises(DamagedError, match=CALIBRATION_FILE):
        read_calibration(tmp_path)
