"""Units done in; now and then a line that says how many, and after how many seconds, out.

For logs: where nobody watches, a bar is of no use.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: What is told of progress: the sentence, the units done, and the seconds that took.
Tell = Callable[[str, int, float], None]


class ProgressLines:
    """Tells every so many seconds; a command that is done before tells nothing."""

    def __init__(
        self, title: str, *, total: int | None, unit: str, every: float, tell: Tell
    ) -> None:
        self._title, self._total, self._unit = title, total, unit
        self._every, self._tell = every, tell
        self._done = 0
        self._start = self._last = time.monotonic()

    def advance(self, done: int) -> None:
        """So many more units are done."""
        self._done += done
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            self._say(now)

    def close(self) -> None:
        """The last line, if there was one before."""
        if self._last > self._start:
            self._say(time.monotonic())

    def _say(self, now: float) -> None:
        seconds = now - self._start
        of_total = f" of {self._total:,}" if self._total is not None else ""
        sentence = f"{self._title}: {self._done:,}{of_total}{self._unit}, {seconds:.0f} s"
        self._tell(sentence, self._done, seconds)
