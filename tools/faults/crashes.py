"""Proof 9, crashes of the machine: every command that changes something is recorded call by call;
what a crash after each call may leave on the disk out, and whether it is the old state or the new.

A crash loses what was not waited for, in part and in any order (`crash_states`). After a command
that ended with exit code 0 only the new state is allowed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults import fixtures
from faults.crash_states import CrashState
from faults.disk_faults import Bench, wrong_next
from faults.disks import RecordingDisk
from faults.workplace import COMMANDS, Command, contents, state_of
from vecattr.files.disk import using

#: The most states that are tried of one crash.
MOST_STATES = 16


@dataclass(frozen=True)
class Crash:
    """A command that was recorded, after how many changes the machine stopped, and one state that
    its disk may be in then."""

    command: Command
    stop: int
    is_done: bool
    last: str
    state: CrashState

    def __str__(self) -> str:
        return f"{self.command.name}: after change {self.stop} ({self.last}); {self.state.told()}"


def crashes_of(command: Command, bench: Bench, *, seed: int, most: int) -> Iterator[Crash]:
    """Every crash of a command."""
    folder = bench.copy(command)
    disk = RecordingDisk(folder)
    with using(disk):
        outcome = command.run(folder)
    assert outcome.code == 0, outcome.said
    shutil.rmtree(folder)
    changes, seen = disk.journal.changes, set()
    for stop in range(len(changes) + 1):
        chance = fixtures.seeded_random(seed, command.name, stop)
        last = changes[stop - 1][0] if stop else "nothing"
        for state in disk.journal.states(stop, chance, most=most):
            is_done = stop == len(changes)
            if is_done or state.key() not in seen:
                seen.add(state.key())
                yield Crash(command, stop, is_done, last, state)


def wrong_after(crash: Crash, bench: Bench, counts: Counter[str]) -> list[str]:
    """What is wrong after a crash."""
    command = crash.command
    before, after, _ = bench.plain(command)
    folder = bench.copy(command)
    files = contents(folder / command.target) if command.is_repair else set()
    for entry in folder.iterdir():
        if not entry.is_symlink():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    crash.state.write(folder)
    target = folder / command.target
    state, wrong = state_of(target), []
    if state == after:
        counts["new state"] += 1
    elif crash.is_done:
        wrong.append(f"was done, and is lost: {state}")
    elif state == before:
        counts["old state"] += 1
    elif command.is_repair:
        counts["repaired in part"] += 1
    else:
        wrong.append(f"is neither the old state nor the new one: {state}")
    if command.is_repair and (lost := files - contents(target)):
        wrong.append(f"repair lost {len(lost)} file(s)")
    # The identity of an index does not tell whether its caches are repaired.
    is_complete = crash.is_done or not command.is_repair
    wrong += wrong_next(command, bench, folder, is_complete and state)
    shutil.rmtree(folder)
    return wrong


def prove(rounds: int, *, seed: int, model: Path | None = None) -> dict[str, Any]:
    """Let the machine stop so many times, drawn at random (0: after every change of every command,
    in every state that `crash_states` names)."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), model=model)
        by_command = {
            command.name: list(crashes_of(command, bench, seed=seed, most=MOST_STATES))
            for command in COMMANDS
        }
        crashes = [crash for group in by_command.values() for crash in group]
        if rounds:
            crashes = fixtures.seeded_random(seed, "crashes").sample(crashes, rounds)
        for number, crash in enumerate(crashes):
            fixtures.progress(number, every=500)
            for what in wrong_after(crash, bench, counts):
                failures.append({"crash": str(crash), "what": what})
    return {
        "rounds": len(crashes),
        "states": {name: len(group) for name, group in by_command.items()},
        "outcomes": dict(sorted(counts.items())),
        "failures": failures,
    }
