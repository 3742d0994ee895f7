"""A cluster of Dask: an address in; tasks and their arguments in, results in order out.

The only module that imports Dask, and the one that translates its errors. It knows nothing of what
is computed. A task is a function and its arguments, all pickled; it may run twice, on two workers
even, and must do the same then.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from vecattr.errors import MismatchError, VecattrError
from vecattr.indexes.answering.worker_pool import starting_children
from vecattr.indexes.cluster.address import MEMORY, ClusterAddress
from vecattr.posix import KEPT_MEMORY
from vecattr.version import __version__

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Tasks on the way to each worker and back.
_AHEAD = 2
#: Seconds between two looks at whether the worker of a task is still there.
_GLANCE = 5
#: Seconds that a scheduler, and then a first worker, may take to answer.
_PATIENCE = 60
#: Where a scheduler shows its metrics to a browser: to this machine alone, at any free port. None
#: would be port 8787, to all machines.
_PAGES = "127.0.0.1:0"
#: Variables of workers that are started here. Nothing of the working folder is imported; and the C
#: library keeps free memory for the next arrays. By Dask's own setting it keeps 64 KiB, and getting
#: memory from the system again took half the time of a query.
_VARIABLES = {
    "PYTHONSAFEPATH": "1",
    **{variable: str(size) for variable, size in KEPT_MEMORY.items()},
}
#: Settings of schedulers that are started here: a task outlives so many lost workers, and a worker
#: that says nothing for so long is lost.
_SETTINGS = {
    "distributed.scheduler.allowed-failures": 20,
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.comm.timeouts.connect": "30s",
    "distributed.admin.large-graph-warning-threshold": "1GiB",
    # also of a worker that takes the place of a lost one: variables of the process
    **{f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in _VARIABLES.items()},
}
#: The same for jobs, which begin in the working folder.
_JOB_BEGINS = tuple(f"export {name}={value}" for name, value in _VARIABLES.items())
#: Variables that Dask sets in this process beside those which its settings name.
_UNNAMED = ("PYTHONHASHSEED", "__DASK_PARENT_PID")


class Cluster:
    """An open cluster. Make one with `open_cluster`."""

    def __init__(self, client: Any, address: ClusterAddress) -> None:
        self.address = address
        self._client = client

    def workers(self) -> list[str]:
        """The addresses of the workers that are there now, sorted."""
        with _translated(self.address):
            return sorted(self._client.scheduler_info(n_workers=-1)["workers"])

    def on_each_worker(self, task: Callable[..., Result], *arguments: Any) -> dict[str, Result]:
        """The result of a task on every worker that is there now, by its address; one that is lost
        meanwhile has none."""
        with _translated(self.address):
            results: dict[str, Any] = self._client.run(task, *arguments, on_error="return")
            failed = {worker for worker, one in results.items() if isinstance(one, Exception)}
            for worker in failed & set(self.workers() if failed else ()):
                if not isinstance(results[worker], OSError):
                    raise results[worker]
        return {worker: one for worker, one in results.items() if worker not in failed}

    def submit(
        self, task: Callable[..., Result], *arguments: Any, worker: str | None = None
    ) -> Pending[Result]:
        """One task on the way, to this worker if it is still there then."""
        return Pending(self, partial(self._submit, task, *arguments), worker)

    def _submit(self, task: Callable[..., Any], *arguments: Any, worker: str | None) -> Any:
        with _translated(self.address):
            return self._client.submit(
                task,
                *arguments,
                pure=False,
                workers=None if worker is None else [worker],
                allow_other_workers=worker is not None,
            )

    def results(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The result of the task for each item, in order, as they come; few items are on the way at
        any time. Errors as those of one process; VecattrError when workers are lost again and
        again, or the cluster is."""
        pending: deque[Pending[Result]] = deque()
        try:
            for item in items:
                pending.append(self.submit(task, item))
                while len(pending) > _AHEAD * max(1, len(self.workers())):
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for one in pending:
                one.cancel()


class Pending(Generic[Result]):
    """A task on its way."""

    def __init__(self, cluster: Cluster, submit: Callable[..., Any], worker: str | None) -> None:
        self._cluster = cluster
        self._submit = submit
        self._worker = worker
        self._future = submit(worker=worker)

    def result(self) -> Result:
        """What it returns, once it is done; errors as in `Cluster.results`."""
        while self._worker is not None and not self._is_done():
            if self._worker not in self._cluster.workers():
                self._submit_again()
        with _translated(self._cluster.address):
            result: Result = self._future.result()
        return result

    def cancel(self) -> None:
        """Do not run it, if that can still be prevented."""
        self._future.cancel()

    def _is_done(self) -> bool:
        """After a glance; of a task that fails, too."""
        with suppress(Exception):
            self._future.result(timeout=_GLANCE)
        return bool(self._future.done())

    def _submit_again(self) -> None:
        """For any worker, where its own is lost. Dask lets a task that prefers a worker wait for
        ever when there was no worker at all for a while."""
        self._future.cancel()
        self._worker = None
        self._future = self._submit(worker=None)


