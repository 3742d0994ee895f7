"""Claims about opening: content decides, damage is named, a pipe is read as a file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from xopen import xopen

from vecattr.errors import InputError
from vecattr.inputs.input_files import HEAD, input_stem, open_input

TEXT = b">a\nACGT\n" + b"ACGTTGCA\n" * 20_000


def zstd(data: bytes, tmp_path: Path) -> bytes:
    path = tmp_path / "made.zst"
    with xopen(path, "wb", threads=0) as file:
        file.write(data)
    return path.read_bytes()


def packed(data: bytes, compression: str, tmp_path: Path) -> bytes:
    pack: dict[str, Callable[[bytes], bytes]] = {
        "plain": bytes,
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": lambda text: zstd(text, tmp_path),
    }
    return pack[compression](data)


@pytest.mark.parametrize("suffix", [".fasta", ".gz", ".xz"])
@pytest.mark.parametrize("compression", ["plain", "gz", "bz2", "xz", "zst"])
def test_compression_is_recognized_by_content_not_by_suffix(
    compression: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"input{suffix}"
    path.write_bytes(packed(TEXT, compression, tmp_path))
    with open_input(path) as file:
        assert file.head == TEXT[:HEAD]
        assert file.stream.read() == TEXT


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_cut_archive_is_an_error_that_names_the_file(
    compression: str, kept: float, tmp_path: Path
) -> None:
    path = tmp_path / "cut"
    whole = packed(TEXT, compression, tmp_path)
    path.write_bytes(whole[: int(len(whole) * kept)])
    with (
        pytest.raises(InputError, match="cut short or damaged") as caught,
        open_input(path) as file,
    ):
        file.stream.read()
    assert caught.value.where == str(path)


@pytest.mark.parametrize("position", range(10, 60, 7))
def test_a_flipped_bit_in_a_gzip_file_is_an_input_error(position: int, tmp_path: Path) -> None:
    content = bytearray(gzip.compress(TEXT))
    content[position] ^= 0x40
    path = tmp_path / "flipped"
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"), open_input(path) as file:
        file.stream.read()


def test_a_pipe_that_delivers_single_bytes_is_read_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(1, -1 if size is None else size) or -1)

    text = TEXT[:500]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(Dripping(gzip.compress(text))))
    with open_input("-") as file:
        assert file.name == "<stdin>"
        assert file.head == text
        assert file.stream.read() == text


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(content)
    with pytest.raises(InputError, match="empty"), open_input(path):
        pass


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"), open_input(tmp_path / "none"):
        pass


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"), open_input(tmp_path):
        pass


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "bom"
    path.write_bytes(b"\xef\xbb\xbf>a\nACGT\n")
    with open_input(path) as file:
        assert file.stream.read() == b">a\nACGT\n"


def test_the_stem_leaves_out_folder_and_both_suffixes() -> None:
    assert input_stem("a/pAB 1.2.gb.xz") == "pAB 1.2"
    assert input_stem("plain") == "plain"
