"""A table and an index in; what answers state where known work, new work and labs outside the index
are a third each, as they expect, and how often it is so, out.

    python tools/three_cases.py TABLE -i INDEX --known split=dev --new split=pub_dev \\
        --outside split=newlab_dev

Rows of `--known` and `--new` count when the index has a class of their lab; sequence only. The
first lab is right when it is the true one by name. Errors are told by row, and with every
publication of a case counting alike.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from vecattr.calibration.outcomes import EVEN_ODDS
from vecattr.cli.main import run
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.cli.options.types import conditions
from vecattr.errors import InputError, UsageError
from vecattr.indexes.index import Index
from vecattr.metrics.bootstrap import group_codes
from vecattr.metrics.detection import auroc
from vecattr.metrics.outside_lab import weighted_error
from vecattr.readers.plasmids import ReadOptions
from vecattr.vectors import Column, Mask

Where = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Stated:
    """Of the q plasmids of one case: the probabilities of an outside lab and of the first lab,
    whether that is the true one, and how much a plasmid counts where publications count alike
    (q,)."""

    outside: Column
    first: Column
    is_right: Mask
    alike: Column

    @classmethod
    def from_table(cls, index: Index, table: Path, where: Where, *, known: bool) -> Stated:
        """Of the rows that meet a condition; `known`: of labs with a class."""
        options = ReadOptions(where=where, no_features=True)
        classes = frozenset(index.lab_names)
        plasmids = [
            plasmid
            for plasmid in load_labelled_plasmids([str(table)], options)
            if not known or plasmid.lab in classes
        ]
        if not plasmids:
            raise InputError("no row is of a lab with a class", where=str(table))
        stated = []
        for plasmid, answer in zip(plasmids, index.query_many(plasmids, k=1), strict=True):
            [first] = answer.labs
            if answer.outside is None or first.probability is None:
                raise UsageError("the index states no probabilities", hint="recalibrate it")
            stated.append((answer.outside, first.probability, first.name == plasmid.lab))
        outside, firsts, is_right = zip(*stated, strict=True)
        publications = group_codes([plasmid.group for plasmid in plasmids])
        alike = 1 / np.bincount(publications)[publications]
        return cls(np.array(outside), np.array(firsts), np.array(is_right), alike)

    @property
    def called_unknown(self) -> float:
        """The share of the plasmids that is called unknown."""
        return float(np.mean(self.outside >= EVEN_ODDS))


def figures(known: Stated, new: Stated, outside: Stated) -> Iterator[tuple[str, str]]:
    """What is told, by name, each case weighing a third."""
    cases = known, new, outside
    by_row = np.concatenate([np.full(len(case.first), 1 / 3 / len(case.first)) for case in cases])
    alike = np.concatenate([case.alike / case.alike.sum() / 3 for case in cases])
    is_outside = np.concatenate([np.full(len(case.first), case is outside) for case in cases])
    stated = np.concatenate([case.outside for case in cases])
    first = np.concatenate([case.first for case in cases])
    is_right = np.concatenate([case.is_right for case in cases])
    areas = [auroc(1 - case.outside, 1 - outside.outside) for case in (known, new)]
    yield "plasmids", " ".join(str(len(case.first)) for case in cases)
    yield "AUROC of an outside lab", f"{np.mean(areas):.3f}"
    for what, probabilities, is_so in (
        ("an outside lab", stated, is_outside),
        ("the first lab", first, is_right),
    ):
        errors = (
            weighted_error(probabilities, is_so.astype(float), one) for one in (by_row, alike)
        )
        yield f"ECE of {what}", " ".join(f"{error:.3f}" for error in errors)
    yield "called unknown", " ".join(f"{100 * case.called_unknown:.1f} %" for case in cases)


@click.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.option("-i", "--index", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--known", multiple=True, callback=conditions)
@click.option("--new", multiple=True, callback=conditions)
@click.option("--outside", multiple=True, callback=conditions)
def main(table: Path, index: Path, known: Where, new: Where, outside: Where) -> None:
    """Measure what answers state of rows of known work, new work, and labs outside the index."""
    opened = Index.open(index)
    cases = [
        Stated.from_table(opened, table, where, known=is_known)
        for where, is_known in ((known, True), (new, True), (outside, False))
    ]
    for name, told in figures(*cases):
        click.echo(f"{name:24} {told}")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="three_cases.py"))
