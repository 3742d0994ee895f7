"""An index whose labs are divided among workers: an address of an index and a cluster in; an index
that answers as one process would, out.

What compares queries with stored plasmids is done by the workers, in three rounds: k-mers out,
counts summed; counts out, columns of labs made, and their maxima back; maxima out, logits back.
Everything else is the code of one process, which is an index of one shard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from itertools import chain
from typing import Any, Protocol
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Neighbor
from vecattr.datasets.lab_shards import LabShard, check_shard_count
from vecattr.errors import ArtifactError, UsageError
from vecattr.indexes.answering.answers import PanelRecipe
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.cluster.shards import (
    OpenedShard,
    QueryBatch,
    ShardFacts,
    ShardLogits,
    ShardNeighbor,
)
from vecattr.indexes.index import Panel
from vecattr.indexes.scoring.answered_labs import AnsweredLabs
from vecattr.indexes.scoring.lab_scorer import LabEvidence, Maxima
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.scoring.query_facts import FACTS, query_facts
from vecattr.indexes.scoring.query_sums import Totals
from vecattr.indexes.scoring.shared_kmers import SharedKmers
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.search.nearest_plasmids import NearestPlasmids
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.mosaic import Reach
from vecattr.plasmid import Plasmid
from vecattr.ranking.column_maxima import Maxima as ColumnMaxima
from vecattr.ranking.column_maxima import joined_maxima
from vecattr.ranking.scores import Softmax
from vecattr.sequences.postings import Postings
from vecattr.vectors import Codes, Cosines

#: Queries on the way through the rounds at once: a shard keeps the columns of all of them.
SHARD_BATCH = 16

#: Of pairs and postings: there are none.
_NOTHING = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class ShardRecipe:
    """What a worker needs to open one shard of the very generation that the client has opened."""

    panel: PanelRecipe
    shard: LabShard


class Answer(Protocol):
    """What a worker will have answered."""

    def result(self) -> Any:
        """The answer, once it is there."""


class Workplace(Protocol):
    """Where tasks are done, as `vecattr.indexes.cluster.cluster.Cluster` does them."""

    def workers(self) -> list[str]:
        """The workers that are there now."""

    def submit(
        self, task: Callable[..., Any], *arguments: Any, worker: str | None = None
    ) -> Answer:
        """One task on the way, to this worker if it is there."""


class Shards:
    """The shards of an index, each on a worker."""

    def __init__(self, cluster: Workplace, recipe: PanelRecipe, *, count: int) -> None:
        self._cluster = cluster
        recipes = [ShardRecipe(recipe, LabShard(number, count)) for number in range(count)]
        self._recipes = recipes
        facts = self.ask("facts", [()] * count)
        kept = [number for number in range(count) if facts[number].segments]
        self._recipes = [recipes[number] for number in kept]
        self.facts: list[ShardFacts] = [facts[number] for number in kept]

    def ask(self, question: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What each shard answers to a question, a property or method of `OpenedShard`, with its
        arguments. A shard stays on its worker as long as that is there."""
        workers = self._cluster.workers()
        pending = [
            self._cluster.submit(
                _asked,
                recipe,
                question,
                shard_arguments,
                worker=workers[recipe.shard.number % len(workers)] if workers else None,
            )
            for recipe, shard_arguments in zip(self._recipes, arguments, strict=True)
        ]
        return [answer.result() for answer in pending]

    def ask_all(self, question: str, *arguments: Any) -> list[Any]:
        """The same with the same arguments for each."""
        return self.ask(question, [arguments] * len(self._recipes))


@lru_cache(maxsize=1)
def _opened_panel(recipe: PanelRecipe) -> OpenedPanel:
    return recipe.open()


@lru_cache(maxsize=8)
def _opened_shard(recipe: ShardRecipe) -> OpenedShard:
    """In a worker: one shard, opened once; ArtifactError when the index is not what the client
    opened."""
    return OpenedShard(_opened_panel(recipe.panel).indexes[0], recipe.shard)


