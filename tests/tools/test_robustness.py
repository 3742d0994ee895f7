"""The bench of robustness: its verdicts are those that a query gets, and no row is lost unseen."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench_robustness import SPLITS
from robustness_series import judged

from vecattr.indexes.index import Panel
from vecattr.readers.plasmid_table import table_text
from vecattr.sequences.mutations import masked_stretch
from vecattr.sequences.synthetic import synthetic_plasmids

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_judged_is_what_a_query_is_answered(
    tmp_path: Path, workshop: Any, count: int
) -> None:
    opened = []
    for number in range(count):
        model = workshop.calibrated_model(tmp_path / f"m{number}", cosine=-0.1)
        path = tmp_path / f"i{number}"
        workshop.build(path, workshop.plasmids(["Ash", "Birch"], each=40), model=model)
        opened.append(workshop.open(path))
    whole = workshop.plasmids(["Ash", "Birch"], each=40)
    gaps = [masked_stretch(one, 0.8, rng=np.random.default_rng(0)) for one in whole]  # 80 clear
    strangers = workshop.plasmids(["x"], each=20, seed=1)
    unread = replace(whole[0], sequence="N" * 400)
    queries = [*whole, *gaps, *strangers, unread]
    panel = Panel(tuple(opened))
    scores, known = judged(panel, queries)
    answers = list(panel.query_many(queries, k=2))
    assert known is not None
    assert known.tolist() == [answer.verdict == "known" for answer in answers]
    assert [known[:80].any(), known[80:160].any()] == [True, False]
    assert any(answer.confidence >= answer.threshold for answer in answers[80:160])
    for row, answer in zip(scores, answers, strict=True):
        assert [hit.score for hit in answer.labs] == sorted(row.tolist(), reverse=True)


def test_nothing_is_called_known_without_a_threshold(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", plasmids)
    assert judged(Panel((workshop.open(tmp_path / "i"),)), plasmids)[1] is None


@pytest.mark.parametrize(
    ("tool", "options"),
    [
        ("draw_shots.py", ["-o", "shots", "--shots", "1"]),
        ("tune_new_labs.py", ["--labs", "labs.txt", "--labs-out", "1"]),
        ("bench_robustness.py", ["--rows", "4", "--threads", "1"]),
    ],
)
def test_a_tool_tells_of_records_that_it_leaves_out(
    tmp_path: Path, shelf: Any, tool: str, options: list[str]
) -> None:
    if not TOOLS.exists():
        pytest.skip("not in a checkout")
    plasmids = synthetic_plasmids(labs=3, plasmids_per_lab=14, seed=3)
    splits = {one.id: SPLITS[row % 2] for row, one in enumerate(plasmids)}
    protein = f"spoiled,{plasmids[0].lab},{SPLITS[0]},circular,,MKVLAAGIPEEQ"
    rows = [line.split(",") for line in table_text(plasmids, split=splits).splitlines()]
    lines = [",".join([*row[:5], row[-1]]) for row in rows]  # without features
    (tmp_path / "table.csv").write_text("\n".join([*lines, protein]) + "\n")
    (tmp_path / "labs.txt").write_text("\n".join(sorted({str(one.lab) for one in plasmids})))
    if tool == "bench_robustness.py":
        options = [*options, "-i", str(shelf.index)]
    done = subprocess.run(
        [sys.executable, TOOLS / tool, "table.csv", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3, done.stderr
    assert "table.csv:44: " in done.stderr
    assert "1 bad record(s)" in done.stderr
