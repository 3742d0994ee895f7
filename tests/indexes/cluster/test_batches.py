"""Claims about work on a cluster by batches: the answers are those of one process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vecattr.attribution import Attribution
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import ArtifactError, UsageError, VecattrError
from vecattr.indexes.answering.answers import PanelRecipe
from vecattr.indexes.cluster.address import ClusterAddress
from vecattr.indexes.cluster.batches import cluster_answers, cluster_ranks, opened_panel
from vecattr.indexes.cluster.cluster import Cluster, open_cluster
from vecattr.indexes.cluster.embedding import EmbedderRecipe, embed_on_cluster
from vecattr.indexes.cluster.shared_folder import check_shared, lock_state
from vecattr.indexes.editing.edit import remove_lab
from vecattr.indexes.evaluation.true_ranks import true_ranks
from vecattr.indexes.index import open_panel

if TYPE_CHECKING:
    from tests.indexes.cluster.conftest import Collection


def as_text(answers: Sequence[Attribution]) -> list[str]:
    return [json.dumps(asdict(answer), sort_keys=True, default=str) for answer in answers]


def test_answers_are_those_of_one_process_to_the_last_digit(
    cluster: Cluster, collection: Collection
) -> None:
    panel = open_panel([collection.index])
    expected = list(panel.query_many(collection.queries, k=20, neighbors=3))
    answers = list(
        cluster_answers(cluster, panel, collection.queries, k=20, neighbors=3, batch_size=5)
    )
    assert as_text(answers) == as_text(expected)


def test_options_are_checked_before_any_work(cluster: Cluster, collection: Collection) -> None:
    panel = open_panel([collection.index])
    with pytest.raises(UsageError, match="batch_size is 0"):
        cluster_answers(cluster, panel, collection.queries, batch_size=0)


def test_ranks_are_those_of_one_process(cluster: Cluster, collection: Collection) -> None:
    panel = open_panel([collection.index])
    done: list[int] = []
    expected = true_ranks(panel, collection.queries, progress=lambda _: None)
    ranks = cluster_ranks(cluster, panel, collection.queries, progress=done.append)
    assert sum(done) == len(collection.queries)
    for name, value in asdict(expected).items():
        np.testing.assert_array_equal(getattr(ranks, name), value, err_msg=name)


def test_workers_refuse_another_generation_than_the_client_opened(
    cluster: Cluster, collection: Collection, tmp_path: Path
) -> None:
    index = shutil.copytree(collection.index, tmp_path / "changed.index")
    panel = open_panel([index])
    remove_lab(index, panel.lab_names[0])
    with pytest.raises(ArtifactError, match="changed while it was asked"):
        list(cluster_answers(cluster, panel, collection.queries))
    with pytest.raises(ArtifactError, match="changed while it was asked"):
        opened_panel(PanelRecipe.from_panel(panel))


def test_vectors_are_those_of_one_process_and_leave_no_files(
    cluster: Cluster, collection: Collection, tmp_path: Path
) -> None:
    embedder = load_embedder(shipped_encoder(), device="cpu")
    recipe = EmbedderRecipe(str(shipped_encoder()), False, embedder.identity)
    done: list[int] = []
    parts = tmp_path / "vectors.parts"
    table = embed_on_cluster(cluster, collection.queries, recipe, parts=parts, progress=done.append)
    assert table.names == tuple(plasmid.id for plasmid in collection.queries)
    assert np.array_equal(table.vectors, embedder.embed(collection.queries))
    assert sum(done) == len(collection.queries)
    assert not list(tmp_path.iterdir())


def test_workers_refuse_another_model(
    cluster: Cluster, collection: Collection, tmp_path: Path
) -> None:
    recipe = EmbedderRecipe(str(collection.index), True, "0" * 64)
    with pytest.raises(ArtifactError, match="model was changed"):
        embed_on_cluster(
            cluster, collection.queries, recipe, parts=tmp_path / "p", progress=lambda _: None
        )


def test_a_shared_folder_whose_locks_hold_passes_and_is_left_empty(
    cluster: Cluster, tmp_path: Path
) -> None:
    check_shared(cluster, tmp_path / "new" / "folder")
    assert not list((tmp_path / "new" / "folder").iterdir())


def test_a_worker_tells_a_lock_that_it_could_take(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert lock_state(str(file)) == "absent"
    file.touch()
    assert lock_state(str(file)) == "free"


def test_an_error_of_a_task_is_that_error(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="'remote:2' is no address") as raised:
        list(cluster.results(ClusterAddress.from_text, ["local:1", "remote:2", "local:3"]))
    assert raised.value.hint is not None


def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    cluster: Cluster, collection: Collection
) -> None:
    panel = open_panel([collection.index])
    expected = list(panel.query_many(collection.queries))
    processes = cluster.on_each_worker(os.getpid)
    answers = cluster_answers(cluster, panel, collection.queries, batch_size=1)
    first = next(answers)
    os.kill(min(processes.values()), signal.SIGKILL)
    assert as_text([first, *answers]) == as_text(expected)


def is_safe() -> bool:
    """In a worker: whether it imports nothing from the working folder."""
    return sys.flags.safe_path


def test_a_worker_that_takes_the_place_of_a_lost_one_imports_nothing_from_the_working_folder(
    cluster: Cluster,
) -> None:
    for process in cluster.on_each_worker(os.getpid).values():
        os.kill(process, signal.SIGKILL)
    cluster.submit(time.sleep, 0.1).result()
    safe = cluster.on_each_worker(is_safe)
    assert safe
    assert all(safe.values())


def kept_bytes() -> int:
    """In a worker: how much free memory the C library keeps, as the process was started with."""
    return int(os.environ["MALLOC_TRIM_THRESHOLD_"])


def test_workers_keep_free_memory_for_the_next_task(cluster: Cluster) -> None:
    """Where Dask lets them give it back, half of a query goes into getting it again."""
    kept = cluster.on_each_worker(kept_bytes)
    assert kept
    assert min(kept.values()) > 1 << 20


def test_tasks_outlive_all_workers_at_once(cluster: Cluster) -> None:
    pending = [cluster.submit(time.sleep, 1.0, worker=worker) for worker in cluster.workers()]
    for process in cluster.on_each_worker(os.getpid).values():
        os.kill(process, signal.SIGKILL)
    assert pending
    assert [task.result() for task in pending] == [None] * len(pending)


def test_a_cluster_leaves_the_variables_of_this_process_as_they_were() -> None:
    before = dict(os.environ)
    with open_cluster(ClusterAddress.from_text("local:1")) as opened:
        [process] = opened.on_each_worker(os.getpid).values()
        os.kill(process, signal.SIGKILL)
        opened.submit(time.sleep, 0.1).result()  # by another worker
    assert dict(os.environ) == before


def test_a_scheduler_that_is_not_there_is_told_with_the_next_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vecattr.indexes.cluster.cluster._PATIENCE", 1)
    address = ClusterAddress.from_text("tcp://127.0.0.1:1")
    with pytest.raises(VecattrError, match="does not answer") as raised, open_cluster(address):
        pass
    assert raised.value.hint is not None
