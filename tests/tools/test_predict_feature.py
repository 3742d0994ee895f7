"""The example of embeddings as features runs, and its figures are what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "predict_feature.py"


def test_a_column_that_the_vectors_show_is_predicted_and_chance_is_not(tmp_path: Path) -> None:
    if not TOOL.exists():
        pytest.skip("not in a checkout")
    rng = np.random.default_rng(0)
    shown, hidden = rng.random((2, 400)) < 0.3
    rows: Any = np.empty(400, dtype=[("id", "U4"), ("vector", "f4", (3,))])
    rows["id"] = [f"p{row}" for row in range(400)]
    rows["vector"] = rng.normal(size=(400, 3)) + 6 * shown[:, None]
    lines = [
        f"p{row},ACGT,{int(shown[row])},{int(hidden[row]) if row != 399 else ''}"
        for row in range(400)
    ]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["sequence_id,sequence,shown,hidden", *lines]) + "\n")
    np.save(tmp_path / "train.npy", rows[:200])
    np.save(tmp_path / "test.npy", rows[200:])
    vectors = ["--train", str(tmp_path / "train.npy"), "--test", str(tmp_path / "test.npy")]
    done = subprocess.run(
        [sys.executable, str(TOOL), str(table), "shown", "hidden", *vectors],
        capture_output=True,
        text=True,
        check=True,
    )
    head, *found = [line.split("\t") for line in done.stdout.splitlines()]
    first, second = (dict(zip(head, line, strict=True)) for line in found)
    assert (first["column"], first["set"], first["n"]) == ("shown", "test", "200")
    assert float(first["ones"]) == pytest.approx(shown[200:].mean(), abs=6e-4)
    assert float(first["majority"]) == pytest.approx(1 - shown[200:].mean(), abs=6e-4)
    assert float(first["accuracy"]) > 0.99
    assert float(first["auroc"]) > 0.99
    assert second["n"] == "199"  # a plasmid without a value is left out
    assert abs(float(second["auroc"]) - 0.5) < 0.15
