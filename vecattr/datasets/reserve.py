"""The reserve: labelled plasmids in, the rows set apart to calibrate lab means of an index out.

Hashes of the plasmids decide which rows these are: no list is kept and nothing is drawn at random.
An encoder trained without its table's reserve has therefore not seen the rows that calibrate an
index of that table, whenever and wherever the index is built.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import LabelledSet
from vecattr.plasmid import Plasmid
from vecattr.sequences.canonical import canonical_sequence
from vecattr.vectors import Codes

NEW_WORK_SHARE = 0.06  # of the groups
KNOWN_WORK_SHARE = 0.05  # of the rows of other groups
FEWEST_ROWS = 200  # of each kind: of a small table a larger share is reserved …
LARGEST_SHARE = 0.1  # … but of each kind at most this share of its rows

_NEW_WORK_KEY = b"vecattr reserve: new work"
_KNOWN_WORK_KEY = b"vecattr reserve: known work"


@dataclass(frozen=True)
class SplitHash:
    """Two hashes in [0, 1) of a plasmid, independent of its id, lab, strand and rotation: of its
    group (of its molecule when it has no group), and of its molecule."""

    group: float
    molecule: float

    @classmethod
    def from_plasmid(cls, plasmid: Plasmid) -> SplitHash:
        """The two numbers of this plasmid; its features do not matter."""
        return cls._from_texts(canonical_sequence(plasmid), plasmid.group)

    @classmethod
    def from_vector(cls, vector: NDArray[np.generic], *, group: str | None) -> SplitHash:
        """Those of a plasmid whose bases are not kept: its vector (d,) stands for its molecule. The
        number of its group is that of `from_plasmid`, if it has a group."""
        return cls._from_texts(f"vector {vector.tobytes().hex()}", group)

    @classmethod
    def _from_texts(cls, molecule: str, group: str | None) -> SplitHash:
        whole = f"molecule {molecule}" if group is None else f"group {group}"
        return cls(_unit_hash(whole, _NEW_WORK_KEY), _unit_hash(molecule, _KNOWN_WORK_KEY))


def _unit_hash(text: str, key: bytes) -> float:
    """A keyed BLAKE2b hash as a number in [0, 1)."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6, key=key).digest()
    return int.from_bytes(digest, "big") / (1 << 48)


@dataclass(frozen=True, eq=False)
class SplitHashes:
    """The two numbers of n plasmids, in 16 bytes each: `groups` and `molecules`, (n,)."""

    groups: NDArray[np.float64]
    molecules: NDArray[np.float64]

    @classmethod
    def from_hashes(cls, hashes: Iterable[SplitHash]) -> SplitHashes:
        """Of these plasmids, in order; they may come one by one."""
        numbers = array("d", (number for pair in hashes for number in (pair.group, pair.molecule)))
        pairs = (
            np.frombuffer(numbers, dtype=np.float64).reshape(-1, 2) if numbers else np.zeros((0, 2))
        )
        return cls(pairs[:, 0].copy(), pairs[:, 1].copy())

    @classmethod
    def from_parts(cls, parts: Sequence[SplitHashes]) -> SplitHashes:
        """Of the plasmids of several, one after the other."""
        none = np.zeros(0)
        return cls(
            np.concatenate([none, *(part.groups for part in parts)]),
            np.concatenate([none, *(part.molecules for part in parts)]),
        )

    def __len__(self) -> int:
        return len(self.groups)


@dataclass(frozen=True)
class Reserve:
    """The rows reserved as new work, in whole groups, and one by one as known work, (n,) each."""

    new_work: NDArray[np.bool_]
    known_work: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.bool_]:
        """The reserved rows of both kinds, (n,)."""
        return self.new_work | self.known_work


def reserve(labels: Sequence[str], split_hashes: SplitHashes) -> Reserve:
    """The reserve of a table, from the class and the hashes of each of its n rows.

    The lowest hashes are reserved: groups below NEW_WORK_SHARE, and rows of other groups below
    KNOWN_WORK_SHARE; of a small table as many as make FEWEST_ROWS, but of each kind at most
    LARGEST_SHARE of the table. A class keeps the group, and the row, of its highest hash. So
    what is reserved of a part of a large table is reserved of the whole table, too.
    """
    code_of = {name: code for code, name in enumerate(dict.fromkeys(labels))}
    codes = np.fromiter((code_of[name] for name in labels), dtype=np.int64, count=len(labels))
    all_rows = np.ones(len(split_hashes), dtype=bool)
    new_work = _rows_of_lowest(split_hashes.groups, codes, all_rows, share=NEW_WORK_SHARE)
    molecules = split_hashes.molecules
    known_work = _rows_of_lowest(molecules, codes, ~new_work, share=KNOWN_WORK_SHARE)
    return Reserve(new_work, known_work)


def without_reserve(labelled: LabelledSet) -> LabelledSet:
    """The labelled plasmids that are not reserved."""
    split_hashes = SplitHashes.from_hashes(map(SplitHash.from_plasmid, labelled.plasmids))
    return labelled.where(~reserve(labelled.labels, split_hashes).rows)


def _rows_of_lowest(
    hashes: NDArray[np.float64], labels: Codes, free: NDArray[np.bool_], *, share: float
) -> NDArray[np.bool_]:
    """The free rows of the lowest hashes, (n,); rows of equal hash are reserved together. Rows are
    gone through in the order of their hashes, only as far as any are reserved."""
    reserved = np.zeros(len(labels), dtype=bool)
    rows = np.flatnonzero(free)
    if not len(rows):
        return reserved
    highest = np.full(int(labels.max()) + 1, -1.0)
    np.maximum.at(highest, labels[rows], hashes[rows])
    order = rows[np.argsort(hashes[rows], kind="stable")]
    ascending = hashes[order]
    starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))  # of equal hashes
    is_kept = np.isin(ascending[starts], highest)
    ends = np.append(starts[1:], len(order))
    limit, count = int(LARGEST_SHARE * len(labels)), 0
    for place in np.flatnonzero(~is_kept).tolist():
        start, end = int(starts[place]), int(ends[place])
        if ascending[start] >= share and count >= FEWEST_ROWS:
            break
        if count + end - start <= limit:
            reserved[order[start:end]] = True
            count += end - start
    return reserved
