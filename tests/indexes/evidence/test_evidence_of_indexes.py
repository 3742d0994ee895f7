"""Evidence of whole indexes: with the answer when asked, of what is stored now, by class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.attribution import Source
from vecattr.errors import UsageError
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.edit import remove_lab
from vecattr.indexes.index import open_panel
from vecattr.indexes.storage.kmer_schema import MOST_LABS


def test_an_answer_has_evidence_for_its_first_lab_when_asked(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", plasmids)
    index = workshop.open(tmp_path / "i")
    assert index.query(plasmids[0]).evidence is None
    answer = index.query(plasmids[0], evidence=20)
    assert answer.evidence.lab == answer.labs[0].name == "Ash"
    assert answer.evidence.common_labs == 20
    [found] = answer.evidence.support
    assert found.sources == (Source(plasmids[0].id, "Ash", 1.0, 1),)
    assert found.bases == 400
    assert replace(answer, evidence=None) == index.query(plasmids[0])


def test_near_copies_that_are_left_out_are_no_evidence(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", plasmids)
    index = workshop.open(tmp_path / "i")
    answer = index.query(plasmids[0], evidence=20, exclude_near_copies=True)
    assert answer.evidence.lab == "Ash"
    ids = {source.id for one in answer.evidence.support for source in one.sources}
    assert ids == {one.id for one in plasmids[1:3]}


def test_added_and_removed_plasmids_count_as_they_are_now(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", plasmids)
    again = replace(plasmids[0], id="again", lab="Cedar")
    add_labs(tmp_path / "i", [again], embedder=workshop.embedder)
    known = workshop.open(tmp_path / "i").query(plasmids[0], evidence=20).evidence
    assert [one.most_labs for one in known.support] == [2]
    remove_lab(tmp_path / "i", "Ash")
    [found] = workshop.open(tmp_path / "i").query(plasmids[0], evidence=20).evidence.support
    assert (found.most_labs, [source.id for source in found.sources]) == (1, ["again"])


def test_an_index_without_kmers_says_what_to_do(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash"])
    workshop.build(tmp_path / "i", plasmids, keep_sequences=False)
    with pytest.raises(UsageError, match="keeps no k-mers") as caught:
        workshop.open(tmp_path / "i").query_many(plasmids, evidence=20)
    assert "--no-sequences" in f"{caught.value.hint}"


@pytest.mark.parametrize("labs", [0, MOST_LABS + 1])
def test_a_number_of_labs_that_the_index_cannot_tell_is_refused(
    tmp_path: Path, workshop: Any, labs: int
) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]))
    with pytest.raises(UsageError, match=f"beyond {labs} labs, expected 1 to {MOST_LABS}"):
        workshop.open(tmp_path / "i").query_many([], evidence=labs)


def test_folds_give_the_evidence_of_all_their_plasmids(calibrated_folds: Any) -> None:
    panel = open_panel([calibrated_folds.index], threads=1)
    for answer in panel.query_many(calibrated_folds.plasmids[:3], evidence=20):
        assert answer.evidence is not None
        assert answer.evidence.lab == answer.labs[0].name
        names = [source.id for one in answer.evidence.support for source in one.sources]
        assert names
