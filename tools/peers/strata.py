"""The answers of some peers and facts about the rows in; figures by kind of query out.

Peers are compared on the rows that all of them answered. Standard errors are between publications,
because plasmids of one succeed or fail together; a row without one is its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peers.answers import Shelf
from peers.rows import Bench
from vecattr.metrics.bootstrap import group_codes
from vecattr.plasmid import POOLED, Plasmid

#: Of numbers: the first of each kind but the first, and what the kinds are called.
LENGTHS = ((1000, 5001), ("under 1,000 bases", "1,000 to 5,000", "more than 5,000"))
STORED = ((6, 21), ("1 to 5 stored", "6 to 20", "more than 20"))
YEARS = ((2010, 2014, 2018, 2020), ("to 2009", "2010-2013", "2014-2017", "2018-2019", "from 2020"))

#: From the rows of a split to the kind of each, None for rows that are of no kind.
Kinds = Callable[[Bench, str, Sequence[Plasmid]], list[str | None]]
Bins = tuple[tuple[int, ...], tuple[str, ...]]


def _binned(number: int, bins: Bins) -> str:
    firsts, names = bins
    return names[sum(number >= first for first in firsts)]


def by_topology(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    return [one.topology for one in rows]


def by_length(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    return [_binned(len(one), LENGTHS) for one in rows]


def by_class(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    """Whether the true lab is pooled or named."""
    labels = [bench.rule.label(one.lab or "") for one in rows]
    return ["pooled lab" if label == POOLED else "named lab" for label in labels]


def by_stored(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    """How many plasmids of the true lab are stored; named labs alone."""
    counts = Counter(bench.rule.label(one.lab or "") for one in bench.train())
    counts[POOLED] = 0
    stored = [counts[bench.rule.label(one.lab or "")] for one in rows]
    return [_binned(count, STORED) if count else None for count in stored]


def by_year(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    """The column `year`; a row without one is of no kind. InputError when there is no column."""
    year = {one.id: one.group for one in bench.rows(split, group_by="year")}
    told = [year[one.id] for one in rows]
    return [_binned(int(one), YEARS) if one else None for one in told]


KINDS: Mapping[str, Kinds] = {
    "topology": by_topology,
    "length": by_length,
    "class": by_class,
    "stored": by_stored,
    "year": by_year,
}


@dataclass(frozen=True)
class Share:
    """Of a kind's rows, in [0, 1], with the standard error between groups."""

    value: float
    error: float

    @classmethod
    def of(cls, values: NDArray[np.float64], groups: NDArray[np.intp]) -> Share:
        """The mean of `values` (n,), rows of equal `groups` (n,) moving together: the root of the
        sum over groups of the squared sums of residuals, divided by n (Liang and Zeger 1986)."""
        mean = float(values.mean())
        sums = np.bincount(groups, weights=values - mean)
        return cls(mean, float(np.sqrt((sums**2).sum())) / len(values))


@dataclass(frozen=True)
class Stratum:
    """Of one kind of query in one split: the number of rows, of groups, and for each peer the
    shares that it has in the first place and in the first ten, and how far they lie above those
    of vecattr on the same rows (None without vecattr)."""

    split: str
    kind: str
    n: int
    groups: int
    shares: dict[str, tuple[Share, Share]]
    ahead: dict[str, tuple[Share, Share] | None]


def strata(
    bench: Bench,
    shelves: Mapping[str, Shelf],
    *,
    splits: Sequence[str],
    rows: int,
    kinds: Sequence[str],
    ours: str,
) -> list[Stratum]:
    """All of each split first, then its rows by each of `kinds` (of KINDS), in the order of their
    names. Peers without an answer in a split are left out of it."""
    found = []
    for split in splits:
        ranks = ranks_of(shelves, split, rows=rows)
        drawn = bench.drawn(split)[:rows]
        answered = set.intersection(*(set(mine) for mine in ranks.values())) if ranks else set()
        some = [one for one in drawn if one.id in answered]
        divisions: list[list[str | None]] = [["all" for _ in some]]
        divisions += [KINDS[kind](bench, split, some) for kind in kinds]
        for division in divisions:
            for kind in sorted({one for one in division if one}, key=_place):
                mine = [one for one, its in zip(some, division, strict=True) if its == kind]
                found.append(_stratum(split, kind, mine, ranks, ours=ours))
    return found


