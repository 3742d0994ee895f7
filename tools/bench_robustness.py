"""How much damage does an answer stand? Top-1 and top-10 against length, errors, gaps and years.

    python tools/bench_robustness.py TABLE -i INDEX [--older OLDER] [--rows 500] [--seed 0]
        [-o FILE.json] [--pictures FOLDER]

Draws rows of the splits `dev` and `pub_dev` once, damages each of them in every way, and asks the
index by sequence alone. The other strand and other rotations are measured to show that they change
nothing; a sequence written backwards without complementing it is another molecule and is not asked.
OLDER is an index whose model and plasmids are of train rows with a `year` before 2020: it is asked
about publications of the years that it never saw. Prints Markdown tables; FILE gets the
numbers, FOLDER a picture of each table (needs matplotlib) and one of all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from robustness_pictures import Found, Lines, by_series, pictures

from vecattr.damage import chimera, fragment, masked, masked_stretch, substituted, with_indels
from vecattr.indexes.answer import doubt, verdict
from vecattr.indexes.engine import BATCH
from vecattr.indexes.panel import Panel, open_panel
from vecattr.intervals import group_codes
from vecattr.metrics import lab_ranks
from vecattr.plasmid import Plasmid
from vecattr.readers import ReadOptions, read_plasmids
from vecattr.version import __version__

Damage = Callable[[Plasmid, np.random.Generator], Plasmid]

SPLITS = ("dev", "pub_dev")
LENGTHS = (200, 500, 1000, 2000, 4000)
RATES = (0.0, 0.001, 0.01, 0.05)
GAPS = (0.0, 0.01, 0.05, 0.1, 0.2)
FRESH = ("2020", "2021")
BINS = ((0, 2009), (2010, 2013), (2014, 2016), (2017, 2019), (2020, 2020), (2021, 2021))


def read(table: Path, *, group_by: str | None = None, **where: Sequence[str]) -> list[Plasmid]:
    """Rows by the values of columns, as bare sequences."""
    pairs = tuple((column, value) for column, values in where.items() for value in values)
    options = ReadOptions(where=pairs, no_features=True, group_by=group_by, labelled=True)
    return [one for one in read_plasmids([table], options) if isinstance(one, Plasmid)]


def sample(plasmids: Sequence[Plasmid], rows: int, *, seed: int) -> list[Plasmid]:
    """So many of them by chance; all when there are fewer."""
    drawn = np.random.default_rng(seed).permutation(len(plasmids))[:rows]
    return [plasmids[row] for row in sorted(drawn.tolist())]


def damages() -> dict[str, dict[str, Damage]]:
    """Each way of damaging a plasmid, from none to most, by the name of its series and point."""

    def turned(one: Plasmid, rng: np.random.Generator) -> Plasmid:
        return one.rotated(int(rng.integers(len(one)))) if one.is_circular else one

    def of(damage: Callable[..., Plasmid], amount: float) -> Damage:
        return lambda one, rng: damage(one, amount, rng=rng)

    return {
        "fragment": {
            **{f"{length:,} bases": of(fragment, length) for length in LENGTHS},
            "all, linear": lambda one, rng: fragment(one, len(one), rng=rng),
            "whole": lambda one, rng: one,
        },
        "substitutions": {f"{rate:.1%}": of(substituted, rate) for rate in RATES},
        "indels": {f"{rate:.1%}": of(with_indels, rate) for rate in RATES},
        "N, scattered": {f"{share:.0%}": of(masked, share) for share in GAPS},
        "N, one stretch": {f"{share:.0%}": of(masked_stretch, share) for share in GAPS},
        "spelling": {
            "as given": lambda one, rng: one,
            "other strand": lambda one, rng: one.reverse_complement(),
            "rotated": turned,
            "both": lambda one, rng: turned(one, rng).reverse_complement(),
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
        some = plasmids[start : start + BATCH]
        vectors = panel.embed(some)
        found = panel.judge_vectors(vectors)
        scores.append(found.scores)
        pairs = zip(panel.indexes, vectors, strict=True)
        unread = np.all([index.are_unread(mine) for index, mine in pairs], axis=0)
        verdicts += [
            verdict(
                doubtful=doubt(one, unread=bool(unread[query])) is not None,
                confidence=float(found.sure.confidences[query]),
                threshold=found.sure.threshold(query),
            )
            for query, one in enumerate(some)
        ]
    is_calibrated = found.sure.thresholds is not None
    return np.concatenate(scores), np.array(verdicts) == "known" if is_calibrated else None


def asked(panel: Panel, plasmids: Sequence[Plasmid]) -> dict[str, Any]:
    """The figures of some labelled plasmids, and the share that the verdict calls known."""
    scores, known = judged(panel, plasmids)
    ranks = lab_ranks(scores, panel.lab_names, [one.lab or "" for one in plasmids])
    line = figures(ranks, [one.group for one in plasmids])
    return line if known is None else {**line, "known": round(float(known.mean()), 4)}


def series(
    panel: Panel, plasmids: Sequence[Plasmid], points: dict[str, Damage], *, seed: int
) -> Lines:
    """One line a point; a point's generator is that of its place, whatever was measured before."""
    lines = []
    for place, (name, damage) in enumerate(points.items()):
        rng = np.random.default_rng([seed, place])
        lines.append({"point": name, **asked(panel, [damage(one, rng) for one in plasmids])})
    return lines


