"""The verdict on one query and the notes beside it: facts about the query in, words out."""

from __future__ import annotations

from vecattr.attribution import SHORTEST_TRUSTED, Verdict
from vecattr.plasmid import Plasmid
from vecattr.ranking.rank_fusion import Fusion

#: What people call the ways to fuse.
_FUSION_NAMES: dict[Fusion, str] = {
    "copeland": "Copeland's method",
    "rrf": "reciprocal-rank fusion",
    "shares": "the mean logarithm of shares",
}


def verdict(*, doubtful: bool, confidence: float, threshold: float | None) -> Verdict:
    """Known or unknown; never known for a query that is not to be trusted."""
    if doubtful:
        return "unknown"
    if threshold is None:
        return "uncalibrated"
    return "known" if confidence >= threshold else "unknown"


def doubt(plasmid: Plasmid, *, unread: bool) -> str | None:
    """Why no answer to this query is to be trusted, if so.

    `unread`: its vector is the one of a lone N. Every sequence without a single k-mer that the
    encoder knows has that vector, and some lab is always near it.
    """
    length = len(plasmid)
    if length < SHORTEST_TRUSTED:
        return f"only {length} {'base' if length == 1 else 'bases'}: too short to trust"
    clear = sum(map(plasmid.sequence.count, "ACGT"))
    if clear < SHORTEST_TRUSTED:
        return f"only {clear} of {length} bases are A, C, G or T: too few to trust"
    return "the model knows no part of this sequence: nothing to trust" if unread else None


def fewer_classes(labs: int, *, k: int) -> str | None:
    """What to say when an index has fewer classes than were asked for."""
    if labs >= k:
        return None
    return f"the index holds {labs} {'class' if labs == 1 else 'classes'}, fewer than {k}"


def set_note(labs: int, *, coverage: float | None, work: str, weighs_outside: bool) -> str | None:
    """What a candidate set of so many labs promises."""
    if coverage is None:
        return None
    if weighs_outside:
        return (
            f"candidate set of {labs}: with a lab outside the index it holds the true lab with "
            f"probability {coverage:g} or more, if queries are as expected ({work})"
        )
    return (
        f"candidate set of {labs}: holds the true lab with probability {coverage:g} or more, if "
        f"the lab is in the index and the plasmid comes from {work} work"
    )


def fusion_note(indexes: int, *, fusion: Fusion) -> str | None:
    """How many indexes answered, and how they were fused; None when one answered."""
    if indexes == 1:
        return None
    return f"fused from {indexes} indexes by {_FUSION_NAMES[fusion]}"