def _place(kind: str) -> tuple[int, str]:
    """Kinds of numbers in the order of the numbers, others by name."""
    names = (*LENGTHS[1], *STORED[1], *YEARS[1])
    return (names.index(kind) if kind in names else -1), kind


def ranks_of(shelves: Mapping[str, Shelf], split: str, *, rows: int) -> dict[str, dict[str, float]]:
    """For each peer that answered, the rank of the true lab by id."""
    ranks = {}
    for name, shelf in shelves.items():
        chunks = shelf.chunks(split, rows=rows)
        ranks[name] = {one.id: one.rank for answers, _ in chunks for one in answers}
    return {name: mine for name, mine in ranks.items() if mine}


def _stratum(
    split: str,
    kind: str,
    rows: Sequence[Plasmid],
    ranks: Mapping[str, Mapping[str, float]],
    *,
    ours: str,
) -> Stratum:
    groups = group_codes([one.group for one in rows])
    hits = {
        name: [np.array([mine[one.id] <= k for one in rows], dtype=np.float64) for k in (1, 10)]
        for name, mine in ranks.items()
    }  # of each peer two (n,)

    def shares(name: str) -> tuple[Share, Share]:
        first, ten = hits[name]
        return Share.of(first, groups), Share.of(ten, groups)

    def ahead(name: str) -> tuple[Share, Share] | None:
        if name == ours or ours not in hits:
            return None
        first, ten = (mine - its for mine, its in zip(hits[name], hits[ours], strict=True))
        return Share.of(first, groups), Share.of(ten, groups)

    return Stratum(
        split=split,
        kind=kind,
        n=len(rows),
        groups=len(set(groups.tolist())),
        shares={name: shares(name) for name in hits},
        ahead={name: ahead(name) for name in hits},
    )


def strata_text(found: Sequence[Stratum]) -> str:
    """Two Markdown tables in percent: top-1 / top-10 of each peer by kind of query, and where a
    peer is ahead of vecattr."""
    peers = list(dict.fromkeys(name for one in found for name in one.shares))
    lines = [("split", "rows", "n (publications)", *peers), ("---",) * (3 + len(peers))]
    for one in found:
        cells = [_pair(one.shares.get(name)) for name in peers]
        lines.append((one.split, one.kind, f"{one.n} ({one.groups})", *cells))
    behind = [("split", "rows", "n", "ahead of vecattr", "top-1", "top-10"), ("---",) * 6]
    for one in found:
        for name, more in one.ahead.items():
            if more is not None and any(share.value > 0 for share in more):
                cells = [f"{100 * its.value:+.1f} ± {100 * its.error:.1f}" for its in more]
                behind.append((one.split, one.kind, str(one.n), name, *cells))
    return "\n\n".join(
        "\n".join(f"| {' | '.join(line)} |" for line in table) for table in (lines, behind)
    )


def _pair(shares: tuple[Share, Share] | None) -> str:
    if shares is None:
        return ""
    first, ten = (f"{100 * one.value:.1f} ± {100 * one.error:.1f}" for one in shares)
    return f"{first} / {ten}"


def strata_facts(found: Sequence[Stratum]) -> list[dict[str, Any]]:
    """The same for JSON, shares in [0, 1]."""
    facts = []
    for one in found:
        peers = {
            name: {
                f"{top}{what}": round(getattr(share, part), 4)
                for top, share in zip(("top1", "top10"), shares, strict=True)
                for what, part in (("", "value"), ("_se", "error"))
            }
            for name, shares in one.shares.items()
        }
        facts.append({"split": one.split, "rows": one.kind, "n": one.n, "peers": peers})
    return facts
