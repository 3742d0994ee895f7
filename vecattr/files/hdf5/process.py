"""HDF5 read in a child process: a sealed body in, its directory out.

A malicious file can crash libhdf5 or keep it busy for ever, and only ending its process stops that.
Such a file is therefore read by a child process that has limits on processor time and memory and
can open no file: it requests the bytes it needs, and its parent, which checks them, sends them. The
child serves one file after another until it rejects one, and ends with its parent.
"""

from __future__ import annotations

import atexit
import io
import os
import signal
import struct
import subprocess
import sys
from contextlib import suppress
from threading import Lock
from typing import BinaryIO

from vecattr.errors import DamagedError, VecattrError
from vecattr.files.array_directory import Directory
from vecattr.files.child_python import child_environment, child_path, interpreter_flags
from vecattr.files.sealed import SealedBytes
from vecattr.posix import resource

#: Limits of the child: seconds of processor time for one file (one that vecattr wrote needs a
#: thousandth of that), and bytes of address space.
SECONDS = 3
MEMORY = 4 << 30
#: The longest answer about a file (bytes).
_LONGEST_ANSWER = 1 << 24

#: A message of the child: a kind and two numbers. READY comes once, at its start. READ requests the
#: bytes from the first number on, as many as the second. DONE and REJECTED end a file; an answer or
#: an error message of so many bytes follows them.
_MESSAGE = struct.Struct("<cQQ")
_READY, _READ, _DONE, _REJECTED = b"R", b"W", b"F", b"X"
#: What the parent sends first for a file: its size. Then it sends the bytes that are requested.
_SIZE = struct.Struct("<Q")

_START = (
    "import sys; sys.path[:] = sys.argv[3:]; from vecattr.files.hdf5.process import serve; serve()"
)

#: The exit statuses that a file causes; other signals come from outside.
_FATAL_STATUSES = {
    -signal.SIGXCPU: "does not finish reading it",
    **{
        -number: f"crashes on it ({number.name})"
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
    },
}


def read_in_child(sealed: SealedBytes) -> Directory:
    """What libhdf5 reports that the file in a sealed body holds.

    DamagedError when HDF5 cannot read it, crashes, or does not finish within `SECONDS`;
    VecattrError when no process can be started, or when a signal from outside ends it.
    """
    with _SharedChild.lock:
        try:
            return _SharedChild.started().directory(sealed)
        except BaseException:
            _SharedChild.stop()
            raise


class _RejectedError(Exception):
    """The child's message about a file that it cannot read."""


