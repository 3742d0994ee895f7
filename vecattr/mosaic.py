"""The whole of a query, part by part, as frozen values: whose each part is, and which stored
plasmids have it.

`vecattr.indexes.evidence.mosaic` defines what a part is, and finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

#: `one_lab`: a single lab has the part; `few_labs`: some labs; `common`: more labs than are told
#: apart; `unknown`: no stored plasmid has it.
PartKind = Literal["one_lab", "few_labs", "common", "unknown"]
PART_KINDS: tuple[PartKind, ...] = get_args(PartKind)


@dataclass(frozen=True, slots=True)
class LabShare:
    """A lab whose plasmids together have `share` (above 0, 1: all) of a part's sampled 21-mers;
    `plasmids` of them hold at least half as much of it as the fullest one does."""

    name: str
    plasmids: int
    share: float


@dataclass(frozen=True, slots=True)
class Holder:
    """A stored plasmid that holds `share` (above 0, 1: all) of a part's sampled 21-mers."""

    id: str
    lab: str
    share: float


@dataclass(frozen=True, slots=True)
class MosaicPart:
    """The `bases` from `start` to `end` of the query, both counted from 1 and both included; across
    the origin of a circle when `start` is greater than `end`.

    `kmers` sampled 21-mers lie in it. `labs` are the likeliest of the `n_labs` that have half of
    them or more, the largest share first, and `holders` the fullest plasmids of these labs. Of
    common property no lab is named, and `n_labs` have its middle 21-mer (the median).

    >>> part = MosaicPart(90, 10, 21, "unknown", labs=(), n_labs=0, kmers=3)
    >>> part.start > part.end
    True
    """

    start: int
    end: int
    bases: int
    kind: PartKind
    labs: tuple[LabShare, ...]
    n_labs: int
    kmers: int
    holders: tuple[Holder, ...] = ()

    def __post_init__(self) -> None:
        assert bool(self.labs) == (self.kind in ("one_lab", "few_labs")), self.kind
        assert len(self.labs) <= self.n_labs or not self.labs