@contextmanager
def open_cluster(address: ClusterAddress) -> Iterator[Cluster]:
    """Connect to a cluster, or start one that ends with this; MissingExtraError without Dask,
    VecattrError when nothing answers, MismatchError for workers with another vecattr."""
    address.require_dask()
    import dask.config  # extra
    import distributed  # extra

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(_SETTINGS), _variables_put_back(), _scheduler(address) as scheduler:
        open_client: Any = distributed.Client
        with _translated(address):
            client = open_client(scheduler, timeout=_PATIENCE, set_as_default=False)
        with client:
            cluster = Cluster(client, address)
            with _translated(address):
                client.wait_for_workers(1, timeout=_patience(address))
            _check_versions(cluster)
            yield cluster


def _patience(address: ClusterAddress) -> int | None:
    """Seconds to wait for the first worker; jobs of SLURM wait in a queue for as long as it
    takes."""
    return None if address.kind == "slurm" else _PATIENCE


def _scheduler(address: ClusterAddress) -> AbstractContextManager[Any]:
    """What a client connects to."""
    if address.kind == "local":
        return _local(address)
    if address.kind == "slurm":
        return _slurm(address)
    return _running(address)


@contextmanager
def _running(address: ClusterAddress) -> Iterator[str]:
    yield address.url


@contextmanager
def _local(address: ClusterAddress) -> Iterator[Any]:
    """Worker processes here, spawned, with one thread each; they speak TLS with a certificate of
    this run, because whoever can send them a task can do whatever this user can."""
    import distributed  # extra

    start: Any = distributed.LocalCluster
    with starting_children(), _translated(address):
        local = start(
            n_workers=address.workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=MEMORY,
            host="127.0.0.1",
            protocol="tls",
            security=True,
            dashboard_address=_PAGES,
            silence_logs=logging.CRITICAL,
        )
    with local:
        yield local


@contextmanager
def _variables_put_back() -> Iterator[None]:
    """At the end, the variables that Dask sets in this process to start workers are as before."""
    import dask.config  # extra

    before = dict(os.environ)
    try:
        yield
    finally:
        named = dask.config.get("distributed.nanny.pre-spawn-environ")
        for name in (*_UNNAMED, *named):
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)


@contextmanager
def _slurm(address: ClusterAddress) -> Iterator[Any]:
    """Workers that are jobs of SLURM, one process and one processor each. They speak TLS; the
    certificate of this run lies in the working folder, for this user alone, until the end."""
    from dask_jobqueue.slurm import SLURMCluster  # extra

    options = dict(address.options)
    start: Any = SLURMCluster
    with _translated(address):
        jobs = start(
            cores=1,
            processes=1,
            memory=options.get("memory", MEMORY),
            walltime=options.get("walltime"),
            queue=options.get("queue"),
            account=options.get("account"),
            protocol="tls://",
            security=True,
            shared_temp_directory=str(Path.cwd()),
            job_script_prologue=list(_JOB_BEGINS),
            scheduler_options={"dashboard_address": _PAGES},
        )
    with jobs:
        jobs.scale(jobs=address.workers)
        yield jobs


def _check_versions(cluster: Cluster) -> None:
    """MismatchError for a worker with another vecattr than this."""
    versions = cluster.on_each_worker(_version)
    for worker, version in sorted(versions.items()):
        if version != __version__:
            raise MismatchError(
                f"has vecattr {version}, expected {__version__}, as here",
                where=f"worker {worker}",
                hint="install the same version for all workers",
            )


def _version() -> str:
    return __version__


@contextmanager
def _translated(address: ClusterAddress) -> Iterator[None]:
    """Errors of Dask as VecattrError with the next step; those of tasks as they are."""
    from concurrent.futures import CancelledError  # start-up

    from distributed.client import FutureCancelledError  # extra
    from distributed.comm.core import CommClosedError  # extra
    from distributed.scheduler import KilledWorker  # extra

    try:
        yield
    except KilledWorker as error:
        raise VecattrError(
            "a task was begun again and again, and its worker was lost each time, perhaps for want "
            "of memory",
            where=f"cluster {address}",
            hint="give workers more memory, or ask with smaller batches",
        ) from error
    except ModuleNotFoundError as error:
        raise MismatchError(
            f"workers lack the library {error.name}",
            where=f"cluster {address}",
            hint="install the same vecattr for all workers",
        ) from error
    except (CommClosedError, CancelledError, FutureCancelledError, OSError, TimeoutError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise VecattrError(
            f"the cluster does not answer, or was lost: {error}",
            where=f"cluster {address}",
            hint="start its scheduler and workers, and do the same again",
        ) from error
