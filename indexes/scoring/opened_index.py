"""An opened index: an index folder in; vectors, lab scores and nearest plasmids of queries out.

Everything here is what one index says by itself. Putting an answer together is the work of
`vecattr.indexes.answering`; `vecattr.indexes.index.Index` is what users open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Neighbor
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import ArtifactError, MovedError, UsageError
from vecattr.files.folder import Entry, OpenFolder
from vecattr.indexes.joining.joined_kmers import PlacedJoin, labs_of_all, open_joined
from vecattr.indexes.scoring.answered_labs import AnsweredLabs
from vecattr.indexes.scoring.lab_scorer import LabAnswers, LabEvidence, LabScorer, lab_scorer
from vecattr.indexes.search.embedding import (
    QueryVectors,
    are_unread,
    known_features,
    query_vectors,
    unread_vector,
)
from vecattr.indexes.search.lab_matrix import LabEntry, LabMatrix
from vecattr.indexes.search.left_out import leave_out
from vecattr.indexes.search.nearest_plasmids import NearestPlasmids, best_cosines
from vecattr.indexes.search.vector_search import set_threads
from vecattr.indexes.storage.index_model import (
    check_embedder,
    index_held_out,
    index_ranker,
    load_index_model,
)
from vecattr.indexes.storage.live_segment import LiveSegment, class_sizes, discriminant_of
from vecattr.indexes.storage.snapshot import Snapshot, open_present
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Discriminant
from vecattr.ranking.scores import pooled_scores
from vecattr.vectors import Codes, Cosines, EmbeddingTable, Scores, Vectors

if TYPE_CHECKING:
    from vecattr.calibration.calibration_set import HeldOut

#: Plasmids asked about at once; no answer depends on it.
BATCH = 64


class OpenedIndex:
    """One generation of an index, whatever writers do meanwhile. It changes nothing.

    Make one with `open`. It answers when its folder is moved or the working folder changes, too;
    `path` is where the folder was then, from the root on.
    """

    def __init__(
        self,
        folder: OpenFolder,
        parts: Snapshot,
        *,
        embedder: SequenceEmbedder | None,
        device: str,
        threads: int | None,
        exact: bool,
    ) -> None:
        self.path = folder.path.absolute()
        self._folder = folder
        self.exact = exact
        self.manifest, self.segments, self.calibration, self.lab_info = parts
        self._given_embedder = embedder
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
        exact: bool = False,
    ) -> Self:
        """Open the index at `path`; the model is loaded at the first query unless `embedder` is
        given. `exact`: find nearest plasmids exactly where cells would do. Takes no lock, and
        starts again when a writer publishes meanwhile.

        Raises MissingError, DamagedError, MismatchError or ArtifactError naming the file.
        """
        if threads is not None:
            set_threads(threads)
        folder, parts = open_present(Path(path))
        if embedder is not None:
            model, width = parts.manifest.model, parts.manifest.width
            check_embedder(embedder, model=model, width=width, where=str(path))
        return cls(folder, parts, embedder=embedder, device=device, threads=threads, exact=exact)

    @property
    def root(self) -> Entry:
        """The index folder as it was opened, wherever it is by now, to read its files."""
        return self._folder.root

    @contextmanager
    def _says_when_moved(self) -> Iterator[None]:
        """A file that is missing or not what it was, because its folder is not in place, is told as
        that: MovedError."""
        try:
            yield
        except ArtifactError as error:
            if self._folder.is_in_place():
                raise
            raise MovedError(
                f"was moved, replaced or deleted since it was opened; {error.where} is not what it "
                "was then",
                where=str(self.path),
                hint="open the index that is wanted again",
            ) from error

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
        if self._given_embedder is not None:
            return self._given_embedder
        with self._says_when_moved():
            return load_index_model(
                self.root, self.manifest, device=self._device, threads=self._threads
            )

    @cached_property
    def held_out(self) -> HeldOut | None:
        """The plasmids held out of the model to calibrate it, None when it has none; MissingError
        or DamagedError when they are not those that the index was built with."""
        with self._says_when_moved():
            return index_held_out(self.root, self.manifest)

    @cached_property
    def _unread(self) -> Vectors:
        return unread_vector(self.embedder)

    @cached_property
    def _matrix(self) -> LabMatrix:
        joined = labs_of_all(self._joined, self.segments)
        if joined is None:
            return LabMatrix.from_segments(self.segments, width=self.manifest.width)
        return LabMatrix(*joined.classes_of_width(self.manifest.width))

    @cached_property
    def _joined(self) -> tuple[PlacedJoin, ...]:
        with self._says_when_moved():
            return open_joined(self.root, self.segments)

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
    def scorer(self) -> LabScorer | None:
        """What scores labs by vectors and exact k-mers together; None when the model has no
        evidence ranker, or a segment keeps no k-mers: then vectors rank alone."""
        with self._says_when_moved():
            ranker = index_ranker(self.root, self.manifest)
        return lab_scorer(ranker, self.segments, self.lab_names, self.calibration, self._joined)

    @cached_property
    def _nearest(self) -> NearestPlasmids:
        return NearestPlasmids(self.root, self.segments, exact=self.exact)

    def labs(self) -> list[LabEntry]:
        """Every class, sorted by name."""
        return self._matrix.entries(class_sizes(self.segments))

    def lab_table(self) -> EmbeddingTable:
        """The effective vector of every class, sorted by name."""
        return EmbeddingTable(self.lab_names, self._matrix.vectors)

    def are_unread(self, vectors: QueryVectors) -> NDArray[np.bool_]:
        """Of which queries the model knows no part, (q,)."""
        return are_unread(vectors.bare, self._unread)

    @cached_property
    def feature_names(self) -> frozenset[str] | None:
        """The features that stored plasmids have or the model reads; None when the embedder is the
        caller's own and does not tell. Others of a query change nothing."""
        return known_features(self.segments, self.embedder)

    def embed(self, plasmids: Sequence[Plasmid]) -> QueryVectors:
        """The vectors by which plasmids are compared with this index."""
        if any(plasmid.features for plasmid in plasmids):
            plasmids = [plasmid.with_features_among(self.feature_names) for plasmid in plasmids]
        return query_vectors(self.embedder, plasmids)

    def ranked_labs(self, vectors: QueryVectors, *, k: int) -> list[NDArray[np.int64]]:
        """Of each query, which leaves nothing out, the k nearest classes as places in `lab_names`,
        best first, ties by name; found by FAISS, in the very order of `lab_cosines`."""
        assert not any(vectors.left_out)
        return self._matrix.ranked(vectors, k=k)

    def lab_cosines(self, vectors: QueryVectors) -> NDArray[np.float64]:
        """The cosine of each query with each class, (q, labs), in the order of `labs`.
        MismatchError for another width, InputError for rows that are not finite."""
        cosines = self._stored_cosines(vectors)
        if any(vectors.left_out):
            leave_out(
                cosines,
                vectors,
                self.segments,
                names=self.lab_names,
                learned=self.learned_labs,
                discriminant=self.discriminant,
            )
        return cosines

    def _stored_cosines(self, vectors: QueryVectors) -> NDArray[np.float64]:
        """The same with nothing left out."""
        return self._matrix.cosines(vectors)

    @cached_property
    def answered(self) -> AnsweredLabs:
        """The labs that answers rank."""
        if self.scorer is None:
            return AnsweredLabs.from_labs(self.lab_names, self.lab_names)
        stored = self.scorer.catalogue
        return AnsweredLabs.from_labs(stored.lab_names, self.lab_names, classes=stored.class_of_lab)

    @property
    def answer_names(self) -> tuple[str, ...]:
        """The labs that answers rank, sorted: all by name, where k-mers tell pooled ones apart."""
        return self.answered.names

    def lab_evidence(self, vectors: QueryVectors, cosines: Cosines, *, joint: bool) -> LabEvidence:
        """What stored plasmids say of their labs; there must be a scorer."""
        assert self.scorer is not None
        return self.scorer.evidence(vectors, cosines, joint=joint)

    @property
    def class_of_answer(self) -> Codes:
        """The class of each of the `answer_names`, as a place in `lab_names`, (n,)."""
        return self.answered.classes

    def lab_answers(
        self, vectors: QueryVectors, cosines: Cosines, *, joint: bool = False
    ) -> LabAnswers:
        """Of `answer_names`, from cosines with classes; `joint`: with what joint answers need."""
        if self.scorer is None:
            return LabAnswers(cosines, cosines, None)
        evidence = self.lab_evidence(vectors, cosines, joint=joint)
        scores, nearest = evidence.scores, evidence.nearest
        labs = self.answered
        if len(labs.stored) < len(labs.names):
            scores, nearest = np.full((2, len(vectors), len(labs.names)), -1.0)
            scores[:, labs.stored], nearest[:, labs.stored] = evidence.scores, evidence.nearest
        for of_labs, of_classes in zip(nearest, cosines, strict=True):
            of_labs[labs.with_vector] = of_classes[labs.classes[labs.with_vector]]
        return LabAnswers(scores, nearest, evidence.facts, evidence.maxima, evidence.reaches)

    def class_scores(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of the classes, (q, c), from those of the `answer_names`, (q, n)."""
        if self.scorer is None:
            return scores
        return pooled_scores(scores, self.class_of_answer, classes=len(self.lab_names))

    def lab_scores(self, vectors: QueryVectors, cosines: Cosines) -> Scores:
        """What ranks the classes, (q, labs), from their `lab_cosines`: scores from -1 to 0, or
        those cosines where vectors rank alone."""
        return self.class_scores(self.lab_answers(vectors, cosines).scores)

    def neighbors(self, vectors: QueryVectors, *, n: int) -> list[tuple[Neighbor, ...]]:
        """The n nearest stored plasmids of each query by sequence, best first, ties by id."""
        if n < 0:
            raise UsageError(f"n is {n}, expected 0 or more")
        if not n:
            return [()] * len(vectors)
        if any(vectors.left_out):
            return self._nearest.search_excluding(vectors.bare, vectors.left_out, n=n)
        return self._nearest.search(vectors.bare, n=n)

    def places_of(self, ids: Iterable[str]) -> dict[str, tuple[LiveSegment, int]]:
        """The segment and the row there of each of the ids that a stored plasmid has."""
        return self._nearest.places_of(ids)

    def nearest_cosines(self, vectors: QueryVectors) -> Cosines:
        """The cosine of each query with the nearest stored plasmid, (q,); -1 when there is none."""
        if any(vectors.left_out):
            return best_cosines(self.neighbors(vectors, n=1))
        return self._nearest.best_cosines(vectors.bare)
