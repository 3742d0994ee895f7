"""A table of plasmids in; tables of collections that the shipped encoder does not know out.

    python tools/other_domain.py T -o FOLDER [--only NAME ...] [--seed 0]

T has the columns `split`, `publication` and `year`; of its rows `split=newlab_dev` no encoder knows
a lab or a plasmid. Writes FOLDER/NAME.csv with a column `split` (train: to store, test: to ask
about), and FOLDER/NAME.labs.txt, its labels, one a line, as `bench_peers.py` wants them:

    papers     the rows of newlab_dev; a third of each lab's publications are the test
    fragments  the same rows, each a random linear stretch of 300 to 3,000 bases; random rows
    years      the rows of newlab_dev, labelled by year and not by lab; random rows
    linear     partial reads alone: `linear` rows of train (which the shipped encoder has seen)
               are stored, those of dev and pub_dev (which it has not) are the test

Random rows are three in ten of each label, and a label keeps one. A row of a label of which nothing
is stored is left out, and so is one without a label, or of fewer than 300 bases among fragments.
Bad records are told on stderr, and the exit code is 3 then.
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
ASKED = ("dev", "pub_dev")

#: The plasmids to store and those to ask about.
Parts = tuple[list[Plasmid], list[Plasmid]]


def by_publication(plasmids: Sequence[Plasmid], *, rng: np.random.Generator) -> Parts:
    """A third of each lab's publications (rounded, one at least) are asked about, whole; each lab
    keeps one. A plasmid without a publication is stored."""
    groups: dict[str, set[str]] = defaultdict(set)
    labs: dict[str, set[str]] = defaultdict(set)
    for one in plasmids:
        if one.group is not None:
            groups[str(one.lab)].add(one.group)
            labs[one.group].add(str(one.lab))
    held: set[str] = set()
    for lab in sorted(groups):
        mine = sorted(groups[lab])
        wanted = max(1, round(len(mine) / 3))
        for place in rng.permutation(len(mine)).tolist():
            would = held | {mine[place]}
            if len(held & groups[lab]) < wanted and all(
                groups[owner] - would for owner in labs[mine[place]]
            ):
                held = would
    return _parts(plasmids, lambda one: one.group in held)


def by_row(plasmids: Sequence[Plasmid], *, rng: np.random.Generator) -> Parts:
    """Three in ten of each label's plasmids (rounded) are asked about; each label keeps one."""
    members: dict[str, list[str]] = defaultdict(list)
    for one in plasmids:
        members[str(one.lab)].append(one.id)
    held: set[str] = set()
    for label in sorted(members):
        order = rng.permutation(len(members[label])).tolist()
        drawn = order[: min(round(0.3 * len(order)), len(order) - 1)]
        held.update(members[label][place] for place in drawn)
    return _parts(plasmids, lambda one: one.id in held)


def _parts(plasmids: Iterable[Plasmid], is_held: Callable[[Plasmid], bool]) -> Parts:
    stored: list[Plasmid] = []
    asked: list[Plasmid] = []
    for one in plasmids:
        (asked if is_held(one) else stored).append(one)
    return stored, asked


def papers(table: Path, *, rng: np.random.Generator) -> Parts:
    return by_publication(read_rows(table, split=[NEW]), rng=rng)


def fragments(table: Path, *, rng: np.random.Generator) -> Parts:
    whole = [one for one in read_rows(table, split=[NEW]) if len(one) >= SHORTEST]
    lengths = [int(rng.integers(SHORTEST, min(LONGEST, len(one)) + 1)) for one in whole]
    cut = [fragment(one, length, rng=rng) for one, length in zip(whole, lengths, strict=True)]
    return by_row(cut, rng=rng)


def years(table: Path, *, rng: np.random.Generator) -> Parts:
    year = {one.id: one.group for one in read_rows(table, split=[NEW], group_by="year")}
    rows = [one for one in read_rows(table, split=[NEW]) if year[one.id]]
    return by_row([replace(one, lab=f"year {year[one.id]}") for one in rows], rng=rng)


def linear(table: Path, *, rng: np.random.Generator) -> Parts:
    """The same for every seed."""
    stored = read_rows(table, split=["train"], topology=["linear"])
    asked = read_rows(table, split=ASKED, topology=["linear"])
    labs = {one.lab for one in stored}
    return stored, [one for one in asked if one.lab in labs]


COLLECTIONS = {"papers": papers, "fragments": fragments, "years": years, "linear": linear}


def write(folder: Path, name: str, parts: Parts) -> None:
    """FOLDER/NAME.csv and FOLDER/NAME.labs.txt."""
    stored, asked = parts
    split = dict.fromkeys([one.id for one in stored], "train")
    split |= dict.fromkeys([one.id for one in asked], "test")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text(table_text([*stored, *asked], split=split))
    labels = sorted({str(one.lab) for one in stored})
    (folder / f"{name}.labs.txt").write_text("".join(f"{label}\n" for label in labels))
    told = f"{name}: {len(stored)} to store of {len(labels)} labels, {len(asked)} to ask about"
    click.echo(told, err=True)


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
