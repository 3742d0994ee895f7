"""Proof 3, concurrency: a number of edits in, the outcomes of concurrent readers and writers out.

Four readers query an index while a writer adds labs to it; four writers add labs at once; a writer
is killed while it holds the lock. No reader may get an error, and each answer must be the one that
its generation gives when nobody writes.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from toy_index import toy_plasmids

from faults import fixtures
from vecattr.errors import LockedError, VecattrError
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.edit import compact, remove_lab
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.lock import writing

READERS = WRITERS = 4
#: The longest that a writer waits for the others (seconds).
_LONGEST_WAIT = 120.0


def answer_of(path: Path) -> tuple[str, str]:
    """The identity of the generation that answered, and a hash of its answers."""
    index = fixtures.opened(path)
    queries = [*toy_plasmids(["Ash", "q"], each=1, seed=3), *fixtures.plasmids_of("lab 7", 7)]
    return index.identity, fixtures.answer_hash(index, queries)


def edit(path: Path, number: int, *, after: Callable[[], object] = lambda: None) -> None:
    """The number-th add of a run, sometimes with a removal or a compaction; the same in any copy.
    `after` is called after each edit."""
    embedder = fixtures.embedder_of(path / "model")
    add_labs(path, fixtures.plasmids_of(f"lab {number}", number), embedder=embedder)
    after()
    if number % 10 == 9:
        remove_lab(path, f"lab {number - 3}")
        after()
    if number % 25 == 24:
        compact(path)
        after()


def read_until(stop: Event, path: Path, pipe: Connection) -> None:
    """A reader: it sends every answer with its count, and the error that it got, if any."""
    counts: Counter[tuple[str, str]] = Counter()
    problem = None
    try:
        while not stop.is_set():
            counts[answer_of(path)] += 1
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    pipe.send((counts, problem))


def write_labs(path: Path, writer: int, count: int, pipe: Connection) -> None:
    """One of several writers; it sends the error that it got, if any."""
    problem = None
    try:
        for number in range(count):
            name = f"writer {writer} lab {number}"
            new = fixtures.plasmids_of(name, writer * 1000 + number)
            add_labs(path, new, embedder=fixtures.embedder_of(path / "model"), wait=_LONGEST_WAIT)
    except VecattrError as error:
        problem = f"{type(error).__name__}: {error}"
    pipe.send(problem)


def hold_the_lock(path: Path, pipe: Connection) -> None:
    """Take the lock and never release it."""
    with writing(path):
        pipe.send("held")
        time.sleep(600)


def prove(rounds: int, *, seed: int) -> dict[str, Any]:
    """Readers during so many edits, then writers at once, then killed holders of the lock."""
    with tempfile.TemporaryDirectory() as folder:
        readers = readers_through_edits(Path(folder), rounds)
    with tempfile.TemporaryDirectory() as folder:
        writers = writers_at_once(Path(folder), max(2, rounds // 20))
    with tempfile.TemporaryDirectory() as folder:
        lock = killed_holders(Path(folder), max(2, rounds // 10))
    outcomes = {**readers[0], **writers[0], **lock[0]}
    failures = [{"what": what} for part in (readers, writers, lock) for what in part[1]]
    return {"rounds": rounds, "outcomes": outcomes, "failures": failures}


def readers_through_edits(folder: Path, rounds: int) -> tuple[dict[str, int], list[str]]:
    """What readers got while one writer edited."""
    context = fixtures.server("faults.concurrency")
    (folder / "live").mkdir()
    (folder / "alone").mkdir()
    path, alone = (fixtures.build_toy_index(folder / name) for name in ("live", "alone"))
    truth = dict([answer_of(alone)])
    for number in range(rounds):
        edit(alone, number, after=lambda: truth.update([answer_of(alone)]))
    stop = context.Event()
    pipes, processes = [], []
    for _ in range(READERS):
        parent, child = context.Pipe()
        processes.append(context.Process(target=read_until, args=(stop, path, child)))
        pipes.append(parent)
        processes[-1].start()
    for number in range(rounds):
        edit(path, number)
    stop.set()
    return _judged(pipes, processes, truth)


def _judged(
    pipes: list[Connection], processes: list[Any], truth: dict[str, str]
) -> tuple[dict[str, int], list[str]]:
    failures, answered, generations = [], 0, set()
    for pipe, process in zip(pipes, processes, strict=True):
        if not pipe.poll(60):
            failures.append("a reader died")
            process.kill()
            continue
        counts, problem = pipe.recv()
        process.join()
        if problem:
            failures.append(f"a reader got {problem}")
        for (identity, answer), count in counts.items():
            answered += count
            generations.add(identity)
            true_answer = truth.get(identity)
            if true_answer is None:
                failures.append(f"an answer of state {identity[:16]}, which nobody published")
            elif true_answer != answer:
                failures.append(f"a wrong answer of state {identity[:16]}")
    facts = {
        "readers": len(pipes),
        "answers read while a writer wrote": answered,
        "different states read": len(generations),
        "states published": len(truth),
    }
    return facts, failures


def writers_at_once(folder: Path, each: int) -> tuple[dict[str, int], list[str]]:
    """What the index holds after several writers added labs at once."""
    context = fixtures.server("faults.concurrency")
    path = fixtures.build_toy_index(folder)
    pipes, processes = [], []
    for writer in range(WRITERS):
        parent, child = context.Pipe()
        processes.append(context.Process(target=write_labs, args=(path, writer, each, child)))
        pipes.append(parent)
        processes[-1].start()
    problems = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    failures = [problem for problem in problems if problem]
    wanted = {f"writer {writer} lab {n}" for writer in range(WRITERS) for n in range(each)}
    if missing := wanted - set(fixtures.content(path)):
        failures.append(f"{len(missing)} labs are missing")
    failures += [f"{finding.where}: {finding.what}" for finding in verify_index(path).findings]
    return {"writers": WRITERS, "labs added by writers at once": len(wanted)}, failures


def killed_holders(folder: Path, rounds: int) -> tuple[dict[str, int], list[str]]:
    """Whether a lock is refused while it is held, and free after its holder was killed."""
    context = fixtures.server("faults.concurrency")
    path = fixtures.build_toy_index(folder)
    failures = []
    for number in range(rounds):
        parent, child = context.Pipe()
        process = context.Process(target=hold_the_lock, args=(path, child))
        process.start()
        parent.recv()
        try:
            with writing(path, wait=0.05):
                failures.append(f"round {number}: two held the lock")
        except LockedError:
            pass
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        with writing(path):
            pass
    generation = read_manifest(path).generation
    return {"holders of the lock killed": rounds, "generation after them": generation}, failures
