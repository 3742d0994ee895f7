"""libhdf5 in a process of its own: checked bytes of a stranger's file in, its directory out.

A made file can crash libhdf5 or keep it busy for ever, and only the death of its process ends that.
So such a file is read by a child that has bounds on processor time and memory, and opens no file:
it asks for the bytes it needs, and its parent, which checks them, sends them. The child serves one
file after another, and ends with its parent.
"""

from __future__ import annotations

import atexit
import io
import os
import resource
import signal
import struct
import subprocess
import sys
from contextlib import suppress
from threading import Lock
from typing import BinaryIO

from vecattr.checksums import SealedBytes
from vecattr.directory import Directory
from vecattr.errors import DamagedError, VecattrError

#: Bounds of the child: seconds of processor time for one file, of which a file of ours needs a
#: thousandth, and bytes of address space.
SECONDS = 5
_MOST_MEMORY = 4 << 30

#: What the child says: a kind, and two numbers.
_WORD = struct.Struct("<cQQ")
#: What the parent says first of a file: how many bytes it has.
_SIZE = struct.Struct("<Q")
_READY, _WANTED, _FOUND, _REFUSED = b"R", b"W", b"F", b"X"

_START = "import sys; sys.path[:] = sys.argv[1:]; from vecattr.hdf5_process import serve; serve()"


def read_apart(sealed: SealedBytes) -> Directory:
    """What libhdf5 says that the file in a sealed body holds.

    DamagedError when HDF5 cannot read it, crashes, or does not end within `SECONDS`; VecattrError
    when no process can be had.
    """
    with _Child.lock:
        if _Child.running is None:
            _Child.running = _Child()
        try:
            found = _Child.running.directory(sealed)
            return Directory.from_bytes(found, size=len(sealed))
        except (_RefusedError, ValueError) as error:
            raise DamagedError(f"HDF5 cannot read it: {error}", where=sealed.name) from error
        except BaseException:
            _Child.running.stop()
            raise


class _RefusedError(Exception):
    """What the child says of a file that it cannot read."""


class _Child:
    """The process, from this side."""

    lock = Lock()
    running: _Child | None = None

    def __init__(self) -> None:
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # threads take address space
        command = [sys.executable, "-P", "-c", _START, *sys.path]
        pipe = subprocess.PIPE
        try:  # in a session of its own, Ctrl-C does not reach it: its parent ends it
            self._process = subprocess.Popen(
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise VecattrError(f"no process to read HDF5 in: {error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        atexit.register(self.stop)
        if self._from.read(_WORD.size) != _WORD.pack(_READY, 0, 0):
            self.stop()
            raise VecattrError("the process that reads HDF5 did not start")

    def directory(self, sealed: SealedBytes) -> bytes:
        """What the child finds, while it is served with the bytes it wants."""
        try:
            self._to.write(_SIZE.pack(len(sealed)))
            while True:
                self._to.flush()
                kind, first, second = _WORD.unpack(self._from.read(_WORD.size))
                if kind == _WANTED:
                    self._to.write(sealed.view(first, first + second))
                    continue
                said = self._from.read(first)
                if kind == _FOUND:
                    return said
                raise _RefusedError(said.decode(errors="replace"))
        except (OSError, struct.error) as error:
            raise self._death(sealed.name) from error

    def _death(self, name: str) -> VecattrError:
        """What to say when the child is gone."""
        status = self._process.wait()
        if status == -signal.SIGXCPU:
            return DamagedError(f"HDF5 does not come to an end in {SECONDS} seconds", where=name)
        if status in (-signal.SIGKILL, -signal.SIGTERM):
            return VecattrError("the process that reads HDF5 was killed", where=name)
        return DamagedError(f"HDF5 crashes on it (status {status})", where=name)

    def stop(self) -> None:
        """End the process, whatever it does."""
        atexit.unregister(self.stop)
        self._process.kill()
        self._process.wait()
        self._from.close()
        with suppress(OSError):  # what it did not read any more
            self._to.close()
        if _Child.running is self:
            _Child.running = None


def serve() -> None:
    """The child's life: read one file after another, until the parent is gone."""
    from vecattr.hdf5 import read_hdf5

    _bound(resource.RLIMIT_AS, _MOST_MEMORY)
    _bound(resource.RLIMIT_CORE, 0)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _say(answers, _READY)
    while size := requests.read(_SIZE.size):
        used = resource.getrusage(resource.RUSAGE_SELF)
        _bound(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + SECONDS)
        [length] = _SIZE.unpack(size)
        stream = io.BufferedReader(_Served(length, requests, answers))
        try:
            found, kind = read_hdf5(stream, size=length).to_bytes(), _FOUND
        except Exception as error:
            found, kind = str(error).encode(errors="replace"), _REFUSED
        _say(answers, kind, len(found), said=found)


def _bound(kind: int, most: int) -> None:
    """Let this process have no more than `most` of a resource."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _say(
    answers: BinaryIO, kind: bytes, first: int = 0, second: int = 0, *, said: bytes = b""
) -> None:
    answers.write(_WORD.pack(kind, first, second) + said)
    answers.flush()


class _Served(io.RawIOBase):
    """A readable, seekable file of which the parent has the bytes."""

    def __init__(self, size: int, requests: BinaryIO, answers: BinaryIO) -> None:
        self._size = size
        self._requests = requests
        self._answers = answers
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset
        return self._at

    def readinto(self, buffer: object, /) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        start = min(self._at, self._size)
        length = min(len(target), self._size - start)
        _say(self._answers, _WANTED, start, length)
        target[:length] = self._requests.read(length)
        self._at = start + length
        return length
