"""Proof of clusters, kills: rounds and a seed in; what builds and queries made of lost workers, a
lost client, a stopped worker and tasks that ran twice out.

A scheduler and two workers run on this machine. Each round builds an index or asks one while a
worker is killed at a random time; then clients that build are killed in their own processes. Every
index must have the identity of one process and every answer its digits; after a lost client the old
index is there, and the next build leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from faults.fixtures import seeded_random
from vecattr.attribution import Attribution
from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.cluster.address import ClusterAddress
from vecattr.indexes.cluster.batches import cluster_answers
from vecattr.indexes.cluster.building import cluster_filling, work_folder
from vecattr.indexes.cluster.cluster import Cluster, open_cluster
from vecattr.indexes.cluster.sharded_index import divided_panel
from vecattr.indexes.editing.build import BuildReport, build_index
from vecattr.indexes.index import open_panel
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids

#: Seconds after which a worker that says nothing is lost here, to wait less for the stopped one.
_SILENCE = "25s"
_SEGMENT_ROWS = 6
#: One worker is stopped for so many rounds.
_ROUNDS_A_STOP = 25
#: The longest time to a kill (seconds).
_LONGEST = 3.0


@dataclass(frozen=True)
class Bench:
    """Plasmids to store and to ask, and what one process made of them."""

    folder: Path
    stored: Sequence[Plasmid]
    queries: Sequence[Plasmid]
    identity: str
    answers: Sequence[Attribution]

    @property
    def index(self) -> Path:
        """The index that one process built."""
        return self.folder / "one.index"


def prove(rounds: int, *, seed: int) -> dict[str, Any]:
    """Kill a worker so many times, a client two times in five rounds, and stop one for every 25."""
    chance = seeded_random(seed, "cluster")
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, scheduler(Path(folder)) as url:
        bench = _bench(Path(folder))
        with open_cluster(ClusterAddress.from_text(url)) as cluster:
            for number, trial in enumerate(_trials(rounds)):
                counts[trial] += 1
                try:
                    _TRIALS[trial](bench, cluster, url, chance)
                except Exception as error:  # every failure is told
                    failures.append({"round": number, "trial": trial, "error": repr(error)})
                sys.stderr.write(f"{number + 1} {trial}: {failures[-1:]} of {len(failures)}\n")
    return {"rounds": sum(counts.values()), "outcomes": dict(counts), "failures": failures}


def _trials(rounds: int) -> Iterator[str]:
    kinds = ("build", "query", "build", "shards")
    yield "twice"
    for number in range(rounds):
        yield kinds[number % len(kinds)]
        if number * 2 % 5 < 2:
            yield "client"
        if number % _ROUNDS_A_STOP == 2:
            yield "stop"


def _bench(folder: Path) -> Bench:
    plasmids = synthetic_plasmids(labs=10, plasmids_per_lab=8, seed=5, lexicon=encoder_lexicon())
    stored, queries = plasmids[:72], plasmids[60:]
    report = _build(folder / "one.index", stored)
    answers = list(open_panel([folder / "one.index"]).query_many(queries, neighbors=2))
    return Bench(folder, stored, queries, report.identity, answers)


def _build(path: Path, plasmids: Iterable[Plasmid], **options: Any) -> BuildReport:
    return build_index(
        path,
        plasmids,
        model=shipped_encoder(),
        rule=ClassRule(None),
        segment_rows=_SEGMENT_ROWS,
        **options,
    )


def _built_by(cluster: Any, bench: Bench, **options: Any) -> None:
    """Build by workers, and compare with one process."""
    path = bench.folder / "several.index"
    with cluster_filling(cluster, path) as filling:
        report = _build(path, bench.stored, replace=path.exists(), filling=filling, **options)
    assert report.identity == bench.identity, "another identity"
    assert report.plasmids == len(bench.stored), "plasmids lost or doubled"
    assert not verify_index(path).findings, "damaged"
    left = [entry.name for entry in bench.folder.iterdir() if entry.name.startswith(".vecattr-")]
    assert not left, left
    assert not work_folder(path).exists(), "a work folder is left"


def _while_killing(
    cluster: Cluster, chance: random.Random, what: Callable[[], None], number: int = signal.SIGKILL
) -> list[int]:
    """Do something while a worker gets a signal at a random time; its process."""
    process = chance.choice(sorted(cluster.on_each_worker(os.getpid).values()))
    delay = chance.uniform(0, _LONGEST)

    def send() -> None:
        time.sleep(delay)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)

    sender = Thread(target=send)
    sender.start()
    try:
        what()
    finally:
        sender.join()
    return [process]


def _try_build(bench: Bench, cluster: Cluster, url: str, chance: random.Random) -> None:
    _while_killing(cluster, chance, lambda: _built_by(cluster, bench))


def _try_query(bench: Bench, cluster: Cluster, url: str, chance: random.Random) -> None:
    def ask() -> None:
        panel = open_panel([bench.index])
        answers = list(cluster_answers(cluster, panel, bench.queries, neighbors=2, batch_size=2))
        assert answers == bench.answers, "other answers"

    _while_killing(cluster, chance, ask)


def _try_shards(bench: Bench, cluster: Cluster, url: str, chance: random.Random) -> None:
    def ask() -> None:
        panel = divided_panel(cluster, open_panel([bench.index]), count=3)
        answers = list(panel.query_many(bench.queries, neighbors=2, batch_size=4))
        assert answers == bench.answers, "other answers"

    _while_killing(cluster, chance, ask)


def _try_client(bench: Bench, cluster: Cluster, url: str, chance: random.Random) -> None:
    """A client in its own process is killed while it builds again; then a build goes on."""
    path = bench.folder / "several.index"
    if not path.exists():
        _built_by(cluster, bench)
    code = (
        "import sys; from pathlib import Path; from faults import cluster_kills as proof\n"
        "proof.build_as_client(Path(sys.argv[1]), sys.argv[2])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    client = subprocess.Popen([sys.executable, "-c", code, str(bench.folder), url], env=environment)
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait(2 + chance.uniform(0, 3 * _LONGEST))
    client.kill()
    client.wait()
    assert open_panel([path]).identity == bench.identity, "the old index is not there"
    assert not verify_index(path).findings, "damaged"
    _built_by(cluster, bench)


def build_as_client(folder: Path, url: str) -> None:
    """In the process that is killed: build by the workers of this scheduler."""
    plasmids = synthetic_plasmids(labs=10, plasmids_per_lab=8, seed=5, lexicon=encoder_lexicon())
    with open_cluster(ClusterAddress.from_text(url)) as cluster:
        path = folder / "several.index"
        with cluster_filling(cluster, path) as filling:
            _build(path, plasmids[:72], replace=True, filling=filling)


def _try_stop(bench: Bench, cluster: Cluster, url: str, chance: random.Random) -> None:
    """A worker that is stopped, not killed, is as good as lost."""
    stopped = _while_killing(cluster, chance, lambda: _built_by(cluster, bench), signal.SIGSTOP)
    for process in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


class _Twice:
    """A cluster that does every task twice, on two workers at once where there are two."""

    def __init__(self, cluster: Cluster) -> None:
        self.workers, self.on_each_worker = cluster.workers, cluster.on_each_worker
        self._cluster = cluster

    def results(self, task: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """As `Cluster.results`; AssertionError when both results differ."""
        for item in items:
            workers = self.workers()
            pending = [self._cluster.submit(task, item, worker=worker) for worker in workers[:2]]
            results = [one.result() for one in pending]
            assert all(result == results[0] for result in results), "results differ"
            yield results[0]


def _try_twice(bench: Bench, cluster: Cluster, url: str, chance: random.Random) -> None:
    _built_by(_Twice(cluster), bench)


_TRIALS = {
    "build": _try_build,
    "query": _try_query,
    "shards": _try_shards,
    "client": _try_client,
    "stop": _try_stop,
    "twice": _try_twice,
}


@contextlib.contextmanager
def scheduler(folder: Path, *, workers: int = 2) -> Iterator[str]:
    """The address of a scheduler with workers of one thread each, as processes of their own."""
    file = folder / "scheduler.json"
    environment = os.environ | {
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": _SILENCE,
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "50",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    dask = [sys.executable, "-m", "dask"]
    commands = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *common]]
    one_thread = ["--nthreads", "1", "--memory-limit", "2GB", "--local-directory", str(folder)]
    commands += [[*dask, "worker", "--nworkers", str(workers), *one_thread, *common]]
    with (folder / "dask.log").open("w") as log, contextlib.ExitStack() as running:
        for command in commands:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            running.callback(_end, process)
        while not file.exists():
            time.sleep(0.1)
        yield _address(file)


def _address(file: Path) -> str:
    return str(json.loads(file.read_text())["address"])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()
