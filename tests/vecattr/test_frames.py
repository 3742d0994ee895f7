"""Claims about data frames: answers and vectors keep their names and order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vecattr.frames import embedding_frame, ranking_frame


def test_a_frame_has_one_row_a_ranked_lab(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch", "Cedar"])
    workshop.build(tmp_path / "i", plasmids)
    index = workshop.open(tmp_path / "i")
    answers = list(index.query_many(plasmids[:2], k=3))
    frame = ranking_frame(answers)
    assert frame["query"].tolist() == [plasmids[0].id] * 3 + [plasmids[1].id] * 3
    assert frame["rank"].tolist() == [1, 2, 3] * 2
    assert frame["lab"].tolist() == [hit.name for answer in answers for hit in answer.labs]
    assert frame["cosine"].tolist() == [hit.cosine for answer in answers for hit in answer.labs]
    assert frame.attrs["index"] == index.identity


def test_a_joint_answer_stands_before_its_members(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch", "Cedar"])
    workshop.build(tmp_path / "i", plasmids)
    index = workshop.open(tmp_path / "i")
    joint = index.query_together(plasmids[:2], k=2, group="box")
    frame = ranking_frame([joint, index.query(plasmids[2], k=2)])
    ids = [plasmid.id for plasmid in plasmids[:3]]
    assert frame["query"].tolist() == [name for name in ["box", *ids] for _ in range(2)]
    assert frame["lab"].tolist()[:2] == [hit.name for hit in joint.labs]
    assert frame["group"].isna().tolist() == [False] * 6 + [True] * 2
    assert frame["belonging"].isna().all()  # this index states no probabilities
    assert "links" not in frame


def test_linked_answers_name_what_helped(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", plasmids)
    index = workshop.open(tmp_path / "i")
    answers = list(index.query_linked([plasmids[0], plasmids[0]], k=1))
    assert [len(answer.links or ()) for answer in answers] == [1, 1]
    frame = ranking_frame(answers)
    assert frame["links"].tolist() == [plasmids[0].id] * 2
    assert "group" not in frame


def test_no_answers_are_an_empty_frame() -> None:
    assert ranking_frame([]).empty


def test_vectors_keep_their_names(tmp_path: Path, workshop: Any) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    table = workshop.open(tmp_path / "i").lab_table()
    frame = embedding_frame(table)
    assert np.array_equal(frame.loc["Birch"].to_numpy(), table.vectors[table.names.index("Birch")])
