"""The answer to one query as frozen values: ranked labs, a verdict, and the stretches behind them.

`vecattr.indexes.evidence.stretches` defines what a stretch is, and finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from vecattr.mosaic import MosaicPart, Reach, chances
from vecattr.plasmid import Annotation, Topology
from vecattr.shown import Shown

#: `uncalibrated`: the index holds no threshold, so there is no verdict.
Verdict = Literal["known", "unknown", "uncalibrated"]

#: Does the collection hold plasmids of the same work, such as a publication? Answers about `known`
#: work are right far more often than about `new` work.
Work = Literal["known", "new"]
WORKS: tuple[Work, ...] = get_args(Work)

#: How much an answer can be relied on, by the probability of its first lab
#: (`vecattr.calibration.outcomes.LEAST_PROBABILITY`).
Strength = Literal["strong", "moderate", "weak", "none"]
STRENGTHS: tuple[Strength, ...] = get_args(Strength)

#: `support`: the top lab has it and few others do. `common`: many labs have it.
StretchKind = Literal["support", "common"]

#: Queries with fewer clear bases (A, C, G, T) are answered with a note not to trust the answer.
SHORTEST_TRUSTED = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked lab. `score` is the sort key, bigger is better; `cosine` lies in [-1, 1];
    `probability`: of being the lab, if the lab is one of the index's (None: not calibrated). The
    last ones are what the index knows of the lab, if anything: the name to print, the
    institution, its page (http or https) and whom to write to.

    >>> Hit("PI", score=0.9, cosine=0.9).probability is None
    True
    """

    name: str
    score: float
    cosine: float
    probability: float | None = None
    print_name: str | None = None
    institution: str | None = None
    url: str | None = None
    contact: str | None = None

    @property
    def shown_name(self) -> str:
        """The name to print, if there is one, else the lab's.

        >>> Hit("PI-7", score=0.9, cosine=0.9, print_name="Doe lab").shown_name
        'Doe lab'
        """
        return self.print_name or self.name

    @property
    def sort_key(self) -> tuple[float, str]:
        """Best first, ties by name."""
        return -self.score, self.name


