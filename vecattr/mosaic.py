"""The whole of a query as frozen values: how much of it any stored plasmid has, and part by part,
whose it is and which plasmids have it.

`vecattr.indexes.evidence.mosaic` defines what a part is, and finds them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

#: `one_lab`: a single lab has the part; `few_labs`: some labs; `common`: more labs than are told
#: apart; `unknown`: no stored plasmid has it.
PartKind = Literal["one_lab", "few_labs", "common", "unknown"]
PART_KINDS: tuple[PartKind, ...] = get_args(PartKind)

#: What more labs have tells none of them.
FEW_LABS = 20
#: Below this share nothing engineered in the query is known. Of 1,500 rows of the development set 3
#: in 100 are below, of 500 rows of labs that the index lacks 4 in 100 (docs/results/how-sure.md).
LEAST_KNOWN = 0.15
#: A query is common property when at least half of it is known, and at most this share to few labs.
MOSTLY_KNOWN = 0.5
MOST_TOLD = 0.005
#: With fewer sampled 21-mers nothing is said.
FEWEST_KMERS = 20

#: From so many bases that nobody has, the part that somebody has is a piece of something larger;
#: from twice as many it is so beyond doubt.
_MUCH_UNKNOWN = 10_000
#: No share of known bases counts as less.
_LEAST_SHARE = 0.02
#: How much little knowledge counts: natural DNA is told from plasmids as well by half of the
#: logarithm, and plasmids of which little is known have better probabilities by it.
_LITTLE_COUNTS = 0.5
#: So many known bases are more than one cloned gene.
_PIECE = 3_000
_NOTHING = "Nothing engineered here is known"
#: A lab with this share of what all labs of the index have stands out.
_STANDS_OUT = 0.5
#: From this probability on the first lab is the answer, whatever else is said.
_EVEN_ODDS = 0.5


@dataclass(frozen=True, slots=True)
class LabShare:
    """A lab whose plasmids together have `share` (above 0, 1: all) of a part's sampled 21-mers;
    `plasmids` of them hold at least half as much of it as the fullest one does."""

    name: str
    plasmids: int
    share: float


@dataclass(frozen=True, slots=True)
class Holder:
    """A stored plasmid that holds `share` (above 0, 1: all) of a part's sampled 21-mers. The last
    ones are what the index knows of the plasmid, if anything."""

    id: str
    lab: str
    share: float
    publication: str | None = None
    year: int | None = None
    source_url: str | None = None


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


def chances(probability: float) -> str:
    """A probability in words that people read right.

    >>> chances(0.31), chances(0.97), chances(0.004)
    ('about 3 in 10', 'about 97 in 100', 'less than 1 in 100')
    """
    if probability < 0.01:
        return "less than 1 in 100"
    if probability > 0.99:
        return "more than 99 in 100"
    if 0.15 <= probability <= 0.94:
        return f"about {round(10 * probability)} in 10"
    return f"about {round(100 * probability)} in 100"


@dataclass(frozen=True, slots=True)
class Reach:
    """Of the distinct sampled 21-mers of a query of so many `bases`, `kmers` in number: the share
    that any stored plasmid has (`known`), and the share that some labs have, FEW_LABS at most
    (`few`); both from 0 to 1.

    >>> Reach(bases=7_000, kmers=900, known=0.01, few=0.01).is_unknown
    True
    """

    bases: int
    kmers: int
    known: float
    few: float

    def __post_init__(self) -> None:
        assert 0 <= self.few <= self.known <= 1, (self.few, self.known)

    @classmethod
    def of_several(cls, reaches: Sequence[Reach]) -> Reach:
        """Of several queries together, at least one: shares of all their 21-mers.

        >>> Reach.of_several([Reach(100, 10, known=1, few=0.5), Reach(300, 30, known=0, few=0)])
        Reach(bases=400, kmers=40, known=0.25, few=0.125)
        """
        kmers = sum(reach.kmers for reach in reaches)
        weights = [reach.kmers / max(kmers, 1) for reach in reaches]
        pairs = list(zip(weights, reaches, strict=True))
        known = min(1.0, sum(weight * reach.known for weight, reach in pairs))
        few = min(known, sum(weight * reach.few for weight, reach in pairs))
        return cls(sum(reach.bases for reach in reaches), kmers, known, few)

    @property
    def is_unknown(self) -> bool:
        """Is next to nothing of the query known?"""
        return self.kmers >= FEWEST_KMERS and self.known < LEAST_KNOWN

    @property
    def is_common(self) -> bool:
        """Is what is known of the query known to many labs, and to few next to nothing?"""
        enough = self.kmers >= FEWEST_KMERS and self.known >= MOSTLY_KNOWN
        return enough and self.few <= MOST_TOLD

    def is_no_labs(self, first_probability: float) -> bool:
        """Is this to be told as no lab's, because next to nothing is known or all is common, and
        the first lab is not likelier than not?"""
        return first_probability < _EVEN_ODDS and (self.is_unknown or self.is_common)

    @property
    def words(self) -> str:
        """The beginning of a sentence about a query that is no lab's."""
        if self.is_unknown:
            if not self._holds_a_piece:
                return f"{_NOTHING}: stored plasmids have {chances(self.known)} of it"
            known = self.extent or f"stored plasmids have {chances(self.known)} of it"
            return f"Little of it is known: {known}"
        return f"Common property: more than {FEW_LABS} labs have what is known of it"

    @property
    def _holds_a_piece(self) -> bool:
        """May what is known be a piece of a plasmid, and not one cloned gene?"""
        return self.known * self.bases >= _PIECE

    @property
    def extent(self) -> str | None:
        """How few of the bases can speak for any lab, where the rest is larger than a plasmid's
        part and nobody has it, as of a plasmid in a genome; else None.

        >>> Reach(154_000, 19_000, known=0.065, few=0.06).extent
        'only about 10,000 of the 154,000 bases are in any stored plasmid'
        >>> Reach(9_000, 1_100, known=0.4, few=0.3).extent is None
        True
        """
        unknown_bases = (1 - self.known) * self.bases
        is_little = self.known < MOSTLY_KNOWN and unknown_bases >= _MUCH_UNKNOWN
        if self.kmers < FEWEST_KMERS or not is_little:
            return None
        known_bases = round(float(f"{self.known * self.bases:.1e}"))
        return f"only about {known_bases:,} of the {self.bases:,} bases are in any stored plasmid"

    @property
    def advice(self) -> str:
        """What a person should know of a query that is no lab's."""
        if self.is_unknown:
            return (
                "natural DNA, or work that this index holds next to nothing of: "
                f"{chances(self.known)} of the sampled 21-mers are in any stored plasmid"
            )
        return (
            f"common property, such as a bare backbone: {chances(self.few)} of the sampled 21-mers "
            f"are of {FEW_LABS} labs or fewer, so that hardly anything tells one lab from another"
        )

    def outside_odds(self, first_share: float) -> float:
        """What speaks for a lab outside the index beside other facts, as a logarithm of odds, 0 or
        more: nothing, where LEAST_KNOWN of the bases or more is known. Below, the less is known
        the more, unless a lab stands out (`first_share` of the labs' probability is the first's)
        and what nobody has is no larger than a plasmid: one cloned gene in a genome makes nobody
        its designer.

        >>> round(Reach(7_000, 900, known=0.01, few=0.01).outside_odds(0.1), 2)
        0.81
        """
        if not self.is_unknown:
            return 0.0
        unknown_bases = (1 - self.known) * self.bases
        is_piece = min(max(unknown_bases / _MUCH_UNKNOWN - 1, 0.0), 1.0)
        stands_out = min(first_share / _STANDS_OUT, 1.0)
        weight = max(is_piece, 1 - stands_out)
        logarithm = math.log(max(self.known, _LEAST_SHARE) / LEAST_KNOWN)
        return -_LITTLE_COUNTS * weight * logarithm
