"""The worker processes of the service: jobs in, their results out, in the order they came.

A thread for each process hands it one job at a time. A job that takes too long is ended with its
process, and another process takes its place; no other job notices.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from vecattr.cli.serving.messages import LOOK, OPEN, Done, Failure, IndexFacts, Job, Tell, loading
from vecattr.cli.serving.settings import RequestLimits, Settings
from vecattr.errors import VecattrError
from vecattr.indexes.answering.worker_pool import signals_blocked, starting_children

if TYPE_CHECKING:
    from vecattr.ranking.rank_fusion import Fusion

#: How often an idle process looks whether the index has changed (seconds).
LOOK_EVERY = 1.0
#: How often it is looked whether the first process is ready (seconds).
_LOOK_AGAIN = 0.5
#: How long a process may take to start and open the index (seconds).
_LONGEST_OPENING = 600.0
#: The longest wait before a process that ended by itself is started again (seconds).
_LONGEST_PAUSE = 30.0

#: How long a process that is at rest may take to end (seconds).
_LONGEST_END = 5.0

#: Signals for the service reach all of its processes; the one that serves says when they end.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_starting = threading.Lock()


class TookTooLongError(VecattrError):
    """A request was not answered in its time; `has_begun` says whether a process worked on it."""

    has_begun = False


class EndedError(VecattrError):
    """The process that was answering ended."""


@dataclass
class _Waiting:
    """A job that waits for a process, until when it may be answered, and whom to tell."""

    job: Job
    deadline: float
    tell: Tell
    future: Future[object] = field(default_factory=Future)


def _work(
    pipe: Connection,
    opening: tuple[tuple[Path, ...], Fusion, tuple[float, ...]],
    limits: RequestLimits,
) -> None:
    """What a process runs."""
    with loading():
        from vecattr.cli.serving.worker import Opening, work  # start-up: in the process alone

    work(pipe, Opening(*opening), limits)


class Worker:
    """One process and the thread that hands it jobs."""

    def __init__(
        self,
        paths: tuple[Path, ...],
        settings: Settings,
        jobs: queue.SimpleQueue[_Waiting | None],
        on_failure: Callable[[Failure], None],
    ) -> None:
        self._arguments = ((paths, settings.fusion, settings.weights), settings.limits)
        self._limits = settings.limits
        self._jobs = jobs
        self._on_failure = on_failure
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.facts: IndexFacts | None = None
        self.problem: VecattrError | None = None
        self.is_busy = False
        self.starts = 0
        self._is_open = False
        self._ends_in_a_row = 0
        self.has_looked = threading.Event()

    @property
    def is_ready(self) -> bool:
        """Has it the present index open?"""
        return self.facts is not None and self.problem is None

    @property
    def process_id(self) -> int | None:
        """Of the process, for its memory."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the process and its thread."""
        self._start_process()
        self._thread.start()

    def stop(self) -> None:
        """End the process after the job that it has; at once while it opens the index."""
        self._is_stopping.set()
        if self._process is not None and not self._is_open and not self.is_busy:
            self._process.kill()

    def join(self) -> None:
        """Wait until it has ended."""
        if self.starts:
            self._thread.join()

    def _start_process(self) -> None:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, *self._arguments), daemon=True)
        with _starting, starting_children():
            resource_tracker.ensure_running()  # unblocks signals when it starts one
            with signals_blocked(*_SIGNALS):
                process.start()
        theirs.close()
        self._process, self._pipe = process, ours
        self._is_open = False
        self.starts += 1

    def _end_process(self) -> None:
        assert self._process is not None
        assert self._pipe is not None
        self.facts = None
        self._pipe.close()  # ends a process that is at rest
        self._process.join(_LONGEST_END if self._is_open else 0)
        self._process.kill()
        self._process.join()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                waiting = self._jobs.get(timeout=LOOK_EVERY) if self._is_open else None
            except queue.Empty:
                waiting = None
            if waiting is None:
                self._look()
            elif waiting.future.set_running_or_notify_cancel():
                self.is_busy = True
                self._do(waiting)
                self.is_busy = False
        self._end_process()

    def _look(self) -> None:
        """Open the index if it has changed; start the process again if it has ended, or does not
        say in the time of a request whether the index has changed."""
        try:
            end = self._ask_for(LOOK, self._limits.seconds) if self._is_open else Done(False)
            if not (isinstance(end, Done) and end.result):
                end = self._ask_for(OPEN, _LONGEST_OPENING)
        except (EOFError, OSError):  # TimeoutError is one
            if not self._is_stopping.is_set():
                self._replace_process()
            return
        self.problem = end.error if isinstance(end, Failure) else None
        self._is_open, self._ends_in_a_row = True, 0
        self.has_looked.set()

    def _ask_for(self, message: str, seconds: float) -> Done | Failure:
        """As `_ask`, when nobody waits for the end."""
        return self._ask(message, time.monotonic() + seconds, _untold)

    def _replace_process(self) -> None:
        """End the process at once and start another; after a while, when none lasts."""
        self._is_open = False
        self._end_process()
        self._is_stopping.wait(min(_LONGEST_PAUSE, 0.1 * 2 ** min(self._ends_in_a_row, 10)))
        self._ends_in_a_row += 1
        self._start_process()

    def _do(self, waiting: _Waiting) -> None:
        if waiting.deadline <= time.monotonic():
            waiting.future.set_exception(too_long("waited"))
            return
        try:
            end = self._ask(waiting.job, waiting.deadline, waiting.tell)
        except TimeoutError:
            waiting.future.set_exception(too_long("took", has_begun=True))
            self._replace_process()
        except (EOFError, OSError):
            waiting.future.set_exception(
                EndedError(
                    "the process that was answering ended, perhaps for want of memory",
                    hint="ask for fewer or shorter sequences",
                )
            )
            self._replace_process()
        else:
            if isinstance(end, Failure):
                self._on_failure(end)
                waiting.future.set_exception(end.error)
            else:
                waiting.future.set_result(end.result)

    def _ask(self, message: Job | str, deadline: float, tell: Tell) -> Done | Failure:
        """What the process sends back at the end; TimeoutError after the deadline, EOFError or
        OSError when the process ends."""
        assert self._pipe is not None
        self._pipe.send(message)
        while True:
            if not self._pipe.poll(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            match self._pipe.recv():
                case Done() | Failure() as end:
                    return end
                case IndexFacts() as facts:
                    self.facts = facts
                case str() as words:
                    tell(words)


def _untold(words: str) -> None:
    """Progress that nobody waits for."""


def too_long(verb: str, *, has_begun: bool = False) -> TookTooLongError:
    """The error of a request that was not answered in time."""
    error = TookTooLongError(
        f"the request {verb} longer than it may", hint="try again later, or ask for less at once"
    )
    error.has_begun = has_begun
    return error


class Workers:
    """All worker processes; `on_failure` is called, in threads of theirs, with every error."""

    def __init__(self, settings: Settings, on_failure: Callable[[Failure], None]) -> None:
        paths = tuple(Path(path).absolute() for path in settings.indexes)
        self._limits = settings.limits
        self._is_stopping = threading.Event()
        self._starter = threading.Thread(target=self._start_others, daemon=True)
        self._jobs: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self.workers = tuple(
            Worker(paths, settings, self._jobs, on_failure) for _ in range(settings.workers)
        )

    def start(self) -> None:
        """Start the first, and the others when it is ready: the first answer waits for no other."""
        self.workers[0].start()
        self._starter.start()

    def _start_others(self) -> None:
        while not self.workers[0].has_looked.wait(_LOOK_AGAIN):
            if self._is_stopping.is_set():
                return
        for worker in self.workers[1:]:
            worker.start()

    def stop(self) -> None:
        """End all of them, each after the job that it has."""
        self._is_stopping.set()
        self._starter.join()
        for worker in self.workers:
            worker.stop()
        for _ in self.workers:
            self._jobs.put(None)  # wakes a thread that waits for a job
        for worker in self.workers:
            worker.join()

    def submit(
        self, job: Job, *, tell: Tell = _untold, seconds: float | None = None
    ) -> Future[object]:
        """The result of a job that comes after those before it; TookTooLongError after so many
        seconds (None: those of a request), EndedError when the process ends."""
        deadline = time.monotonic() + (seconds or self._limits.seconds)
        waiting = _Waiting(job, deadline, tell)
        self._jobs.put(waiting)
        return waiting.future

    @property
    def is_ready(self) -> bool:
        """Can a job be done now, or when others are?"""
        return any(worker.is_ready for worker in self.workers)

    @property
    def problem(self) -> VecattrError | None:
        """Why no process has the index open, if there is a reason but the start."""
        problems = [worker.problem for worker in self.workers if worker.problem is not None]
        return problems[0] if problems and not self.is_ready else None

    @property
    def facts(self) -> IndexFacts | None:
        """On the newest generation that a process has opened."""
        known = [worker.facts for worker in self.workers if worker.facts is not None]
        return max(known, key=lambda facts: facts.generation, default=None)

    @property
    def waiting(self) -> int:
        """Jobs that no process has begun."""
        return self._jobs.qsize()

    @property
    def busy(self) -> int:
        """Processes that do a job."""
        return sum(worker.is_busy for worker in self.workers)
