"""A table of plasmids in; tables of collections that the shipped encoder does not know out.

    python tools/other_domain.py T -o FOLDER [--only NAME ...] [--seed 0]

T has the columns `split`, `publication` and `year`; of its rows `split=newlab_dev` no encoder knows
a lab or a plasmid. Writes FOLDER/NAME.csv with a column `split` (train: to store, test: to query),
and FOLDER/NAME.labs.txt, its labels, one a line, as `bench_peers.py` wants them:

    papers     the rows of newlab_dev; a third of each lab's publications are the test
    fragments  the same rows, each a random linear stretch of 300 to 3,000 bases; random rows
    years      the rows of newlab_dev, labelled by year and not by lab; random rows
    linear     partial reads alone: `linear` rows of train (which the shipped encoder has seen)
               are stored, those of dev and pub_dev (which it has not) are the test

Random rows are three in ten of each label, and a label keeps one. A row of a label of which nothing
is stored is left out, and so is one without a label, or of fewer than 300 bases among fragments.
Bad records are reported on stderr, and the exit code is 3 then.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from table_rows import read_rows

from vecattr.cli.main import run
from vecattr.plasmid import Plasmid
from vecattr.readers.plasmid_table import table_text
from vecattr.sequences.mutations import fragment

SHORTEST, LONGEST = 300, 3000
NEW = "newlab_dev"
QUERIED = ("dev", "pub_dev")

#: The plasmids to store and those to query.
Parts = tuple[list[Plasmid], list[Plasmid]]


def by_publication(plasmids: Sequence[Plasmid], *, rng: np.random.Generator) -> Parts:
    """A third of each lab's publications (rounded, one at least) are queried, whole; each lab
    keeps one. A plasmid without a publication is stored."""
    groups: dict[str, set[str]] = defaultdict(set)
    labs: dict[str, set[str]] = defaultdict(set)
    for plasmid in plasmids:
        if plasmid.group is not None:
            groups[str(plasmid.lab)].add(plasmid.group)
            labs[plasmid.group].add(str(plasmid.lab))
    queried: set[str] = set()
    for lab in sorted(groups):
        candidates = sorted(groups[lab])
        wanted = max(1, round(len(candidates) / 3))
        for place in rng.permutation(len(candidates)).tolist():
            extended = queried | {candidates[place]}
            if len(queried & groups[lab]) < wanted and all(
                groups[owner] - extended for owner in labs[candidates[place]]
            ):
                queried = extended
    return _parts(plasmids, lambda plasmid: plasmid.group in queried)


def by_row(plasmids: Sequence[Plasmid], *, rng: np.random.Generator) -> Parts:
    """Three in ten of each label's plasmids (rounded) are queried; each label keeps one."""
    members: dict[str, list[str]] = defaultdict(list)
    for plasmid in plasmids:
        members[str(plasmid.lab)].append(plasmid.id)
    queried: set[str] = set()
    for label in sorted(members):
        order = rng.permutation(len(members[label])).tolist()
        drawn = order[: min(round(0.3 * len(order)), len(order) - 1)]
        queried.update(members[label][place] for place in drawn)
    return _parts(plasmids, lambda plasmid: plasmid.id in queried)


def _parts(plasmids: Iterable[Plasmid], is_queried: Callable[[Plasmid], bool]) -> Parts:
    stored: list[Plasmid] = []
    queries: list[Plasmid] = []
    for plasmid in plasmids:
        (queries if is_queried(plasmid) else stored).append(plasmid)
    return stored, queries


def papers(table: Path, *, rng: np.random.Generator) -> Parts:
    return by_publication(read_rows(table, split=[NEW]), rng=rng)


def fragments(table: Path, *, rng: np.random.Generator) -> Parts:
    rows = [row for row in read_rows(table, split=[NEW]) if len(row) >= SHORTEST]
    lengths = [int(rng.integers(SHORTEST, min(LONGEST, len(row)) + 1)) for row in rows]
    stretches = [fragment(row, length, rng=rng) for row, length in zip(rows, lengths, strict=True)]
    return by_row(stretches, rng=rng)


def years(table: Path, *, rng: np.random.Generator) -> Parts:
    year = {row.id: row.group for row in read_rows(table, split=[NEW], group_by="year")}
    rows = [row for row in read_rows(table, split=[NEW]) if year[row.id]]
    return by_row([replace(row, lab=f"year {year[row.id]}") for row in rows], rng=rng)


def linear(table: Path, *, rng: np.random.Generator) -> Parts:
    """The same for every seed."""
    stored = read_rows(table, split=["train"], topology=["linear"])
    queries = read_rows(table, split=QUERIED, topology=["linear"])
    labs = {plasmid.lab for plasmid in stored}
    return stored, [query for query in queries if query.lab in labs]


COLLECTIONS = {"papers": papers, "fragments": fragments, "years": years, "linear": linear}


def write(folder: Path, name: str, parts: Parts) -> None:
    """FOLDER/NAME.csv and FOLDER/NAME.labs.txt."""
    stored, queries = parts
    split = dict.fromkeys([plasmid.id for plasmid in stored], "train")
    split |= dict.fromkeys([plasmid.id for plasmid in queries], "test")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text(table_text([*stored, *queries], split=split))
    labels = sorted({str(plasmid.lab) for plasmid in stored})
    (folder / f"{name}.labs.txt").write_text("".join(f"{label}\n" for label in labels))
    counts = f"{len(stored)} to store of {len(labels)} labels, {len(queries)} to query"
    click.echo(f"{name}: {counts}", err=True)


@click.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.option("--only", multiple=True, type=click.Choice([*COLLECTIONS]), help="Default: all.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(table: Path, only: tuple[str, ...], seed: int, output: Path) -> None:
    """Make the tables."""
    for name in only or COLLECTIONS:
        write(output, name, COLLECTIONS[name](table, rng=np.random.default_rng(seed)))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="other_domain.py"))
