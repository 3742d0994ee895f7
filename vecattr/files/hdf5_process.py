"""libhdf5 in a process of its own: checked bytes of a stranger's file in, its directory out.

A made file can crash libhdf5 or keep it busy for ever, and only the death of its process ends that.
So such a file is read by a child that has bounds on processor time and memory and can open no file:
it asks for the bytes it needs, and its parent, which checks them, sends them. The child serves one
file after another until one is refused, and ends with its parent.
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

from vecattr.errors import DamagedError, VecattrError
from vecattr.files.directory import Directory
from vecattr.files.sealed import SealedBytes

#: Bounds of the child: seconds of processor time for one file, of which a file of ours needs a
#: thousandth, and bytes of address space.
SECONDS = 3
MEMORY = 4 << 30
#: The most bytes that it may say of a file.
_MOST_SAID = 1 << 24

#: What the child says: a kind, and two numbers.
_WORD = struct.Struct("<cQQ")
#: What the parent says first of a file: how many bytes it has.
_SIZE = struct.Struct("<Q")
_READY, _WANTED, _FOUND, _REFUSED = b"R", b"W", b"F", b"X"

_START = (
    "import sys; sys.path[:] = sys.argv[3:]; from vecattr.files.hdf5_process import serve; serve()"
)

#: How a child dies of a file, not of somebody else's signal.
_DEATHS = {
    -signal.SIGXCPU: "comes to no end with it",
    **{
        -number: f"crashes on it ({number.name})"
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
    },
}


def read_apart(sealed: SealedBytes) -> Directory:
    """What libhdf5 says that the file in a sealed body holds.

    DamagedError when HDF5 cannot read it, crashes, or does not end within `SECONDS`; VecattrError
    when no process can be had, or when somebody kills it.
    """
    with _Children.lock:
        try:
            return _Children.started().directory(sealed)
        except BaseException:
            _Children.stop()
            raise


class _RefusedError(Exception):
    """What the child says of a file that it cannot read."""


class _Child:
    """The process, from this side."""

    def __init__(self, *, seconds: int = SECONDS, memory: int = MEMORY) -> None:
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # threads take address space
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        command = [sys.executable, *flags, "-c", _START, str(seconds), str(memory), *sys.path]
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
        try:
            self._hear(_WORD.size)
        except BaseException as error:
            self.stop()
            if isinstance(error, EOFError):
                what = f"the process that reads HDF5 does not start ({self._process.returncode})"
                raise VecattrError(what, hint="does `python -c 'import h5py'` work?") from error
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def directory(self, sealed: SealedBytes) -> Directory:
        """What the child finds, errors as in `read_apart`; after one it must be stopped."""
        try:
            return Directory.from_bytes(self._said_of(sealed), size=len(sealed))
        except (_RefusedError, ValueError) as error:
            raise DamagedError(f"HDF5 cannot read it: {error}", where=sealed.name) from error
        except (EOFError, BrokenPipeError) as error:
            status = self._status()
            if status in _DEATHS:
                raise DamagedError(f"HDF5 {_DEATHS[status]}", where=sealed.name) from error
            what = f"the process that reads HDF5 ended (status {status})"
            raise VecattrError(what, where=sealed.name, hint="try again") from error

    def _said_of(self, sealed: SealedBytes) -> bytes:
        """The child's answer, while it is served with the bytes it wants."""
        self._say(_SIZE.pack(len(sealed)))
        while True:
            kind, first, second = _WORD.unpack(self._hear(_WORD.size))
            if kind == _WANTED:
                self._say(sealed.view(first, first + second))
                continue
            if first > _MOST_SAID:
                raise _RefusedError("it has too many arrays or attributes")
            said = self._hear(first)
            if kind == _FOUND:
                return said
            raise _RefusedError(said.decode(errors="replace"))

    def _status(self) -> int:
        """How it ended; negative for a signal."""
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # it said no more, and is there
            self._process.kill()
            return self._process.wait()

    def _say(self, data: bytes | memoryview) -> None:
        self._to.write(data)
        self._to.flush()

    def _hear(self, length: int) -> bytes:
        data = self._from.read(length)
        if len(data) < length:
            raise EOFError("the process that reads HDF5 said no more")
        return data

    def stop(self) -> None:
        """End the process, unless it ended."""
        if self.is_alive:
            self._process.kill()
        self._process.wait()
        self.close()

    def close(self) -> None:
        """Let go of the process, which ends when nobody holds it."""
        self._from.close()
        with suppress(OSError):  # what it did not read any more
            self._to.close()


class _Children:
    """The one child of this process, when it has one, and its bounds."""

    lock = Lock()
    running: _Child | None = None

    @classmethod
    def started(cls) -> _Child:
        """The child that is there, or a new one."""
        if cls.running is not None and not cls.running.is_alive:
            cls.stop()
        if cls.running is None:
            cls.running = _Child()
        return cls.running

    @classmethod
    def stop(cls) -> None:
        """End it."""
        child, cls.running = cls.running, None
        if child is not None:
            child.stop()

    @classmethod
    def forget(cls) -> None:
        """In a fork, where it is somebody else's."""
        cls.lock = Lock()
        child, cls.running = cls.running, None
        if child is not None:
            child.close()


atexit.register(_Children.stop)
os.register_at_fork(after_in_child=_Children.forget)


def serve() -> None:
    """The child's life: read one file after another, until one is refused or the parent is gone."""
    from vecattr.files.hdf5 import read_hdf5  # start-up

    seconds, memory = int(sys.argv[1]), int(sys.argv[2])
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)  # a parent that ignores it hands that on
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGXCPU})
    _bound(resource.RLIMIT_AS, memory)
    for none_of in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
        _bound(none_of, 0)
    _say(answers, _READY)
    while size := requests.read(_SIZE.size):
        used = resource.getrusage(resource.RUSAGE_SELF)
        _grow_time(int(used.ru_utime + used.ru_stime) + 1 + seconds)
        [length] = _SIZE.unpack(size)
        stream = io.BufferedReader(_Served(length, requests, answers))
        try:
            found = read_hdf5(stream, size=length).to_bytes()
        except Exception as error:
            said = (str(error) or type(error).__name__).encode(errors="replace")
            _say(answers, _REFUSED, len(said), said=said)
            return
        _say(answers, _FOUND, len(found), said=found)


def _bound(kind: int, most: int) -> None:
    """Let this process have no more than `most` of a resource, or what it may have already."""
    allowed = [limit for limit in resource.getrlimit(kind) if limit != resource.RLIM_INFINITY]
    least = min([most, *allowed])
    resource.setrlimit(kind, (least, least))


def _grow_time(seconds: int) -> None:
    """Let this process have so many seconds of processor time in all, if it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    most = seconds if hard == resource.RLIM_INFINITY else min(seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


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
        heard = 0
        while heard < length:  # without room for a copy
            more = self._requests.readinto(target[heard:length])  # type: ignore[attr-defined]
            if not more:
                raise SystemExit("the parent is gone")
            heard += more
        self._at = start + length
        return length
