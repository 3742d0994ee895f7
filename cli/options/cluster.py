"""On which machines a command computes: click options in, what answers out."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.options.compute import processors
from vecattr.cli.options.decorators import as_one_argument
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecattr.attribution import Attribution
    from vecattr.indexes.cluster.address import ClusterAddress
    from vecattr.indexes.evaluation.true_ranks import TrueRanks
    from vecattr.indexes.index import Panel


class _Address(click.ParamType):
    """The address of a cluster."""

    name = "ADDRESS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The checked address; the error of one that is none is that of click."""
        from vecattr.indexes.cluster.address import ClusterAddress  # start-up

        if isinstance(value, ClusterAddress):
            return value
        try:
            return ClusterAddress.from_text(value)
        except UsageError as error:
            self.fail(f"{error.what} ({error.hint})", param, ctx)


@dataclass(frozen=True)
class ClusterOptions:
    """The options of `cluster_options`."""

    cluster: ClusterAddress | None

    def check(self, *, threads: int | None, device: str) -> None:
        """UsageError for options that mean nothing on a cluster; its workers use a thread each."""
        if self.cluster is None:
            return
        if threads is not None:
            hint = "the workers of a cluster use one thread each"
            raise UsageError("--threads with --cluster", hint=hint)
        if device == "cuda":
            raise UsageError("--device cuda with --cluster", hint="workers use processors")

    @contextmanager
    def answering(
        self, panel: Panel, *, threads: int | None, device: str
    ) -> Iterator[Callable[..., Iterator[Attribution]]]:
        """What answers queries one by one: processes here, or the workers of a cluster."""
        if self.cluster is None:
            processes = 1 if device == "cuda" else threads or processors()
            yield partial(panel.query_many, processes=processes)
            return
        from vecattr.indexes.cluster.batches import cluster_answers  # start-up
        from vecattr.indexes.cluster.cluster import open_cluster  # start-up

        with open_cluster(self.cluster) as opened:
            yield partial(cluster_answers, opened, panel)

    @contextmanager
    def ranking(self, panel: Panel) -> Iterator[Callable[..., TrueRanks]]:
        """What ranks the labs of plasmids: this process, or the workers of a cluster."""
        from vecattr.indexes.evaluation.true_ranks import true_ranks  # start-up

        if self.cluster is None:
            yield partial(true_ranks, panel)
            return
        from vecattr.indexes.cluster.batches import cluster_ranks  # start-up
        from vecattr.indexes.cluster.cluster import open_cluster  # start-up

        with open_cluster(self.cluster) as opened:
            yield partial(cluster_ranks, opened, panel)


cluster_options = as_one_argument(
    click.option(
        "--cluster",
        type=_Address(),
        metavar="ADDRESS",
        help="Compute by the workers of a Dask cluster: local:N, tcp://HOST:PORT or "
        "slurm:workers=N,... (extra `cluster`).",
    ),
    names=[field.name for field in fields(ClusterOptions)],
    argument="cluster",
    build=ClusterOptions,
)
