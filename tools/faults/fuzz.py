"""Proof 6, fuzzing: seconds and a seed in, the number of inputs tried and their outcomes out.

A reader may raise vecattr's own errors only, in limited time and memory. Two engines: plain
mutation (fast), and atheris, which is guided by coverage and used where it is installed; tests add
hypothesis, which shrinks its failures.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from faults.cost import TooCostlyError, lines_run, most_lines
from faults.fuzz_targets import Target, targets
from faults.mutation import mutated
from vecattr.errors import VecattrError

#: The longest that an input of a megabyte may take (seconds), and the most memory (bytes).
SLOWEST, LARGEST = 10.0, 1 << 30
#: The work of each so many-th input is counted.
_COUNTED = 17


def outcome(target: Target, data: bytes) -> str:
    """`read`, or the class of our own error that was raised; other errors are not caught."""
    try:
        target.check(data)
    except VecattrError as error:
        str(error)
        return type(error).__name__
    return "read"


def memory() -> int:
    """The peak memory of this process (bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Tally:
    """The outcomes of all inputs; the inputs of failures are kept as files."""

    def __init__(self, keep: Path) -> None:
        self.outcomes: Counter[str] = Counter()
        self.failures: list[dict[str, Any]] = []
        self.slowest = 0.0
        self._keep = keep
        self._tried = 0
        self._names: set[str] = set()
        self._began = memory()

    def try_one(self, target: Target, data: bytes) -> None:
        """Give the target one input."""
        before = time.perf_counter()
        try:
            self.outcomes[f"{target.name}: {self._outcome(target, data)}"] += 1
        except (Exception, TooCostlyError):
            self._fail(target, data, traceback.format_exc(limit=-3))
        seconds = time.perf_counter() - before
        self.slowest = max(self.slowest, seconds)
        if seconds > SLOWEST:
            self._fail(target, data, f"took {seconds:.1f} s")
        if memory() - self._began > LARGEST:
            self._began = memory()
            self._fail(target, data, "took a gigabyte of memory")

    def _outcome(self, target: Target, data: bytes) -> str:
        """As `outcome`; the work of every so many inputs is counted, and bounded by their size."""
        self._tried += 1
        is_first = target.name not in self._names  # it loads modules
        self._names.add(target.name)
        if is_first or self._tried % _COUNTED:
            return outcome(target, data)
        results: list[str] = []
        lines_run(lambda: results.append(outcome(target, data)), most=most_lines(data))
        self.outcomes["inputs whose work was counted"] += 1
        return results[0]

    def _fail(self, target: Target, data: bytes, what: str) -> None:
        self.outcomes[f"{target.name}: FAILURE"] += 1
        if len(self.failures) < 20:
            self._keep.mkdir(parents=True, exist_ok=True)
            path = self._keep / f"{target.name}-{len(self.failures)}"
            path.write_bytes(data)
            self.failures.append({"target": target.name, "input": str(path), "what": what})


def fuzz_by_mutation(seconds: float, *, seed: int, keep: Path) -> dict[str, Any]:
    """Every target in turn, with inputs made of its seeds and of those that were read."""
    chance = random.Random(seed)
    tally, all_targets = Tally(keep), list(targets().values())
    pools = {target.name: list(target.seeds) for target in all_targets}
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for target in all_targets:
            data = mutated(chance.choice(pools[target.name]), chance)
            tally.try_one(target, data)
            if chance.random() < 0.01 and len(pools[target.name]) < 200 and len(data) < 20_000:
                pools[target.name].append(data)  # so that mutations accumulate
            rounds += 1
    return {
        "engine": "mutation",
        "seconds": seconds,
        "rounds": rounds,
        "slowest_seconds": round(tally.slowest, 3),
        "outcomes": dict(sorted(tally.outcomes.items())),
        "failures": tally.failures,
    }


def fuzz_by_coverage(seconds: float, *, seed: int, keep: Path) -> dict[str, Any]:
    """Every target in a process of its own, under atheris, for an equal share of the time."""
    keep.mkdir(parents=True, exist_ok=True)
    names = list(targets())
    rounds: dict[str, int] = {}
    failures = []
    for name in names:
        command = [sys.executable, "-m", "faults.guided", name]
        command += [str(seconds / len(names)), str(seed)]
        with tempfile.TemporaryDirectory() as corpus:
            done = subprocess.run(
                [*command, corpus, str(keep.resolve())],
                capture_output=True,
                text=True,
                cwd=Path(__file__).parent.parent,
            )
        report = done.stdout + done.stderr
        counts = [
            line.split() for line in report.splitlines() if "number_of_executed_units" in line
        ]
        rounds[name] = int(counts[-1][-1]) if counts else 0
        if done.returncode or not counts:
            failures.append({"target": name, "what": report[-3000:], "code": done.returncode})
    return {
        "engine": "atheris",
        "seconds": seconds,
        "rounds": sum(rounds.values()),
        "by_target": rounds,
        "failures": failures,
    }
