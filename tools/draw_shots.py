"""Plasmids of new labs in; a few of each to add and the rest to query, as two tables, out.

    python tools/draw_shots.py TABLE --where split=newlab_dev --shots 5 --seed 0 -o FOLDER

Writes FOLDER/supports.csv (`--shots` plasmids of every lab, drawn with the seed) and
FOLDER/queries.csv (all others; labs with no plasmid left are not queried). Bad records are
reported on stderr, and the exit code is 3 then. Then run

    vecattr add-lab FOLDER/supports.csv -i INDEX
    vecattr evaluate FOLDER/queries.csv -i INDEX
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import click
import numpy as np

from vecattr.cli.main import run
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.cli.options.types import conditions
from vecattr.plasmid import Plasmid
from vecattr.readers.plasmid_table import table_text
from vecattr.readers.plasmids import ReadOptions


def draw(
    plasmids: list[Plasmid], *, shots: int, rng: np.random.Generator
) -> tuple[list[Plasmid], list[Plasmid]]:
    """(supports, queries); a lab gives at most all but one of its plasmids as supports."""
    by_lab: dict[str, list[Plasmid]] = defaultdict(list)
    for plasmid in plasmids:
        by_lab[plasmid.lab or ""].append(plasmid)
    supports: list[Plasmid] = []
    queries: list[Plasmid] = []
    for lab in sorted(by_lab):
        order = rng.permutation(len(by_lab[lab]))
        drawn = set(order[: min(shots, len(order) - 1)].tolist())
        for row, plasmid in enumerate(by_lab[lab]):
            (supports if row in drawn else queries).append(plasmid)
    return supports, queries


@click.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.option("--where", multiple=True, callback=conditions, metavar="COLUMN=VALUE")
@click.option("--shots", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(
    table: Path, where: tuple[tuple[str, str], ...], shots: int, seed: int, output: Path
) -> None:
    """Split the plasmids of the table."""
    plasmids = load_labelled_plasmids([str(table)], ReadOptions(where=where))
    supports, queries = draw(plasmids, shots=shots, rng=np.random.default_rng(seed))
    output.mkdir(parents=True, exist_ok=True)
    (output / "supports.csv").write_text(table_text(supports))
    (output / "queries.csv").write_text(table_text(queries))
    click.echo(f"{len(supports)} supports, {len(queries)} queries")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="draw_shots.py"))
