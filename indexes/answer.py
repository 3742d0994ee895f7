"""Ranked labs of one query in, the verdict and the notes that a person should read out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vecattr.attribution import (
    SHORTEST_TRUSTED,
    Attribution,
    Hit,
    Neighbor,
    Provenance,
    Verdict,
)
from vecattr.plasmid import POOLED, Plasmid

#: No cosine is lower: the confidence when no lab has a name.
NO_CONFIDENCE = -1.0


def best_named_cosine(hits: Iterable[Hit]) -> float:
    """The cosine of the first hit that is not the pool; NO_CONFIDENCE when there is none."""
    return next((hit.cosine for hit in hits if hit.name != POOLED), NO_CONFIDENCE)


def verdict(length: int, *, confidence: float, threshold: float | None) -> Verdict:
    """Known or unknown; never known for a query that is too short to trust."""
    if length < SHORTEST_TRUSTED:
        return "unknown"
    if threshold is None:
        return "uncalibrated"
    return "known" if confidence >= threshold else "unknown"


def notes(length: int, *, labs: int, k: int) -> Iterator[str]:
    """What to say beside an answer from an index of so many classes."""
    if length < SHORTEST_TRUSTED:
        yield f"only {length} {'base' if length == 1 else 'bases'}: too short to trust"
    if labs < k:
        yield f"the index holds {labs} {'class' if labs == 1 else 'classes'}, fewer than {k}"


def attribution(
    plasmid: Plasmid,
    hits: tuple[Hit, ...],
    *,
    confidence: float,
    threshold: float | None,
    neighbors: tuple[Neighbor, ...],
    notes: Iterable[str],
    provenance: Provenance,
) -> Attribution:
    """The answer to one query."""
    return Attribution(
        query=plasmid.id,
        length=len(plasmid),
        topology=plasmid.topology,
        labs=hits,
        verdict=verdict(len(plasmid), confidence=confidence, threshold=threshold),
        confidence=confidence,
        threshold=threshold,
        neighbors=neighbors,
        notes=tuple(notes),
        provenance=provenance,
    )
