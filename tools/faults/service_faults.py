"""Proof 14, edits over the service when the disk fails: every call of the disk that a confirmed
addition makes fails, once and from there on, by the API and by the pages; what the service says and
what the index is out.

Status 200 means the new state, any other the old one, and the text says so. The next request works.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

from faults import fixtures
from faults.disk_faults import ERRORS, IN_FORCE, LASTING, told_fault
from faults.disks import FailingDisk
from faults.workplace import make_workplace, state_of
from vecattr.cli.serving.desk import Desk
from vecattr.cli.serving.http.guard import Guard
from vecattr.cli.serving.http.service import application
from vecattr.cli.serving.journal import Journal
from vecattr.cli.serving.messages import Done, Failure, Job, Tell
from vecattr.cli.serving.metrics import Metrics
from vecattr.cli.serving.results import Results
from vecattr.cli.serving.settings import Access, RequestLimits, Settings
from vecattr.cli.serving.tokens import TokenFile
from vecattr.cli.serving.worker import Opening, end_of
from vecattr.cli.serving.workers import Workers
from vecattr.files.disk import using
from vecattr.indexes.checking.verify import verify_index

TOKEN = "editor-0123456789abcdef"
NOTHING_ADDED = "nothing was added"
WAYS = ("api", "page")


class WorkerHere:
    """The worker process of a service, which does every job at once and in this process, so that
    its disk can fail."""

    workers = ()
    problem = facts = None
    is_ready, waiting, busy = True, 0, 0

    def __init__(self, index: Path) -> None:
        self._opening, self.failures = Opening((index,), "copeland"), list[Failure]()

    def submit(
        self, job: Job, *, tell: Tell = lambda words: None, seconds: float | None = None
    ) -> Future[object]:
        """The result of a job."""
        future: Future[object] = Future()

        def sent(message: object) -> None:
            if isinstance(message, str):
                tell(message)

        end = end_of(job, self._opening, RequestLimits(), sent)
        if isinstance(end, Done):
            future.set_result(end.result)
        else:
            self.failures.append(end)
            future.set_exception(end.error)
        return future


class Service:
    """The whole service of an index but for its sockets and processes; `data` is what is added."""

    def __init__(self, index: Path, data: bytes) -> None:
        self.index, self.data = index, data
        tokens = index.with_name("tokens")
        tokens.touch(0o600)
        tokens.write_text(f"bob {TOKEN}\n")
        access = Access(allow_edit=True, edit_token_file=tokens)
        settings = Settings((index,), access=access)
        self.worker, self.log = WorkerHere(index), io.StringIO()
        workers, journal = cast("Workers", self.worker), Journal(stream=self.log)
        metrics, edit_tokens = Metrics(workers), TokenFile(tokens)
        desk = Desk(settings, workers, journal, metrics, Results(settings.keeping))
        app = application(desk, "http://localhost/", edit_tokens)
        self._app = Guard(app, access, journal, metrics, None, edit_tokens)

    def post(self, path: str, **how: Any) -> httpx.Response:
        """The response to a request."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                return await client.post(path, **how)

        return asyncio.run(asked())

    def tried(self, way: str) -> Callable[[], httpx.Response]:
        """Try the addition without a change; what confirms it."""
        files = {"file": ("new.csv", self.data)}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        if way == "api":
            trial = self.post("/api/v1/add-lab", files=files, headers=headers)
            assert trial.status_code == 200, trial.text
            given = {"confirmation": trial.json()["confirmation"]}
            return lambda: self.post("/api/v1/add-lab", files=files, headers=headers, params=given)
        headers["Accept"] = "text/html"
        trial = self.post("/add-lab", files=files, headers=headers)
        number = re.search(r'name="trial" value="([^"]+)"', trial.text)
        assert number is not None, trial.text
        part = {"trial": (None, number[1])}
        return lambda: self.post("/add-lab/confirm", files=part, headers=headers)


@dataclass(frozen=True)
class Fault:
    """The call of the disk that fails while a confirmed addition is made."""

    way: str
    number: int
    error: int
    lasting: bool = False

    def __str__(self) -> str:
        return told_fault(self.way, self.number, self.error, lasting=self.lasting)


