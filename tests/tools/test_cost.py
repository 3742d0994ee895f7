"""No reader and no edit has a quadratic step: what is read four times over takes four times the
work, counted in lines of Python, not in seconds."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from faults.cost import MOST_WORK, TooCostlyError, growth_of_lines, lines_run, most_lines
from faults.fuzz import Tally, outcome
from faults.fuzz_targets import Target, targets
from faults.growth import SERIES, Series


@pytest.mark.parametrize("name", SERIES)
def test_work_grows_as_the_input(name: str) -> None:
    assert growth_of_lines(SERIES[name]) <= MOST_WORK


def test_a_quadratic_step_is_found() -> None:
    def compare_all(size: int) -> None:
        for _ in range(size):
            for _ in range(size):
                pass

    series = Series("made", lambda size: lambda: compare_all(size), smallest=20)
    assert growth_of_lines(series) > 2 * MOST_WORK


def test_work_is_stopped_in_the_middle() -> None:
    def never_end() -> None:
        while True:
            pass

    with pytest.raises(TooCostlyError):
        lines_run(never_end, most=1000)


def test_whole_files_take_a_small_share_of_what_a_fuzzed_one_may() -> None:
    for target in targets().values():
        for seed in target.seeds:
            outcome(target, seed)  # loads modules
            count = lines_run(partial(outcome, target, seed))
            assert count < most_lines(seed) / 2, target.name


def test_the_fuzzer_tells_of_an_input_that_takes_too_much_work(tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        while len(data) == 7:
            pass

    tally, target = Tally(tmp_path), Target("slow", read, (b"seed",))
    for _ in range(16):
        tally.try_one(target, b"good")
    tally.try_one(target, b"7 bytes")
    assert [failure["target"] for failure in tally.failures] == ["slow"]
    assert "ran more than" in tally.failures[0]["what"]
