"""The answer to one query: what the engine returns and `render` prints, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from vecattr.plasmid import Topology
from vecattr.stretch import Stretches

#: `uncalibrated`: the index holds no threshold, so nothing is claimed.
Verdict = Literal["known", "unknown", "uncalibrated"]

#: Does the collection hold plasmids of the same work, such as a publication? Answers about `known`
#: work are right far more often than about `new` work.
Work = Literal["known", "new"]
WORKS: tuple[Work, ...] = get_args(Work)

#: Queries with fewer clear bases (A, C, G, T) are answered, and marked not to be trusted.
SHORTEST_TRUSTED = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked lab. `score` is the sort key, bigger is better; `cosine` lies in [-1, 1];
    `probability`: of being the lab, if the lab is one of the index's (None: not calibrated)."""

    name: str
    score: float
    cosine: float
    probability: float | None = None

    @property
    def sort_key(self) -> tuple[float, str]:
        """Best first, ties by name."""
        return -self.score, self.name


@dataclass(frozen=True, slots=True)
class Neighbor:
    """One stored plasmid near the query: `lab` is its true lab, `label` the class it counts for."""

    id: str
    lab: str
    label: str
    cosine: float
    length: int
    topology: Topology


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which tool, model and index made an answer (hex identities)."""

    version: str
    model: str
    index: str


@dataclass(frozen=True, slots=True)
class Attribution:
    """Ranked labs for one query, best first, ties by name.

    `verdict` compares `confidence` (`vecattr.calibration.open_set`, from 0 to 1; of an index
    without calibration the best cosine of a named lab) with the calibrated `threshold`.
    Probabilities are for plasmids of such `work`. With a `coverage`, the labs are the candidate set
    that holds the true one so often. `notes` are sentences a person should read. `evidence` for the
    first lab is there when it was asked for.
    """

    confidence_name: ClassVar[str] = "familiarity"
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
    work: Work = "known"
    coverage: float | None = None
    evidence: Stretches | None = None


@dataclass(frozen=True, slots=True)
class FusedAttribution(Attribution):
    """The answer of several indexes: a hit's `cosine` is the mean over those that know the lab.

    `verdict` is that of more than half of the calibrated indexes, else `unknown`. `confidence` is
    how far the index that decides it (the median, of an even number the lower one) lies above its
    own threshold; the `threshold` is 0, or what was found on plasmids held out of all indexes.
    """

    confidence_name: ClassVar[str] = "median margin"
    uncalibrated_name: ClassVar[str] = "median best cosine"
