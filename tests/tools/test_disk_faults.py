"""Whatever the disk refuses, and whenever the machine stops, a command leaves the old state or the
new one, and says which. A few faults here; `pytest -m exhaustive` tries every one."""

from __future__ import annotations

import errno
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from faults import crashes, disk_faults
from faults.crash_states import Change, CrashState, Journal
from faults.disk_faults import Bench, Fault
from faults.disks import FailingDisk, RecordingDisk
from faults.workplace import COMMANDS, Command, Outcome, state_of

from vecattr.files.atomic import atomic_write
from vecattr.files.disk import using

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="renames in one step")

BY_NAME = {command.name: command for command in COMMANDS}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, shelf: Any) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), model=shelf.model)


def last_call(command: Command, bench: Bench, name: str) -> int:
    """The number of the last call of this name."""
    calls = bench.plain(command)[2]
    return len(calls) - calls[::-1].index(name)


def failed(
    bench: Bench, name: str, number: int, *, lasting: bool = False
) -> tuple[object, Outcome]:
    """The state after a command whose call of this number failed, and what it said."""
    command = BY_NAME[name]
    folder = bench.copy(command)
    with using(FailingDisk(number, errno.EIO, lasting=lasting)):
        outcome = command.run(folder)
    return state_of(folder / command.target), outcome


def test_some_of_all_calls_fail_and_no_state_is_torn(bench: Bench) -> None:
    faults = [fault for command in COMMANDS for fault in disk_faults.faults_of(command, bench)]
    counts: Counter[str] = Counter()
    for fault in Random(5).sample(faults, 15):
        assert disk_faults.wrong_after(fault, bench, counts) == [], str(fault)
    assert counts["not changed"]


def test_the_machine_stops_at_some_calls_and_no_state_is_torn(bench: Bench) -> None:
    counts: Counter[str] = Counter()
    for name in ("build --replace", "add-lab", "repair of a loss", "query over"):
        states = list(crashes.crashes_of(BY_NAME[name], bench, seed=5, most=8))
        for crash in Random(5).sample(states[:-1], 2) + states[-1:]:
            assert crashes.wrong_after(crash, bench, counts) == [], str(crash)
    assert counts["old state"]
    assert counts["new state"] >= 4


@pytest.mark.exhaustive
@pytest.mark.parametrize("proof", [disk_faults, crashes])
def test_every_call_fails_and_the_machine_stops_after_each(proof: Any, shelf: Any) -> None:
    summary = proof.prove(0, seed=0, model=shelf.model)
    assert summary["failures"] == []
    assert summary["rounds"] > 1000


@pytest.mark.parametrize("name", ["embed over", "query"])
def test_a_file_that_is_in_place_is_not_told_as_failure(bench: Bench, name: str) -> None:
    command = BY_NAME[name]
    state, outcome = failed(bench, name, last_call(command, bench, "sync"))
    assert state == bench.plain(command)[1]
    assert outcome.code == 0
    assert "the new file is in force, but the disk failed after that" in outcome.said


@pytest.mark.parametrize("name", ["build", "build of folds"])
def test_a_build_that_fails_when_its_folder_is_complete_is_no_success(
    bench: Bench, name: str
) -> None:
    calls = bench.plain(BY_NAME[name])[2]
    place = "rename_to_free_name" if "rename_to_free_name" in calls else "replace"
    for number in range(last_call(BY_NAME[name], bench, place) - 8, len(calls) + 1):
        state, outcome = failed(bench, name, number, lasting=True)
        assert (state is None) == (outcome.code == 4), outcome
        if number < len(
            calls
        ):  # the last closes the rows that waited on disk, which counts no more
            assert (state is None) == ("in force" not in outcome.said), outcome


def test_a_repair_that_fails_says_that_it_has_begun(bench: Bench) -> None:
    command = BY_NAME["repair of caches"]
    state, outcome = failed(bench, command.name, last_call(command, bench, "replace"))
    assert state != bench.plain(command)[0]
    assert outcome.code == 4
    assert "repaired in part" in outcome.said
    assert "nothing is lost" in outcome.said


def test_a_lock_that_fails_changes_nothing(bench: Bench) -> None:
    command, counts = BY_NAME["add-lab"], Counter[str]()
    number = bench.plain(command)[2].index("lock") + 1
    assert disk_faults.wrong_after(Fault(command, number, errno.EACCES), bench, counts) == []
    assert counts == {"not changed": 1}


# What a crash may leave


def states_of(folder: Path, disk: RecordingDisk, stop: int | None = None) -> list[CrashState]:
    journal = disk.journal
    count = len(journal.changes) if stop is None else stop
    return list(journal.states(count, Random(0), most=100))


def test_without_a_wait_a_crash_may_lose_what_was_renamed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    disk = RecordingDisk(tmp_path)
    file, new = disk.open_temporary(tmp_path, "new")
    disk.write(file, b"content")
    disk.close(file)
    disk.replace(new, tmp_path / "a")
    found = {state.tree().get("a") for state in states_of(tmp_path, disk)}
    assert found == {b"old", b"", b"con", b"content"}


def test_an_atomic_write_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    disk = RecordingDisk(tmp_path)
    with using(disk):
        atomic_write(tmp_path / "a", b"content")
    for stop in range(len(disk.journal.changes)):
        found = {state.tree()["a"] for state in states_of(tmp_path, disk, stop)}
        assert found <= {b"old", b"content"}
    assert {state.tree()["a"] for state in states_of(tmp_path, disk)} == {b"content"}


def test_later_names_may_be_kept_without_earlier_ones(tmp_path: Path) -> None:
    disk = RecordingDisk(tmp_path)
    disk.make_folder(tmp_path / "one")
    disk.make_folder(tmp_path / "two")
    found = {" ".join(sorted(state.tree())) for state in states_of(tmp_path, disk)}
    assert found == {"", "one", "two", "one two"}


def test_the_proof_finds_a_command_that_does_not_wait(bench: Bench) -> None:
    command, counts = BY_NAME["add-lab"], Counter[str]()
    folder = bench.copy(command)
    disk = RecordingDisk(folder)
    with using(disk):
        command.run(folder)
    lazy = Journal(disk.journal.root, disk.journal.files, disk.journal.folders)
    lazy.changes = [("", change) for _, change in disk.journal.changes if change.synced is None]
    states = list(lazy.states(len(lazy.changes), Random(0), most=12))
    found = [crashes.Crash(command, 0, True, "", state) for state in states]
    assert any(crashes.wrong_after(crash, bench, counts) for crash in found)
    assert Change.sync(0) not in {change for _, change in lazy.changes}
