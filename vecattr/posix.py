"""What only POSIX systems (Linux, macOS) have: file locks, limits of processes, open folders.

Each is imported here alone, so that the rest can be imported everywhere and says what it lacks.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache

from vecattr.errors import UsageError

try:
    import fcntl
    import resource
except ImportError:
    fcntl = resource = None  # type: ignore[assignment]

HAS_POSIX = fcntl is not None and os.open in os.supports_dir_fd

__all__ = ["HAS_POSIX", "fcntl", "give_back_memory", "keep_memory", "require_posix", "resource"]

#: Options of the C library's `mallopt` (malloc.h), the variables of the environment that set them,
#: and what they are set to: so many free bytes are kept at most, and what is larger is never kept.
_MALLOC_OPTIONS = {
    -1: ("MALLOC_TRIM_THRESHOLD_", 1 << 29),
    -3: ("MALLOC_MMAP_THRESHOLD_", 1 << 25),
}


def require_posix() -> None:
    """UsageError, with the next step, where the system lacks what an index folder needs."""
    if not HAS_POSIX:
        raise UsageError(
            "an index needs file locks and folders of a POSIX system, which this one lacks",
            hint="use Linux; on Windows that is the Windows Subsystem for Linux (wsl --install)",
        )


def give_back_memory() -> None:
    """Let the C library give free memory back to the system, where it can (glibc). By itself it
    keeps what many small answers left free between others that are in use."""
    import ctypes  # start-up

    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


@cache
def keep_memory() -> None:
    """Let the C library keep free memory of this process for what is asked for next, where it can
    (glibc) and the environment does not say otherwise. By itself it gives arrays of a batch of
    queries back to the system, which then clears each page of the next ones."""
    import ctypes  # start-up

    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, (variable, size) in _MALLOC_OPTIONS.items():
            if variable not in os.environ:
                mallopt(option, size)
