"""Where requests wait: a bounded number of them in, their replies out, written down and counted."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from vecattr.cli.serving.asking import Ask
from vecattr.cli.serving.journal import Asker, Journal
from vecattr.cli.serving.messages import Job, Tell
from vecattr.cli.serving.metrics import Metrics
from vecattr.cli.serving.question import Question, Reply
from vecattr.cli.serving.results import Results
from vecattr.cli.serving.settings import Settings
from vecattr.cli.serving.workers import Workers, too_long
from vecattr.errors import VecattrError

#: How often a request that waits looks whether its client is still there (seconds).
_LOOK_EVERY = 0.5

#: Whether whoever asked has gone away.
IsGone = Callable[[], Awaitable[bool]]


class BusyError(VecattrError):
    """As many requests as may be are under way; `seconds` later there may be a place."""

    seconds = 1


class StoppingError(VecattrError):
    """The service is ending and takes no new request."""


class GoneError(VecattrError):
    """Whoever asked does not wait any more."""


@dataclass
class Place:
    """One of the places at the desk, given back when it is left."""

    desk: Desk
    _is_left: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Give the place back."""
        if not self._is_left:
            self._is_left = True
            self.desk.count(-1)


@dataclass
class Desk:
    """What the API and the pages share. All of it runs in the thread of the event loop."""

    settings: Settings
    workers: Workers
    journal: Journal
    metrics: Metrics
    results: Results
    under_way: int = 0
    is_stopping: bool = False
    _mean_seconds: float = field(default=0.2)

    def place(self) -> Place:
        """A place for a request, before its body is read. BusyError when all are taken,
        StoppingError when the service ends, and the error of the index when it cannot be
        opened."""
        if self.is_stopping:
            raise StoppingError("the service is stopping", hint="ask again in a minute")
        if (problem := self.workers.problem) is not None:
            raise problem
        if self.under_way >= self.settings.limits.queue:
            self.metrics.refused("queue")
            busy = BusyError(
                f"{self.under_way} requests are under way, and no more may be",
                hint="ask again later",
            )
            busy.seconds = self.seconds_to_wait()
            raise busy
        self.count(+1)
        return Place(self)

    def count(self, change: int) -> None:
        """Note that a request came or went."""
        self.under_way += change
        self.metrics.set_under_way(self.under_way)

    def seconds_to_wait(self) -> int:
        """About when half of those under way will be done."""
        half = self.under_way * self._mean_seconds / (2 * len(self.workers.workers))
        return max(1, math.ceil(half))

    async def reply(
        self, question: Question, asker: Asker, is_gone: IsGone, tell: Tell | None = None
    ) -> Reply:
        """The reply to a question; when it returns, the audit has it. GoneError when nobody waits
        for it."""
        result = await self.done(Ask(question), is_gone, tell)
        assert isinstance(result, Reply)
        await asyncio.to_thread(self.journal.answered, result, asker)
        self.metrics.answered(result)
        self.journal.log(
            "answered",
            request=asker.request,
            client=asker.address,
            who=asker.name,
            queries=[
                {"length": answer.length, "sha256": answer.sha256} for answer in result.answers
            ],
            bad=len(result.bad),
            index=result.identity,
            generation=result.generation,
        )
        return result

    async def done(
        self,
        job: Job,
        is_gone: IsGone,
        tell: Tell | None = None,
        *,
        seconds: float | None = None,
    ) -> object:
        """The result of a job; as `reply` without audit. TookTooLongError when no process has begun
        it in its time."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        longest = seconds or self.settings.limits.seconds

        def told(words: str) -> None:
            if tell is not None:
                loop.call_soon_threadsafe(tell, words)

        future = self.workers.submit(job, tell=told, seconds=seconds)
        waiting = asyncio.ensure_future(asyncio.wrap_future(future))
        try:
            while True:
                finished, _ = await asyncio.wait({waiting}, timeout=_LOOK_EVERY)
                if finished:
                    break
                if await is_gone() and future.cancel():
                    raise GoneError("nobody waits for the answer")
                if loop.time() - began > longest and future.cancel():
                    raise too_long("waited")
            return waiting.result()
        finally:
            waiting.cancel()
            seconds_taken = loop.time() - began
            self._mean_seconds += 0.1 * (seconds_taken - self._mean_seconds)