@dataclass(frozen=True, slots=True)
class Neighbor:
    """One stored plasmid near the query: `lab` is its true lab, `label` the class it counts for.
    The last ones are what the index knows of the plasmid, if anything.

    >>> from vecattr import Index, read_plasmids
    >>> [plasmid] = read_plasmids(["query.fasta"])
    >>> answer = Index.open("my.index").query(plasmid, neighbors=1)
    >>> [(neighbor.id, neighbor.lab) for neighbor in answer.neighbors]
    [('made00025', 'Lab 02')]
    """

    id: str
    lab: str
    label: str
    cosine: float
    length: int
    topology: Topology
    publication: str | None = None
    year: int | None = None
    source_url: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which tool, model and index made an answer (hex identities)."""

    version: str
    model: str
    index: str


@dataclass(frozen=True, slots=True)
class Source:
    """A stored plasmid that holds `share` (above 0, 1: all) of a stretch's 21-mers; `strand` is +1
    where the query matches the stored strand, -1 where it matches the reverse complement. The last
    ones are what the index knows of the plasmid, if anything."""

    id: str
    lab: str
    share: float
    strand: int
    publication: str | None = None
    year: int | None = None
    source_url: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bases from `start` to `end` of the query, both counted from 1 and both included; across
    the origin of a circle when `start` is greater than `end`. A circle that matches as a whole
    goes from 1 to its length.

    From `least_labs` to `most_labs` labs share its sampled 21-mers, of which there are `kmers`
    (one at least); counts above 400 are estimates when there are several segments. `sources`, the
    largest share first, are plasmids of the top lab; a common stretch has none.
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
        """The strand of the first source; None without sources."""
        return self.sources[0].strand if self.sources else None


@dataclass(frozen=True, slots=True)
class LabSupport:
    """The stretches that support `lab`, strongest first; `left_off` more were found."""

    lab: str
    support: tuple[Stretch, ...]
    left_off: int


@dataclass(frozen=True, slots=True)
class Stretches:
    """What supports `lab`, the first of the answer (None: there is none), strongest first, and what
    more than `common_labs` labs have in common, longest first; `left_off` more stretches were
    found. `mosaic` tells of the whole query, part by part, whose it is, and `others` what supports
    other labs that were asked for."""

    lab: str | None
    common_labs: int
    support: tuple[Stretch, ...]
    common: tuple[Stretch, ...]
    left_off: int
    mosaic: tuple[MosaicPart, ...] = ()
    others: tuple[LabSupport, ...] = ()

    def __repr__(self) -> str:
        return (
            f"<Stretches: {len(self.support)} for {self.lab!r}, {len(self.common)} of common "
            f"property, {self.left_off} left off, {len(self.mosaic)} parts>"
        )


def sentence_of(
    labs: Sequence[Hit],
    *,
    outside: float | None,
    strength: Strength | None,
    reach: Reach | None = None,
) -> str:
    """Ranked labs, the probability of an outside lab, the strength and what is known of the query
    as one sentence."""
    if not labs:
        return "The index holds no lab to compare with."
    first = labs[0]
    if first.probability is None:
        return f"Nearest is {first.shown_name}; this index states no probabilities."
    odds = chances(first.probability)
    if reach is not None and reach.is_no_labs(first.probability):
        return f"{reach.words}; of the labs {first.shown_name} comes first, {odds}."
    extent = reach.extent if reach is not None else None
    end = f"; {extent}." if extent else "."
    if outside is None:
        return f"Most likely {first.shown_name}, {odds}, if the index knows the lab{end}"
    if outside > first.probability:
        stranger = f"Most likely a lab outside this index, {chances(outside)}"
        return f"{stranger}; of its labs {first.shown_name} comes first, {odds}{end}"
    if strength == "none":
        return f"No lab stands out: {first.shown_name} comes first, {odds}{end}"
    return f"Most likely {first.shown_name}, {odds}: {strength}{end}"


@dataclass(frozen=True, slots=True)
class Link:
    """Another query that the one of the answer shares rare stretches with: `share` (above 0, 1:
    all) of the sampled 21-mers that at most one lab of the index has, of the query that has fewer
    of them; `kmers` are that many."""

    query: str
    share: float
    kmers: int


@dataclass(frozen=True, slots=True)
class Attribution(Shown):
    """Ranked labs for one query, best first, ties by name.

    The probabilities of all labs and `outside`, that of a lab which the index does not know, sum to
    1, under the expectation or the certain kind of `work`; `strength` follows from the first lab's.
    `verdict` compares `confidence` with the `threshold`: 1 - `outside`; by a calibration that does
    not weigh outside labs the open-set score of `vecattr.calibration.open_set`; of an index without
    calibration the best score of a named lab. With a `coverage`, the labs are the candidate set
    that, with an outside lab, holds the truth with this probability. `notes` are sentences for the
    user. `evidence` for the first lab is present when it was requested. `source` is the file that
    the query was read from, if it comes from one, and `annotations` what that says of its
    `bases`, which no other program is told unless its format holds sequences.
    `links` are the queries that helped to answer this one, the largest share first; None unless
    help was requested. `right_share`: of held-out plasmids with an answer of this strength, the
    share whose first lab was right (None where the index cannot say). `reach` is how much of the
    query is known at all (None where k-mers play no part).

    >>> from vecattr import Index, read_plasmids
    >>> [plasmid] = read_plasmids(["query.fasta"])
    >>> answer = Index.open("my.index").query(plasmid, k=2)
    >>> [hit.name for hit in answer.labs], answer.verdict
    (['Lab 02', 'Lab 04'], 'uncalibrated')
    """

    uncalibrated_name: ClassVar[str] = "best cosine"

    query: str
    length: int
    topology: Topology
    labs: tuple[Hit, ...]
    verdict: Verdict
    confidence: float
    threshold: float | None
    neighbors: tuple[Neighbor, ...]
    notes: tuple[str, ...]
    provenance: Provenance
    work: str = "known"
    coverage: float | None = None
    evidence: Stretches | None = None
    source: str | None = None
    outside: float | None = None
    strength: Strength | None = None
    links: tuple[Link, ...] | None = None
    right_share: float | None = None
    reach: Reach | None = None
    annotations: tuple[Annotation, ...] = field(default=(), compare=False)
    bases: str = field(default="", compare=False, repr=False)

    @property
    def confidence_name(self) -> str:
        """What the confidence is called beside the threshold."""
        return "confidence"

    @property
    def sentence(self) -> str:
        """The answer in one sentence.

        >>> from vecattr import Index, read_plasmids
        >>> [plasmid] = read_plasmids(["query.fasta"])
        >>> Index.open("my.index").query(plasmid).sentence
        'Nearest is Lab 02; this index states no probabilities.'
        """
        return sentence_of(
            self.labs, outside=self.outside, strength=self.strength, reach=self.reach
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.query!r}: {self.sentence}>"


@dataclass(frozen=True, slots=True, repr=False)
class FusedAttribution(Attribution):
    """The answer of several indexes: a hit's `cosine` is the mean over those that know the lab.

    Where the indexes weigh outside labs, all is as with one. Else the
    `verdict` is that of more than half of the calibrated indexes, or `unknown`. `confidence` is
    the median margin, over the calibrated indexes, of the confidence above the index's own
    threshold (the lower median of an even number); the `threshold` is 0, or one fitted on plasmids
    held out of all indexes.
    """

    uncalibrated_name: ClassVar[str] = "median best cosine"

    @property
    def confidence_name(self) -> str:
        """As that of one index, or the margin over thresholds."""
        return "median margin" if self.outside is None else "confidence"
