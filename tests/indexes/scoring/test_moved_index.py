"""An opened index answers from where its folder is, and says when that is gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vecattr.errors import MovedError
from vecattr.indexes.index import Index, open_panel


@pytest.fixture
def path(tmp_path: Path, shelf: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of an index with a real model, in the working folder."""
    shutil.copytree(shelf.index, tmp_path / "my.index")
    monkeypatch.chdir(tmp_path)
    return Path("my.index")


def names(index: Index, shelf: Any) -> list[str]:
    return [hit.name for hit in index.query(shelf.plasmids[0], k=3, neighbors=3).labs]


def test_the_working_folder_may_change(path: Path, shelf: Any) -> None:
    expected = names(Index.open(path), shelf)
    index = Index.open(path)
    os.chdir("/")
    assert names(index, shelf) == expected
    assert index.info()["labs"] == len(index.lab_names)
    assert index.path.is_absolute()


def test_several_processes_find_an_index_whose_path_was_relative(path: Path, shelf: Any) -> None:
    queries = list(shelf.plasmids) * 3
    for number, query in enumerate(queries):
        queries[number] = type(query)(f"q{number}", query.sequence)
    expected = [hit.labs[0].name for hit in open_panel([path]).query_many(queries, k=1)]
    panel = open_panel([path])
    os.chdir("/")
    answers = panel.query_many(queries, k=1, processes=2)
    assert [answer.labs[0].name for answer in answers] == expected


def test_the_folder_may_be_moved(path: Path, shelf: Any) -> None:
    expected = names(Index.open(path), shelf)
    index = Index.open(path)
    path.rename("elsewhere")
    assert names(index, shelf) == expected
    assert index.held_out is not None


def replaced(path: Path) -> None:
    shutil.copytree(path, "copy")
    shutil.rmtree(path)
    Path("copy").rename(path)


@pytest.mark.parametrize("gone", [shutil.rmtree, replaced])
def test_a_folder_that_is_gone_is_told_as_that(
    path: Path, shelf: Any, gone: Callable[[Path], None]
) -> None:
    index = Index.open(path)
    gone(path)
    with pytest.raises(MovedError, match="since it was opened") as error:
        names(index, shelf)
    assert error.value.exit_code == 4
    assert error.value.where == str(path.absolute())


def test_what_was_read_before_is_answered_from(path: Path, shelf: Any) -> None:
    index = Index.open(path)
    expected = names(index, shelf)
    shutil.rmtree(path)
    assert names(index, shelf) == expected