class Bench:
    """An index, never changed, two tables of labs that it lacks, and copies of it."""

    def __init__(self, folder: Path, index: Path, first: bytes, second: bytes) -> None:
        self._copies, self._index = folder, index
        self.first, self.second = first, second
        self._count = 0
        index = self.copy()
        self.before, disk = state_of(index), FailingDisk()
        confirm = Service(index, first).tried("api")
        with using(disk):
            assert confirm().status_code == 200
        self.after, self.calls = state_of(index), disk.calls
        assert self.before != self.after
        shutil.rmtree(index.parent)

    def copy(self) -> Path:
        """A new copy of the index, in a folder of its own."""
        self._count += 1
        folder = self._copies / str(self._count)
        folder.mkdir()
        return Path(shutil.copytree(self._index, folder / "index"))

    def faults(self) -> Iterator[Fault]:
        """Every fault."""
        for way in WAYS:
            for number in range(1, len(self.calls) + 1):
                yield from (Fault(way, number, error) for error in ERRORS)
                yield from (Fault(way, number, error, lasting=True) for error in LASTING)


def wrong_after(fault: Fault, bench: Bench, counts: Counter[str]) -> list[str]:
    """What is wrong after a fault."""
    index = bench.copy()
    service = Service(index, bench.first)
    confirm = service.tried(fault.way)
    with using(FailingDisk(fault.number, fault.error, lasting=fault.lasting)):
        response = confirm()
    state = state_of(index)
    wrong = [
        *_wrong_told(response, state, bench, counts),
        *_places(response, index),
        *_wrong_next(service, state, bench),
    ]
    if any("unexpected" in failure.error.what for failure in service.worker.failures):
        wrong.append(f"something unexpected: {service.log.getvalue()}")
    shutil.rmtree(index.parent)
    return wrong


def _wrong_told(
    response: httpx.Response, state: object, bench: Bench, counts: Counter[str]
) -> Iterator[str]:
    told = f"status {response.status_code}, {response.text!r}"
    is_warned = IN_FORCE in response.text
    if state == bench.after:
        counts["changed, told in a warning" if is_warned else "changed"] += 1
        if response.status_code != 200:
            yield f"is changed, but says: {told}"
    elif state == bench.before:
        counts["not changed"] += 1
        is_told = NOTHING_ADDED in response.text.lower() and response.status_code == 503
        if not is_told or is_warned:
            yield f"is not changed, but says: {told}"
    else:
        yield f"is neither the old one nor the new one: {state}; {told}"


def _places(response: httpx.Response, index: Path) -> Iterator[str]:
    if str(index) in response.text:
        yield f"names a place of the service: {response.text!r}"


def _wrong_next(service: Service, state: object, bench: Bench) -> Iterator[str]:
    """What is wrong with the next requests: the same once more unless it did its work, another one,
    and a question."""
    if state == bench.before:
        response = service.tried("api")()
        if response.status_code != 200 or state_of(service.index) != bench.after:
            yield f"the same again leaves {state_of(service.index)}: {response.text}"
    service.data = bench.second
    if (response := service.tried("page")()).status_code != 200:
        yield f"the next addition fails: {response.text}"
    asked = service.post("/api/v1/query", content=bench.second)
    if asked.status_code != 200 or not all(map(_is_known, asked.json())):
        yield f"the next question fails: {asked.text[:500]}"
    yield from (f"afterwards: {finding}" for finding in verify_index(service.index).findings)


def _is_known(answer: dict[str, Any]) -> bool:
    """Whether an answer tells that its query is stored."""
    told = f"a near copy is stored: {answer['query']!r}"
    return any(note.startswith(told) for note in answer["notes"])


def prove(rounds: int, *, seed: int) -> dict[str, Any]:
    """Let so many faults happen, drawn at random (0: every one)."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        place, copies = Path(name) / "place", Path(name) / "copies"
        place.mkdir()
        copies.mkdir()
        make_workplace(place)
        tables = [(place / table).read_bytes() for table in ("next.csv", "more.csv")]
        bench = Bench(copies, place / "kept.index", *tables)
        faults = list(bench.faults())
        if rounds:
            faults = fixtures.seeded_random(seed, "service faults").sample(faults, rounds)
        for number, fault in enumerate(faults):
            fixtures.progress(number, every=100)
            call = bench.calls[fault.number - 1]
            failures += [
                {"fault": f"{fault} ({call})", "what": what}
                for what in wrong_after(fault, bench, counts)
            ]
    return {
        "rounds": len(faults),
        "calls": len(bench.calls),
        "outcomes": dict(sorted(counts.items())),
        "failures": failures,
    }
