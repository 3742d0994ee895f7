"""The attribution engine: an index folder in, ranked labs and nearest plasmids for queries out.

index = Index.open("my.index")
answer = index.query(Plasmid("p1", "ACGT…"), k=10)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Attribution, Neighbor
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import UsageError
from vecattr.indexes.evidence.near_copies import take_away
from vecattr.indexes.scoring.confidence import (
    DEFAULT_OPTIONS,
    Confidence,
    ConfidenceOptions,
    confidence_of,
)
from vecattr.indexes.scoring.lab_scorer import LabScorer, lab_scorer
from vecattr.indexes.search.embedding import QueryVectors, are_unread, query_vectors, unread_vector
from vecattr.indexes.search.lab_matrix import LabEntry, LabMatrix
from vecattr.indexes.search.nearest_plasmids import NearestPlasmids
from vecattr.indexes.search.vector_search import set_threads
from vecattr.indexes.storage.index_model import (
    check_embedder,
    index_held_out,
    index_ranker,
    load_index_model,
)
from vecattr.indexes.storage.live_segment import class_sizes, discriminant_of
from vecattr.indexes.storage.snapshot import Snapshot, open_snapshot
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Discriminant
from vecattr.vectors import EmbeddingTable, Vectors

if TYPE_CHECKING:
    from vecattr.calibration.calibration_set import HeldOut

#: Plasmids asked about at once; no answer depends on it.
BATCH = 64


class Index:
    """An opened index: one generation of it, whatever writers do meanwhile. It changes nothing.

    Make one with `Index.open`.
    """

    def __init__(
        self,
        path: Path,
        parts: Snapshot,
        *,
        embedder: SequenceEmbedder | None,
        device: str,
        threads: int | None,
        exact: bool,
    ) -> None:
        self.path = path
        self.exact = exact
        self.manifest, self.segments, self.calibration = parts
        self._given = embedder
        self._device = device
        self._threads = threads
        self._near: tuple[QueryVectors | None, list[tuple[Neighbor, ...]]] = None, []

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        embedder: SequenceEmbedder | None = None,
        device: str = "cpu",
        threads: int | None = None,
        exact: bool = False,
    ) -> Index:
        """Open the index at `path`; the model is loaded at the first query unless `embedder` is
        given. `exact`: find nearest plasmids exactly where cells would do. Takes no lock, and
        starts again when a writer publishes meanwhile.

        Raises MissingError, DamagedError, MismatchError or ArtifactError naming the file.
        """
        path = Path(path)
        if threads is not None:
            set_threads(threads)
        parts = open_snapshot(path)
        if embedder is not None:
            model, width = parts.manifest.model, parts.manifest.width
            check_embedder(embedder, model=model, width=width, where=str(path))
        return cls(path, parts, embedder=embedder, device=device, threads=threads, exact=exact)

    @property
    def identity(self) -> str:
        """Hex; equal identities give equal answers."""
        return self.manifest.identity

    @property
    def model_identity(self) -> str:
        """SHA-256 of the model inside the index, hex."""
        return self.manifest.model

    @property
    def generation(self) -> int:
        """1 for the first state of the index, one more with each change."""
        return self.manifest.generation

    @cached_property
    def embedder(self) -> SequenceEmbedder:
        """The given one, or the model inside the index."""
        return self._given or load_index_model(
            self.path, self.manifest, device=self._device, threads=self._threads
        )

    @cached_property
    def held_out(self) -> HeldOut | None:
        """The plasmids held out of the model to calibrate it, None when it has none; MissingError
        or DamagedError when they are not those that the index was built with."""
        return index_held_out(self.path, self.manifest)

    @cached_property
    def _unread(self) -> Vectors:
        return unread_vector(self.embedder)

    @cached_property
    def _matrix(self) -> LabMatrix:
        return LabMatrix.from_segments(self.segments, width=self.manifest.width)

    @property
    def lab_names(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return self._matrix.names

    @property
    def learned_labs(self) -> frozenset[str]:
        """The classes that have a learned vector."""
        return self._matrix.learned_names

    @cached_property
    def discriminant(self) -> Discriminant | None:
        """What the plasmids that the index was built from look like; None when nothing is known."""
        return discriminant_of(self.segments)

    @cached_property
    def fused(self) -> LabScorer | None:
        """What ranks labs by vectors and exact k-mers together; None when the model brought no
        fusion, or a segment keeps no k-mers: then vectors rank alone."""
        fusion = index_ranker(self.path, self.manifest)
        return lab_scorer(fusion, self.segments, self.lab_names)

    @cached_property
    def _nearest(self) -> NearestPlasmids:
        return NearestPlasmids(self.path, self.segments, exact=self.exact)

    def labs(self) -> list[LabEntry]:
        """Every class, sorted by name."""
        return self._matrix.entries(class_sizes(self.segments))

    def info(self) -> dict[str, object]:
        """Facts for people and machines; all of them fit into JSON."""
        from vecattr.indexes.answering.info import index_facts

        return index_facts(self.path, self.manifest, self.segments, self.calibration)

    def lab_table(self) -> EmbeddingTable:
        """The effective vector of every class, sorted by name."""
        return EmbeddingTable(self.lab_names, self._matrix.vectors)

    def query(
        self,
        plasmid: Plasmid,
        *,
        k: int = 10,
        neighbors: int = 0,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
    ) -> Attribution:
        """The k likeliest labs of one plasmid, and so many nearest stored plasmids."""
        answers = self.query_many(
            [plasmid],
            k=k,
            neighbors=neighbors,
            exclude_near_copies=exclude_near_copies,
            options=options,
            evidence=evidence,
        )
        return next(answers)

    def query_many(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = BATCH,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
    ) -> Iterator[Attribution]:
        """One answer for each plasmid, in order, as they come; UsageError for k or batch_size
        below 1, neighbors below 0, or a coverage that cannot be promised (at once, not at the
        first answer). With a coverage, the size of the candidate set stands for k.

        `exclude_near_copies`: as if the index held no near copy of the query, but for what learned
        lab vectors learned of them; UsageError when it keeps no sequences. `evidence`: also the
        stretches that speak for the first lab (`vecattr.indexes.evidence.stretches`), where what
        more than so many labs (1 to 400) share is common property; UsageError when it keeps no
        k-mers.
        """
        from vecattr.indexes.answering.panel import Panel  # which is made of indexes

        return Panel((self,)).query_many(
            plasmids,
            k=k,
            neighbors=neighbors,
            batch_size=batch_size,
            exclude_near_copies=exclude_near_copies,
            options=options,
            evidence=evidence,
        )

    def confidence_of(
        self,
        vectors: QueryVectors,
        scores: NDArray[np.float64],
        *,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        nearest: NDArray[np.float64] | None = None,
    ) -> Confidence:
        """How sure answers to queries with these `lab_scores` are; `nearest` are the cosines of
        the nearest stored plasmids (q,), searched for unless given."""
        if nearest is None and self.calibration is not None:
            nearest = self.nearest_cosines(vectors)
        return confidence_of(
            self.calibration,
            scores,
            nearest,
            names=self.lab_names,
            featured=vectors.featured,
            options=options,
        )

    def are_unread(self, vectors: QueryVectors) -> NDArray[np.bool_]:
        """Of which queries the model knows no part, (q,)."""
        return are_unread(vectors.bare, self._unread)

    def embed(self, plasmids: Sequence[Plasmid]) -> QueryVectors:
        """The vectors by which plasmids are compared with this index."""
        return query_vectors(self.embedder, plasmids)

    def ranked_labs(self, vectors: QueryVectors, *, k: int) -> list[NDArray[np.int64]]:
        """Of each query the k nearest classes as places in `lab_names`, best first, ties by name;
        found by FAISS, in the very order of `lab_cosines`. Nothing may be left out of a query,
        for that may change classes."""
        assert not any(vectors.left_out)
        return self._matrix.ranked(vectors, k=k)

    def lab_cosines(self, vectors: QueryVectors) -> NDArray[np.float64]:
        """The cosine of each query with each class, (q, labs), in the order of `labs`.
        MismatchError for another width, InputError for rows that are not finite."""
        scores = self._matrix.cosines(vectors)
        take_away(self, vectors, scores)
        return scores

    def lab_scores(
        self, vectors: QueryVectors, cosines: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What ranks the classes, (q, labs), from their `lab_cosines`: fused scores from -1 to 0,
        or those cosines where vectors rank alone."""
        return cosines if self.fused is None else self.fused.scores(vectors, cosines)

    def neighbors(self, vectors: QueryVectors, *, n: int) -> list[tuple[Neighbor, ...]]:
        """The n nearest stored plasmids of each query by sequence, best first, ties by id."""
        if n < 0:
            raise UsageError(f"n is {n}, expected 0 or more")
        if not n:
            return [()] * len(vectors)
        known, found = self._near
        if known is vectors and all(len(close) >= n for close in found):
            return [close[:n] for close in found]  # copies were looked for among them
        found = self._found_near(vectors, n=n)
        self._near = vectors, found
        return found

    def _found_near(self, vectors: QueryVectors, *, n: int) -> list[tuple[Neighbor, ...]]:
        if any(vectors.left_out):
            return self._nearest.search_without(vectors.bare, vectors.left_out, n=n)
        return self._nearest.search(vectors.bare, n=n)

    def nearest_cosines(self, vectors: QueryVectors) -> NDArray[np.float64]:
        """The cosine of each query with the nearest stored plasmid, (q,); -1 when there is none."""
        if any(vectors.left_out):
            near = self.neighbors(vectors, n=1)
            return np.array([close[0].cosine if close else -1.0 for close in near])
        return self._nearest.best_cosines(vectors.bare)
