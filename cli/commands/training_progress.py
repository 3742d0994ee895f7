"""Events of a training run in, progress bars and epoch lines on stderr out."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Self

from vecattr.cli.progress_bar import FIGURES, ProgressBar
from vecattr.cli.progress_lines import ProgressLines

if TYPE_CHECKING:
    from vecattr.cli.terminal import Terminal
    from vecattr.training.progress import Epoch

#: Shorter names of training's figures, for the bar.
_SHORT_NAMES = {"plasmids_per_second": "plasmids/s"}


def is_leader() -> bool:
    """Whether this process prints: of the processes of a torchrun only the first does."""
    return os.environ.get("RANK", "0") == "0"


class TrainingProgress:
    """A watcher of training: a bar per stage, with the loss, the last validation and the speed."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._bar: ProgressBar | None = None
        self._lines: ProgressLines | None = None
        self._validation: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._lines is not None:
            self._lines.close()
        self._bar = self._lines = None

    def notes(self, text: str) -> None:
        """Print the line, between bars."""
        self._close()
        if is_leader():
            self._terminal.say(text)

    def starts(self, stage: str, total: int) -> None:
        """A stage begins: a new bar of `total` units."""
        self._close()
        is_drawn = self._terminal.shows_progress and is_leader()
        self._bar = ProgressBar(stage, total=total, unit="", is_drawn=is_drawn, layout=FIGURES)
        if is_leader() and not is_drawn:
            every, tell = self._terminal.progress_seconds, self._terminal.tell_progress
            self._lines = ProgressLines(stage, total=total, unit="", every=every, tell=tell)

    def advances(self, units: int, **figures: float) -> None:
        """Another `units` are done; the figures are shown at the end of the bar."""
        shown = {_SHORT_NAMES.get(name, name): _short(value) for name, value in figures.items()}
        assert self._bar is not None, "a stage has started"
        self._bar.show({**shown, **self._validation})
        self._bar.advance(units)
        if self._lines is not None:
            self._lines.advance(units)

    def ends_epoch(self, epoch: Epoch) -> None:
        """Show the validation figures on the bar, and with -v on a line of their own."""
        line = f"epoch {epoch.epoch}: loss {epoch.loss:.4f}"
        if math.isfinite(epoch.validation_top1):
            top1, top10 = f"{epoch.validation_top1:.3f}", f"{epoch.validation_top10:.3f}"
            self._validation = {"top1": top1, "top10": top10}
            line += f", validation top-1 {top1}, top-10 {top10}"
            line += f", macro MRR {epoch.validation_macro_mrr:.3f}"
        if is_leader() and self._terminal.verbose:
            self._terminal.detail(f"{line}, {epoch.plasmids_per_second:.0f} plasmids/s")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
