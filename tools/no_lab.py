"""What is said of DNA that no lab designed, and how often that is said of plasmids.

    python tools/no_lab.py NATURAL... -i INDEX [--table TABLE --rows dev:1500 --rows pub_dev:500]
        [--unknown newlab_dev:500] [--parts 80] [--inserted 20] [-o FILE]

NATURAL are files of natural sequences, which are read as linear. Of each kind of query one line
tells: their number; how many have a lab with a probability of 0.5 or more; of how many it is said
that next to nothing of them is known, and that they are common property (and of how many of these
the first lab is right all the same); and of how many an outside lab is likelier than not.

The rows are evenly spaced ones of TABLE with this value in the column `split`; those of --unknown
are of labs that the index lacks, and the AUROC of `outside` is told for each other kind and these.
--parts: the longest common part of so many of the first rows, from 2,000 bases on, closed to a
circle, and its first 1,000 bases. --inserted: so many of the first rows, each put whole into the
middle of one of the longest natural sequences. Sequence only, without evidence where it is not
needed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import click
import numpy as np

from vecattr import Attribution, Index, Plasmid, read_plasmids
from vecattr.cli.main import run
from vecattr.errors import InputError
from vecattr.metrics.detection import auroc
from vecattr.mosaic import FEW_LABS
from vecattr.readers.plasmids import ReadOptions

#: The shortest common part that is asked about, and the bases of its fragment.
SHORTEST, FRAGMENT = 2_000, 1_000
#: The shortest natural sequence that plasmids are put into.
GENOME = 50_000


@dataclass(frozen=True)
class Told:
    """A query, its true lab (None: nobody's) and the answer."""

    lab: str | None
    answer: Attribution

    @property
    def first(self) -> float:
        """The probability of the first lab."""
        return (self.answer.labs[0].probability or 0.0) if self.answer.labs else 0.0

    @property
    def is_right(self) -> bool:
        """Is the true lab first?"""
        return bool(self.answer.labs) and self.answer.labs[0].name == self.lab

    def is_said(self, kind: str) -> bool:
        """Is it said that it is no lab's, because it `is_unknown` or `is_common`?"""
        reach = self.answer.reach
        return reach is not None and reach.is_no_labs(self.first) and getattr(reach, kind)


def asked(index: Index, plasmids: Iterable[Plasmid]) -> list[Told]:
    """The answers for some plasmids."""
    queries = list(plasmids)
    answers = index.query_many(queries, k=1)
    return [Told(plasmid.lab, answer) for plasmid, answer in zip(queries, answers, strict=True)]


def figures(told: Sequence[Told]) -> dict[str, object]:
    """What was said of them."""
    unknown = [one for one in told if one.is_said("is_unknown")]
    common = [one for one in told if one.is_said("is_common")]
    return {
        "queries": len(told),
        "lab_of_half": sum(one.first >= 0.5 for one in told),
        "right": sum(one.is_right for one in told),
        "little_known": len(unknown),
        "little_known_right": sum(one.is_right for one in unknown),
        "common_property": len(common),
        "common_property_right": sum(one.is_right for one in common),
        "outside_of_half": sum((one.answer.outside or 0.0) >= 0.5 for one in told),
        "extent_told": sum(
            one.answer.reach is not None
            and one.answer.reach.extent is not None
            and one.answer.reach.extent in one.answer.sentence
            for one in told
        ),
    }


def rows_of(table: Path, wanted: str) -> list[Plasmid]:
    """Evenly spaced rows, for a text such as `dev:1500`."""
    split, _, most = wanted.partition(":")
    options = ReadOptions(where=(("split", split),), no_features=True, labelled=True)
    rows = [row for row in read_plasmids([table], options) if isinstance(row, Plasmid)]
    if not rows or not most.isdecimal():
        raise InputError(f"no rows for {wanted!r}", where=str(table), hint="write SPLIT:NUMBER")
    places = np.unique(np.linspace(0, len(rows) - 1, int(most)).round().astype(int))
    return [rows[place] for place in places.tolist()]


def common_parts(index: Index, plasmids: Iterable[Plasmid]) -> list[Plasmid]:
    """The longest part of each that is common property, if it is long enough, as a circle."""
    parts = []
    for plasmid in plasmids:
        evidence = index.query(plasmid, k=1, evidence=FEW_LABS).evidence
        found = [part for part in (evidence.mosaic if evidence else ()) if part.kind == "common"]
        longest = max(found, key=lambda part: part.bases, default=None)
        if longest is not None and longest.bases >= SHORTEST:
            twice = plasmid.sequence * 2
            bases = twice[longest.start - 1 : longest.start - 1 + longest.bases]
            parts.append(Plasmid(f"part of {plasmid.id}", bases))
    return parts


def inserted(plasmids: Iterable[Plasmid], natural: Sequence[Plasmid]) -> list[Plasmid]:
    """Each plasmid in the middle of one of the long natural sequences, in turn."""
    genomes = [genome for genome in natural if len(genome) >= GENOME]
    if not genomes:
        raise InputError(f"no natural sequence has {GENOME:,} bases", hint="leave --inserted out")
    made = []
    for plasmid, genome in zip(plasmids, cycle(genomes), strict=False):
        middle = len(genome) // 2
        bases = genome.sequence[:middle] + plasmid.sequence + genome.sequence[middle:]
        made.append(Plasmid(f"{plasmid.id} inserted", bases, "linear", lab=plasmid.lab))
    return made


@click.command()
@click.argument("natural", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("-i", "--index", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--table", type=click.Path(exists=True, path_type=Path))
@click.option("--rows", multiple=True, metavar="SPLIT:NUMBER")
@click.option("--unknown", metavar="SPLIT:NUMBER")
@click.option("--parts", type=click.IntRange(min=0), default=0)
@click.option("--inserted", "inserts", type=click.IntRange(min=0), default=0)
@click.option("-o", "--output", type=click.Path(path_type=Path))
def main(
    natural: tuple[Path, ...],
    index: Path,
    table: Path | None,
    rows: tuple[str, ...],
    unknown: str | None,
    parts: int,
    inserts: int,
    output: Path | None,
) -> None:
    """Tell what is said of natural DNA, of plasmids, of common parts and of plasmids in genomes."""
    opened = Index.open(index)
    linear = ReadOptions(topology="linear", no_features=True)
    found = [one for one in read_plasmids(list(natural), linear) if isinstance(one, Plasmid)]
    told = {"natural": asked(opened, found)}
    plasmids: list[Plasmid] = []
    for wanted in rows if table else ():
        chosen = rows_of(table, wanted)  # type: ignore[arg-type]
        plasmids = plasmids or chosen
        told[wanted] = asked(opened, chosen)
    if parts:
        circles = common_parts(opened, plasmids[:parts])
        told["common parts"] = asked(opened, circles)
        fragments = [Plasmid(one.id, one.sequence[:FRAGMENT], "linear") for one in circles]
        told["their fragments"] = asked(opened, fragments)
    if inserts:
        told["inserted"] = asked(opened, inserted(plasmids[:inserts], found))
    facts: dict[str, dict[str, object]] = {name: figures(one) for name, one in told.items()}
    if unknown is not None and table is not None:
        strangers = asked(opened, rows_of(table, unknown))
        facts[unknown] = figures(strangers)
        outside = np.array([one.answer.outside or 0.0 for one in strangers])
        for wanted in rows:
            own = np.array([one.answer.outside or 0.0 for one in told[wanted]])
            facts[wanted]["auroc_of_outside"] = auroc(1 - own, 1 - outside)
    text = json.dumps(facts, indent=2) + "\n"
    click.echo(text, nl=False)
    if output is not None:
        output.write_text(text)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="no_lab.py"))
