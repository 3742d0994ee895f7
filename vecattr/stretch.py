"""Why an answer names its lab, as frozen values: stretches of the query, and where they come from.

What a stretch is stands in `vecattr.indexes.evidence.stretches`, which finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: `support`: the top lab has it and few others do. `common`: many labs have it.
StretchKind = Literal["support", "common"]


@dataclass(frozen=True, slots=True)
class Source:
    """A stored plasmid that holds `share` (above 0, 1: all) of a stretch's 21-mers; `strand` is +1
    where the query reads like the stored plasmid, -1 where like its other strand."""

    id: str
    lab: str
    share: float
    strand: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bases from `start` to `end` of the query, both counted from 1 and both included; over the
    origin of a circle when `start` is greater than `end`. A circle that matches all round is told
    from 1 to its length.

    From `least_labs` to `most_labs` labs share its sampled 21-mers, of which there are `kmers`
    (one at least); counts above 400 are rough when there are several segments. `sources`, the
    fullest first, are plasmids of the top lab; common property has none.
    """

    kind: StretchKind
    start: int
    end: int
    bases: int
    least_labs: int
    most_labs: int
    kmers: int
    sources: tuple[Source, ...] = ()

    @property
    def strand(self) -> int | None:
        """That of the first source."""
        return self.sources[0].strand if self.sources else None


@dataclass(frozen=True, slots=True)
class Stretches:
    """What speaks for `lab`, the first of the answer (None: there is none), most telling first, and
    what is common property of more than `common_labs` labs, longest first; `left_off` more
    stretches were found."""

    lab: str | None
    common_labs: int
    support: tuple[Stretch, ...]
    common: tuple[Stretch, ...]
    left_off: int
