"""Claims about synthetic collections: repeatable, of the promised shape, learnable."""

from __future__ import annotations

from collections import Counter

import pytest

from vecattr.errors import UsageError
from vecattr.plasmid import Plasmid, reverse_complement
from vecattr.sequences.synthetic import synthetic_plasmids

K = 16  # bases


def kmers(plasmid: Plasmid) -> set[str]:
    """Every second canonical k-mer of the closed circle; which ones does not depend on it."""
    closed = plasmid.sequence + plasmid.sequence[: K - 1]
    other = reverse_complement(closed)
    last = len(closed) - K
    pairs = ((closed[at : at + K], other[last - at : last - at + K]) for at in range(last + 1))
    return {kmer for kmer in map(min, pairs) if kmer.endswith(("A", "C"))}


def test_the_same_seed_gives_the_same_plasmids_and_another_does_not() -> None:
    first = synthetic_plasmids(labs=3, plasmids_per_lab=4, seed=5)
    assert first == synthetic_plasmids(labs=3, plasmids_per_lab=4, seed=5)
    assert first != synthetic_plasmids(labs=3, plasmids_per_lab=4, seed=6)


def test_a_collection_of_1200_plasmids_has_its_shape() -> None:
    plasmids = synthetic_plasmids(labs=40, plasmids_per_lab=30, seed=1)
    assert set(Counter(plasmid.lab for plasmid in plasmids).values()) == {30}
    assert len({plasmid.id for plasmid in plasmids}) == 1200
    assert all(1500 <= len(plasmid) <= 5500 for plasmid in plasmids)
    assert len({tuple(plasmid.features or ()) for plasmid in plasmids}) == 1


def test_a_publication_belongs_to_one_lab_and_a_lab_has_several() -> None:
    plasmids = synthetic_plasmids(labs=5, plasmids_per_lab=20, seed=2)
    pairs = {(plasmid.group, plasmid.lab) for plasmid in plasmids}
    assert len(pairs) == len({group for group, _ in pairs})
    assert min(Counter(lab for _, lab in pairs).values()) >= 2


def test_labs_can_be_told_but_shared_backbones_dominate() -> None:
    plasmids = synthetic_plasmids(labs=12, plasmids_per_lab=12, seed=3)
    sets = [kmers(plasmid) for plasmid in plasmids]
    right = shared = 0
    queries = range(0, len(plasmids), 6)
    for query in queries:
        overlaps = [len(sets[query] & other) for other in sets]
        overlaps[query] = -1
        best = max(range(len(plasmids)), key=overlaps.__getitem__)
        right += plasmids[best].lab == plasmids[query].lab
        others = [
            overlap
            for overlap, plasmid in zip(overlaps, plasmids, strict=True)
            if plasmid.lab != plasmids[query].lab
        ]
        shared += max(others) > 0.4 * len(sets[query])
    assert len(queries) * 0.6 < right
    assert shared > len(queries) * 0.7


@pytest.mark.parametrize("wrong", [{"labs": 0}, {"plasmids_per_lab": 0}, {"own_gene_share": 2.0}])
def test_impossible_collections_are_refused(wrong: dict[str, float]) -> None:
    arguments = {"labs": 2, "plasmids_per_lab": 2, "seed": 1, **wrong}
    with pytest.raises(UsageError):
        synthetic_plasmids(**arguments)  # type: ignore[arg-type]
