"""A pool of worker processes: batches in, the results of each in their order out.

The pool knows nothing of what is computed. Each process makes its own state (`open_state`) and then
works on batches (`work`). Only so many batches are on the way that memory stays bounded whatever
the input. Processes are spawned, not forked: FAISS and torch hang after a fork.
"""

from __future__ import annotations

import multiprocessing.util
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from threading import Thread
from typing import Any, TypeVar

from vecattr.errors import VecattrError
from vecattr.files.child_python import child_environment, child_path, interpreter_flags

State = TypeVar("State")
Batch = TypeVar("Batch")
Result = TypeVar("Result")

#: Batches on the way to each process and back.
_AHEAD = 2

#: The Python from which on a broken pool closes the pipe of its batches.
_CLOSES_ITS_READER = (3, 11, 5)

#: One thread a process: they are as many as the processors.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def results_in_order(
    open_state: Callable[[], State],
    work: Callable[[State, Batch], Result],
    batches: Iterable[Batch],
    *,
    processes: int,
) -> Iterator[Result]:
    """The result of `work(state, batch)` for each batch, in order, as batches are done. Both
    callables, the batches and the results are pickled. Errors as those of one process; VecattrError
    when a process is killed."""
    with worker_pool(open_state, work, processes=processes) as results:
        yield from results(batches)


@contextmanager
def worker_pool(
    open_state: Callable[[], State],
    work: Callable[[State, Batch], Result],
    *,
    processes: int,
) -> Iterator[Callable[[Iterable[Batch]], Iterator[Result]]]:
    """A function that does the same with batches, as often as it is called; the processes end with
    the context."""
    with starting_children():  # the queues start a process that cleans up after all of them
        pool = ProcessPoolExecutor(
            processes,
            mp_context=get_context("spawn"),
            initializer=_start,
            initargs=(open_state, work),
        )
    # shutdown() drops the pool's own references, so some are kept here
    workers = pool._processes
    batches = pool._call_queue  # type: ignore[attr-defined]
    try:
        yield partial(_results, pool, processes)
    except BrokenProcessPool as error:
        _kill(workers.values())
        raise VecattrError(
            "a worker process was killed, perhaps for want of memory",
            hint="use fewer of them (--threads)",
        ) from error
    finally:
        _close_reader(batches)
        pool.shutdown(wait=True, cancel_futures=True)


def _kill(workers: Iterable[BaseProcess]) -> None:
    """End what a broken pool has left. A pool that breaks while a process is starting does not end
    that process and waits for it (Python 3.11), so shutdown() would wait for ever."""
    for worker in workers:
        worker.kill()


def _close_reader(batches: Queue[Any]) -> None:
    """Close this process's end of the pipe that only workers read. While it is open, and all
    workers are dead, the thread that writes batches waits for ever, and shutdown() for it (cpython
    issue 94777). From Python 3.11.5 on a broken pool closes it in a thread of its own, and a file
    descriptor must not be closed twice."""
    if sys.version_info < _CLOSES_ITS_READER:
        batches._reader.close()  # type: ignore[attr-defined]


def _results(pool: ProcessPoolExecutor, processes: int, batches: Iterable[Any]) -> Iterator[Any]:
    """The result of each batch in order; few are on the way at any time."""
    pending: deque[Future[Any]] = deque()
    for batch in batches:
        with (
            starting_children(),
            signals_blocked(signal.SIGINT),
        ):  # a submission may start a process
            pending.append(pool.submit(_work, batch))
        while pending and (len(pending) > _AHEAD * processes or pending[0].done()):
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


class _Worker:
    """What a worker process holds; nothing before it is started."""

    state: Any
    work: Callable[[Any, Any], Any]
    failure: Exception | None = None


def _start(open_state: Callable[[], State], work: Callable[[State, Batch], Result]) -> None:
    """An error of an initializer would be lost in a broken pool: the first batch raises it.
    An interrupt reaches all processes; the one that started them says so and stops them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=end_with_parent, daemon=True).start()
    try:
        _Worker.state, _Worker.work = open_state(), staticmethod(work)
    except Exception as error:
        _Worker.failure = error


def end_with_parent() -> None:
    """In a thread of a worker process: end it when its parent was killed, or it would wait for
    work for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(batch: Any) -> Any:
    """In a worker process: the result of one batch."""
    if _Worker.failure is not None:
        raise _Worker.failure
    return _Worker.work(_Worker.state, batch)


@contextmanager
def signals_blocked(*signals: int) -> Iterator[None]:
    """Processes started meanwhile never receive these signals, not even while they start; this one
    receives them afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def starting_children() -> Iterator[None]:
    """Processes started meanwhile compute in one thread each and import nothing from the working
    folder."""
    variables, path = dict(os.environ), sys.path.copy()
    flags = multiprocessing.util._args_from_interpreter_flags  # type: ignore[attr-defined]
    changed = child_environment() | _ONE_THREAD
    multiprocessing.util._args_from_interpreter_flags = interpreter_flags  # type: ignore[attr-defined]
    try:
        _set_environment(changed)
        sys.path[:] = child_path()
        yield
    finally:
        multiprocessing.util._args_from_interpreter_flags = flags  # type: ignore[attr-defined]
        sys.path[:] = path
        _set_environment(variables)


def _set_environment(variables: dict[str, str]) -> None:
    """Make these the variables of this process, with as few changes as that takes."""
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
