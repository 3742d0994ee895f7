"""Claims about files of arrays that are written piece by piece: they read as those that are written
at once, and what is not finished does not exist."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vecattr.errors import DamagedError
from vecattr.files import array_writer
from vecattr.files.array_writer import ArrayWriter, array_file
from vecattr.files.arrays import ArrayFile
from vecattr.files.sealed import checksums_of, header, header_size

FACTS = {"format": "test", "version": 1, "note": "n"}
ARRAYS: dict[str, NDArray[np.generic]] = {
    "kmers/hash": np.arange(5000, dtype=np.uint64) ** 3,
    "kmers/labs": np.arange(7, dtype=np.int32),
    "kmers/posting/row": np.arange(3001, dtype=np.uint32),
    "fine/none": np.zeros(0, dtype=np.uint8),
    "vectors": np.ones((5, 3), dtype=np.float32),
}


def write_all(writer: ArrayWriter, *, step: int) -> None:
    """The arrays in turn, so many numbers of each at a time."""
    for start in range(0, max(map(len, ARRAYS.values())), step):
        for name, array in ARRAYS.items():
            writer.append(name, array[start : start + step])


def layouts() -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (array.dtype.str, array.shape) for name, array in ARRAYS.items()}


@pytest.mark.parametrize("step", [1700, 5000])
def test_the_file_reads_as_one_that_was_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(array_writer, "_READ_AT_ONCE", 8192)
    path = tmp_path / "a.h5"
    with array_file(path, layouts(), FACTS) as writer:
        write_all(writer, step=step)
    file = ArrayFile(path, format="test", version=1)
    file.check_all()
    assert file.attributes == FACTS
    assert set(file.names) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert file.layout(name) == (array.dtype.str, array.shape)
        np.testing.assert_array_equal(file.array(name), array)
    with h5py.File(io.BytesIO(path.read_bytes()), "r") as plain:
        np.testing.assert_array_equal(plain["kmers/hash"][:], ARRAYS["kmers/hash"])


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    for name, step in (("a.h5", 900), ("b.h5", 5000)):
        with array_file(tmp_path / name, layouts(), FACTS) as writer:
            write_all(writer, step=step)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@given(st.data())
def test_no_flipped_byte_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("flipped") / "a.h5"
    with array_file(path, layouts(), FACTS) as writer:
        write_all(writer, step=5000)
    stored = bytearray(path.read_bytes())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedError):
        ArrayFile(bytes(stored), format="test", version=1).check_all()


def unfinished(writer: ArrayWriter) -> None:
    writer.append("kmers/labs", np.zeros(3, dtype=np.int32))


def too_much(writer: ArrayWriter) -> None:
    writer.append("kmers/labs", np.zeros(8, dtype=np.int32))


def other_shape(writer: ArrayWriter) -> None:
    writer.append("vectors", np.zeros((5, 4), dtype=np.float32))


def interrupted(writer: ArrayWriter) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("write", [unfinished, too_much, other_shape, interrupted])
def test_what_is_not_finished_leaves_nothing(tmp_path: Path, write: Any) -> None:
    with (
        pytest.raises((AssertionError, KeyboardInterrupt)),
        array_file(tmp_path / "a.h5", layouts(), FACTS) as writer,
    ):
        write(writer)
    assert list(tmp_path.iterdir()) == []


@given(size=st.integers(0, 10_000_000), directory=st.binary(max_size=3000))
def test_a_header_is_as_long_as_foretold(size: int, directory: bytes) -> None:
    checksums = [0] * -(-size // 8192)
    head = header(checksums, size=size, directory=directory)
    assert header_size(size=size, directory=directory) == len(head)
    assert len(checksums_of(bytes(min(size, 20_000)))) == -(-min(size, 20_000) // 8192)
