"""The joint answer to several queries of one unknown lab as frozen values: ranked labs, a verdict,
and each query's own answer beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from vecattr.attribution import Attribution, Hit, Provenance, Strength, Verdict, sentence_of
from vecattr.mosaic import Reach
from vecattr.plasmid import Plasmid, Topology

#: The name of a group that was given none.
TOGETHER = "together"


def groups_of(plasmids: Iterable[Plasmid], *, by_group: bool) -> dict[str, list[Plasmid]]:
    """The plasmids that are answered together, by the name of each group, in order of first
    appearance: all of them, or those of each group; one without a group is a group of its own."""
    groups: dict[str, list[Plasmid]] = {}
    for plasmid in plasmids:
        name = plasmid.group or plasmid.id if by_group else TOGETHER
        groups.setdefault(name, []).append(plasmid)
    return groups


@dataclass(frozen=True, slots=True)
class Member:
    """One query of a group: its own `answer`; the place (from 1) and the probability, in that
    answer, of the lab that the joint answer puts first (None without a lab or without
    probabilities); and `belonging`, the probability that this query is of the same lab as the
    others (None where nothing is stated: an only member, or an index without probabilities).

    >>> from vecattr import Index, read_plasmids
    >>> joint = Index.open("my.index").query_together(read_plasmids(["query.fasta"]))
    >>> [(member.answer.query, member.rank) for member in joint.members]
    [('made00016', 1)]
    """

    answer: Attribution
    rank: int | None
    probability: float | None
    belonging: float | None

    @property
    def belongs(self) -> bool | None:
        """Whether it is likelier of the others' lab than not; None where nothing is stated."""
        return None if self.belonging is None else self.belonging >= 0.5


def reach_of(answers: Iterable[Attribution]) -> Reach | None:
    """How much of several queries together is known; None where one answer does not say."""
    reaches = [answer.reach for answer in answers]
    told = [reach for reach in reaches if reach is not None]
    return Reach.of_several(told) if told and len(told) == len(reaches) else None


@dataclass(frozen=True, slots=True)
class JointAttribution:
    """Ranked labs for all `members` of one `group` together, best first, ties by name: the fields
    of `vecattr.attribution.Attribution` that do not belong to a single sequence. A hit's `score`
    sorts, its `cosine` is the mean over the members.

    `strangers` are the members that are likelier of another lab than the others.

    >>> from vecattr import Index, read_plasmids
    >>> joint = Index.open("my.index").query_together(read_plasmids(["query.fasta"]))
    >>> joint.labs[0].name, joint.strangers
    ('Lab 02', ())
    """

    confidence_name: ClassVar[str] = "confidence"
    uncalibrated_name: ClassVar[str] = Attribution.uncalibrated_name

    group: str
    members: tuple[Member, ...]
    labs: tuple[Hit, ...]
    verdict: Verdict
    confidence: float
    threshold: float | None
    notes: tuple[str, ...]
    provenance: Provenance
    work: str = "known"
    coverage: float | None = None
    outside: float | None = None
    strength: Strength | None = None
    right_share: float | None = None

    def __post_init__(self) -> None:
        assert self.members, "a joint answer has members"

    @property
    def length(self) -> int:
        """The bases of all members."""
        return sum(member.answer.length for member in self.members)

    @property
    def topology(self) -> Topology:
        """Circular when all members are."""
        topologies = {member.answer.topology for member in self.members}
        return "circular" if topologies == {"circular"} else "linear"

    @property
    def strangers(self) -> tuple[str, ...]:
        """The queries that do not belong to the others."""
        return tuple(member.answer.query for member in self.members if member.belongs is False)

    @property
    def sentence(self) -> str:
        """The joint answer in one sentence."""
        return sentence_of(
            self.labs, outside=self.outside, strength=self.strength, reach=self.reach
        )

    @property
    def reach(self) -> Reach | None:
        """How much of all members together is known; None where k-mers play no part."""
        return reach_of(member.answer for member in self.members)

    @property
    def by_query(self) -> Mapping[str, Member]:
        """Each member by the id of its query."""
        return {member.answer.query: member for member in self.members}
