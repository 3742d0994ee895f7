"""Claims about HDF5 in a child process: what it reads, what ends it, and that none is left."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from vecattr.errors import DamagedError, VecattrError
from vecattr.files.arrays import write_arrays
from vecattr.files.hdf5.library import write_hdf5
from vecattr.files.hdf5.process import _Child, _SharedChild, read_in_child
from vecattr.files.sealed import SealedBytes, seal

FACTS = {"format": "test", "version": 1}
ARRAYS = {"a/b": np.arange(70_000, dtype="<f4").reshape(-1, 2), "c": np.arange(9, dtype="u1")}
PREPARED = """
import os, signal, sys, threading
from pathlib import Path
from vecattr.files.hdf5.process import _SharedChild
from vecattr.files.arrays import ArrayFile
def check():
    ArrayFile(Path(sys.argv[1]), format="test", version=1).check_all()
"""


def sealed(body: bytes) -> SealedBytes:
    return SealedBytes(seal(body), name="made.h5")


def whole() -> SealedBytes:
    return sealed(write_hdf5(ARRAYS, FACTS)[0])


def endless() -> SealedBytes:
    """A file whose texts libhdf5 searches in a heap without an end: its free space has size 0."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["format"] = "a text of sixteen"
    body = bytearray(buffer.getvalue())
    free = body.index(b"GCOL") + 56
    assert struct.unpack_from("<HHIQ", body, free)[0] == 0
    struct.pack_into("<HHIQ", body, free, 0, 0, 0, 0)
    return sealed(bytes(body))


def filled(fill: Callable[[h5py.File], object]) -> SealedBytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=("v110", "v110")) as file:
        fill(file)
    return sealed(buffer.getvalue())


def large(*mebibytes: int) -> SealedBytes:
    """A file of large attributes, which are read whole."""

    def fill(file: h5py.File) -> None:
        for number, size in enumerate(mebibytes):
            file.attrs[f"a{number}"] = np.zeros(size << 20, dtype="u1")

    return filled(fill)


