"""What a segment stores of plasmids, made before it is written: plasmids in; the vector, packed
bases, k-mers and split hash of each out, by this process or by several.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from vecattr.datasets.reserve import SplitHash
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.indexes.answering.worker_pool import results_in_order
from vecattr.indexes.editing.kmer_writer import MoleculeKmers
from vecattr.indexes.search.embedding import Progress, embed_batch, in_batches
from vecattr.plasmid import Plasmid
from vecattr.sequences.two_bit import PackedBases, pack_bases
from vecattr.vectors import Vectors

#: With fewer plasmids one process takes less time than it takes to start others.
FEW = 2_000


@dataclass(frozen=True)
class PreparedRow:
    """Of one plasmid: its unit vector (d,), packed bases and k-mers where sequences are kept, and
    the hashes that may reserve it where that matters."""

    vector: Vectors
    bases: PackedBases | None = None
    kmers: MoleculeKmers | None = None
    split_hash: SplitHash | None = None


@dataclass(frozen=True)
class Preparation:
    """How rows are made: with or without sequences and split hashes. Where `processes` are more
    than one, each opens an embedder that is the same as the one here; `few` plasmids are not worth
    it."""

    keep_sequences: bool
    reserves: bool
    processes: int = 1
    open_embedder: Callable[[], SequenceEmbedder] | None = None
    few: int = FEW

    def rows(self, embedder: SequenceEmbedder, plasmids: Sequence[Plasmid]) -> list[PreparedRow]:
        """Those of some plasmids; vectors are made of sequences alone."""
        vectors = embed_batch(embedder, [plasmid.without_features() for plasmid in plasmids])
        rows = []
        for plasmid, vector in zip(plasmids, vectors, strict=True):
            bases = kmers = None
            if self.keep_sequences:
                bases = pack_bases(plasmid.sequence)
                kmers = MoleculeKmers.from_bases(plasmid.sequence, circular=plasmid.is_circular)
            split_hash = SplitHash.from_plasmid(plasmid) if self.reserves else None
            rows.append(PreparedRow(vector, bases, kmers, split_hash))
        return rows

    def of_all(
        self,
        plasmids: Iterable[Plasmid],
        embedder: SequenceEmbedder,
        *,
        progress: Progress | None = None,
    ) -> Generator[tuple[Plasmid, PreparedRow], None, None]:
        """Each plasmid with its row, in order; about `few` are in memory at any time."""
        for batch, rows in self._batches(in_batches(plasmids), embedder):
            yield from zip(batch, rows, strict=True)
            if progress is not None:
                progress(len(batch))

    def _batches(
        self, batches: Iterator[list[Plasmid]], embedder: SequenceEmbedder
    ) -> Iterator[tuple[list[Plasmid], list[PreparedRow]]]:
        first: list[list[Plasmid]] = []
        if self.processes > 1 and self.open_embedder is not None:
            for batch in batches:
                first.append(batch)
                if sum(map(len, first)) > self.few:
                    yield from self._by_workers(chain(first, batches), self.open_embedder)
                    return
        for batch in chain(first, batches):
            yield batch, self.rows(embedder, batch)

    def _by_workers(
        self, batches: Iterable[list[Plasmid]], open_embedder: Callable[[], SequenceEmbedder]
    ) -> Iterator[tuple[list[Plasmid], list[PreparedRow]]]:
        sent: deque[list[Plasmid]] = deque()

        def remembered() -> Iterator[list[Plasmid]]:
            for batch in batches:
                sent.append(batch)
                yield batch

        work = Preparation(self.keep_sequences, self.reserves).rows
        for rows in results_in_order(open_embedder, work, remembered(), processes=self.processes):
            yield sent.popleft(), rows
