"""Claims about the questions that an evidence ranker learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ranker_queries import QueryRecorder, TrainingQuery

from vecattr.plasmid import Plasmid

LABS = ["Ash", "Birch", "Cedar"]


@pytest.fixture(scope="module")
def plasmids(workshop: Any) -> list[Plasmid]:
    made = workshop.plasmids(LABS, each=4)
    return [replace(plasmid, features={"amp": row % 2}) for row, plasmid in enumerate(made)]


def recorder(path: Path, workshop: Any, plasmids: list[Plasmid]) -> QueryRecorder:
    """Of an index of all plasmids."""
    if not path.exists():
        workshop.build(path, plasmids)
    return QueryRecorder(workshop.open(path), plasmids, np.random.default_rng(0))


def test_questions_asked_together_are_answered_as_one_by_one(
    tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    queries = [
        TrainingQuery(0, np.array([0])),
        TrainingQuery(5, np.array([5, 6, 7]), is_new=True, publications=3),
        TrainingQuery(9, np.array([], dtype=np.int64)),
    ]
    together = recorder(tmp_path / "index", workshop, plasmids)
    together.record(queries, fragments=0, few_features=0)
    alone = recorder(tmp_path / "index", workshop, plasmids)
    for query in queries:
        alone.record([query], fragments=0, few_features=0)
    expected = alone.arrays()
    for name, array in together.arrays().items():
        assert np.array_equal(array, expected[name]), name


def test_what_is_left_out_is_not_known(
    tmp_path: Path, workshop: Any, plasmids: list[Plasmid]
) -> None:
    recorded = recorder(tmp_path / "index", workshop, plasmids)
    whole_lab = np.array([0, 1, 2, 3])
    queries = [TrainingQuery(0, whole_lab), TrainingQuery(0, whole_lab[:1])]
    recorded.record(queries, fragments=0, few_features=0)
    arrays = recorded.arrays()
    assert arrays["sizes"].tolist() == [2, 3]
    assert 0 not in arrays["labs"][:2]
    assert arrays["truths"].tolist() == [0, 0]