@contextmanager
def started_child(**limits: int) -> Iterator[_Child]:
    """A child with other limits."""
    child = _Child(**limits)
    try:
        yield child
    finally:
        child.stop()


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No child from another test, and none left."""
    _SharedChild.stop()
    yield
    _SharedChild.stop()


def running() -> int:
    assert _SharedChild.running is not None
    return _SharedChild.running.pid


def has_ended(number: int) -> bool:
    """Whether a process ended, within ten seconds."""
    for _ in range(1_000):
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_a_child_reads_what_was_written_and_serves_many_files() -> None:
    body, directory = write_hdf5(ARRAYS, FACTS)
    assert read_in_child(sealed(body)) == directory
    first = running()
    body, directory = write_hdf5({}, {"x": 0.5, "y": "é"})
    assert read_in_child(sealed(body)) == directory
    assert running() == first


def test_after_a_rejected_file_another_child_reads() -> None:
    for _ in range(3):
        with pytest.raises(DamagedError, match=r"made\.h5: HDF5 cannot read it: \w"):
            read_in_child(sealed(b"no HDF5" * 999))
        assert _SharedChild.running is None
        assert read_in_child(whole()).attributes == FACTS


@pytest.mark.parametrize("ignored", [False, True])
def test_a_file_that_is_read_for_ever_is_damage(ignored: bool) -> None:
    before = signal.signal(signal.SIGXCPU, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        with started_child(seconds=1) as child:
            with pytest.raises(DamagedError, match=r"made\.h5: HDF5 does not finish reading it"):
                child.directory(endless())
            assert has_ended(child.pid)
    finally:
        signal.signal(signal.SIGXCPU, before)


@pytest.mark.parametrize("sizes", [(200,), (80, 100, 120), (20, 20, 200, 1)])
def test_a_file_that_needs_more_than_the_allowed_memory_is_damage(sizes: tuple[int, ...]) -> None:
    with (
        started_child(memory=256 << 20) as child,
        pytest.raises(DamagedError, match=r"made\.h5: HDF5 cannot read it: \w"),
    ):
        child.directory(large(*sizes))


def test_a_longer_answer_than_allowed_is_damage() -> None:
    def fill(file: h5py.File) -> None:
        text = "x" * 60_000
        for number in range(400):
            file.attrs[f"a{number}"] = text

    with pytest.raises(DamagedError, match="too many arrays or attributes"):
        read_in_child(filled(fill))


def test_the_child_can_open_no_file_and_start_no_process() -> None:
    with started_child(memory=1 << 30) as child:
        child.directory(whole())
        limits = Path(f"/proc/{child.pid}/limits").read_text().splitlines()
    values = {line[:26].strip(): line[26:].split()[:2] for line in limits}
    for name in ("Max open files", "Max processes", "Max core file size"):
        assert values[name] == ["0", "0"]
    assert values["Max address space"] == [str(1 << 30)] * 2


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (signal.SIGSEGV, DamagedError, r"made\.h5: HDF5 crashes on it \(SIGSEGV\)"),
        (signal.SIGABRT, DamagedError, r"made\.h5: HDF5 crashes on it \(SIGABRT\)"),
        (signal.SIGKILL, VecattrError, r"made\.h5: the process that reads HDF5 ended"),
        (signal.SIGHUP, VecattrError, r"made\.h5: the process that reads HDF5 ended"),
    ],
)
def test_an_error_names_how_the_child_ended(
    number: int, kind: type[VecattrError], message: str
) -> None:
    with started_child() as child:
        child.directory(whole())
        os.kill(child.pid, number)
        with pytest.raises(VecattrError, match=message) as caught:
            child.directory(whole())
    assert type(caught.value) is kind


def test_a_child_that_was_killed_between_two_files_is_replaced() -> None:
    read_in_child(whole())
    os.kill(running(), signal.SIGSEGV)
    assert has_ended(running())
    assert read_in_child(whole()).attributes == FACTS


def test_a_bad_block_that_the_child_requests_is_named() -> None:
    body = write_hdf5(ARRAYS, FACTS)[0]
    data = bytearray(seal(body))
    data[-len(body) + 3] ^= 1
    with pytest.raises(DamagedError, match="block 1 of"):
        read_in_child(SealedBytes(bytes(data), name="made.h5"))
    assert _SharedChild.running is None


def test_an_interrupt_ends_the_child_and_is_raised() -> None:
    def late(*_: object) -> None:
        raise TimeoutError("from the alarm")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        with pytest.raises(TimeoutError, match="from the alarm"):
            read_in_child(endless())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert _SharedChild.running is None


def test_a_fork_has_a_child_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "made.h5").write_bytes(write_arrays(ARRAYS, FACTS))
    code = f"""{PREPARED}
check()
parents_child = _SharedChild.running.pid
_SharedChild.lock.acquire()  # as another thread of the parent may hold it
forks = []
for _ in range(3):
    fork = os.fork()
    if not fork:
        for _ in range(5):
            check()
        os._exit(_SharedChild.running.pid == parents_child)
    forks.append(fork)
_SharedChild.lock.release()
check()
assert _SharedChild.running.pid == parents_child
assert [os.waitpid(fork, 0)[1] for fork in forks] == [0, 0, 0]
"""
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "made.h5")]
    subprocess.run(command, check=True, timeout=60)


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_the_child_ends_with_its_parent(tmp_path: Path, end: str) -> None:
    (tmp_path / "made.h5").write_bytes(write_arrays(ARRAYS, FACTS))
    code = f"{PREPARED}\ncheck()\nprint(_SharedChild.running.pid, flush=True)\n{end}"
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "made.h5")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr
    assert has_ended(int(done.stdout))


def test_a_python_without_h5py_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "h5py.py").write_text("raise ImportError\n")
    (tmp_path / "made.h5").write_bytes(write_arrays(ARRAYS, FACTS))
    code = f"""{PREPARED}
from vecattr.errors import DamagedError, VecattrError
try:
    check()
except VecattrError as error:
    assert not isinstance(error, DamagedError) and "does not start" in str(error), error
else:
    raise AssertionError
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", code, str(tmp_path / "made.h5")]
    subprocess.run(command, env=environment, check=True)


def test_a_module_in_the_current_folder_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "made.h5").write_bytes(write_arrays(ARRAYS, FACTS))
    (tmp_path / "h5py.py").write_text("open('was-run', 'w')\n")
    code = f"import sys\nsys.path = [folder for folder in sys.path if folder]\n{PREPARED}\ncheck()"
    subprocess.run([sys.executable, "-c", code, "made.h5"], cwd=tmp_path, check=True)
    assert not (tmp_path / "was-run").exists()
