"""A function or a program in; its processor seconds, wall seconds and peak memory out."""

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
    """`cpu` (user and system) and `wall` in seconds; `peak` resident memory in bytes, which for a
    program includes the pages of the files that it maps."""

    cpu: float
    wall: float
    peak: int


def own_cost(work: Callable[[], Result]) -> tuple[Result, Cost]:
    """The result of `work`, and its cost in this process; the peak is the process's so far
    (Linux)."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    spent = time.process_time() - cpu, time.perf_counter() - wall
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak is not None, "Linux reports the peak in kB"
    return result, Cost(*spent, int(peak[1]) * 1024)


def run_program(command: Sequence[str], *, stdout: Path, folder: Path) -> Cost:
    """Run a program (found on PATH) with its output in `stdout`; its report and messages go to
    `folder`. VecattrError when it fails, with its last messages, or is stopped."""
    program = shutil.which(command[0])
    assert program is not None, "the caller has looked for the program"
    report, messages = folder / "cost.txt", folder / "stderr.txt"
    command_line = [sys.executable, "-S", str(LAUNCHER), str(report), program, *command[1:]]
    with stdout.open("wb") as out, messages.open("wb") as err:
        status = subprocess.run(command_line, stdout=out, stderr=err, check=False).returncode
    if status:
        raise VecattrError(f"{command[0]} was stopped from outside (status {status})")
    code, cpu, wall, kilobytes = report.read_text().split()
    if int(code):
        last = messages.read_text(errors="replace").strip().splitlines()[-3:]
        raise VecattrError(f"{command[0]} ended with status {code}: {' / '.join(last)}")
    return Cost(float(cpu), float(wall), int(kilobytes) * 1024)
