"""Several processes that ask one panel: batches of plasmids in, their answers in order out.

Each process opens the indexes for itself; what they map, they share. Only so many batches are on
the way that memory stays bounded whatever the input. Processes are spawned, not forked: FAISS and
torch hang after a fork.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING

from vecattr.errors import ArtifactError, VecattrError

if TYPE_CHECKING:
    from vecattr.attribution import Attribution
    from vecattr.indexes.answering.answers import Wanted
    from vecattr.indexes.answering.panel import Panel
    from vecattr.plasmid import Plasmid
    from vecattr.ranking.rank_fusion import Fusion

#: Batches on the way to each process and back.
_AHEAD = 2

#: One thread a process: they are as many as the processors.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Orders:
    """What a process needs to know: which indexes to ask, as which generation of them, and for
    what."""

    paths: tuple[str, ...]
    fusion: Fusion
    identity: str
    wanted: Wanted
    exact: bool

    @classmethod
    def of(cls, panel: Panel, wanted: Wanted) -> Orders:
        paths = tuple(str(index.path) for index in panel.indexes)
        exact = all(index.exact for index in panel.indexes)
        return cls(paths, panel.fusion, panel.identity, wanted, exact)

    def opened(self) -> Panel:
        """The panel again; ArtifactError when an index changed since it was opened first."""
        from vecattr.indexes.answering.panel import open_panel

        panel = open_panel(self.paths, fusion=self.fusion, threads=1, exact=self.exact)
        if panel.identity != self.identity:
            raise ArtifactError(
                "the index was changed while it was asked",
                where=", ".join(self.paths),
                hint="ask again",
            )
        return panel


class _Asker:
    """What a process asks; nothing before it is started."""

    panel: Panel
    wanted: Wanted


def answers_in_processes(
    orders: Orders, batches: Iterable[Sequence[Plasmid]], *, processes: int
) -> Iterator[Attribution]:
    """One answer for each plasmid, in order, as batches are done; errors as those of one process,
    ArtifactError when an index changes meanwhile, VecattrError when a process is killed."""
    pool = ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_start, initargs=(orders,)
    )
    pending: deque[Future[list[Attribution]]] = deque()
    try:
        for batch in batches:
            with _environment(_ONE_THREAD), _sigint_blocked():  # a submission may start a process
                pending.append(pool.submit(_answer, batch))
            while pending and (len(pending) > _AHEAD * processes or pending[0].done()):
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool as error:
        raise VecattrError(
            "a process that was answering was killed, perhaps for want of memory",
            hint="ask with fewer of them (--threads)",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_failures: list[Exception] = []


def _start(orders: Orders) -> None:
    """An error of an initializer would be lost in a broken pool: it is told by the first batch.
    An interrupt reaches all processes; the one that started them says so and stops them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        _Asker.panel, _Asker.wanted = orders.opened(), orders.wanted
    except Exception as error:
        _failures.append(error)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _answer(batch: Sequence[Plasmid]) -> list[Attribution]:
    """In a process that was started: the answers of one batch."""
    from vecattr.indexes.answering.answers import answers_of_batch

    if _failures:
        raise _failures[0]
    return list(answers_of_batch(_Asker.panel, batch, _Asker.wanted))


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Processes started meanwhile never hear an interrupt, not even while they start; this one
    hears it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that processes started meanwhile inherit."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