def chimeras(panel: Panel, plasmids: Sequence[Plasmid], *, seed: int) -> Lines:
    """Pairs of plasmids of two named labs, asked about alone and as one half each: are both labs,
    and is either, in the first place or the first ten?"""
    rng = np.random.default_rng(seed)
    named = [one for one in plasmids if one.lab in panel.lab_names]
    order = rng.permutation(len(named)).tolist()
    pairs = [(named[a], named[b]) for a, b in zip(order, order[1:] + order[:1], strict=True)]
    pairs = [(one, other) for one, other in pairs if one.lab != other.lab]
    mixed = [chimera(one, other, rng=rng) for one, other in pairs]

    def ranks(asked_about: Sequence[Plasmid], side: int) -> NDArray[np.float64]:
        truths = [pair[side].lab or "" for pair in pairs]
        return lab_ranks(judged(panel, asked_about)[0], panel.lab_names, truths)

    groups = [one.group for one, _ in pairs]
    lines = []
    for name, queries in {
        "alone": [[pair[side] for pair in pairs] for side in (0, 1)],
        "chimera": [mixed, mixed],
    }.items():
        both = np.stack([ranks(mine, side) for side, mine in enumerate(queries)])  # (2, pairs)
        lines.append({"point": f"{name}: either", **figures(both.min(axis=0), groups)})
        line = figures(both.max(axis=0), groups)
        for entry in ("top1", "top1_se", "top1_by_group"):  # two labs, one first place
            del line[entry]
        lines.append({"point": f"{name}: both", **line})
    return lines


def years(table: Path, panel: Panel, older: Panel) -> dict[str, Lines]:
    """Publications that neither index saw, by year, of labs that both have; and what the older
    index makes of all rows of the years that it never saw."""
    year = {one.id: one.group for one in read(table, group_by="year", split=["pub_dev"])}
    shared = {*panel.lab_names} & {*older.lab_names}
    held = [one for one in read(table, split=["pub_dev"]) if one.lab in shared]
    found: dict[str, Lines] = {"all rows": [], "older": []}
    for name, asked_one in (("all rows", panel), ("older", older)):
        for first, last in BINS:
            rows = [one for one in held if first <= int(year[one.id] or -1) <= last]
            label = f"{first}-{last}" if first else f"to {last}"
            label = label if first < last else str(last)
            if rows:
                found[name].append({"point": label, **asked(asked_one, rows)})
    recent = read(table, split=["train", *SPLITS], year=FRESH)
    named = [one for one in recent if one.lab in shared]
    point = f"every row of {' and '.join(FRESH)} ({len(named)} of {len(recent)} are of known labs)"
    found["older"].append({"point": point, **asked(older, named)})
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All series of both splits, and the years when an older index is given."""
    panel = open_panel([options.index], threads=options.threads)
    found: dict[str, Any] = {}
    for split in SPLITS:
        everything = read(options.table, split=[split])
        some = sample(everything, options.rows, seed=options.seed)
        long = [one for one in everything if len(one) >= max(LENGTHS)]
        found[split] = {}
        for name, points in damages().items():
            rows = sample(long, options.rows, seed=options.seed) if name == "fragment" else some
            found[split][name] = series(panel, rows, points, seed=options.seed)
            print(f"{split}: {name}", file=sys.stderr)
        found[split]["chimeras"] = chimeras(panel, some, seed=options.seed)
    if options.older:
        older = open_panel([options.older], threads=options.threads)
        found["years"] = years(options.table, panel, older)
    return {"version": __version__, "index": panel.identity, "seed": options.seed, "series": found}


def tables(found: Found) -> str:
    """Markdown: a table for each series, the splits (or indexes) side by side, in percent."""
    text = []
    for name, sides in by_series(found).items():
        heads = [f"{side} {what}" for side in sides for what in ("top-1", "top-10", "known")]
        text.append(f"| {name} | {' | '.join(heads)} |\n|{' --- |' * (1 + len(heads))}\n")
        points = {line["point"]: None for lines in sides.values() for line in lines}
        for point in points:
            cells = [cell for lines in sides.values() for cell in _cells(lines, point)]
            text.append(f"| {point} | {' | '.join(cells)} |\n")
        text.append("\n")
    return "".join(text)


def _cells(lines: Lines, point: str) -> list[str]:
    [line] = [one for one in lines if one["point"] == point] or [{}]
    shares = [
        f"{100 * line[top]:.1f} ± {100 * line[f'{top}_se']:.1f}" if top in line else ""
        for top in ("top1", "top10")
    ]
    return [*shares, f"{100 * line['known']:.0f}" if "known" in line else ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("-i", "--index", type=Path, required=True)
    parser.add_argument("--older", type=Path, help="an index made without the later years")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    found = measure(options)
    print(tables(found["series"]))
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")
    if options.pictures:
        pictures(found["series"], options.pictures)


if __name__ == "__main__":
    main()
