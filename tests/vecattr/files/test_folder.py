"""Claims about an open folder: its entries are regular files, reached by its handle alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from vecattr.errors import ArtifactError, DamagedError, MissingError
from vecattr.files.arrays import ArrayFile, read_table
from vecattr.files.atomic import check_file, read_file, sha256_bytes, sha256_file
from vecattr.files.folder import Location, OpenFolder
from vecattr.files.json_files import read_json


def make_socket(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    os.chdir(before)


def make_link(path: Path) -> None:
    path.with_name("target").write_text("{}")
    path.symlink_to("target")


SPECIAL: dict[str, Callable[[Path], object]] = {
    "a symbolic link": make_link,
    "a pipe": os.mkfifo,
    "a socket": make_socket,
    "a folder": Path.mkdir,
}

#: Every way to read a file of an index or a model.
READERS: dict[str, Callable[[Location], object]] = {
    "bytes": read_file,
    "hash": sha256_file,
    "check": lambda file: check_file(file, sha256=None, size=2),
    "JSON": lambda file: read_json(file, lambda data: data, kind="test"),
    "arrays": lambda file: ArrayFile(file, format="test", version=1),
    "table": read_table,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("kind", SPECIAL)
def test_nothing_but_a_regular_file_is_read(
    tmp_path: Path, kind: str, read: Callable[[Location], object]
) -> None:
    SPECIAL[kind](tmp_path / "file")
    with OpenFolder(tmp_path) as folder, pytest.raises(ArtifactError, match=f"is {kind}") as error:
        read(folder.root / "file")
    assert error.value.where == str(tmp_path / "file")


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_pipe_of_the_user_is_refused_as_well_and_a_link_followed(
    tmp_path: Path, read: Callable[[Location], object]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactError, match="is a pipe"):
        read(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with pytest.raises(ArtifactError, match="is a pipe"):
        read(tmp_path / "link")


def test_a_folder_on_the_way_that_is_a_link_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"content")
    (tmp_path / "inner").symlink_to("real")
    with OpenFolder(tmp_path) as folder:
        with pytest.raises(ArtifactError, match="symbolic link") as error:
            read_file(folder.root / "inner" / "file")
        assert error.value.where == str(tmp_path / "inner")
        assert not (folder.root / "inner").is_dir()
        assert (folder.root / "inner").exists()
        with pytest.raises(ArtifactError, match="symbolic link"):
            (folder.root / "inner" / "file").exists()
        assert read_file(folder.root / "real" / "file") == b"content"


def test_a_file_on_the_way_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "inner").touch()
    with OpenFolder(tmp_path) as folder, pytest.raises(ArtifactError, match="no folder"):
        read_file(folder.root / "inner" / "file")


def test_the_path_of_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("real")
    with OpenFolder(tmp_path / "link") as folder:
        assert read_file(folder.root / "file") == b"content"
        assert folder.is_in_place()


def test_entries_stay_when_the_folder_is_moved_and_another_comes(tmp_path: Path) -> None:
    for name, content in (("a", b"first"), ("b", b"second")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(content)
    with OpenFolder(tmp_path / "a") as folder:
        (tmp_path / "a").rename(tmp_path / "moved")
        assert not folder.is_in_place()
        (tmp_path / "b").rename(tmp_path / "a")
        assert not folder.is_in_place()
        assert read_file(folder.root / "file") == b"first"


def test_entries_stay_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"content")
    monkeypatch.chdir(tmp_path)
    with OpenFolder(Path("a")) as folder:
        os.chdir("/")
        assert read_file(folder.root / "file") == b"content"
        assert folder.is_in_place()


def test_a_folder_that_is_closed_reaches_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = OpenFolder(tmp_path)
    folder.close()
    folder.close()
    with pytest.raises(ArtifactError):
        read_file(folder.root / "file")


def test_what_is_not_there_is_missing_with_its_whole_path(tmp_path: Path) -> None:
    with OpenFolder(tmp_path) as folder:
        for entry in (folder.root / "none", folder.root / "none" / "file"):
            assert not entry.exists()
            assert not entry.is_file()
            with pytest.raises(MissingError) as error:
                read_file(entry)
            assert error.value.where is not None
            assert error.value.where.startswith(str(tmp_path))


def test_a_checked_file_is_opened_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with OpenFolder(tmp_path) as folder:
        file = folder.root / "file"
        check_file(file, sha256=sha256_bytes(b"content"), size=7)
        for sha256, size in ((None, 8), (sha256_bytes(b"other"), 7)):
            with pytest.raises(DamagedError):
                check_file(file, sha256=sha256, size=size)


def test_handles_are_closed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"{}")
    os.mkfifo(tmp_path / "inner" / "pipe")

    def use() -> None:
        folder = OpenFolder(tmp_path)
        for read in READERS.values():
            for name in ("file", "pipe", "none"):
                try:
                    read(folder.root / "inner" / name)
                except ArtifactError:
                    continue
        assert [entry.name for entry in folder.root.iterdir()] == ["inner"]

    use()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        use()
    assert len(os.listdir("/proc/self/fd")) == before
