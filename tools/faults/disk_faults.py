"""Proof 8, a disk that fails: every call of every command that changes something fails once, with
each error; the state of the index, the exit code and the message out.

Whatever fails, the index is the old one or the new one, and whole. Exit code 0 means the new one,
any other the old one, and the message says so. The next command works.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from faults import fixtures
from faults.disks import FailingDisk
from faults.workplace import (
    COMMANDS,
    MORE,
    Command,
    Outcome,
    contents,
    leftovers,
    make_workplace,
    ran,
    state_of,
)
from vecattr.files.disk import using
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.storage.index_folder import MANIFEST_FILE

ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EINTR, errno.ESTALE)
#: Errors that last: a disk that is gone, one that is full, one that may only be read from now on.
LASTING = (errno.EIO, errno.ENOSPC, errno.EROFS)
#: What a message says of a change that counts, and of a repair that is not complete.
IN_FORCE, IN_PART = "in force", "repaired in part"
#: What is said of a log that cannot be written; the command goes on.
NOT_LOGGED = "the log is not written"


@dataclass(frozen=True)
class Fault:
    """The call of a command that fails, from 1, its error, and whether all later ones do, too."""

    command: Command
    number: int
    error: int
    lasting: bool = False

    def __str__(self) -> str:
        return told_fault(self.command.name, self.number, self.error, lasting=self.lasting)


def told_fault(name: str, number: int, error: int, *, lasting: bool) -> str:
    """A call that fails, in words."""
    how = "from here on" if lasting else "once"
    return f"{name}: call {number} {errno.errorcode[error]} {how}"


class Bench:
    """A workplace, never changed, and copies of it in which commands run."""

    def __init__(self, folder: Path, *, model: Path | None = None) -> None:
        self._copies = folder / "copies"
        self.base = folder / "base"
        for path in (self._copies, self.base):
            path.mkdir()
        make_workplace(self.base, model=model)
        self._count = 0

    def copy(self, command: Command) -> Path:
        """A new copy of what a command needs; to be deleted with `shutil.rmtree`."""
        self._count += 1
        copy = self._copies / str(self._count)
        copy.mkdir()
        for entry in self.base.iterdir():
            if entry.name in ("model", "folds"):
                (copy / entry.name).symlink_to(entry)
            elif entry.name == command.target or f"{{}}/{entry.name}" in command.line:
                (shutil.copytree if entry.is_dir() else shutil.copy2)(entry, copy / entry.name)
        return copy

    @cache  # noqa: B019 - one bench a proof
    def plain(self, command: Command) -> tuple[object, object, list[str]]:
        """The state before a command, that after it, and the calls that it makes of the disk."""
        folder, disk = self.copy(command), FailingDisk()
        before = state_of(folder / command.target)
        with using(disk):
            outcome = command.run(folder)
        assert outcome.code == 0, outcome.said
        after = state_of(folder / command.target)
        assert before != after
        shutil.rmtree(folder)
        return before, after, disk.calls


def faults_of(command: Command, bench: Bench) -> Iterator[Fault]:
    """Every fault of a command."""
    _, _, calls = bench.plain(command)
    for number in range(1, len(calls) + 1):
        yield from (Fault(command, number, error) for error in ERRORS)
        yield from (Fault(command, number, error, lasting=True) for error in LASTING)


def wrong_after(fault: Fault, bench: Bench, counts: Counter[str]) -> list[str]:
    """What is wrong after a fault."""
    command = fault.command
    folder = bench.copy(command)
    target = folder / command.target
    files = contents(target) if command.is_repair else set()
    with using(FailingDisk(fault.number, fault.error, lasting=fault.lasting)):
        outcome = command.run(folder)
    state = state_of(target)
    wrong = list(_wrong_state(fault, bench, state, outcome, counts))
    if not fault.lasting and not command.is_index and (left := leftovers(folder)):
        wrong.append(f"left {left}")
    if command.is_repair and (lost := files - contents(target)):
        wrong.append(f"repair lost {len(lost)} file(s)")
    wrong += wrong_next(command, bench, folder, outcome.code == 0 and state)
    shutil.rmtree(folder)
    return wrong


def _wrong_state(
    fault: Fault, bench: Bench, state: object, outcome: Outcome, counts: Counter[str]
) -> Iterator[str]:
    before, after, _ = bench.plain(fault.command)
    told = f"exit code {outcome.code}, {outcome.said.strip()!r}"
    lines = outcome.said.splitlines()
    if outcome.code not in (0, 4) or len(lines) > 3 or "unexpected" in outcome.said:
        yield f"neither success nor a clear error: {told}"
    if fault.command.is_repair and outcome.code:
        counts["repaired in part, or not"] += 1
        if state != before and IN_PART not in outcome.said and IN_FORCE not in outcome.said:
            yield f"is repaired in part, but says: {told}"
    elif state == after:
        counts["changed, told in a warning" if outcome.said else "changed"] += 1
        is_told = any(words in outcome.said for words in (IN_FORCE, NOT_LOGGED))
        if outcome.code or (outcome.said and not is_told):
            yield f"is changed, but says: {told}"
    elif state == before:
        counts["not changed"] += 1
        if outcome.code == 0 or IN_FORCE in outcome.said:
            yield f"is not changed, but says: {told}"
    else:
        yield f"is neither the old one nor the new one: {state}; {told}"


def wrong_next(command: Command, bench: Bench, folder: Path, state: object) -> Iterator[str]:
    """What is wrong with the next commands: the same once more unless it did its work, and then
    another edit."""
    _, after, _ = bench.plain(command)
    target = folder / command.target
    if state != after:
        outcome = command.run(folder)
        if outcome.code or not _is_same(state := state_of(target), after):
            yield f"the same command again leaves {state}, not {after}: {outcome}"
    if command.is_index and (target / MANIFEST_FILE).exists():
        outcome = ran(["add-lab", str(bench.base / MORE), "-i", str(target)])
        if outcome.code or outcome.said:
            yield f"the next edit fails: {outcome}"
            return
        for finding in verify_index(target).findings:
            if not (command.is_repair and "is missing" in finding.what):
                yield f"after the next edit: {finding}"


def _is_same(state: object, expected: object) -> bool:
    """Whether two states have the same identity; a repair in two parts makes more generations."""
    if isinstance(state, tuple) and isinstance(expected, tuple):
        return state[1:] == expected[1:]
    return state == expected


def prove(rounds: int, *, seed: int, model: Path | None = None) -> dict[str, Any]:
    """Let so many faults happen, drawn at random (0: every one)."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), model=model)
        faults = [fault for command in COMMANDS for fault in faults_of(command, bench)]
        calls = {command.name: len(bench.plain(command)[2]) for command in COMMANDS}
        if rounds:
            faults = fixtures.seeded_random(seed, "disk faults").sample(faults, rounds)
        for number, fault in enumerate(faults):
            fixtures.progress(number, every=500)
            call = bench.plain(fault.command)[2][fault.number - 1]
            for what in wrong_after(fault, bench, counts):
                failures.append({"fault": f"{fault} ({call})", "what": what})
    return {
        "rounds": len(faults),
        "calls": calls,
        "outcomes": dict(sorted(counts.items())),
        "failures": failures,
    }
