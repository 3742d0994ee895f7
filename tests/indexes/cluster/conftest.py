"""A cluster of two workers that the tests of this folder share, and an index that they are asked
about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.cluster.address import ClusterAddress
from vecattr.indexes.cluster.cluster import Cluster, open_cluster
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.build import build_index
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids


@dataclass(frozen=True)
class Collection:
    """Plasmids to store, queries, and an index of these plasmids in two segments, some labs of
    which are pooled."""

    stored: tuple[Plasmid, ...]
    queries: tuple[Plasmid, ...]
    index: Path
    rule: ClassRule


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Two worker processes."""
    with open_cluster(ClusterAddress.from_text("local:2")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _variables() -> Iterator[None]:
    """Dask sets variables of this process when it starts another worker in the place of a lost one:
    the tests of other folders do not see them."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Twelve labs, the last four in the pool; queries whole, in part, with features and without."""
    plasmids = synthetic_plasmids(labs=12, plasmids_per_lab=6, seed=5, lexicon=encoder_lexicon())
    queries = []
    for number, plasmid in enumerate(plasmids[5::6]):
        part = replace(plasmid, sequence=plasmid.sequence[: 300 + 90 * number], topology="linear")
        whole = plasmid if number % 3 else plasmid.without_features()
        queries.append(replace(part if number % 2 else whole, id=f"q{number}"))
    stored = [plasmid for number, plasmid in enumerate(plasmids) if number % 6 != 5]
    labs = sorted({plasmid.lab for plasmid in stored if plasmid.lab is not None})
    rule = ClassRule(frozenset(labs[:8]))
    index = tmp_path_factory.mktemp("cluster") / "made.index"
    build_index(index, stored[:40], model=shipped_encoder(), rule=rule)
    add_labs(index, stored[40:])
    return Collection(tuple(stored), tuple(queries), index, rule)
