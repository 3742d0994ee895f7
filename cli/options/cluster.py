"""On which machines a command computes: click options in, what answers out."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.compute import processes_of
from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vecattr.attribution import Attribution
    from vecattr.indexes.cluster.address import ClusterAddress
    from vecattr.indexes.editing.segment_sink import Filling
    from vecattr.indexes.evaluation.true_ranks import TrueRanks
    from vecattr.indexes.index import Panel


def _address(ctx: click.Context, param: click.Parameter, text: str | None) -> ClusterAddress | None:
    """The checked address; the error of one that is none is that of click."""
    if text is None:
        return None
    from vecattr.indexes.cluster.address import ClusterAddress  # start-up

    try:
        return ClusterAddress.from_text(text)
    except UsageError as error:
        raise click.BadParameter(f"{error.what} ({error.hint})", ctx, param) from error


@dataclass(frozen=True)
class ClusterOptions:
    """The options of `cluster_options`."""

    cluster: ClusterAddress | None
    shards: int | None = None

    def check(self, *, threads: int | None, device: str) -> None:
        """UsageError for options that mean nothing on a cluster, whose workers use a thread each,
        or without one."""
        if self.cluster is None:
            if self.shards is not None:
                raise UsageError("--shards without --cluster", hint="say where: --cluster local:2")
            return
        if threads is not None:
            hint = "the workers of a cluster use one thread each"
            raise UsageError("--threads with --cluster", hint=hint)
        if device == "cuda":
            raise UsageError("--device cuda with --cluster", hint="workers use processors")
        self.cluster.require_dask()

    @contextmanager
    def filling(self, index: Path, *, wait: float) -> Iterator[Filling]:
        """What writes the segments of a new index: this process, or the workers of a cluster."""
        if self.cluster is None:
            from vecattr.indexes.editing.segment_sink import fill  # start-up

            yield fill
            return
        from vecattr.indexes.cluster.building import cluster_filling  # start-up
        from vecattr.indexes.cluster.cluster import open_cluster  # start-up

        with (
            open_cluster(self.cluster) as opened,
            cluster_filling(opened, index, wait=wait) as filling,
        ):
            yield filling

    @contextmanager
    def answering(
        self, panel: Panel, *, threads: int | None, device: str
    ) -> Iterator[Callable[..., Iterator[Attribution]]]:
        """What answers queries one by one: processes here, or the workers of a cluster."""
        if self.cluster is None:
            processes = processes_of(threads, device=device)
            yield partial(panel.query_many, processes=processes)
            return
        from vecattr.indexes.cluster.batches import cluster_answers  # start-up
        from vecattr.indexes.cluster.cluster import open_cluster  # start-up

        with open_cluster(self.cluster) as opened:
            if self.shards is None:
                yield partial(cluster_answers, opened, panel)
                return
            from vecattr.indexes.cluster.sharded_index import (  # start-up
                SHARD_BATCH,
                divided_panel,
            )

            divided = divided_panel(opened, panel, count=self.shards)
            yield partial(divided.query_many, batch_size=SHARD_BATCH)

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
            if self.shards is None:
                yield partial(cluster_ranks, opened, panel)
                return
            from vecattr.indexes.cluster.sharded_index import divided_panel  # start-up

            yield partial(true_ranks, divided_panel(opened, panel, count=self.shards))


_ADDRESS = click.option(
    "--cluster",
    callback=_address,
    metavar="ADDRESS",
    help="Compute by the workers of a Dask cluster: local:N, tcp://HOST:PORT or "
    "slurm:workers=N,... (extra `cluster`).",
)

cluster_options = as_one_argument(
    _ADDRESS, names=["cluster"], argument="cluster", build=ClusterOptions
)

shard_options = as_one_argument(
    together(
        _ADDRESS,
        click.option(
            "--shards",
            type=click.IntRange(min=1),
            metavar="N",
            help="With --cluster: divide the labs of the index among N shards, so that no worker "
            "holds all of it; answers are the same. [default: each worker holds the whole index]",
        ),
    ),
    names=["cluster", "shards"],
    argument="cluster",
    build=ClusterOptions,
)
