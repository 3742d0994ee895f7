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
    few = work / "few.fasta"
    few.write_text("".join(f">{one.id}\n{one.sequence}\n" for one in queries), encoding="utf-8")
    mine = cost_of(vecattr).cpu / asked
    found: dict[str, object] = {"vecattr cpu seconds a query": mine}
    for name, commands in COMMANDS.items():
        if not shutil.which(name):
            found[name] = "not installed"
            continue
        files = {"STORED": stored, "QUERIES": str(few), "DB": str(work / f"stored.{name}")}
        make, search = ([files.get(word, word) for word in line.split()] for line in commands)
        made = cost_of(make)
        each = cost_of(search).cpu / len(queries)
        found[name] = {
            "database": asdict(made),
            "cpu seconds a query": each,
            "ratio": each / mine,
        }
    return found
