"""Sets of k-mers: the k-mers of two sequences in, how much the sets have in common out.

A set is a hash table: each k-mer is written to a slot that it names, and those that another one
drove out of their slot go to a smaller table, and so on. So no k-mers are sorted, and it takes a
few passes to compare a sequence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vecattr.sequences.kmers import Hashes, distinct

#: What an empty slot holds; neither codes nor sampled hashes are as large.
_EMPTY = np.uint64((1 << 64) - 1)
#: The product with an odd number has its best mixed bits on top (Knuth 1998, 6.4).
_MULTIPLIER = 0x9E3779B97F4A7C15
_SLOTS_PER_KMER = 3


@dataclass(frozen=True)
class Common:
    """How many k-mers two sets share, and how many are in the one and in the other."""

    shared: int
    size: int
    other_size: int

    @property
    def containment(self) -> float:
        """The share of the one set that the other holds; 0 for an empty one."""
        return self.shared / self.size if self.size else 0.0

    @property
    def jaccard(self) -> float:
        """The shared part of the union; 0 when both are empty."""
        either = self.size + self.other_size - self.shared
        return self.shared / either if either else 0.0


@dataclass(frozen=True)
class _Table:
    """The k-mer in each slot (s,), and the multiplier and the shift that give a k-mer's slot."""

    slots: Hashes
    multiplier: np.uint64
    shift: np.uint64

    @classmethod
    def from_kmers(cls, kmers: Hashes, *, level: int) -> _Table:
        """Of those that were last in their slots."""
        bits = (_SLOTS_PER_KMER * len(kmers)).bit_length()
        multiplier = np.uint64(_MULTIPLIER * (2 * level + 1) % (1 << 64))
        table = cls(np.full(1 << bits, _EMPTY), multiplier, np.uint64(64 - bits))
        table.slots[table.slot_of(kmers)] = kmers
        return table

    @property
    def size(self) -> int:
        """How many k-mers are in it."""
        return int(np.count_nonzero(self.slots != _EMPTY))

    def slot_of(self, kmers: Hashes) -> Hashes:
        """The slot of each k-mer (m,)."""
        slots: Hashes = kmers * self.multiplier >> self.shift
        return slots

    def absent(self, kmers: Hashes) -> Hashes:
        """Those of these k-mers that are in no slot."""
        absent: Hashes = kmers[self.slots[self.slot_of(kmers)] != kmers]
        return absent

    def split(self, kmers: Hashes) -> tuple[int, Hashes]:
        """How many of the table's k-mers are among these, and those of these that it lacks."""
        slots = self.slot_of(kmers)
        are_there = self.slots[slots] == kmers
        found = np.zeros(len(self.slots), dtype=bool)
        found[slots[are_there]] = True
        return int(np.count_nonzero(found)), kmers[~are_there]


@dataclass(frozen=True)
class KmerSet:
    """A set of so many k-mers (`vecattr.sequences.kmers`), as codes or as hashes of a sample."""

    tables: tuple[_Table, ...]
    size: int

    @classmethod
    def from_kmers(cls, kmers: Hashes) -> KmerSet:
        """Of k-mers in any order, some of them more than once (m,)."""
        tables: list[_Table] = []
        while len(kmers):
            tables.append(_Table.from_kmers(kmers, level=len(tables)))
            kmers = tables[-1].absent(kmers)
        return cls(tuple(tables), sum(table.size for table in tables))

    def __len__(self) -> int:
        return self.size

    def common(self, kmers: Hashes) -> Common:
        """What it has in common with the set of these, in any order, some more than once (m,)."""
        shared = 0
        for table in self.tables:
            found, kmers = table.split(kmers)
            shared += found
        return Common(shared, self.size, shared + len(distinct(kmers)))
