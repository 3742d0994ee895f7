"""The attribution engine: an index folder in, ranked labs and nearest plasmids for queries out.

index = Index.open("my.index")
answer = index.query(Plasmid("p1", "ACGT…"), k=10)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Attribution, Hit, Neighbor, Provenance
from vecattr.background import Background
from vecattr.calibration import Calibration, read_calibration
from vecattr.errors import ArtifactError, UsageError
from vecattr.indexes.answer import attribution, doubt, fewer_classes, set_note
from vecattr.indexes.copies import check_bases_kept, copy_note, set_apart, take_away
from vecattr.indexes.embedding import (
    QueryVectors,
    are_unread,
    in_batches,
    query_vectors,
    unread_vector,
)
from vecattr.indexes.flat import Cosines, FlatSearch, Rows, checked_queries, cosines, set_threads
from vecattr.indexes.info import index_facts
from vecattr.indexes.labs import LabPart, Origin
from vecattr.indexes.live import (
    LiveSegment,
    background_of,
    class_sizes,
    combined_labs,
    open_segments,
)
from vecattr.indexes.manifest import MODEL_FOLDER, Manifest, read_manifest
from vecattr.indexes.models import (
    SMALL_FILE,
    check_embedder,
    check_model_files,
    load_index_model,
)
from vecattr.indexes.nearest import NearestPlasmids
from vecattr.indexes.sureness import USUAL, Asked, Sureness, check_asked, sureness
from vecattr.plasmid import Plasmid
from vecattr.protocols import SequenceEmbedder
from vecattr.table import EmbeddingTable, Vectors
from vecattr.version import __version__

#: How often opening starts again when a writer published in between.
_ATTEMPTS = 5


@dataclass(frozen=True)
class LabEntry:
    """One class of an index: `plasmids` stored under it, `origin` of its vector ("learned" also
    when plasmids were added to a learned lab)."""

    name: str
    plasmids: int
    origin: Origin


class Index:
    """An opened index: one generation of it, whatever writers do meanwhile. It changes nothing.

    Make one with `Index.open`.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        segments: tuple[LiveSegment, ...],
        calibration: Calibration | None,
        *,
        embedder: SequenceEmbedder | None,
        device: str,
        threads: int | None,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.segments = segments
        self.calibration = calibration
        self._given = embedder
        self._device = device
        self._threads = threads

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        embedder: SequenceEmbedder | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> Index:
        """Open the index at `path`; the model is loaded at the first query unless `embedder` is
        given. Takes no lock, and starts again when a writer publishes meanwhile.

        Raises MissingError, DamagedError, MismatchError or ArtifactError naming the file.
        """
        path = Path(path)
        if threads is not None:
            set_threads(threads)
        manifest = read_manifest(path)
        for _ in range(_ATTEMPTS):
            try:
                segments = open_segments(path, manifest)
                check_model_files(path, manifest, hashed_up_to=SMALL_FILE)
                calibration = read_calibration(path / MODEL_FOLDER)
                break
            except ArtifactError:
                now = read_manifest(path)
                if now == manifest:
                    raise
                manifest = now
        else:
            raise ArtifactError("changed all the while it was opened", where=str(path))
        if embedder is not None:
            check_embedder(embedder, model=manifest.model, width=manifest.width, where=str(path))
        return cls(
            path,
            manifest,
            segments,
            calibration,
            embedder=embedder,
            device=device,
            threads=threads,
        )

    @property
    def identity(self) -> str:
        """Hex; equal identities give equal answers."""
        return self.manifest.identity

    @property
    def model_identity(self) -> str:
        return self.manifest.model

    @property
    def generation(self) -> int:
        return self.manifest.generation

    @cached_property
    def embedder(self) -> SequenceEmbedder:
        """The given one, or the model inside the index."""
        return self._given or load_index_model(
            self.path, self.manifest, device=self._device, threads=self._threads
        )

    @cached_property
    def _unread(self) -> Vectors:
        return unread_vector(self.embedder)

    @cached_property
    def _combined(self) -> list[LabPart]:
        return combined_labs(self.segments)

    @cached_property
    def background(self) -> Background | None:
        """What the plasmids that the index was built from look like; None when nothing is known."""
        return background_of(self.segments)

    @cached_property
    def _lab_vectors(self) -> Vectors:
        rows = np.zeros((len(self._combined), self.manifest.width), dtype=np.float32)
        for row, part in enumerate(self._combined):
            rows[row] = part.vector
        return rows

    @cached_property
    def lab_names(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(part.name for part in self._combined)

    @cached_property
    def _learned(self) -> NDArray[np.bool_]:
        """Which classes have a learned vector (n,)."""
        return np.array([part.origin == "learned" for part in self._combined], dtype=bool)

    @cached_property
    def learned_labs(self) -> frozenset[str]:
        """The classes that have a learned vector."""
        return frozenset(part.name for part in self._combined if part.origin == "learned")

    @cached_property
    def _lab_search(self) -> tuple[FlatSearch, FlatSearch]:
        """Over learned vectors, and over the means of stored plasmids."""
        over = partial(FlatSearch.over, self._lab_vectors, names=self.lab_names)
        return over(alive=self._learned), over(alive=~self._learned)

    @cached_property
    def _nearest(self) -> NearestPlasmids:
        return NearestPlasmids(self.path, self.segments)

    def labs(self) -> list[LabEntry]:
        """Every class, sorted by name."""
        sizes = class_sizes(self.segments)
        return [LabEntry(part.name, sizes[part.name], part.origin) for part in self._combined]

    def info(self) -> dict[str, object]:
        """Facts for people and machines; all of them fit into JSON."""
        return index_facts(self.path, self.manifest, self.segments, self.calibration)

    def lab_table(self) -> EmbeddingTable:
        """The effective vector of every class, sorted by name."""
        return EmbeddingTable(self.lab_names, self._lab_vectors)

    def query(
        self,
        plasmid: Plasmid,
        *,
        k: int = 10,
        neighbors: int = 0,
        exclude_near_copies: bool = False,
        asked: Asked = USUAL,
    ) -> Attribution:
        """The k likeliest labs of one plasmid, and so many nearest stored plasmids."""
        answers = self.query_many(
            [plasmid],
            k=k,
            neighbors=neighbors,
            exclude_near_copies=exclude_near_copies,
            asked=asked,
        )
        return next(answers)

    def query_many(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = 64,
        exclude_near_copies: bool = False,
        asked: Asked = USUAL,
    ) -> Iterator[Attribution]:
        """One answer for each plasmid, in order, as they come; UsageError for k or batch_size
        below 1, neighbors below 0, or a coverage that cannot be promised (at once, not at the
        first answer). With a coverage, the size of the candidate set stands for k.

        `exclude_near_copies`: as if the index held no near copy of the query, but for what learned
        lab vectors learned of them; UsageError when it keeps no sequences.
        """
        _at_least(1, k=k, batch_size=batch_size)
        _at_least(0, neighbors=neighbors)
        if exclude_near_copies:
            check_bases_kept([self])
        check_asked([self], asked)
        batches = in_batches(plasmids, most=batch_size)
        exclude = exclude_near_copies
        return (
            answer
            for batch in batches
            for answer in self._answers(batch, k, neighbors, exclude=exclude, asked=asked)
        )

    def _answers(
        self, batch: Sequence[Plasmid], k: int, neighbors: int, *, exclude: bool, asked: Asked
    ) -> Iterator[Attribution]:
        beside = neighbors if exclude else None
        vectors, copies = set_apart(self, batch, self.embed(batch), beside=beside)
        sure = self.sureness(vectors, self.lab_cosines(vectors), asked=asked)
        most = k if sure.sizes is None else int(sure.sizes.max())
        ranked = self.rank_vectors(vectors, k=most)
        near = self.neighbors(vectors, n=neighbors)
        unread = self.are_unread(vectors).tolist()
        for query, plasmid in enumerate(batch):
            size = sure.size(query, otherwise=k)
            alike = copies[query]
            yield attribution(
                plasmid,
                self._with_probabilities(ranked[query][:size], sure, query),
                confidence=float(sure.confidences[query]),
                threshold=sure.threshold(query),
                neighbors=near[query],
                doubt=doubt(plasmid, unread=unread[query]),
                notes=(
                    copy_note(alike, left_out=exclude, learned=self.learned_labs),
                    fewer_classes(len(self.lab_names), k=size),
                    set_note(size, coverage=asked.coverage, work=asked.work),
                ),
                provenance=Provenance(__version__, self.model_identity, self.identity),
                work=asked.work,
                coverage=asked.coverage,
            )

    def _with_probabilities(
        self, hits: tuple[Hit, ...], sure: Sureness, query: int
    ) -> tuple[Hit, ...]:
        columns = [self._column[hit.name] for hit in hits]
        return tuple(
            replace(hit, probability=sure.probability(query, column))
            for hit, column in zip(hits, columns, strict=True)
        )

    @cached_property
    def _column(self) -> dict[str, int]:
        return {name: column for column, name in enumerate(self.lab_names)}

    def sureness(
        self, vectors: QueryVectors, cosines: NDArray[np.float64], *, asked: Asked = USUAL
    ) -> Sureness:
        """How sure answers to queries with these `lab_cosines` are."""
        near = self.neighbors(vectors, n=1) if self.calibration else []
        return sureness(
            self.calibration,
            cosines,
            np.array([close[0].cosine if close else -1.0 for close in near]),
            names=self.lab_names,
            featured=vectors.featured,
            asked=asked,
        )

    def are_unread(self, vectors: QueryVectors) -> NDArray[np.bool_]:
        """Of which queries the model knows no part, (q,)."""
        return are_unread(vectors.bare, self._unread)

    def embed(self, plasmids: Sequence[Plasmid]) -> QueryVectors:
        """The vectors by which plasmids are compared with this index."""
        return query_vectors(self.embedder, plasmids)

    def rank_vectors(self, vectors: QueryVectors, *, k: int) -> list[tuple[Hit, ...]]:
        """The k best labs of each query, best first, ties by name; fewer when there are fewer.
        MismatchError for another width, InputError for rows that are not finite."""
        _at_least(1, k=k)
        if any(vectors.left_out):  # a class may have another vector for each query
            every = np.arange(len(self.lab_names))
            return [self._best([(every, mine)], k=k) for mine in self.lab_cosines(vectors)]
        learned, means = self._lab_search
        found = zip(learned.search(vectors.full, k=k), means.search(vectors.bare, k=k), strict=True)
        return [self._best(pair, k=k) for pair in found]

    def _best(self, found: Iterable[tuple[Rows, Cosines]], *, k: int) -> tuple[Hit, ...]:
        return tuple(sorted(self._hits(found), key=lambda hit: hit.sort_key)[:k])

    def _hits(self, found: Iterable[tuple[Rows, Cosines]]) -> Iterator[Hit]:
        for rows, scores in found:
            for row, cosine in zip(rows.tolist(), scores.tolist(), strict=True):
                yield Hit(self.lab_names[row], cosine, cosine)

    def lab_cosines(self, vectors: QueryVectors) -> NDArray[np.float64]:
        """The cosine of each query with each class, (q, labs), in the order of `labs`."""
        scores = np.zeros((len(vectors), len(self.lab_names)))
        for queries, labs in (vectors.full, self._learned), (vectors.bare, ~self._learned):
            for row, query in enumerate(checked_queries(queries, width=self.manifest.width)):
                scores[row, labs] = cosines(self._lab_vectors[labs], query)
        take_away(self, vectors, scores)
        return scores

    def neighbors(self, vectors: QueryVectors, *, n: int) -> list[tuple[Neighbor, ...]]:
        """The n nearest stored plasmids of each query by sequence, best first, ties by id."""
        _at_least(0, n=n)
        if not n:
            return [()] * len(vectors)
        if any(vectors.left_out):
            return self._nearest.search_without(vectors.bare, vectors.left_out, n=n)
        return self._nearest.search(vectors.bare, n=n)


def _at_least(smallest: int, **values: int) -> None:
    for name, value in values.items():
        if value < smallest:
            raise UsageError(f"{name} is {value}, expected {smallest} or more")
