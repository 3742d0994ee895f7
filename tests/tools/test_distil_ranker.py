"""Claims about distilling an evidence ranker: what is asked, and what a smaller network keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distil_ranker import Inputs, distilled, stored_rows
from fit_ranker import averaged

from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.ranking.evidence_ranker import Network

INPUTS = 12


def network(hidden: int) -> Network:
    """Of random weights."""
    rng = np.random.default_rng(hidden)
    return Network(
        mean=rng.normal(size=INPUTS).astype(np.float32),
        scale=rng.uniform(0.5, 2, size=INPUTS).astype(np.float32),
        linear=rng.normal(size=INPUTS).astype(np.float32),
        inner=rng.normal(size=(INPUTS, hidden)).astype(np.float32) / 4,
        bias=rng.normal(size=hidden).astype(np.float32),
        outer=rng.normal(size=hidden).astype(np.float32),
    )


def made_inputs(teacher: Network, *, queries: int) -> Inputs:
    """Of ten labs each, as far apart as the teacher's inputs are."""
    values = np.random.default_rng(queries).normal(size=(queries, 10, INPUTS))
    return (values * teacher.scale + teacher.mean).astype(np.float32)


def error(teacher: Network, student: Network) -> float:
    """The standard deviation of how far logits are off, of new inputs."""
    inputs = made_inputs(teacher, queries=65).reshape(-1, INPUTS)
    return float((teacher.logits(inputs) - student.logits(inputs)).std())


def test_averaged_networks_score_as_they_do_on_average() -> None:
    """But for what is added to every lab, which changes no softmax."""
    one, other = network(6), network(9)
    inputs = made_inputs(one, queries=64).reshape(-1, INPUTS)
    expected = 0.3 * one.logits(inputs) + 0.7 * other.logits(inputs)
    difference = averaged([one, other], [0.3, 0.7]).logits(inputs) - expected
    assert difference.std() < 1e-5 < expected.std()


def test_a_network_of_as_many_units_scores_as_its_teacher() -> None:
    teacher = network(6)
    student = distilled(teacher, made_inputs(teacher, queries=256), hidden=7, epochs=0)
    assert error(teacher, student) < 1e-5


def test_units_that_are_left_out_become_lines() -> None:
    """Two of the units are so narrow that they are lines: nothing is lost."""
    teacher = network(6)
    narrow = np.array([1, 1, 1, 1, 1e-3, 1e-3], dtype=np.float32)
    teacher = replace(teacher, inner=teacher.inner * narrow, bias=teacher.bias * narrow)
    student = distilled(teacher, made_inputs(teacher, queries=256), hidden=5, epochs=0)
    assert error(teacher, student) < 1e-4


def test_a_network_learns_what_its_units_left_out() -> None:
    teacher = averaged([network(12), replace(network(12), outer=-network(12).outer[::-1])])
    inputs = made_inputs(teacher, queries=512)
    started = distilled(teacher, inputs, hidden=12, epochs=0)
    learned = distilled(teacher, inputs, hidden=12, epochs=40)
    assert error(teacher, learned) < 0.8 * error(teacher, started)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_plasmids_are_asked_about_without_themselves_their_publication_or_their_lab(
    tmp_path: Path, workshop: Any, place: int
) -> None:
    plasmids = [
        replace(plasmid, group=f"{plasmid.lab} {row % 2}")
        for row, plasmid in enumerate(workshop.plasmids(["Ash", "Birch"], each=4))
    ]
    workshop.build(tmp_path / "i", plasmids)
    index = workshop.open(tmp_path / "i")
    catalogue = Catalogue.from_segments(index.segments, index.lab_names)
    asked = list(stored_rows(index, catalogue, np.random.default_rng(0)))
    assert sorted(row.plasmid.id for row in asked) == sorted(plasmid.id for plasmid in plasmids)
    assert {len(row.left_out) for row in asked[place::3]} == {(1, 2, 4)[place]}
    for row in asked:
        stored = next(plasmid for plasmid in plasmids if plasmid.id == row.plasmid.id)
        assert row.plasmid.sequence == stored.sequence
