"""Labs of an index: found in either Unicode form, in indexes that hold the other one, too."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest

from vecattr.errors import InputError, UsageError
from vecattr.indexes.checking.lab_names import labs_that_look_like
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.info import LabInfo

COMPOSED = unicodedata.normalize("NFC", "Čáp")
DECOMPOSED = unicodedata.normalize("NFD", "Čáp")


@pytest.fixture
def old_index(tmp_path: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index as it was written before names were composed, with a lab in decomposed form."""
    path = tmp_path / "old.index"
    with monkeypatch.context() as context:
        context.setattr("vecattr.plasmid.composed", str)
        workshop.build(path, workshop.plasmids(["Ash", DECOMPOSED, "Birch"]))
    assert DECOMPOSED.encode() in b"".join(file.read_bytes() for file in path.rglob("*.h5"))
    return path


def sizes(path: Path, workshop: Any) -> dict[str, int]:
    return {lab.name: lab.plasmids for lab in workshop.open(path).labs()}


def test_an_old_index_shows_its_labs_in_composed_form(old_index: Path, workshop: Any) -> None:
    assert sizes(old_index, workshop) == {"Ash": 3, "Birch": 3, COMPOSED: 3}
    [query] = workshop.plasmids([COMPOSED], each=1)
    hits = workshop.open(old_index).query(query, k=3).labs
    assert COMPOSED in {hit.name for hit in hits}
    assert verify_index(old_index).ok


@pytest.mark.parametrize("name", [COMPOSED, DECOMPOSED])
def test_a_lab_of_an_old_index_is_found_by_either_form(
    name: str, old_index: Path, workshop: Any
) -> None:
    new = workshop.plasmids([name], seed=1)
    report = add_labs(old_index, new, embedder=workshop.embedder)
    assert report.extended_labs == (COMPOSED,)
    assert sizes(old_index, workshop)[COMPOSED] == 6
    rename_lab(old_index, name, "Oak")
    assert sizes(old_index, workshop) == {"Ash": 3, "Birch": 3, "Oak": 6}
    rename_lab(old_index, "Oak", name)
    compact(old_index)
    remove_lab(old_index, name)
    assert sizes(old_index, workshop) == {"Ash": 3, "Birch": 3}
    with pytest.raises(InputError):
        remove_lab(old_index, name)
    assert verify_index(old_index).ok


def test_a_lab_cannot_be_renamed_to_itself_in_another_form(old_index: Path) -> None:
    with pytest.raises(UsageError, match="called"):
        rename_lab(old_index, DECOMPOSED, COMPOSED)


def test_labs_that_look_like_a_named_one_are_found(tmp_path: Path, workshop: Any) -> None:
    path = tmp_path / "new.index"
    workshop.build(path, workshop.plasmids(["Lab A", "Lab B", "Lab  B"]))
    assert labs_that_look_like(path, ["Lab  A"]) == [("Lab  A", "Lab A")]
    assert labs_that_look_like(path, ["Lab B"]) == [("Lab  B", "Lab B")]
    assert labs_that_look_like(path, ["Ash"]) == []


def test_whoever_names_a_lab_in_python_may_write_it_in_either_form(
    tmp_path: Path, workshop: Any
) -> None:
    path, told = tmp_path / "i", {DECOMPOSED: LabInfo("Stork lab")}
    workshop.build(path, workshop.plasmids([COMPOSED, "Ash"]), lab_info=told)
    assert workshop.open(path).lab_info.get(COMPOSED) == LabInfo("Stork lab")
    assert set_lab_info(path, {DECOMPOSED: LabInfo("Storks")}).taken == (COMPOSED,)
    [query] = workshop.plasmids([COMPOSED], each=1)
    answer = workshop.open(path).query(query, evidence=20, evidence_for=[DECOMPOSED])
    assert answer.evidence is not None