def _asked(recipe: ShardRecipe, question: str, arguments: tuple[Any, ...]) -> Any:
    """In a worker: the answer of a shard."""
    asked = getattr(_opened_shard(recipe), question)
    return asked(*arguments) if callable(asked) else asked


class ShardedNearest(NearestPlasmids):
    """Search over the living rows of all shards; the nearest of all are among those of each."""

    def __init__(self, shards: Shards, segments: Sequence[LiveSegment]) -> None:
        self._shards = shards
        self._segments = segments
        self._places: dict[str, tuple[LiveSegment, int]] = {}

    def search(self, vectors: NDArray[np.floating], *, n: int) -> list[tuple[Neighbor, ...]]:
        """As `NearestPlasmids.search`."""
        rows = vectors.astype(np.float32)
        of_shards = self._shards.ask_all("neighbors", QueryVectors(rows, rows), n)
        self._places.clear()
        merged = []
        for of_query in zip(*of_shards, strict=True):
            hits: list[ShardNeighbor] = list(chain.from_iterable(of_query))
            hits = sorted(hits, key=lambda hit: (-hit.neighbor.cosine, hit.neighbor.id))[:n]
            self._places |= {
                hit.neighbor.id: (self._segments[hit.segment], hit.row) for hit in hits
            }
            merged.append(tuple(hit.neighbor for hit in hits))
        return merged

    def best_cosines(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """As `NearestPlasmids.best_cosines`."""
        nearest = self.search(vectors, n=1)
        return np.array([hits[0].cosine if hits else -1.0 for hits in nearest])


class ShardedIndex(OpenedIndex):
    """One generation of an index, whose labs are divided among the workers of a cluster. It answers
    once `divide` was called."""

    _shards: Shards
    _labs: tuple[str, ...]
    _classes: tuple[str, ...]
    _lab_places: list[Codes]
    _class_places: list[Codes]

    def divide(self, cluster: Workplace, *, count: int) -> None:
        """Let so many shards answer; UsageError for an index in which vectors rank alone."""
        check_shard_count(count)
        self._shards = Shards(cluster, PanelRecipe.from_panel(OpenedPanel((self,))), count=count)
        self._nearest = ShardedNearest(self._shards, self.segments)
        facts = self._shards.facts
        self._labs = tuple(sorted({name for shard in facts for name in shard.labs}))
        self._classes = tuple(sorted({name for shard in facts for name in shard.classes}))
        self._lab_places = [_places(shard.labs, self._labs) for shard in facts]
        self._class_places = [_places(shard.classes, self._classes) for shard in facts]

    @property
    def lab_names(self) -> tuple[str, ...]:
        """The classes of all shards, sorted."""
        return self._classes

    @property
    def learned_labs(self) -> frozenset[str]:
        """The classes that have a learned vector."""
        return frozenset[str]().union(*(shard.learned for shard in self._shards.facts))

    @cached_property
    def answered(self) -> AnsweredLabs:
        """The labs that answers rank."""
        return AnsweredLabs.from_labs(self._labs, self.lab_names)

    def _stored_cosines(self, vectors: QueryVectors) -> NDArray[np.float64]:
        """As `OpenedIndex._stored_cosines`."""
        cosines = np.zeros((len(vectors), len(self._classes)))
        of_shards = self._shards.ask_all("class_cosines", QueryVectors(vectors.full, vectors.bare))
        for places, shard_cosines in zip(self._class_places, of_shards, strict=True):
            cosines[:, places] = shard_cosines
        return cosines

    def lab_evidence(self, vectors: QueryVectors, cosines: Cosines, *, joint: bool) -> LabEvidence:
        """What the stored plasmids of all shards say, in three rounds; joint answers are not
        divided."""
        if not len(vectors):
            none = np.zeros((0, len(self._labs)))
            return LabEvidence(none, none, np.zeros((0, len(FACTS))), Maxima({}), ())
        key = uuid4().hex
        batches = [
            QueryBatch(key, vectors, _changed(vectors, cosines[:, places]))
            for places in self._class_places
        ]
        totals = _joined(
            self._shards.ask("totals", [(batch,) for batch in batches]),
            lambda parts: reduce(Totals.plus, parts),
        )
        maxima = _joined(
            self._shards.ask("maxima", [(batch, totals) for batch in batches]), joined_maxima
        )
        weighed = self._shards.ask("logits", [(batch, totals, maxima) for batch in batches])
        return self._evidence(vectors, totals, maxima, weighed)

    def _evidence(
        self,
        vectors: QueryVectors,
        totals: Sequence[Totals],
        maxima: Sequence[ColumnMaxima],
        weighed: Sequence[ShardLogits],
    ) -> LabEvidence:
        """What all shards say together, by the code of one process."""
        shape = len(vectors), len(self._labs)
        logits, nearest = np.full(shape, -np.inf), np.full(shape, -1.0)
        shard_of_lab = np.zeros(len(self._labs), dtype=np.int64)
        for number, (places, shard) in enumerate(zip(self._lab_places, weighed, strict=True)):
            logits[:, places], nearest[:, places] = shard.logits, shard.nearest
            shard_of_lab[places] = number
        classes = frozenset(self._classes)
        are_pooled = np.array([name not in classes for name in self._labs], dtype=bool)
        softmaxes = [Softmax.from_logits(query_logits) for query_logits in logits]
        facts = [
            query_facts(
                weighed[shard_of_lab[np.argmax(logits[query])]].of_first[query],
                maxima[query],
                softmaxes[query],
                are_pooled=are_pooled,
                circular=plasmid.is_circular,
            )
            for query, plasmid in enumerate(vectors.plasmids)
        ]
        return LabEvidence(
            np.stack([softmax.scores() for softmax in softmaxes]),
            nearest,
            np.stack(facts),
            Maxima({}),
            tuple(map(_reach, vectors.plasmids, totals)),
        )


def divided_panel(cluster: Workplace, panel: OpenedPanel, *, count: int) -> Panel:
    """The index of a panel again, divided into so many shards; UsageError for several indexes,
    ArtifactError when it changed since it was opened first."""
    if not panel.is_one_index:
        raise UsageError("--shards divides one index", hint="give one -i")
    [index] = panel.indexes
    divided = ShardedIndex.open(index.path, exact=index.exact)
    if divided.identity != index.identity:
        raise ArtifactError(
            "the index was changed while it was asked", where=str(index.path), hint="ask again"
        )
    divided.divide(cluster, count=count)
    return Panel((divided,))


def _places(names: Sequence[str], all_names: Sequence[str]) -> Codes:
    """Where the names of a shard are among those of all, both sorted."""
    place = {name: number for number, name in enumerate(all_names)}
    return np.array([place[name] for name in names], dtype=np.int64)


def _changed(
    vectors: QueryVectors, cosines: NDArray[np.float64]
) -> tuple[NDArray[np.float64] | None, ...]:
    """The cosines (q, c) of the queries that leave out stored plasmids, None for the others, whose
    cosines shards know by themselves."""
    return tuple(
        row if left_out else None
        for row, left_out in zip(cosines, vectors.left_out or [()] * len(vectors), strict=True)
    )


def _joined(of_shards: Sequence[Sequence[Any]], join: Callable[[Sequence[Any]], Any]) -> list[Any]:
    """What several shards say of each query, joined query by query."""
    return [join(of_query) for of_query in zip(*of_shards, strict=True)]


def _reach(plasmid: Plasmid, totals: Totals) -> Reach:
    """How much of a query is known to any lab."""
    counts = totals.kmers
    labs = counts.labs(total=totals.labs)
    none, kmers = Postings.joined([]), np.arange(len(labs))
    shared = SharedKmers(
        labs,
        counts.are_common,
        counts.weights,
        _NOTHING,
        _NOTHING,
        _NOTHING,
        none,
        kmers,
        counts.weights,
    )
    return Reach(len(plasmid), counts.count, shared.known, shared.few)
