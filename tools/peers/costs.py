"""Work in; what it cost out: processor seconds, wall seconds and the peak of memory."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vecattr.errors import VecattrError

Result = TypeVar("Result")

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Cost:
    """`cpu` (user and system) and `wall` in seconds; `peak` resident memory in bytes, which of a
    program includes the pages of the files that it maps."""

    cpu: float
    wall: float
    peak: int


def own_cost(work: Callable[[], Result]) -> tuple[Result, Cost]:
    """What `work` gives, and its cost in this process; the peak is the process's so far (Linux)."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    spent = time.process_time() - cpu, time.perf_counter() - wall
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak is not None, "Linux tells the peak in kB"
    return result, Cost(*spent, int(peak[1]) * 1024)


def run_program(command: Sequence[str], *, stdout: Path, folder: Path) -> Cost:
    """Run a program (found on PATH) with its output in `stdout`; notes about the run go to
    `folder`. VecattrError when it fails, with its last words, or is stopped."""
    program = shutil.which(command[0])
    assert program is not None, "who asks has looked for the program"
    report, words = folder / "cost.txt", folder / "stderr.txt"
    launched = [sys.executable, "-S", str(LAUNCHER), str(report), program, *command[1:]]
    with stdout.open("wb") as out, words.open("wb") as err:
        stopped = subprocess.run(launched, stdout=out, stderr=err, check=False).returncode
    if stopped:
        raise VecattrError(f"{command[0]} was stopped from outside (status {stopped})")
    code, cpu, wall, kilobytes = report.read_text().split()
    if int(code):
        last = words.read_text(errors="replace").strip().splitlines()[-3:]
        raise VecattrError(f"{command[0]} ended with status {code}: {' / '.join(last)}")
    return Cost(float(cpu), float(wall), int(kilobytes) * 1024)
