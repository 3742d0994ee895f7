"""Progress in, one line on stderr out, which results and messages never run into.

While a bar is drawn, whatever is printed on the same terminal takes its place, and the bar is drawn
again below it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

#: Without the drawn bar, so that the figures of a training fit into 80 columns.
FIGURES = "{desc}: {percentage:3.0f}% {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class ProgressBar:
    """A drawn bar; `close` takes it away."""

    def __init__(
        self, title: str, *, total: int | None, unit: str, is_drawn: bool, layout: str | None = None
    ) -> None:
        """`is_drawn`: else nothing is shown. `layout` is a `bar_format` of tqdm."""
        from tqdm import tqdm  # start-up

        self._started = time.monotonic()
        self._is_cleared = False
        self._bar: Any = tqdm(
            total=total,
            desc=title,
            unit=unit,
            file=sys.stderr,
            disable=not is_drawn,
            leave=False,
            dynamic_ncols=True,
            bar_format=layout,
        )
        self._place = ExitStack()
        if is_drawn:
            if sys.stdout.isatty():
                self._place.enter_context(redirect_stdout(_Above(sys.stdout, self)))
            self._place.enter_context(redirect_stderr(_Above(sys.stderr, self)))

    @property
    def done(self) -> int:
        """Units that are done."""
        return int(self._bar.n)

    @property
    def seconds(self) -> float:
        """Since the bar was drawn first."""
        return time.monotonic() - self._started

    def advance(self, done: int) -> None:
        """So many more units are done."""
        self._bar.update(done)

    def show(self, figures: dict[str, str]) -> None:
        """Figures at the end of the bar, from its next step on."""
        self._bar.set_postfix(figures, refresh=False)

    def close(self) -> None:
        """Take the bar away; what is printed from now on is printed as ever."""
        self._place.close()
        self._bar.close()

    @contextmanager
    def cleared(self, text: str) -> Iterator[None]:
        """No bar is on the screen while this text is written, nor below an unfinished line."""
        if not self._is_cleared:
            self._bar.clear()
        try:
            yield
        finally:
            self._is_cleared = not text.endswith("\n")
            if not self._is_cleared:
                self._bar.refresh()


class _Above:
    """A stream of the terminal on which the bar is drawn; what is written to it stands above."""

    def __init__(self, stream: TextIO, bar: ProgressBar) -> None:
        self._stream = stream
        self._bar = bar

    def write(self, text: str) -> int:
        """Write text where the bar was."""
        if not text:
            return 0
        with self._bar.cleared(text):
            written = self._stream.write(text)
            self._stream.flush()
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
