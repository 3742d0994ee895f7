"""Claims about encodings: UTF-16 is told by its first bytes, and no byte is refused."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.inputs.text import LENIENT, Utf8Bytes, utf16_of


@given(st.text("ACGT\n>p1é日🧬", max_size=200), st.integers(1, 9))
def test_utf16_is_read_as_utf8_however_it_is_divided(text: str, size: int) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        inner = cast("BinaryIO", io.BytesIO(f"\ufeff{text}".encode(encoding)))
        stream = Utf8Bytes(inner, encoding)
        read = b"".join(iter(lambda stream=stream: stream.read(size), b""))
        assert read.decode() == text


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("\ufeff>p1".encode("utf-16-le"), "utf-16-le"),
        ("\ufeff>p1".encode("utf-16-be"), "utf-16-be"),
        (">p1 Müller".encode("utf-16-le"), "utf-16-le"),
        (">p1\r\n".encode("utf-16-be"), "utf-16-be"),
        (b">p1\n", None),
        (b"\x00\x01\x00\x00" + bytes(100), None),
        (bytes(100), None),
        (b"", None),
        (b"A\x00", None),
    ],
)
def test_utf16_is_told_by_its_first_bytes(head: bytes, encoding: str | None) -> None:
    assert utf16_of(head) == encoding


@given(st.binary(max_size=100))
def test_no_byte_is_refused(content: bytes) -> None:
    text = content.decode("utf-8", LENIENT)
    assert content.isascii() == text.isascii() or not content.isascii()


def test_what_is_not_utf8_is_taken_for_windows_1252() -> None:
    assert "Müller – é".encode("cp1252").decode("utf-8", LENIENT) == "Müller – é"
    assert "Müller 日".encode().decode("utf-8", LENIENT) == "Müller 日"
