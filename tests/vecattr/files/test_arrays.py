"""Claims about files of arrays: round trips, equal bytes, and damage that is noticed."""

from __future__ import annotations

import io
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import DamagedError, MismatchError, MissingError
from vecattr.files.arrays import ArrayFile, read_table, string_arrays, write_arrays, write_table
from vecattr.vectors import EmbeddingTable, unit_rows

FACTS = {"format": "test", "version": 1}


def array_file(data: bytes) -> ArrayFile:
    return ArrayFile(data, format="test", version=1)


def table(rows: int = 5, width: int = 7) -> EmbeddingTable:
    vectors = unit_rows(np.random.default_rng(rows).normal(size=(rows, width)))
    return EmbeddingTable(tuple(f"lab {row}" for row in range(rows)), vectors)


@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("shape", [(0,), (1,), (70_000,), (0, 4), (30, 4)])
def test_every_array_comes_back(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    file = array_file(write_arrays({"group/array": array}, FACTS))
    stored = file.array("group/array")
    assert stored.dtype == array.dtype
    np.testing.assert_array_equal(stored, array)
    np.testing.assert_array_equal(file.slice("group/array", 0, len(array)), array)


@given(st.lists(st.text()))
def test_every_string_comes_back(strings: list[str]) -> None:
    file = array_file(write_arrays(string_arrays("names", strings), FACTS))
    assert list(file.strings("names")) == strings
    assert [file.string("names", row) for row in range(len(strings))] == strings


def test_undecodable_names_come_back() -> None:
    names = [b"caf\xe9".decode("utf-8", "surrogateescape")]
    assert list(array_file(write_arrays(string_arrays("n", names), FACTS)).strings("n")) == names


def test_the_same_arrays_give_the_same_bytes_at_any_time() -> None:
    first = write_table(table())
    time.sleep(1.1)  # HDF5 can store times in seconds
    assert write_table(table()) == first


def test_a_table_comes_back_from_bytes_and_from_a_file(tmp_path: Path) -> None:
    data = write_table(table(), attributes={"model": "abc"})
    (tmp_path / "x.h5").write_bytes(data)
    for source in (data, tmp_path / "x.h5"):
        stored = read_table(source)
        assert stored.names == table().names
        np.testing.assert_array_equal(stored.vectors, table().vectors)


def test_plain_h5py_opens_a_stored_table() -> None:
    with h5py.File(io.BytesIO(write_table(table())), "r") as file:
        np.testing.assert_array_equal(file["vectors"][:], table().vectors)
        assert file.attrs["format"] == "vecattr-table"


@given(st.data())
def test_no_flipped_byte_gives_another_table(data: st.DataObject) -> None:
    stored = bytearray(write_table(table()))
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedError):
        read_table(bytes(stored))


def test_another_format_or_version_is_refused() -> None:
    with pytest.raises(MismatchError, match="'vecattr-table' version 1"):
        array_file(write_table(table()))
    newer = write_arrays({}, {"format": "test", "version": 2})
    with pytest.raises(MismatchError, match="version 2, expected 'test' version 1"):
        array_file(newer)


def test_a_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["x"] = np.arange(1000)
    with pytest.raises(DamagedError, match=r"foreign\.h5: not a vecattr file"):
        read_table(tmp_path / "foreign.h5")
    with pytest.raises(MissingError):
        read_table(tmp_path / "none.h5")


def test_an_array_that_is_not_there_is_damage() -> None:
    with pytest.raises(DamagedError, match="'x' is missing"):
        array_file(write_arrays({}, FACTS)).array("x")
