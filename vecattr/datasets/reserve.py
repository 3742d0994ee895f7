"""The reserve: labelled plasmids in, the rows that calibrate means of stored plasmids out.

Which rows these are is decided by hashes of the plasmids themselves, by no list and no draw. An
encoder that was trained without its table's reserve has not seen the rows that calibrate an index
of that table, whenever and wherever the index is built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.plasmid import Plasmid
from vecattr.sequences.canonical import canonical_sequence

NEW_WORK_SHARE = 0.06  # of the groups
KNOWN_WORK_SHARE = 0.05  # of the rows of other groups
FEWEST_ROWS = 200  # of each kind: a small table gives a larger share …
LARGEST_SHARE = 0.1  # … but, of each kind, no more of its rows than this

_NEW_WORK_KEY = b"vecattr reserve: new work"
_KNOWN_WORK_KEY = b"vecattr reserve: known work"


@dataclass(frozen=True)
class SplitHash:
    """Two numbers in [0, 1) that a plasmid has for good, whatever its name, its lab, its strand
    and its opening: that of its group (of its molecule, when it has no group), and its own."""

    group: float
    molecule: float

    @classmethod
    def of(cls, plasmid: Plasmid) -> SplitHash:
        molecule = canonical_sequence(plasmid)
        group = f"molecule {molecule}" if plasmid.group is None else f"group {plasmid.group}"
        return cls(_number(group, _NEW_WORK_KEY), _number(molecule, _KNOWN_WORK_KEY))


def _number(text: str, key: bytes) -> float:
    """A keyed BLAKE2b hash as a number in [0, 1)."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6, key=key).digest()
    return int.from_bytes(digest, "big") / (1 << 48)


@dataclass(frozen=True)
class Reserve:
    """The rows reserved as new work, in whole groups, and one by one as known work, (n,)."""

    new_work: NDArray[np.bool_]
    known_work: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.bool_]:
        """Those of both kinds, (n,)."""
        return self.new_work | self.known_work


def reserve(labels: Sequence[str], lots: Sequence[SplitHash]) -> Reserve:
    """The reserve of a table whose rows have these classes and lots.

    The lowest numbers are taken: groups below NEW_WORK_SHARE, and rows of other groups below
    KNOWN_WORK_SHARE; of a small table as many as make FEWEST_ROWS, but of each kind at most
    LARGEST_SHARE of the table. A class keeps the group, and the row, of its highest number. So
    what is reserved of a part of a large table is reserved of the whole table, too.
    """
    groups = np.array([lot.group for lot in lots])  # (n,)
    new = _lowest(labels, groups, np.ones(len(lots), dtype=bool), share=NEW_WORK_SHARE)
    molecules = np.array([lot.molecule for lot in lots])
    known = _lowest(labels, molecules, ~new, share=KNOWN_WORK_SHARE)
    return Reserve(new, known)


def _lowest(
    labels: Sequence[str], numbers: NDArray[np.float64], free: NDArray[np.bool_], *, share: float
) -> NDArray[np.bool_]:
    """Of the free rows those of the lowest numbers, (n,); rows of one number go together."""
    members: dict[float, list[int]] = {}
    highest: dict[str, float] = {}
    for row in np.flatnonzero(free).tolist():
        number = float(numbers[row])
        members.setdefault(number, []).append(row)
        highest[labels[row]] = max(number, highest.get(labels[row], 0.0))
    kept, most = set(highest.values()), int(LARGEST_SHARE * len(labels))
    held, taken = np.zeros(len(labels), dtype=bool), 0
    for number in sorted(members.keys() - kept):
        if number >= share and taken >= FEWEST_ROWS:
            break
        if taken + len(members[number]) <= most:
            held[members[number]] = True
            taken += len(members[number])
    return held
