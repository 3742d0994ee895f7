"""The bench of robustness: its verdicts are those that a query gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench_robustness import judged

from vecattr.damage import masked_stretch
from vecattr.indexes.panel import Panel


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
