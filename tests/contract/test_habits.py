"""Claims about habits: no test reads a clock, no line leaves coverage without a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]

#: A test may sleep and may wait for another process, but a busy machine must not fail it: what is
#: guarded by seconds goes to a benchmark, as a ratio to a named peer of the same run.
CLOCK = re.compile(
    r"\b(perf_counter|monotonic|process_time|thread_time|time_ns|timeit|elapsed)\b"
    r"|\btime\.time\b|\bdatetime\.now\b"
)
NO_REASON = re.compile(r"# pragma: no cover\s*$", re.MULTILINE)


def test_no_test_reads_a_clock() -> None:
    others = [path for path in TESTS.rglob("*.py") if path != Path(__file__).resolve()]
    assert [path for path in others if CLOCK.search(path.read_text(encoding="utf-8"))] == []


def test_a_line_left_out_of_coverage_says_why(sources: Mapping[str, str]) -> None:
    assert [name for name, text in sources.items() if NO_REASON.search(text)] == []
