"""Claims about a new calibration: it is that of a fresh build, and can be taken back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr import Index
from vecattr.calibration.calibration import Calibration
from vecattr.cli.main import run
from vecattr.errors import DamagedError, InputError, UsageError
from vecattr.indexes.checking.recalibrate import recalibrate
from vecattr.indexes.checking.repair import repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback
from vecattr.indexes.editing.index_place import check_replaceable
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.manifest import parse_manifest
from vecattr.indexes.storage.snapshot import open_snapshot
from vecattr.plasmid import Plasmid

LABS = [f"Lab {number}" for number in range(8)]
NEW = ["New 1", "New 2", "New 3"]


def made(workshop: Any, labs: list[str], *, seed: int = 0) -> list[Plasmid]:
    """40 plasmids of each lab, two of a publication."""
    plasmids = workshop.plasmids(labs, each=40, seed=seed)
    return [
        replace(plasmid, group=f"{plasmid.lab} {seed} paper {number // 2}")
        for number, plasmid in enumerate(plasmids)
    ]


def test_a_calibration_that_was_taken_back_does_not_keep_an_index_from_being_replaced(
    changed: Path,
) -> None:
    recalibrate(changed)
    rollback(changed)
    # Of the build, of a lab renamed, and two taken back.
    assert len(calibration_files(changed)) == 5
    check_replaceable(changed)


def test_the_earlier_calibration_is_kept_by_verify_and_by_a_repair(changed: Path) -> None:
    """A rollback needs it, whatever the present manifest names."""
    before = calibration_of(changed)
    recalibrate(changed)
    assert calibration_of(changed) != before
    assert verify_index(changed).findings == ()
    assert repair_index(changed).repairs == ()
    rollback(changed)
    assert calibration_of(changed) == before


def test_a_damaged_earlier_calibration_is_named_and_its_generations_set_aside(
    changed: Path,
) -> None:
    recalibrate(changed)
    present = calibration_of(changed)
    (changed / "model" / "calibration.json").write_text("{}")
    findings = verify_index(changed).findings
    assert str(changed / "model" / "calibration.json") in {finding.where for finding in findings}
    assert repair_index(changed).after.ok
    assert calibration_of(changed) == present


def calibration_of(path: Path) -> Calibration:
    calibration = open_snapshot(path).calibration
    assert calibration is not None
    return calibration


def calibration_files(path: Path) -> set[str]:
    names = {file.name for file in (path / "model").iterdir()}
    return {name for name in names if name.startswith(("calibration", "heldout"))}


@pytest.fixture
def changed(workshop: Any, tmp_path: Path) -> Path:
    """An index that three labs were added to, and one was removed from."""
    path = tmp_path / "changed"
    workshop.build(path, made(workshop, LABS))
    add_labs(path, made(workshop, NEW, seed=1), embedder=workshop.embedder)
    remove_lab(path, LABS[0])
    rename_lab(path, LABS[1], "Lab one")
    return path


def test_it_is_the_calibration_of_a_fresh_build(
    workshop: Any, changed: Path, tmp_path: Path
) -> None:
    before = calibration_of(changed)
    report = recalibrate(changed)
    assert (report.plasmids, report.labs) == (400, 10)
    plasmids = [one for one in made(workshop, LABS) if one.lab != LABS[0]]
    workshop.build(tmp_path / "fresh", [*plasmids, *made(workshop, NEW, seed=1)])
    fresh = calibration_of(tmp_path / "fresh")
    assert calibration_of(changed).summary() == fresh.summary()
    assert before.summary() != fresh.summary()
    assert verify_index(changed).ok


def test_ranks_do_not_change_and_a_rollback_brings_the_calibration_back(
    workshop: Any, changed: Path
) -> None:
    queries = workshop.plasmids(["Lab 3", "New 1"], each=2, seed=5)
    names = [[hit.name for hit in a.labs] for a in workshop.open(changed).query_many(queries, k=5)]
    before, identity = calibration_of(changed), read_manifest(changed).identity
    recalibrate(changed)
    assert read_manifest(changed).identity != identity
    answers = workshop.open(changed).query_many(queries, k=5)
    assert [[hit.name for hit in answer.labs] for answer in answers] == names
    new = calibration_of(changed)
    compact(changed)
    assert calibration_of(changed) == new
    rollback(changed, to=4)
    assert (calibration_of(changed), read_manifest(changed).identity) == (before, identity)
    rollback(changed, to=5)
    assert calibration_of(changed) == new
    assert verify_index(changed).ok


def test_a_manifest_with_two_calibrations_is_damaged(changed: Path) -> None:
    recalibrate(changed)
    manifest = read_manifest(changed)
    [facts] = [facts for name, facts in manifest.model_files if name.startswith("calibration")]
    doubled = (*manifest.model_files, ("calibration.json", facts))
    lie = replace(manifest, model_files=tuple(sorted(doubled)))
    with pytest.raises(DamagedError, match="two calibrations"):
        parse_manifest(lie.to_json(), where="m")


def test_old_calibrations_go_with_their_generations(workshop: Any, changed: Path) -> None:
    recalibrate(changed)
    first = calibration_files(changed)
    assert len(first) == 5
    remove_lab(changed, LABS[2])
    recalibrate(changed)
    assert len(calibration_files(changed)) == 7
    for number in range(12):
        more = workshop.plasmids([f"More {number}"], each=1)
        add_labs(changed, more, embedder=workshop.embedder)
    left = calibration_files(changed)
    assert len(left) == 4  # of the build, which keep their usual names, and the present ones
    assert verify_index(changed).ok


def test_a_kill_before_the_commit_changes_nothing(changed: Path) -> None:
    data = (changed / "manifest.json").read_bytes()

    def kill(step: str) -> None:
        if step == "log":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recalibrate(changed, step=kill)
    assert (changed / "manifest.json").read_bytes() == data
    assert len(calibration_files(changed)) == 5
    rename_lab(changed, "New 1", "Newer")  # deletes what nothing names
    assert len(calibration_files(changed)) == 3
    assert verify_index(changed).ok


def test_a_lab_that_was_renamed_is_calibrated_by_its_new_name(changed: Path) -> None:
    before = calibration_of(changed)
    assert before.labs is not None
    rename_lab(changed, "New 1", "Newer")  # added after the calibration
    assert calibration_of(changed) == before
    rename_lab(changed, LABS[3], "Renamed")
    assert calibration_of(changed) == replace(before, labs=before.labs | {"Renamed"})
    rollback(changed)
    assert calibration_of(changed) == before
    assert verify_index(changed).ok


def test_what_cannot_be_calibrated_anew_is_refused(
    workshop: Any, shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="learned in training"):
        recalibrate(shelf.index)
    workshop.build(tmp_path / "small", workshop.plasmids(["Ash"], each=2))
    with pytest.raises(InputError, match="too few"):
        recalibrate(tmp_path / "small")


def test_without_sequences_the_same_groups_are_left_out(workshop: Any, tmp_path: Path) -> None:
    for name in ("open", "private"):
        path = tmp_path / name
        workshop.build(path, made(workshop, LABS), keep_sequences=name == "open")
        add_labs(path, made(workshop, NEW, seed=1), embedder=workshop.embedder)
        recalibrate(path)
        assert verify_index(path).ok
    left_out = [_left_out(workshop, tmp_path / name, is_new=True) for name in ("open", "private")]
    assert left_out[0] == left_out[1]
    assert any(name.startswith("New") for name in left_out[0])
    assert _left_out(workshop, tmp_path / "private", is_new=False)
    before = read_manifest(tmp_path / "private").model_files
    recalibrate(tmp_path / "private")  # of the same plasmids the same
    assert read_manifest(tmp_path / "private").model_files == before


def _left_out(workshop: Any, path: Path, *, is_new: bool) -> set[str]:
    """The ids of the plasmids that an index is calibrated by: new work, or known work."""
    held_out = Index.open(path, embedder=workshop.embedder).held_out
    assert held_out is not None
    return {name for name, new in zip(held_out.ids, held_out.is_new, strict=True) if new == is_new}


@pytest.mark.parametrize("command", ["info", "doctor"])
def test_learned_vectors_are_told_another_way_out(
    command: str, shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(shelf.index, tmp_path / "i")
    new = shelf.fasta(tmp_path / "new.fa", shelf.newcomers)
    assert run(["add-lab", str(new), "--lab", "New", "-i", str(tmp_path / "i")]) == 0
    capsys.readouterr()
    run([command, "-i", str(tmp_path / "i")])
    told = "".join(capsys.readouterr())
    assert "vecattr recalibrate" not in told
    if "may be off" in told:
        assert "--lab-vectors mean" in told


def test_the_command_tells_and_info_counts_from_it(
    changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["info", "-i", str(changed), "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert "vecattr recalibrate" in captured.err
    assert json.loads(captured.out)["changed_since_calibration"]["plasmids"] == 200
    assert run(["recalibrate", "-i", str(changed)]) == 0
    assert "calibrated by 400 plasmids of 10 labs" in capsys.readouterr().err
    assert run(["info", "-i", str(changed), "--format", "json"]) == 0
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    assert (captured.err, facts["labs_changed_since_calibration"]) == ("", False)
    assert facts["changed_since_calibration"]["plasmids"] == 0
