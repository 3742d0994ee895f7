"""Claims about files of a stranger's folder: links, pipes and devices are refused by name."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from vecattr.errors import ArtifactError, MissingError
from vecattr.files.atomic import read_file
from vecattr.files.entries import append_line, check_entries
from vecattr.files.folder import Entry, OpenFolder


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


SPECIAL: dict[str, Callable[[Path], object]] = {
    "a symbolic link": lambda path: path.symlink_to(path.with_name("target")),
    "a pipe": os.mkfifo,
    "a socket": make_socket,
}


def opened(folder: Path) -> Entry:
    return OpenFolder(folder).root


@pytest.fixture(params=SPECIAL, name="special")
def _special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file that is none."""
    (tmp_path / "target").write_text("precious\n")
    SPECIAL[request.param](tmp_path / "file")
    return tmp_path / "file"


def test_what_is_no_regular_file_is_neither_read_nor_written(special: Path) -> None:
    with pytest.raises(ArtifactError, match=r"is a (symbolic link|pipe|socket)") as error:
        read_file(opened(special.parent) / "file")
    assert error.value.where == str(special)
    with pytest.raises(ArtifactError, match=r"is a (symbolic link|pipe|socket)"):
        append_line(opened(special.parent) / "file", "more")
    assert (special.parent / "target").read_text() == "precious\n"


@pytest.mark.parametrize("below", [".", "inner"])
def test_a_folder_with_such_an_entry_is_refused(tmp_path: Path, special: Path, below: str) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "a file").touch()
    check_entries(opened(folder), ["inner", "none"])
    special.rename(folder / below / "special")
    with pytest.raises(ArtifactError, match="only regular files and folders") as error:
        check_entries(opened(folder), ["inner"])
    assert error.value.where == str(folder / below / "special")


def test_a_link_to_nowhere_and_a_linked_subfolder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "inner").symlink_to("nowhere")
    with pytest.raises(ArtifactError, match="symbolic link"):
        check_entries(opened(tmp_path), ["inner"])
    (tmp_path / "inner").unlink()
    (tmp_path / "inner").symlink_to("..")
    with pytest.raises(ArtifactError, match="symbolic link"):
        check_entries(opened(tmp_path), ["inner"])


def test_a_folder_reached_by_a_link_is_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("real")
    check_entries(opened(tmp_path / "link"), [])
    assert read_file(opened(tmp_path / "link") / "file") == b"content"


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        read_file(opened(tmp_path) / "none")


def test_an_incomplete_last_line_is_ended_before_the_next(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append_line(opened(tmp_path) / "log", "one")
    log.write_bytes(log.read_bytes() + b"tor")
    append_line(opened(tmp_path) / "log", "two")
    assert log.read_text() == "one\ntor\ntwo\n"


@pytest.mark.parametrize("content", ["one\n", "tor", ""])
def test_a_file_with_another_name_is_not_changed_there(tmp_path: Path, content: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "elsewhere").write_text(content)
    (tmp_path / "folder" / "log").hardlink_to(tmp_path / "elsewhere")
    append_line(opened(tmp_path / "folder") / "log", "two")
    assert (tmp_path / "elsewhere").read_text() == content
    ended = content + "\n" if content == "tor" else content
    assert (tmp_path / "folder" / "log").read_text() == ended + "two\n"
