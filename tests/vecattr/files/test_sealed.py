"""Claims about sealed files: every changed byte is noticed, and only where it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import DamagedError, MissingError
from vecattr.files.sealed import BLOCK_SIZE, SealedBytes, seal

bodies = st.binary(max_size=2000)


def read_all(data: bytes) -> bytes:
    sealed = SealedBytes(data, name="test")
    return bytes(sealed.view(0, len(sealed)))


@given(bodies)
def test_a_sealed_body_comes_back(body: bytes) -> None:
    assert read_all(seal(body)) == body


@given(bodies, st.data())
def test_any_flipped_bit_is_noticed(body: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(body))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedError):
        read_all(bytes(sealed))


@given(bodies, st.data())
def test_any_truncation_is_noticed(body: bytes, data: st.DataObject) -> None:
    sealed = seal(body)
    with pytest.raises(DamagedError):
        read_all(sealed[: data.draw(st.integers(0, len(sealed) - 1))])


def test_trailing_junk_is_noticed() -> None:
    with pytest.raises(DamagedError, match="expected"):
        read_all(seal(b"body") + b"junk")


def test_a_damaged_block_does_not_hide_the_others() -> None:
    body = bytes(3 * BLOCK_SIZE)
    data = bytearray(seal(body))
    data[-1] ^= 1
    sealed = SealedBytes(bytes(data), name="some.h5")
    assert bytes(sealed.view(0, 2 * BLOCK_SIZE)) == bytes(2 * BLOCK_SIZE)
    with pytest.raises(DamagedError, match=r"some\.h5: block 3 of 3"):
        sealed.view(2 * BLOCK_SIZE, 2 * BLOCK_SIZE + 1)


@pytest.mark.parametrize(("begin", "end"), [(-1, 2), (0, 6), (5, 6)])
def test_items_outside_of_the_body_are_refused(begin: int, end: int) -> None:
    sealed = SealedBytes(seal(bytes(20)), name="some.h5")
    with pytest.raises(DamagedError, match=r"some\.h5: holds no items"):
        sealed.pieces(0, np.array([begin]), np.array([end]), dtype=np.dtype("<f4"))


def test_the_digest_of_the_header_tells_bodies_apart() -> None:
    first, second = (SealedBytes(seal(body), name="x") for body in (b"one", b"two"))
    assert first.digest != second.digest


def test_an_empty_file_is_damaged_and_no_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "empty.h5").touch()
    with pytest.raises(DamagedError, match=r"empty\.h5"):
        SealedBytes.open(tmp_path / "empty.h5")
    with pytest.raises(MissingError, match=r"none\.h5"):
        SealedBytes.open(tmp_path / "none.h5")
