"""libhdf5 in a process of its own: what it reads, what ends it, and what is left."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from vecattr import hdf5_process
from vecattr.checksums import SealedBytes, seal
from vecattr.errors import DamagedError, VecattrError
from vecattr.hdf5 import write_hdf5
from vecattr.hdf5_process import _Child, read_apart
from vecattr.store import ArrayFile, write_arrays

FACTS = {"format": "test", "version": 1}
ARRAYS = {"a/b": np.arange(70_000, dtype="<f4").reshape(-1, 2), "c": np.arange(9, dtype="u1")}


def sealed(body: bytes) -> SealedBytes:
    return SealedBytes(seal(body), name="made.h5")


def whole() -> SealedBytes:
    return sealed(write_hdf5(ARRAYS, FACTS)[0])


def endless() -> bytes:
    """A file whose texts libhdf5 looks for in a heap that has no end: its free space is of no
    size."""
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        file.attrs["format"] = "a text of sixteen"
    body = bytearray(held.getvalue())
    heap = body.index(b"GCOL")
    free = struct.unpack_from("<HHIQ", body, heap + 56)
    assert free[0] == 0
    struct.pack_into("<HHIQ", body, heap + 56, 0, 0, 0, 0)
    return bytes(body)


def changed(bound: str) -> str:
    """What starts a child with another bound."""
    return f"import vecattr.hdf5_process as child; child.{bound}; child.serve()"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No child from another test, and none left."""
    if _Child.running is not None:
        _Child.running.stop()
    yield
    if _Child.running is not None:
        _Child.running.stop()


def pid() -> int:
    assert _Child.running is not None
    return _Child.running._process.pid


def gone(number: int) -> bool:
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


def test_a_child_says_what_the_writer_said_and_serves_many_files() -> None:
    body, directory = write_hdf5(ARRAYS, FACTS)
    assert read_apart(sealed(body)) == directory
    first = pid()
    other, said = write_hdf5({}, {"x": 0.5, "y": "é"})
    assert read_apart(sealed(other)) == said
    assert pid() == first


def test_a_refusal_leaves_the_child_alive() -> None:
    with pytest.raises(DamagedError, match=r"made\.h5: HDF5 cannot read it: "):
        read_apart(sealed(b"no HDF5" * 999))
    first = pid()
    assert read_apart(whole()).extents.keys() == ARRAYS.keys()
    assert pid() == first


def test_a_file_that_is_read_for_ever_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_process, "_START", changed("SECONDS = 1"))
    with pytest.raises(DamagedError, match=r"made\.h5: HDF5 does not come to an end"):
        read_apart(sealed(endless()))
    assert _Child.running is None
    assert read_apart(whole()).attributes == FACTS


def test_such_a_file_is_refused_by_name_when_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_process, "_START", changed("SECONDS = 1"))
    with pytest.raises(DamagedError, match="does not come to an end"):
        ArrayFile(seal(endless()), format="test", version=1)


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (signal.SIGSEGV, DamagedError, r"made\.h5: HDF5 crashes on it"),
        (signal.SIGABRT, DamagedError, r"made\.h5: HDF5 crashes on it"),
        (signal.SIGKILL, VecattrError, r"made\.h5: the process that reads HDF5 was killed"),
    ],
)
def test_a_death_is_told(number: int, kind: type[VecattrError], message: str) -> None:
    read_apart(whole())
    os.kill(pid(), number)
    with pytest.raises(VecattrError, match=message) as caught:
        read_apart(whole())
    assert type(caught.value) is kind
    assert read_apart(whole()).attributes == FACTS


def test_a_bad_block_met_on_the_way_is_told_as_such() -> None:
    data = bytearray(seal(write_hdf5(ARRAYS, FACTS)[0]))
    data[-len(write_hdf5(ARRAYS, FACTS)[0]) + 3] ^= 1
    with pytest.raises(DamagedError, match="block 1 of"):
        read_apart(SealedBytes(bytes(data), name="made.h5"))
    assert _Child.running is None


def test_too_much_memory_is_damage_and_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    held = io.BytesIO()
    with h5py.File(held, "w", libver=("v110", "v110")) as file:
        file.attrs["large"] = np.zeros(200 << 20, dtype="u1")
    monkeypatch.setattr(hdf5_process, "_START", changed("_MOST_MEMORY = 256 << 20"))
    with pytest.raises(DamagedError, match=r"made\.h5: HDF5 cannot read it: .*allocat"):
        read_apart(sealed(held.getvalue()))


def test_no_process_at_all_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_process, "_START", "raise SystemExit")
    with pytest.raises(VecattrError, match="did not start") as caught:
        read_apart(whole())
    assert not isinstance(caught.value, DamagedError)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(VecattrError, match="no process to read HDF5 in"):
        read_apart(whole())


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_the_child_ends_with_its_parent(tmp_path: Path, end: str) -> None:
    (tmp_path / "made.h5").write_bytes(write_arrays(ARRAYS, FACTS))
    code = f"""
import os, signal, sys
from pathlib import Path
from vecattr.hdf5_process import _Child
from vecattr.store import ArrayFile
ArrayFile(Path(sys.argv[1]), format="test", version=1).check_all()
print(_Child.running._process.pid, flush=True)
{end}
"""
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "made.h5")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr
    assert gone(int(done.stdout))


def test_a_module_in_the_folder_it_is_asked_from_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "made.h5").write_bytes(write_arrays(ARRAYS, FACTS))
    (tmp_path / "h5py.py").write_text("open('was-run', 'w')\n")
    code = """
import sys
sys.path = [one for one in sys.path if one]
from pathlib import Path
from vecattr.store import ArrayFile
ArrayFile(Path("made.h5"), format="test", version=1).check_all()
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert not (tmp_path / "was-run").exists()
