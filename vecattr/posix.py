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

__all__ = [
    "HAS_POSIX",
    "KEPT_MEMORY",
    "fcntl",
    "give_back_memory",
    "keep_memory",
    "require_posix",
    "resource",
]

#: Variables by which a process is told, when it starts, what of its free memory the C library
#: keeps: so many bytes, those of arrays aside that are larger than the second number.
KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": 1 << 29, "MALLOC_MMAP_THRESHOLD_": 1 << 25}
#: The same options of `mallopt` (malloc.h).
_MALLOPT_OPTIONS = {"MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_MMAP_THRESHOLD_": -3}


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
    """Let the C library keep KEPT_MEMORY of this process from now on, where it can (glibc) and the
    environment does not say otherwise. By itself it gives the arrays of a batch of queries back to
    the system, which then clears each page of the next ones."""
    import ctypes  # start-up

    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for variable, size in KEPT_MEMORY.items():
            if variable not in os.environ:
                mallopt(_MALLOPT_OPTIONS[variable], size)
