"""What only POSIX systems (Linux, macOS) have: file locks, limits of processes, open folders.

Each is imported here alone, so that the rest can be imported everywhere and says what it lacks.
"""

from __future__ import annotations

import os
from contextlib import suppress

from vecattr.errors import UsageError

try:
    import fcntl
    import resource
except ImportError:
    fcntl = resource = None  # type: ignore[assignment]

HAS_POSIX = fcntl is not None and os.open in os.supports_dir_fd

__all__ = ["HAS_POSIX", "fcntl", "give_back_memory", "require_posix", "resource"]


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
