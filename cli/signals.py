"""Signals that end a process in, exceptions that unwind it and so clean up out.

An exception that is raised inside a library's callback can be lost or turned into another one.
So the signal is recorded, and sent again where Python would drop its exception.
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

#: Signals that end a process after it has cleaned up; a terminal that is closed sends SIGHUP.
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGXCPU") if hasattr(signal, name)
)

#: Seconds after which a signal whose exception was dropped is sent again.
_RESEND_DELAY = 0.02

_received: list[int] = []


class Stopped(BaseException):
    """The process received a signal to end; `signal` is its number."""

    def __init__(self, signaled: int) -> None:
        super().__init__(signaled)
        self.signal = signaled


def received_signal() -> int | None:
    """The last signal to end that this process received, if any."""
    return _received[-1] if _received else None


def catch_signals() -> None:
    """Raise exceptions for signals to end, except those that the caller has us ignore (nohup)."""
    for number in (signal.SIGINT, *_ENDING):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _raise)
    sys.unraisablehook = _unraisable


def _raise(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)


def _unraisable(dropped: UnraisableHookArgs, /) -> None:
    """Send a signal again whose exception Python has to drop; other errors as usual."""
    if issubclass(dropped.exc_type, KeyboardInterrupt | Stopped) and _received:
        # after this hook has returned: inside it, the exception would be dropped again
        timer = threading.Timer(_RESEND_DELAY, os.kill, (os.getpid(), _received[-1]))
        timer.daemon = True
        timer.start()
    else:
        sys.__unraisablehook__(dropped)
