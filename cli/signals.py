"""Signals that end a process, in; exceptions that unwind it, so that nothing half-done stays, out.

An exception that is raised inside of a library's callback can be lost or turned into another one;
so what was signaled is remembered, and signaled again where Python would drop it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

#: What ends a process that should clean up first; a terminal that is closed sends SIGHUP.
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGXCPU") if hasattr(signal, name)
)

#: Seconds after which a signal is repeated whose exception was dropped.
_A_MOMENT = 0.02

_received: list[int] = []


class Stopped(BaseException):
    """The process was told to end; `signal` is the number."""

    def __init__(self, signaled: int) -> None:
        super().__init__(signaled)
        self.signal = signaled


def received_signal() -> int | None:
    """The last ending signal of this process, if there was one."""
    return _received[-1] if _received else None


def catch_signals() -> None:
    """Make exceptions of ending signals, but for those that the caller has us ignore (nohup)."""
    for number in (signal.SIGINT, *_ENDING):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _raise)
    sys.unraisablehook = _unraisable


def _raise(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)


def _unraisable(lost: UnraisableHookArgs, /) -> None:
    """Signal again what was raised where Python has to drop it; other errors as ever."""
    if issubclass(lost.exc_type, KeyboardInterrupt | Stopped) and _received:
        again = threading.Timer(_A_MOMENT, os.kill, (os.getpid(), _received[-1]))
        again.daemon = True  # when this hook is left; in it, the exception would be dropped again
        again.start()
    else:
        sys.__unraisablehook__(lost)
