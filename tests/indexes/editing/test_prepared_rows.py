"""Claims about prepared rows: several processes make those of one, in order."""

from __future__ import annotations

from functools import partial

import numpy as np

from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.editing.kmer_writer import MoleculeKmers
from vecattr.indexes.editing.prepared_rows import Preparation, PreparedRow
from vecattr.plasmid import Plasmid, Topology
from vecattr.sequences.two_bit import unpack_bases

KINDS: tuple[Topology, Topology] = ("circular", "linear")
RNG = np.random.default_rng(4)
#: More than a batch of short ones, every third linear.
PLASMIDS = [
    Plasmid(str(row), "".join(RNG.choice(list("ACGT"), size=300)), KINDS[row % 3 == 0], lab="A")
    for row in range(300)
]
OPEN = partial(load_embedder, shipped_encoder(), device="cpu", threads=1)


def prepared(preparation: Preparation) -> tuple[list[Plasmid], list[PreparedRow]]:
    plasmids, rows = zip(*preparation.of_all(iter(PLASMIDS), OPEN()), strict=True)
    return list(plasmids), list(rows)


def test_several_processes_make_the_rows_of_one() -> None:
    plasmids, rows = prepared(Preparation(True, True))
    others, other_rows = prepared(Preparation(True, True, 2, OPEN, few=0))
    assert plasmids == others == PLASMIDS
    for row, other in zip(rows, other_rows, strict=True):
        assert row.split_hash == other.split_hash
        assert np.array_equal(row.vector, other.vector)
        assert row.kmers is not None
        assert other.kmers is not None
        assert all(map(np.array_equal, row.kmers, other.kmers))
        assert row.bases is not None
        assert other.bases is not None
        assert unpack_bases(row.bases) == unpack_bases(other.bases)


def test_kmers_of_bases_are_those_of_packed_bases() -> None:
    _, rows = prepared(Preparation(True, False))
    for plasmid, row in zip(PLASMIDS, rows, strict=True):
        assert row.split_hash is None
        assert row.bases is not None
        assert row.kmers is not None
        packed = MoleculeKmers.from_packed(row.bases, plasmid.topology)
        assert all(map(np.array_equal, row.kmers, packed))


def test_without_sequences_only_vectors_are_made() -> None:
    _, rows = prepared(Preparation(False, False))
    assert {(row.bases, row.kmers, row.split_hash) for row in rows} == {(None, None, None)}
