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

from peers.answers import AnswerFiles
from peers.rows import Bench
from vecattr.metrics.bootstrap import group_codes
from vecattr.plasmid import POOLED, Plasmid

#: Bins of numbers: the first number of each bin but the first, and the names of the bins.
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
    return [row.topology for row in rows]


def by_length(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    return [_binned(len(row), LENGTHS) for row in rows]


def by_class(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    """Whether the true lab is pooled or named."""
    labels = [bench.rule.label(row.lab or "") for row in rows]
    return ["pooled lab" if label == POOLED else "named lab" for label in labels]


def by_stored(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    """How many plasmids of the true lab are stored; named labs alone."""
    counts = Counter(bench.rule.label(plasmid.lab or "") for plasmid in bench.train())
    counts[POOLED] = 0
    stored = [counts[bench.rule.label(row.lab or "")] for row in rows]
    return [_binned(count, STORED) if count else None for count in stored]


def by_year(bench: Bench, split: str, rows: Sequence[Plasmid]) -> list[str | None]:
    """The column `year`; a row without one is of no kind. InputError when there is no column."""
    year_by_id = {row.id: row.group for row in bench.rows(split, group_by="year")}
    years = [year_by_id[row.id] for row in rows]
    return [_binned(int(year), YEARS) if year else None for year in years]


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
    def from_values(cls, values: NDArray[np.float64], groups: NDArray[np.intp]) -> Share:
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
    answer_files: Mapping[str, AnswerFiles],
    *,
    splits: Sequence[str],
    rows: int,
    kinds: Sequence[str],
    ours: str,
) -> list[Stratum]:
    """All rows of each split first, then its rows by each of `kinds` (of KINDS), in the order of
    their names. Peers without an answer in a split are left out of it."""
    measured = []
    for split in splits:
        ranks = ranks_of(answer_files, split, rows=rows)
        answered = set.intersection(*map(set, ranks.values())) if ranks else set()
        queries = [query for query in bench.drawn(split)[:rows] if query.id in answered]
        divisions: list[list[str | None]] = [["all" for _ in queries]]
        divisions += [KINDS[kind](bench, split, queries) for kind in kinds]
        for division in divisions:
            for name in sorted({kind for kind in division if kind}, key=_place):
                members = [
                    query for query, kind in zip(queries, division, strict=True) if kind == name
                ]
                measured.append(_stratum(split, name, members, ranks, ours=ours))
    return measured


def _place(kind: str) -> tuple[int, str]:
    """Kinds of numbers in the order of the numbers, others by name."""
    names = (*LENGTHS[1], *STORED[1], *YEARS[1])
    return (names.index(kind) if kind in names else -1), kind


def ranks_of(
    answer_files: Mapping[str, AnswerFiles], split: str, *, rows: int
) -> dict[str, dict[str, float]]:
    """For each peer that answered, the rank of the true lab by id."""
    ranks = {}
    for name, files in answer_files.items():
        chunks = files.chunks(split, rows=rows)
        ranks[name] = {answer.id: answer.rank for answers, _ in chunks for answer in answers}
    return {name: peer_ranks for name, peer_ranks in ranks.items() if peer_ranks}


def _stratum(
    split: str,
    kind: str,
    rows: Sequence[Plasmid],
    ranks: Mapping[str, Mapping[str, float]],
    *,
    ours: str,
) -> Stratum:
    groups = group_codes([row.group for row in rows])
    hits = {
        name: [
            np.array([peer_ranks[row.id] <= k for row in rows], dtype=np.float64) for k in (1, 10)
        ]
        for name, peer_ranks in ranks.items()
    }  # of each peer two (n,)

    def shares(name: str) -> tuple[Share, Share]:
        first, ten = hits[name]
        return Share.from_values(first, groups), Share.from_values(ten, groups)

    def ahead(name: str) -> tuple[Share, Share] | None:
        if name == ours or ours not in hits:
            return None
        first, ten = (
            peer_hits - our_hits for peer_hits, our_hits in zip(hits[name], hits[ours], strict=True)
        )
        return Share.from_values(first, groups), Share.from_values(ten, groups)

    return Stratum(
        split=split,
        kind=kind,
        n=len(rows),
        groups=len(set(groups.tolist())),
        shares={name: shares(name) for name in hits},
        ahead={name: ahead(name) for name in hits},
    )


def strata_text(measured: Sequence[Stratum]) -> str:
    """Two Markdown tables in percent: top-1 / top-10 of each peer by kind of query, and where a
    peer is ahead of vecattr."""
    peers = list(dict.fromkeys(name for stratum in measured for name in stratum.shares))
    lines = [["split", "rows", "n (publications)", *peers], ["---"] * (3 + len(peers))]
    for stratum in measured:
        cells = [_pair(stratum.shares.get(name)) for name in peers]
        count = f"{stratum.n} ({stratum.groups})"
        lines.append([stratum.split, stratum.kind, count, *cells])
    behind = [["split", "rows", "n", "ahead of vecattr", "top-1", "top-10"], ["---"] * 6]
    for stratum in measured:
        for name, lead in stratum.ahead.items():
            if lead is not None and any(share.value > 0 for share in lead):
                cells = [f"{100 * share.value:+.1f} ± {100 * share.error:.1f}" for share in lead]
                behind.append([stratum.split, stratum.kind, str(stratum.n), name, *cells])
    return "\n\n".join(
        "\n".join(f"| {' | '.join(line)} |" for line in table) for table in (lines, behind)
    )


def _pair(shares: tuple[Share, Share] | None) -> str:
    if shares is None:
        return ""
    first, ten = (f"{100 * share.value:.1f} ± {100 * share.error:.1f}" for share in shares)
    return f"{first} / {ten}"


def strata_facts(measured: Sequence[Stratum]) -> list[dict[str, Any]]:
    """The same for JSON, shares in [0, 1]."""
    facts = []
    for stratum in measured:
        peers = {
            name: {
                f"{top}{suffix}": round(getattr(share, field), 4)
                for top, share in zip(("top1", "top10"), shares, strict=True)
                for suffix, field in (("", "value"), ("_se", "error"))
            }
            for name, shares in stratum.shares.items()
        }
        facts.append({"split": stratum.split, "rows": stratum.kind, "n": stratum.n, "peers": peers})
    return facts
