"""How much damage does an answer stand? Top-1 and top-10 against length, errors, gaps and years.

    python tools/bench_robustness.py TABLE -i INDEX [--older OLDER] [--rows 500] [--seed 0]
        [-o FILE.json] [--pictures FOLDER]

Draws rows of the splits `dev` and `pub_dev` once, damages each of them in every way, and asks the
index by sequence alone. The other strand and other rotations are measured to show that they change
nothing; a sequence written backwards without complementing it is another molecule and is not asked.
OLDER is an index whose model and plasmids are of train rows with a `year` before 2020: it is asked
about publications of the years that it never saw. Prints Markdown tables; FILE gets the
numbers, FOLDER a picture of each table (needs matplotlib) and one of all. Bad records are
told on stderr, and the exit code is 3 then.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from robustness_pictures import AllSeries, Lines, by_series, pictures
from robustness_series import LENGTHS, accuracy, chimeras, damages, series
from table_rows import read_rows

from vecattr.cli.main import run
from vecattr.indexes.index import Panel, open_panel
from vecattr.plasmid import Plasmid
from vecattr.version import __version__

SPLITS = ("dev", "pub_dev")
FRESH = ("2020", "2021")
BINS = ((0, 2009), (2010, 2013), (2014, 2016), (2017, 2019), (2020, 2020), (2021, 2021))


def sample(plasmids: Sequence[Plasmid], rows: int, *, seed: int) -> list[Plasmid]:
    """So many of them by chance; all when there are fewer."""
    drawn = np.random.default_rng(seed).permutation(len(plasmids))[:rows]
    return [plasmids[row] for row in sorted(drawn.tolist())]


def years(table: Path, panel: Panel, older: Panel) -> dict[str, Lines]:
    """Publications that neither index saw, by year, of labs that both have; and what the older
    index makes of all rows of the years that it never saw."""
    year = {one.id: one.group for one in read_rows(table, group_by="year", split=["pub_dev"])}
    shared = {*panel.lab_names} & {*older.lab_names}
    held = [one for one in read_rows(table, split=["pub_dev"]) if one.lab in shared]
    found: dict[str, Lines] = {"all rows": [], "older": []}
    for name, asked_one in (("all rows", panel), ("older", older)):
        for first, last in BINS:
            rows = [one for one in held if first <= int(year[one.id] or -1) <= last]
            label = f"{first}-{last}" if first else f"to {last}"
            label = label if first < last else str(last)
            if rows:
                found[name].append({"point": label, **accuracy(asked_one, rows)})
    recent = read_rows(table, split=["train", *SPLITS], year=FRESH)
    named = [one for one in recent if one.lab in shared]
    point = f"every row of {' and '.join(FRESH)} ({len(named)} of {len(recent)} are of known labs)"
    found["older"].append({"point": point, **accuracy(older, named)})
    return found


def measure(
    table: Path, panel: Panel, older: Panel | None, *, rows: int, seed: int
) -> dict[str, dict[str, Lines]]:
    """All series of both splits, and the years when an older index is given."""
    found: dict[str, dict[str, Lines]] = {}
    for split in SPLITS:
        everything = read_rows(table, split=[split])
        some = sample(everything, rows, seed=seed)
        long = [one for one in everything if len(one) >= max(LENGTHS)]
        found[split] = {}
        for name, points in damages().items():
            mine = sample(long, rows, seed=seed) if name == "fragment" else some
            found[split][name] = series(panel, mine, points, seed=seed)
            click.echo(f"{split}: {name}", err=True)
        found[split]["chimeras"] = chimeras(panel, some, seed=seed)
    if older is not None:
        found["years"] = years(table, panel, older)
    return found


def tables(measured: AllSeries) -> str:
    """Markdown: a table for each series, the splits (or indexes) side by side, in percent."""
    text = []
    for name, sides in by_series(measured).items():
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


_TABLE = click.Path(exists=True, path_type=Path)
_OUT = click.Path(path_type=Path)


@click.command()
@click.argument("table", type=_TABLE)
@click.option("-i", "--index", type=_TABLE, required=True)
@click.option("--older", type=_TABLE, help="An index made without the later years.")
@click.option("--rows", type=click.IntRange(min=2), default=500, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--threads", type=click.IntRange(min=1))
@click.option("-o", "--output", type=_OUT)
@click.option("--pictures", "folder", type=_OUT, metavar="FOLDER")
def main(
    table: Path,
    index: Path,
    older: Path | None,
    rows: int,
    seed: int,
    threads: int | None,
    output: Path | None,
    folder: Path | None,
) -> None:
    """Measure how much damage an answer of the index stands."""
    panel = open_panel([index], threads=threads)
    before = open_panel([older], threads=threads) if older else None
    found = measure(table, panel, before, rows=rows, seed=seed)
    click.echo(tables(found))
    facts: dict[str, Any] = {"version": __version__, "index": panel.identity, "seed": seed}
    if output:
        output.write_text(json.dumps({**facts, "series": found}, indent=1) + "\n")
    if folder:
        pictures(found, folder)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="bench_robustness.py"))
