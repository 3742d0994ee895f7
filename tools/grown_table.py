"""A table of plasmids and a number of copies in, a table of so many times as many plasmids and labs
out, to build from.

    python tools/grown_table.py T --where split=train --labs L --copies 4 -o grown.csv

The first copy is the rows as they are. In each further one 3 % of the bases are substituted, and
ids, labs and publications have names of their own, as in `grown_index.py`. With `--labs` the labs
that are classes go to a file beside the table, `grown.labs.txt`, with those of all copies. One row
is in memory at a time.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from grown_index import renamed

from vecattr.plasmid import Plasmid
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.sequences.mutations import substituted

#: The share of bases that is substituted.
RATE = 0.03


def copied(plasmid: Plasmid, copy: int, *, rng: np.random.Generator) -> Plasmid:
    """The plasmid in this copy."""
    if not copy:
        return plasmid
    assert plasmid.lab is not None, "rows are read with labs"
    return replace(
        substituted(plasmid, RATE, rng=rng),
        id=renamed(plasmid.id, copy),
        lab=renamed(plasmid.lab, copy),
        group=None if plasmid.group is None else renamed(plasmid.group, copy),
    )


def rows(table: str, where: str) -> Iterator[Plasmid]:
    """The rows of the table that are copied."""
    column, _, value = where.partition("=")
    options = ReadOptions(where=((column, value),), labelled=True)
    return (row for row in read_plasmids([table], options) if isinstance(row, Plasmid))


def grow_table(table: str, where: str, path: Path, *, copies: int) -> int:
    """Write the table; how many rows it has."""
    names = sorted(next(rows(table, where)).features or {})
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sequence_id", "lab", "topology", "publication", *names, "sequence"])
        for copy in range(copies):
            rng = np.random.default_rng(copy)
            for row in rows(table, where):
                plasmid, count = copied(row, copy, rng=rng), count + 1
                facts = plasmid.id, plasmid.lab, plasmid.topology, plasmid.group or ""
                features = [(plasmid.features or {}).get(name, "") for name in names]
                writer.writerow([*facts, *features, plasmid.sequence])
    return count


def grow_labs(labs: Path, path: Path, *, copies: int) -> None:
    """Write the names of the classes in all copies."""
    names = [line for line in labs.read_text(encoding="utf-8").splitlines() if line.strip()]
    lines = [renamed(name, copy) if copy else name for copy in range(copies) for name in names]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--where", default="split=train")
    parser.add_argument("--labs", type=Path)
    parser.add_argument("--copies", type=int, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    print(grow_table(options.table, options.where, options.output, copies=options.copies))
    if options.labs:
        labs = options.output.with_suffix(".labs.txt")
        grow_labs(options.labs, labs, copies=options.copies)


if __name__ == "__main__":
    main()
