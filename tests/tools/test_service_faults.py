"""Whatever the disk refuses while a lab is added over the service, the index is the old one or the
new one, and the response says which. A few faults here; `pytest -m exhaustive` tries every one."""

from __future__ import annotations

import sys
from collections import Counter
from random import Random
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("locks and renames of Linux", allow_module_level=True)

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from faults import service_faults
from faults.service_faults import Bench, Service, WorkerHere
from faults.workplace import state_of

from vecattr.cli.serving.messages import Job
from vecattr.cli.serving.workers import EndedError


def table(plasmids: Any, lab: str) -> bytes:
    rows = [f"{plasmid.id},{lab},{plasmid.sequence[:500]}" for plasmid in plasmids]
    return "\n".join(["sequence_id,lab,sequence", *rows]).encode() + b"\n"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, shelf: Any) -> Bench:
    new = shelf.newcomers
    tables = table(new[:2], "Next"), table(new[2:4], "More")
    return Bench(tmp_path_factory.mktemp("copies"), shelf.index, *tables)


def test_some_calls_fail_and_status_and_index_agree(bench: Bench) -> None:
    counts: Counter[str] = Counter()
    late = [fault for fault in bench.faults() if fault.number > len(bench.calls) - 6]
    for fault in [*Random(5).sample(list(bench.faults()), 3), *Random(6).sample(late, 1)]:
        assert service_faults.wrong_after(fault, bench, counts) == [], str(fault)
    assert counts["not changed"]
    assert counts["changed"] + counts["changed, told in a warning"]


@pytest.mark.exhaustive
def test_every_call_fails_and_status_and_index_agree() -> None:
    summary = service_faults.prove(0, seed=0)
    assert summary["failures"] == []
    assert summary["rounds"] > 400


class Dying(WorkerHere):
    """A worker process that is killed when it has done a job, before it says so."""

    def submit(self, job: Job, **how: Any) -> Any:
        future = super().submit(job, **how)
        if getattr(job, "identity", None) is None:
            return future
        lost: Any = type(future)()
        lost.set_exception(EndedError("the process that was answering ended"))
        return lost


def test_a_process_that_was_killed_leaves_no_false_word(bench: Bench) -> None:
    index = bench.copy()
    service = Service(index, bench.first)
    service.worker.__class__ = Dying
    response = service.tried("api")()
    assert response.status_code == 503
    assert "whether anything was added is not known" in response.json()["title"]
    assert state_of(index) == bench.after
    again = service.post(
        "/api/v1/add-lab",
        files={"file": ("new.csv", bench.first)},
        headers={"Authorization": f"Bearer {service_faults.TOKEN}"},
    )
    assert again.status_code == 422
    assert "is in the index already" in again.json()["title"]
