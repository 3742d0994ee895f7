"""Claims about zip archives: their files are read, and none can fill memory, time or disk."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.inputs import archives
from vecattr.inputs.archives import Unopened, is_archive, members
from vecattr.inputs.input_files import open_input
from vecattr.inputs.limits import Limits

SMALL = Limits(bases=1000, unpacked=1 << 20)


def zipped(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def read_all(content: bytes, folder: Path, *, limits: Limits = SMALL) -> dict[str, bytes | str]:
    """The content of each file of an archive, or the error of one that cannot be opened."""
    path = folder / "a.zip"
    path.write_bytes(content)
    found: dict[str, bytes | str] = {}
    with open_input(path, limits=limits) as file:
        assert is_archive(file.head)
        for member in members(file):
            name = member.name.removeprefix(f"{path}/")
            is_open = not isinstance(member, Unopened)
            found[name] = member.stream.read() if is_open else member.error.what
    return found


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_file_is_read_whatever_its_method(method: int, tmp_path: Path) -> None:
    files = {"a.fa": b">a\nACGT\n", "folder/b.gb": b"LOCUS x" * 1000}
    assert read_all(zipped(files, method=method), tmp_path) == files


def test_files_in_packed_files_and_in_archives_are_read(tmp_path: Path) -> None:
    inner = zipped({"b.fa": b">b\nGG\n"})
    files = {"a.fa.gz": gzip.compress(b">a\nAC\n"), "inner.zip": inner, "c.fa": b">c\nTT\n"}
    assert read_all(zipped(files), tmp_path) == {
        "a.fa.gz": b">a\nAC\n",
        "inner.zip/b.fa": b">b\nGG\n",
        "c.fa": b">c\nTT\n",
    }


def test_folders_links_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/.DS_Store", b"x")
        archive.writestr("__MACOSX/folder/._a.fa", b"x")
        link = zipfile.ZipInfo("link.fa")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, b"/etc/passwd")
        archive.writestr("../../up.fa", b">a\nAC\n")
    assert read_all(content.getvalue(), tmp_path) == {"../../up.fa": b">a\nAC\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_file_that_cannot_be_opened_says_so_and_the_others_are_read(tmp_path: Path) -> None:
    content = zipped({"a.fa": b">a\nAC\n", "b.fa": b">b\nGG\n", "empty.fa": b""})
    at = content.index(b"PK\x01\x02")
    locked = bytearray(content)
    locked[6] |= 1  # both headers of the first file say that it is encrypted
    locked[at + 8] |= 1
    found = read_all(bytes(locked), tmp_path)
    assert "encrypted" in str(found["a.fa"])
    assert found["b.fa"] == b">b\nGG\n"
    assert "empty" in str(found["empty.fa"])


def test_an_archive_within_an_archive_within_an_archive_is_not_opened(tmp_path: Path) -> None:
    content = zipped({"a.fa": b">a\nAC\n"})
    for depth in range(3):
        content = zipped({f"{depth}.zip": content, f"{depth}.fa": b">b\nGG\n"})
    found = read_all(content, tmp_path)
    assert found["2.fa"] == found["1.zip/1.fa" if "1.zip/1.fa" in found else "2.zip/1.fa"]
    assert any("archive within an archive" in str(one) for one in found.values())
    assert not any("a.fa" in name for name in found)


def read_through(path: Path) -> None:
    """Read every file of an archive, and keep nothing."""
    with open_input(path, limits=SMALL) as file:
        for member in members(file):
            assert not isinstance(member, Unopened)
            while member.stream.read(1 << 16):
                pass


@pytest.mark.parametrize("count", [1, 200])
def test_a_bomb_is_refused_in_little_memory(count: int, tmp_path: Path) -> None:
    content = zipped({f"{n}.fa": b"A" * (100_000_000 // count) for n in range(count)})
    assert len(content) < 1 << 18
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(InputError, match="unpacks to more than"):
        read_through(path)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_archives_inside_count_for_the_whole(tmp_path: Path) -> None:
    inner = zipped({"a.fa": b"A" * 600_000})
    with pytest.raises(InputError, match="unpacks to more than"):
        read_all(zipped({"1.zip": inner, "2.zip": inner}), tmp_path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped({str(n): b"" for n in range(5)})
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 4)
    with pytest.raises(InputError, match="more than 4 files"):
        read_all(content, tmp_path)


def test_a_directory_that_says_it_is_huge_is_refused_before_it_is_read(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.fa": b">a\nAC\n"}))
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = struct.pack("<I", 1 << 30)
    with pytest.raises(InputError, match="files"):
        read_all(bytes(content), tmp_path)


def test_a_cut_or_damaged_archive_is_an_input_error(tmp_path: Path) -> None:
    whole = zipped({"a.fa": b">a\n" + b"ACGTTGCA" * 400, "b.fa": b">b\nGG\n"})
    for cut in range(4, len(whole), 5):
        with pytest.raises(InputError):
            read_all(whole[:cut], tmp_path)
    for at in range(4, len(whole), 5):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        try:
            found = read_all(bytes(damaged), tmp_path)
        except InputError:
            continue
        assert set(map(type, found.values())) <= {bytes, str}


@pytest.mark.parametrize("name", ["xl/workbook.xml", "word/document.xml", "ppt/presentation.xml"])
def test_office_documents_are_no_archives(name: str) -> None:
    assert not is_archive(zipped({"docProps/app.xml": b"<x/>", name: b"<x/>"}))