class _Child:
    """The child process, from the parent's side."""

    def __init__(self, *, seconds: int = SECONDS, memory: int = MEMORY) -> None:
        environment = child_environment() | {"OPENBLAS_NUM_THREADS": "1"}  # threads take addresses
        arguments = [str(seconds), str(memory), *child_path()]
        command = [sys.executable, *interpreter_flags(), "-c", _START, *arguments]
        pipe = subprocess.PIPE
        try:  # in its own session Ctrl-C does not reach it: its parent ends it
            self._process = subprocess.Popen(
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise VecattrError(f"no process to read HDF5 can be started: {error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        try:
            self._receive(_MESSAGE.size)
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
        """What the file holds. Errors as in `read_in_child`; after one, stop the child."""
        try:
            return Directory.from_bytes(self._answer(sealed), size=len(sealed))
        except (_RejectedError, ValueError) as error:
            raise DamagedError(f"HDF5 cannot read it: {error}", where=sealed.name) from error
        except (EOFError, BrokenPipeError) as error:
            status = self._exit_status()
            if status in _FATAL_STATUSES:
                raise DamagedError(f"HDF5 {_FATAL_STATUSES[status]}", where=sealed.name) from error
            what = f"the process that reads HDF5 ended (status {status})"
            raise VecattrError(what, where=sealed.name, hint="try again") from error

    def _answer(self, sealed: SealedBytes) -> bytes:
        """The child's answer about a file, whose bytes are sent as it requests them."""
        self._send(_SIZE.pack(len(sealed)))
        while True:
            kind, first, second = _MESSAGE.unpack(self._receive(_MESSAGE.size))
            if kind == _READ:
                self._send(sealed.view(first, first + second))
                continue
            if first > _LONGEST_ANSWER:
                raise _RejectedError("it has too many arrays or attributes")
            answer = self._receive(first)
            if kind == _DONE:
                return answer
            raise _RejectedError(answer.decode(errors="replace"))

    def _exit_status(self) -> int:
        """How the process ended; negative for a signal."""
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # it closed its output and runs on
            self._process.kill()
            return self._process.wait()

    def _send(self, data: bytes | memoryview) -> None:
        self._requests.write(data)
        self._requests.flush()

    def _receive(self, length: int) -> bytes:
        data = self._answers.read(length)
        if len(data) < length:
            raise EOFError("the process that reads HDF5 sends no more")
        return data

    def stop(self) -> None:
        """End the process, unless it has ended."""
        if self.is_alive:
            self._process.kill()
        self._process.wait()
        self.close()

    def close(self) -> None:
        """Close the pipes; the process ends when no process holds them."""
        self._answers.close()
        with suppress(OSError):  # bytes that it did not read
            self._requests.close()


class _SharedChild:
    """The one child that all threads of this process share, once it is started."""

    lock = Lock()
    running: _Child | None = None

    @classmethod
    def started(cls) -> _Child:
        """The running child, or a new one."""
        if cls.running is not None and not cls.running.is_alive:
            cls.stop()
        if cls.running is None:
            cls.running = _Child()
        return cls.running

    @classmethod
    def stop(cls) -> None:
        """End the child, if there is one."""
        child, cls.running = cls.running, None
        if child is not None:
            child.stop()

    @classmethod
    def forget(cls) -> None:
        """Drop the child in a fork: it belongs to the parent of the fork."""
        cls.lock = Lock()
        child, cls.running = cls.running, None
        if child is not None:
            child.close()


atexit.register(_SharedChild.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_SharedChild.forget)


def serve() -> None:
    """What the child runs: read file after file, until one is rejected or the parent ends."""
    from vecattr.files.hdf5.library import read_hdf5  # start-up

    seconds, memory = int(sys.argv[1]), int(sys.argv[2])
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)  # else inherited from a parent that ignores it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGXCPU})
    _limit(resource.RLIMIT_AS, memory)
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
        _limit(kind, 0)
    _send(answers, _READY)
    while size := requests.read(_SIZE.size):
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit_time(int(used.ru_utime + used.ru_stime) + 1 + seconds)
        [length] = _SIZE.unpack(size)
        stream = io.BufferedReader(_ParentFile(length, requests, answers))
        try:
            directory = read_hdf5(stream, size=length).to_bytes()
        except Exception as error:
            message = (str(error) or type(error).__name__).encode(errors="replace")
            _send(answers, _REJECTED, len(message), content=message)
            return
        _send(answers, _DONE, len(directory), content=directory)


def _limit(kind: int, most: int) -> None:
    """Limit a resource of this process to `most`, or to its present limit when that is lower."""
    present = [limit for limit in resource.getrlimit(kind) if limit != resource.RLIM_INFINITY]
    lowest = min([most, *present])
    resource.setrlimit(kind, (lowest, lowest))


def _limit_time(seconds: int) -> None:
    """Limit this process to so many seconds of processor time in all, or to its hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    most = seconds if hard == resource.RLIM_INFINITY else min(seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _send(
    answers: BinaryIO, kind: bytes, first: int = 0, second: int = 0, *, content: bytes = b""
) -> None:
    answers.write(_MESSAGE.pack(kind, first, second) + content)
    answers.flush()


class _ParentFile(io.RawIOBase):
    """A readable, seekable file whose bytes the parent sends on request."""

    def __init__(self, size: int, requests: BinaryIO, answers: BinaryIO) -> None:
        self._size = size
        self._requests = requests
        self._answers = answers
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: object, /) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        start = min(self._position, self._size)
        length = min(len(target), self._size - start)
        _send(self._answers, _READ, start, length)
        received = 0
        while received < length:  # in place: memory is limited
            count = self._requests.readinto(target[received:length])  # type: ignore[attr-defined]
            if not count:
                raise SystemExit("the parent has ended")
            received += count
        self._position = start + length
        return length
