"""Aligners as peers: stored plasmids and queries in, what a query costs each of us out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from speed.commands import cost_of
from vecattr.plasmid import Plasmid

#: How each makes its database DB of the file STORED, and how it finds all hits of the file QUERIES.
COMMANDS = {
    "blastn": (
        "makeblastdb -in STORED -dbtype nucl -out DB",
        "blastn -task megablast -query QUERIES -db DB -max_target_seqs 100000 -max_hsps 1"
        " -num_threads 1 -outfmt 6",
    ),
    "minimap2": (
        "minimap2 -t 1 -x asm20 -d DB STORED",
        "minimap2 -t 1 -x asm20 -c -N 100000 -p 0 DB QUERIES",
    ),
}


def aligner_costs(
    stored: str, queries: Sequence[Plasmid], vecattr: Sequence[str], *, asked: int, work: Path
) -> dict[str, object]:
    """Seconds of processors a query of each aligner that is installed, over the FASTA file
    `stored`, and of the command `vecattr`, which asks about `asked` plasmids; starting and opening
    are counted for all. With what making each database costs, and the ratios."""
    fasta = work / "few.fasta"
    records = (f">{query.id}\n{query.sequence}\n" for query in queries)
    fasta.write_text("".join(records), encoding="utf-8")
    vecattr_seconds = cost_of(vecattr).cpu / asked
    costs: dict[str, object] = {"vecattr cpu seconds a query": vecattr_seconds}
    for name, commands in COMMANDS.items():
        if not shutil.which(name):
            costs[name] = "not installed"
            continue
        files = {"STORED": stored, "QUERIES": str(fasta), "DB": str(work / f"stored.{name}")}
        make, search = ([files.get(word, word) for word in line.split()] for line in commands)
        database = cost_of(make)
        seconds = cost_of(search).cpu / len(queries)
        costs[name] = {
            "database": asdict(database),
            "cpu seconds a query": seconds,
            "ratio": seconds / vecattr_seconds,
        }
    return costs
