"""What each answer is to hold: the options of a query as one checked value."""

from __future__ import annotations

from dataclasses import dataclass

from vecattr.errors import UsageError
from vecattr.indexes.scoring.confidence import DEFAULT_OPTIONS, ConfidenceOptions
from vecattr.indexes.storage.kmer_schema import MOST_LABS
from vecattr.plasmid import composed


@dataclass(frozen=True)
class AnswerRequest:
    """`k` labs, or the candidate set of `confidence` in their place, and so many `neighbors`; with
    near copies of the query, or as if there were none; with the `evidence` for the first lab, in
    which what more than so many labs share is common (None: without evidence), and for each lab of
    `evidence_for`.

    UsageError for numbers out of range.
    """

    k: int = 10
    neighbors: int = 0
    exclude_near_copies: bool = False
    confidence: ConfidenceOptions = DEFAULT_OPTIONS
    evidence: int | None = None
    evidence_for: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence_for", tuple(map(composed, self.evidence_for)))
        at_least(1, k=self.k)
        at_least(0, neighbors=self.neighbors)
        if self.evidence is not None and not 1 <= self.evidence <= MOST_LABS:
            raise UsageError(
                f"evidence that is common beyond {self.evidence} labs, expected 1 to {MOST_LABS}",
                hint="an index does not tell which labs have what more of them share",
            )
        if self.evidence_for and self.evidence is None:
            raise UsageError(
                "labs to show evidence for, and no evidence", hint="ask for evidence, too"
            )


def at_least(smallest: int, **values: int) -> None:
    """UsageError naming the first of these values that is below the smallest one."""
    for name, value in values.items():
        if value < smallest:
            raise UsageError(f"{name} is {value}, expected {smallest} or more")
