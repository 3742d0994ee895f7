"""Split the plasmids of new labs into a few to add and the rest to ask about.

    python tools/draw_shots.py TABLE --where split=newlab_dev --shots 5 --seed 0 -o FOLDER

Writes FOLDER/supports.csv (`--shots` plasmids of every lab, drawn with the seed) and
FOLDER/queries.csv (all others; labs with no plasmid left are not asked about), for

    vecattr add-lab FOLDER/supports.csv -i INDEX
    vecattr evaluate FOLDER/queries.csv -i INDEX
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from vecattr.plasmid import Plasmid
from vecattr.readers import ReadOptions, read_plasmids
from vecattr.sheets import table_text


def draw(
    plasmids: list[Plasmid], *, shots: int, rng: np.random.Generator
) -> tuple[list[Plasmid], list[Plasmid]]:
    """(supports, queries); a lab gives at most all but one of its plasmids as supports."""
    by_lab: dict[str, list[Plasmid]] = defaultdict(list)
    for plasmid in plasmids:
        by_lab[plasmid.lab or ""].append(plasmid)
    supports, queries = [], []
    for lab in sorted(by_lab):
        order = rng.permutation(len(by_lab[lab]))
        drawn = set(order[: min(shots, len(order) - 1)].tolist())
        for row, plasmid in enumerate(by_lab[lab]):
            (supports if row in drawn else queries).append(plasmid)
    return supports, queries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    where = tuple(tuple(condition.split("=", 1)) for condition in options.where)
    records = read_plasmids([options.table], ReadOptions(where=where))
    plasmids = [record for record in records if isinstance(record, Plasmid)]
    rng = np.random.default_rng(options.seed)
    supports, queries = draw(plasmids, shots=options.shots, rng=rng)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "supports.csv").write_text(table_text(supports))
    (options.output / "queries.csv").write_text(table_text(queries))
    print(f"{len(supports)} supports, {len(queries)} queries")


if __name__ == "__main__":
    main()
