"""The reserve: labelled plasmids in, the rows set apart to calibrate lab means of an index out.

Hashes of the plasmids decide which rows these are: no list is kept and nothing is drawn at random.
An encoder trained without its table's reserve has therefore not seen the rows that calibrate an
index of that table, whenever and wherever the index is built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import LabelledSet
from vecattr.plasmid import Plasmid
from vecattr.sequences.canonical import canonical_sequence

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


@dataclass(frozen=True)
class Reserve:
    """The rows reserved as new work, in whole groups, and one by one as known work, (n,) each."""

    new_work: NDArray[np.bool_]
    known_work: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.bool_]:
        """The reserved rows of both kinds, (n,)."""
        return self.new_work | self.known_work


def reserve(labels: Sequence[str], split_hashes: Sequence[SplitHash]) -> Reserve:
    """The reserve of a table, from the class and the hashes of each of its n rows.

    The lowest hashes are reserved: groups below NEW_WORK_SHARE, and rows of other groups below
    KNOWN_WORK_SHARE; of a small table as many as make FEWEST_ROWS, but of each kind at most
    LARGEST_SHARE of the table. A class keeps the group, and the row, of its highest hash. So
    what is reserved of a part of a large table is reserved of the whole table, too.
    """
    groups = np.array([hashes.group for hashes in split_hashes])  # (n,)
    molecules = np.array([hashes.molecule for hashes in split_hashes])  # (n,)
    all_rows = np.ones(len(split_hashes), dtype=bool)
    new_work = _rows_of_lowest(groups, labels, all_rows, share=NEW_WORK_SHARE)
    known_work = _rows_of_lowest(molecules, labels, ~new_work, share=KNOWN_WORK_SHARE)
    return Reserve(new_work, known_work)


def without_reserve(labelled: LabelledSet) -> LabelledSet:
    """The labelled plasmids that are not reserved."""
    split_hashes = [SplitHash.from_plasmid(plasmid) for plasmid in labelled.plasmids]
    return labelled.where(~reserve(labelled.labels, split_hashes).rows)


def _rows_of_lowest(
    hashes: NDArray[np.float64], labels: Sequence[str], free: NDArray[np.bool_], *, share: float
) -> NDArray[np.bool_]:
    """The free rows of the lowest hashes, (n,); rows of equal hash are reserved together."""
    members: dict[float, list[int]] = {}
    highest: dict[str, float] = {}
    for row in np.flatnonzero(free).tolist():
        value = float(hashes[row])
        members.setdefault(value, []).append(row)
        highest[labels[row]] = max(value, highest.get(labels[row], 0.0))
    kept, limit = set(highest.values()), int(LARGEST_SHARE * len(labels))
    reserved, count = np.zeros(len(labels), dtype=bool), 0
    for value in sorted(members.keys() - kept):
        if value >= share and count >= FEWEST_ROWS:
            break
        if count + len(members[value]) <= limit:
            reserved[members[value]] = True
            count += len(members[value])
    return reserved
