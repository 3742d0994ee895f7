"""The aligner as a peer: stored plasmids and queries in, what a query costs both, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from speed.commands import cost_of
from vecattr.plasmid import Plasmid

_SEARCH = ("-max_target_seqs", "100000", "-max_hsps", "1", "-num_threads", "1", "-outfmt", "6")


def blast_costs(
    stored: str, queries: Sequence[Plasmid], vecattr: Sequence[str], *, asked: int, work: Path
) -> dict[str, object]:
    """Seconds of processors a query: all hits of blastn over the FASTA file `stored`, and the
    command `vecattr`, which asks about `asked` plasmids, its start included; and their ratio."""
    database = str(work / "stored")
    made = cost_of(["makeblastdb", "-in", stored, "-dbtype", "nucl", "-out", database])
    few = work / "few.fasta"
    few.write_text("".join(f">{one.id}\n{one.sequence}\n" for one in queries), encoding="utf-8")
    search = cost_of(
        ["blastn", "-task", "megablast", "-query", str(few), "-db", database, *_SEARCH]
    )
    ours = cost_of(vecattr)
    each, mine = search.cpu / len(queries), ours.cpu / asked
    return {
        "makeblastdb": asdict(made),
        "blastn cpu seconds a query": each,
        "vecattr cpu seconds a query": mine,
        "ratio": each / mine,
    }
