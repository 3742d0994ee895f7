"""Proof 11, cost: inputs that grow in, the work that each takes out. No clock: lines of Python that
were run, or instructions of the processor (valgrind), so a proof comes out the same every time.

An input of four times the size may take five times the work; a quadratic step takes sixteen.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from faults import fixtures
from faults.growth import SERIES, Series

#: How much larger the second input is, and how much more work it may take.
TIMES, MOST_WORK = 4, 5.0
#: What one input of a fuzzer may take: so many lines, and so many more for each byte.
LINES, LINES_A_BYTE = 400_000, 400


class TooCostlyError(BaseException):
    """More lines were run than allowed; no reader catches it."""


def lines_run(task: Callable[[], object], *, most: int | None = None) -> int:
    """How many lines of Python a call runs, in this thread; TooCostlyError, raised in the middle of
    it, when they are more than `most`."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if event == "line":
            count += 1
            if most is not None and count > most:
                raise TooCostlyError(f"ran more than {most:,} lines")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        task()
    finally:
        sys.settrace(before)
    return count


def most_lines(data: bytes) -> int:
    """How many lines reading an input may take."""
    return LINES + LINES_A_BYTE * len(data)


def growth_of_lines(series: Series) -> float:
    """How much more lines of Python an input takes that is TIMES as large."""
    series.task(10)()  # loads modules
    small = lines_run(series.task(series.smallest))
    return lines_run(series.task(series.smallest * TIMES), most=100 * small) / small


def growth_of_instructions(series: Series) -> float:
    """The same of instructions, those of libraries too; without what starting takes."""
    size = series.smallest * 16
    started, small, large = (instructions(series, n) for n in (1, size, size * TIMES))
    return (large - started) / max(small - started, started // 20)


def instructions(series: Series, size: int) -> int:
    """The instructions of a process that reads one input."""
    code = f"from faults.growth import SERIES; SERIES[{series.name!r}].task({size})()"
    valgrind = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
    ]
    done = subprocess.run(
        [*valgrind, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    counts = re.findall(r"I\s+refs:\s+([\d,]+)", done.stderr)
    return int(counts[-1].replace(",", ""))


def prove(rounds: int, *, seed: int, engine: str = "lines") -> dict[str, Any]:
    """Let so many series grow, drawn at random (0: all)."""
    all_series = list(SERIES.values())
    if rounds:
        all_series = fixtures.seeded_random(seed, "cost").sample(all_series, rounds)
    grow = {"lines": growth_of_lines, "instructions": growth_of_instructions}[engine]
    growths: dict[str, float] = {}
    failures = []
    for series in all_series:
        try:
            growths[series.name] = round(grow(series), 2)
        except TooCostlyError as error:
            growths[series.name] = 100.0
            failures.append({"series": series.name, "what": str(error)})
            continue
        if growths[series.name] > MOST_WORK:
            what = f"{TIMES} times the size takes {growths[series.name]} times the work"
            failures.append({"series": series.name, "what": what})
    return {"rounds": len(growths), "engine": engine, "outcomes": growths, "failures": failures}
