"""Verifying while somebody edits: a whole index is never called damaged, a damaged one is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run
from vecattr.errors import LockedError
from vecattr.files.folder import OpenFolder
from vecattr.indexes.checking import verify
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab
from vecattr.indexes.editing.publish import KEPT_GENERATIONS, sweep
from vecattr.indexes.storage.index_folder import read_manifest, segment_path

#: More edits than generations are kept: what was pinned is deleted by then.
MANY = KEPT_GENERATIONS + 2


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    """An index with two segments and a history."""
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    rename_lab(tmp_path / "i", "Ash", "Oak")
    return tmp_path / "i"


def rename_often(path: Path) -> None:
    """Edits that change manifests only."""
    for _ in range(MANY // 2):
        rename_lab(path, "Oak", "Ash")
        rename_lab(path, "Ash", "Oak")


def write_segments_often(path: Path, workshop: Any) -> None:
    """Edits that replace segments, until no earlier one is kept."""
    for number in range(MANY // 3 + 1):
        new = workshop.plasmids([f"Fir {number}"], seed=number + 100)
        add_labs(path, new, embedder=workshop.embedder)
        remove_lab(path, f"Fir {number}")
        compact(path)


def in_the_middle(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object]) -> None:
    """Act, as another process may, whenever verifying has done this part."""
    part = getattr(verify, name)

    def wrapper(*args: Any, **options: Any) -> Any:
        result = part(*args, **options)
        act()
        return result

    monkeypatch.setattr(verify, name, wrapper)


@pytest.mark.parametrize("part", ["pin_state", "check_search", "check_model_files"])
@pytest.mark.parametrize("edits", [1, 2, MANY])
def test_edits_of_manifests_are_no_damage(
    index: Path, monkeypatch: pytest.MonkeyPatch, part: str, edits: int
) -> None:
    names = ["Oak", "Ash"]

    def edit() -> None:
        for _ in range(edits):
            rename_lab(index, *names)
            names.reverse()

    generation = read_manifest(index).generation
    in_the_middle(monkeypatch, part, edit)
    report = verify_index(index)
    assert report.findings == ()
    assert report.generation == generation  # of the state that was there at the beginning


@pytest.mark.parametrize("part", ["check_search", "check_model_files"])
def test_edits_of_segments_are_no_damage(
    index: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    add_labs(index, workshop.plasmids(["Elm"], seed=9), embedder=workshop.embedder)
    compact(index)
    edits = [lambda: write_segments_often(index, workshop)]
    in_the_middle(monkeypatch, part, lambda: edits and edits.pop()())
    assert verify_index(index).ok


def test_a_state_that_is_deleted_before_it_was_read_is_left_for_the_next(
    index: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = [lambda: write_segments_often(index, workshop)]
    in_the_middle(monkeypatch, "pin_state", lambda: edits and edits.pop()())
    report = verify_index(index)
    assert report.findings == ()
    assert report.generation == read_manifest(index).generation


def test_when_no_state_stays_long_enough_nothing_is_called_damaged(
    index: Path,
    workshop: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = 0

    def edit() -> None:
        nonlocal number
        number += 1
        new = workshop.plasmids([f"Fir {number}"], seed=number + 100)
        add_labs(index, new, embedder=workshop.embedder)
        compact(index)
        for name in [lab for lab in workshop.open(index).lab_names if lab.startswith("Fir")]:
            remove_lab(index, name)
        rename_often(index)

    in_the_middle(monkeypatch, "pin_state", edit)
    with pytest.raises(LockedError, match="changed all the while"):
        verify_index(index)
    assert run(["verify", "-i", str(index)]) == 5
    assert "no damage was found for certain" in capsys.readouterr().err


def test_an_index_that_is_replaced_meanwhile_is_not_damaged(
    index: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = [lambda: workshop.build(index, workshop.plasmids(["Yew"]), replace=True)]
    in_the_middle(monkeypatch, "pin_state", lambda: replace and replace.pop()())
    report = verify_index(index)
    assert (report.findings, report.labs) == ((), 1)


@pytest.mark.parametrize("damaged", ["present", "history"])
def test_damage_is_found_under_edits(
    index: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    entry = read_manifest(index).segments[0]
    if damaged == "history":
        compact(index)
    file = segment_path(index, entry.name)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    names = ["Oak", "Ash"]

    def edit() -> None:
        rename_lab(index, *names)
        names.reverse()

    in_the_middle(monkeypatch, "pin_state", edit)
    report = verify_index(index)
    assert not report.ok
    assert str(file) in {finding.where for finding in report.findings}


def test_a_manifest_that_was_put_back_is_found(index: Path, tmp_path: Path) -> None:
    shutil.copy(index / "manifest.json", tmp_path / "kept")
    rename_lab(index, "Oak", "Ash")
    shutil.copy(tmp_path / "kept", index / "manifest.json")
    [finding] = [f for f in verify_index(index).findings if f.level == "error"]
    assert "is generation 3, and manifests has 4" in finding.what


def test_a_generation_that_was_deleted_by_hand_is_told(index: Path) -> None:
    (index / "manifests" / "000002.json").unlink()
    sweep(OpenFolder(index).root, read_manifest(index))
    assert [finding.what for finding in verify_index(index).findings] == [
        "is missing, so this generation is lost"
    ]
