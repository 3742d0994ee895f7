"""Claims about an index that workers build: it is that of one process, bit for bit; when workers or
the client are lost, nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.datasets.lab_shards import shard_of
from vecattr.datasets.rows import row_line
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import DamagedError, InputError, LockedError, UsageError
from vecattr.files.atomic import is_temporary
from vecattr.indexes.cluster.building import Receipt, cluster_filling, work_folder
from vecattr.indexes.cluster.cluster import Cluster
from vecattr.indexes.cluster.rows import read_rows, write_rows
from vecattr.indexes.editing.build import BuildReport, build_index
from vecattr.indexes.index import Index
from vecattr.indexes.storage.lock import writing
from vecattr.info import PlasmidInfo
from vecattr.plasmid import Plasmid

if TYPE_CHECKING:
    from tests.indexes.cluster.conftest import Collection


def files_of(index: Path) -> dict[str, bytes]:
    """The files of an index but its log, which knows the time."""
    return {
        str(path.relative_to(index)): path.read_bytes()
        for path in sorted(index.rglob("*"))
        if path.is_file() and path.name != "log.jsonl"
    }


def built(path: Path, plasmids: Iterable[Plasmid], **options: Any) -> BuildReport:
    usual: dict[str, Any] = {"model": shipped_encoder(), "rule": ClassRule(None)}
    return build_index(path, plasmids, **{"segment_rows": 9, **usual, **options})


def built_by(
    cluster: Cluster, path: Path, plasmids: Iterable[Plasmid], **options: Any
) -> BuildReport:
    with cluster_filling(cluster, path) as filling:
        return built(path, plasmids, filling=filling, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shards": 3},
        {"keep_sequences": False, "segment_rows": 1000},
        {"rule": ClassRule(frozenset({"Lab 01", "Lab 02"})), "lab_vectors": "mean"},
    ],
    ids=["plain", "three shards", "no sequences, small segments", "means of a rule's labs"],
)
def test_the_index_is_that_of_one_process_bit_for_bit(
    cluster: Cluster, collection: Collection, tmp_path: Path, options: dict[str, Any]
) -> None:
    one = built(tmp_path / "one", collection.stored, **options)
    several = built_by(cluster, tmp_path / "several", collection.stored, **options)
    assert several == one
    assert files_of(tmp_path / "several") == files_of(tmp_path / "one")
    assert not work_folder(tmp_path / "several").exists()


def test_each_segment_holds_labs_of_one_shard(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "sharded"
    built(path, collection.stored, shards=3)
    for segment in Index.open(path).segments:
        assert len({shard_of(lab, count=3) for lab in segment.lab_sizes()}) == 1


def test_a_killed_worker_changes_nothing(
    cluster: Cluster, collection: Collection, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_one(done: int) -> None:
        if not killed:
            killed.append(min(cluster.on_each_worker(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    one = built(tmp_path / "one", collection.stored, segment_rows=3)
    several = built_by(
        cluster, tmp_path / "several", collection.stored, segment_rows=3, progress=kill_one
    )
    assert killed
    assert several == one


class StopError(Exception):
    """What ends a build in the middle."""


def test_a_build_that_stopped_leaves_the_old_index_and_its_work_to_the_next(
    cluster: Cluster, collection: Collection, tmp_path: Path
) -> None:
    path, expected = tmp_path / "index", built(tmp_path / "one", collection.stored)
    old = built(path, collection.stored[:5])

    def stop(done: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        built_by(cluster, path, collection.stored, replace=True, progress=stop)
    assert Index.open(path).identity == old.identity
    written = (work_folder(path) / "receipts").iterdir()  # a worker may still be writing others
    receipts = [receipt for receipt in written if not is_temporary(receipt.name)]
    assert receipts
    before = {receipt: receipt.stat().st_mtime_ns for receipt in receipts}
    again = built_by(cluster, path, collection.stored, replace=True, step=no_change(before))
    assert again.identity == expected.identity
    assert not work_folder(path).exists()


def no_change(before: dict[Path, int]) -> Any:
    """A hook that checks that no receipt was written again."""

    def check(step: str) -> None:
        if step == "segment":
            assert before == {receipt: receipt.stat().st_mtime_ns for receipt in before}

    return check


def test_errors_are_those_of_one_process(
    cluster: Cluster, collection: Collection, tmp_path: Path
) -> None:
    path = tmp_path / "index"
    with pytest.raises(InputError, match="given twice"):
        built_by(cluster, path, [*collection.stored, collection.stored[0]])
    with pytest.raises(InputError, match="no plasmids"):
        built_by(cluster, path, [])
    assert not path.exists()


def test_two_builds_of_one_index_exclude_each_other(
    cluster: Cluster, collection: Collection, tmp_path: Path
) -> None:
    path = tmp_path / "index"
    work_folder(path).mkdir()
    with writing(work_folder(path)), pytest.raises(LockedError):
        built_by(cluster, path, collection.stored)


@pytest.mark.parametrize("name", ["thesis.txt", "rows/thesis.txt", "segments/thesis.h5"])
def test_a_folder_of_the_user_where_workers_write_is_left_whole(
    cluster: Cluster, collection: Collection, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "results"
    file = work_folder(path) / name
    file.parent.mkdir(parents=True)
    file.write_text("written for years")
    with pytest.raises(UsageError, match="did not make this") as error:
        built_by(cluster, path, collection.stored)
    assert error.value.where == str(file)
    assert [entry for entry in work_folder(path).rglob("*") if entry.is_file()] == [file]
    assert not path.exists()


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    plasmids = [
        Plasmid("a", "ACGTN", lab="Müller", features={"amp": 1, "kan": 0}, group="paper \udcff"),
        Plasmid("b", "ACG", topology="linear", lab="B", info=PlasmidInfo("10.1/x", 2019, None)),
    ]
    name = write_rows(tmp_path, map(row_line, plasmids))
    rows = list(read_rows(tmp_path, name))
    assert rows == plasmids
    assert [row.info for row in rows] == [plasmid.info for plasmid in plasmids]
    file = tmp_path / name
    file.write_bytes(file.read_bytes().replace(b"ACGTN", b"ACGTA"))
    with pytest.raises(DamagedError, match="not what was written"):
        list(read_rows(tmp_path, name))


@pytest.mark.parametrize("name", ["../../../notes", "a/b", "notes", 7])
def test_a_receipt_that_names_no_segment_is_none(tmp_path: Path, name: object) -> None:
    """A stranger may have put it where workers write, to have files moved."""
    facts = {"sha256": "0" * 64, "size": 0}
    entry = {"name": name, "file": facts, "header": "0" * 64, "rows": 1, "faiss": facts}
    data = json.dumps({"entry": entry, "class_sizes": {}, "unread": 0}).encode()
    with pytest.raises(ValueError, match="names no segment"):
        Receipt.from_json(data)
