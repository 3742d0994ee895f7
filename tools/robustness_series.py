"""A panel and labelled plasmids in, its accuracy by kind and amount of damage out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from robustness_pictures import Lines

from vecattr.indexes.answering.embedded_queries import embed_without_neighbors
from vecattr.indexes.answering.judgement import judge
from vecattr.indexes.answering.lab_scores import score_labs
from vecattr.indexes.answering.verdict import doubt, verdict
from vecattr.indexes.index import Panel
from vecattr.indexes.scoring.confidence import DEFAULT_OPTIONS
from vecattr.indexes.scoring.opened_index import BATCH
from vecattr.metrics.bootstrap import group_codes
from vecattr.metrics.ranking import lab_ranks
from vecattr.plasmid import Plasmid
from vecattr.sequences.mutations import (
    chimera,
    fragment,
    masked,
    masked_stretch,
    substituted,
    with_indels,
)

Damage = Callable[[Plasmid, np.random.Generator], Plasmid]

LENGTHS = (200, 500, 1000, 2000, 4000)
RATES = (0.0, 0.001, 0.01, 0.05)
GAPS = (0.0, 0.01, 0.05, 0.1, 0.2)


def damages() -> dict[str, dict[str, Damage]]:
    """Each way of damaging a plasmid, from none to most, by the name of its series and point."""

    def rotated(plasmid: Plasmid, rng: np.random.Generator) -> Plasmid:
        if not plasmid.is_circular:
            return plasmid
        return plasmid.rotated(int(rng.integers(len(plasmid))))

    def by(amount: float, damage: Callable[..., Plasmid]) -> Damage:
        return lambda plasmid, rng: damage(plasmid, amount, rng=rng)

    return {
        "fragment": {
            **{f"{length:,} bases": by(length, fragment) for length in LENGTHS},
            "all, linear": lambda plasmid, rng: fragment(plasmid, len(plasmid), rng=rng),
            "whole": lambda plasmid, rng: plasmid,
        },
        "substitutions": {f"{rate:.1%}": by(rate, substituted) for rate in RATES},
        "indels": {f"{rate:.1%}": by(rate, with_indels) for rate in RATES},
        "N, scattered": {f"{share:.0%}": by(share, masked) for share in GAPS},
        "N, one stretch": {f"{share:.0%}": by(share, masked_stretch) for share in GAPS},
        "spelling": {
            "as given": lambda plasmid, rng: plasmid,
            "other strand": lambda plasmid, rng: plasmid.reverse_complement(),
            "rotated": rotated,
            "both": lambda plasmid, rng: rotated(plasmid, rng).reverse_complement(),
        },
    }


def figures(ranks: NDArray[np.float64], groups: Sequence[str | None]) -> dict[str, Any]:
    """Shares in the first place and the first ten, each with its standard error between groups
    (rows of one publication succeed and fail together) and the mean of the groups' shares."""
    codes = group_codes(groups)
    line: dict[str, Any] = {"n": len(ranks), "groups": int(codes.max()) + 1}
    for k in (1, 10):
        hits = ranks <= k
        share = float(hits.mean())
        sums = np.bincount(codes, weights=hits - share)  # (groups,)
        line[f"top{k}"] = round(share, 4)
        line[f"top{k}_se"] = round(float(np.sqrt((sums**2).sum())) / len(ranks), 4)
        by_group = np.bincount(codes, weights=hits) / np.bincount(codes)
        line[f"top{k}_by_group"] = round(float(by_group.mean()), 4)
    return line


def judged(
    panel: Panel, plasmids: Sequence[Plasmid]
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Scores (q, n), and which queries the verdict calls known (q,), None without a threshold."""
    scores, verdicts = [], []
    for start in range(0, len(plasmids), BATCH):
        batch = plasmids[start : start + BATCH]
        queries = embed_without_neighbors(panel, batch, exclude_near_copies=False)
        judgement = judge(panel, queries, score_labs(panel, queries), DEFAULT_OPTIONS)
        scores.append(judgement.scores)
        verdicts += [
            verdict(
                doubtful=doubt(plasmid, unread=bool(queries.unread[query])) is not None,
                confidence=float(judgement.confidence.confidences[query]),
                threshold=judgement.confidence.threshold(query),
            )
            for query, plasmid in enumerate(batch)
        ]
    is_calibrated = judgement.confidence.thresholds is not None
    return np.concatenate(scores), np.array(verdicts) == "known" if is_calibrated else None


def accuracy(panel: Panel, plasmids: Sequence[Plasmid]) -> dict[str, Any]:
    """The figures of labelled plasmids, and the share that the verdict calls known."""
    scores, is_known = judged(panel, plasmids)
    ranks = lab_ranks(scores, panel.lab_names, [plasmid.lab or "" for plasmid in plasmids])
    line = figures(ranks, [plasmid.group for plasmid in plasmids])
    return line if is_known is None else {**line, "known": round(float(is_known.mean()), 4)}


def series(
    panel: Panel, plasmids: Sequence[Plasmid], points: dict[str, Damage], *, seed: int
) -> Lines:
    """One line per point; each point has a generator of its own, seeded by its place."""
    lines = []
    for place, (name, damage) in enumerate(points.items()):
        rng = np.random.default_rng([seed, place])
        lines.append(
            {"point": name, **accuracy(panel, [damage(plasmid, rng) for plasmid in plasmids])}
        )
    return lines


def chimeras(panel: Panel, plasmids: Sequence[Plasmid], *, seed: int) -> Lines:
    """Pairs of plasmids of two named labs, queried alone and joined, one half of each: how often
    both labs, and how often either, are in the first place or the first ten."""
    rng = np.random.default_rng(seed)
    named = [plasmid for plasmid in plasmids if plasmid.lab in panel.lab_names]
    order = rng.permutation(len(named)).tolist()
    neighbors = zip(order, order[1:] + order[:1], strict=True)
    pairs = [(named[a], named[b]) for a, b in neighbors if named[a].lab != named[b].lab]
    joined = [chimera(first, second, rng=rng) for first, second in pairs]

    def ranks(queries: Sequence[Plasmid], side: int) -> NDArray[np.float64]:
        truths = [pair[side].lab or "" for pair in pairs]
        return lab_ranks(judged(panel, queries)[0], panel.lab_names, truths)

    groups = [first.group for first, _ in pairs]
    lines = []
    for name, queries in {
        "alone": [[pair[side] for pair in pairs] for side in (0, 1)],
        "chimera": [joined, joined],
    }.items():
        both = np.stack([ranks(rows, side) for side, rows in enumerate(queries)])  # (2, pairs)
        lines.append({"point": f"{name}: either", **figures(both.min(axis=0), groups)})
        line = figures(both.max(axis=0), groups)
        for entry in ("top1", "top1_se", "top1_by_group"):  # two labs, one first place
            del line[entry]
        lines.append({"point": f"{name}: both", **line})
    return lines
