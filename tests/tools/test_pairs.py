"""Two commands on one index leave what some order of them leaves, wherever each is stopped. A few
rounds here; `pytest -m exhaustive` plays all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from faults import pairs
from faults.pairs import COMMANDS, WRITERS, Round, Stage, SteppedDisk, wrong_in

from vecattr.files.atomic import atomic_write
from vecattr.files.disk import using

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="renames in one step")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with using(SteppedDisk()):
        yield Stage(tmp_path_factory.mktemp("stage"))


def test_some_pairs_leave_what_some_order_of_them_leaves(stage: Stage) -> None:
    plans, counts = list(pairs.rounds_of(stage)), Counter[str]()
    for plan in Random(3).sample(plans, 25):
        assert wrong_in(stage, plan, counts) == [], str(plan)
    assert len(counts) > 1


@pytest.mark.exhaustive
def test_all_pairs_leave_what_some_order_of_them_leaves() -> None:
    summary = pairs.prove(0, seed=0)
    assert summary["failures"] == []
    assert summary["rounds"] > 3000


def test_every_command_that_writes_is_stopped(stage: Stage) -> None:
    assert all(stage.steps(name) > 5 for name in WRITERS if name != "repair")
    firsts = {(plan.first, plan.second) for plan in pairs.rounds_of(stage)}
    assert {(one, other) for one in WRITERS for other in COMMANDS if one != "repair"} <= firsts


@pytest.mark.parametrize("second", ["rename-lab", "repair", "delete", "build --replace"])
def test_an_index_that_is_replaced_before_it_is_locked_is_opened_again(
    stage: Stage, second: str
) -> None:
    there, [first, other] = pairs.played(stage, Round("build --replace", 1, second, 1))
    assert "cannot be locked" not in f"{first.error} {other.error}"
    assert there


def test_a_build_whose_folder_another_one_swept_says_that_the_path_is_taken(stage: Stage) -> None:
    for stop in range(1, 8):
        _, [first, other] = pairs.played(stage, Round("build", stop, "another build", 4))
        assert "no such file" not in f"{first.error} {other.error}"


def test_a_command_that_loses_an_edit_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_back(root: Path) -> None:
        manifest = root / "index" / "manifest.json"
        data = manifest.read_bytes()
        atomic_write(root / "index" / "LOCK", b"")  # stops here, while the other one edits
        manifest.write_bytes(data)

    monkeypatch.setitem(COMMANDS, "write back", write_back)
    assert wrong_in(stage, Round("write back", 99, "remove-lab"), Counter()) == []
    assert wrong_in(stage, Round("write back", 1, "remove-lab"), Counter())
