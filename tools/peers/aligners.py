"""Sequences in; for each lab the best alignment score of any of its stored plasmids out.

Programs are run on all queries of a chunk at once, with one thread. What is counted as their cost
is the program alone, not the reading of its output.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peers.costs import Cost, run_program
from peers.ranking import NEVER_HIT, Scores, best_by_class
from peers.rows import Bench, Classes
from vecattr.plasmid import Plasmid

#: Stored plasmids: all are asked for, more than there are. A small -max_target_seqs would not give
#: the best ones: blastn stops extending others early (Shah et al. 2019), and the labs behind the
#: first few hundred backbones would be lost.
ALL = 100_000


@dataclass(frozen=True)
class Aligner:
    """How a program is called. In the commands `DB`, `FASTA`, `QUERIES` and `TMP` stand for paths;
    the search prints lines `query plasmid score`, tab-separated, both by their row.

    `closed`: circular plasmids are stored twice in a row, so that no match ends at the origin."""

    name: str
    program: str
    package: str
    version: tuple[str, ...]
    build: tuple[str, ...]
    search: tuple[str, ...]
    closed: bool = False

    def missing(self) -> str | None:
        """What to install; None when the program is there."""
        if shutil.which(self.program):
            return None
        return f"{self.program} is not on PATH; install it, e.g. apt-get install {self.package}"

    def settings(self) -> dict[str, object]:
        """What the answers depend on."""
        ran = subprocess.run(self.version, capture_output=True, text=True, check=True)
        return {
            "version": ran.stdout.split("\n", 1)[0].strip(),
            "search": " ".join(self.search),
            "closed": self.closed,
        }

    def open(self, bench: Bench) -> OpenAligner:
        """Build the database from the stored plasmids, if it is not there."""
        folder = bench.work / "databases" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        built = (folder / "built").exists()
        labels = []
        with (folder / "train.fasta").open("a" if built else "w") as fasta:
            for row, plasmid in enumerate(bench.train()):
                labels.append(bench.rule.label(plasmid.lab or ""))
                if not built:
                    fasta.write(f">{row}\n{self.stored(plasmid)}\n")
        if not built:
            run_program(self._filled(self.build, folder), stdout=folder / "out", folder=folder)
            (folder / "built").touch()
        return OpenAligner(self, folder, Classes.of(labels))

    def stored(self, plasmid: Plasmid) -> str:
        """The letters that are searched."""
        return plasmid.sequence * (2 if self.closed and plasmid.is_circular else 1)

    def _filled(self, command: Sequence[str], folder: Path) -> list[str]:
        paths = {"DB": "db", "FASTA": "train.fasta", "QUERIES": "queries.fasta", "TMP": "tmp"}
        return [str(folder / paths[word]) if word in paths else word for word in command]

    def run(self, plasmids: Sequence[Plasmid], *, folder: Path) -> Cost:
        """Search; the hits are in `out` of the folder then."""
        lines = [f">{row}\n{plasmid.sequence}\n" for row, plasmid in enumerate(plasmids)]
        (folder / "queries.fasta").write_text("".join(lines))
        return run_program(self._filled(self.search, folder), stdout=folder / "out", folder=folder)


@dataclass(frozen=True)
class OpenAligner:
    """A program with its database and the classes of the stored plasmids."""

    aligner: Aligner
    folder: Path
    classes: Classes

    @property
    def names(self) -> tuple[str, ...]:
        return self.classes.names

    def ask(self, plasmids: Sequence[Plasmid]) -> tuple[Scores, Cost]:
        """Best score of each class, (q, classes), and what the search cost."""
        cost = self.aligner.run(plasmids, folder=self.folder)
        return hits_by_class(self.folder / "out", self.classes, queries=len(plasmids)), cost


def hits_by_class(path: Path, classes: Classes, *, queries: int) -> Scores:
    """Best score of each class from a file of lines `query plasmid score`; (q, classes)."""
    scores = np.full((queries, len(classes.names)), NEVER_HIT)
    if not path.stat().st_size:
        return scores
    found = np.loadtxt(path, ndmin=2)  # (hits, 3)
    rows, plasmids = found[:, 0].astype(np.int64), found[:, 1].astype(np.int64)
    for query in range(queries):
        mine = rows == query
        codes = classes.codes[plasmids[mine]]
        scores[query] = best_by_class(found[mine, 2], codes, classes=len(classes.names))
    return scores


def blastn(*, name: str, closed: bool) -> Aligner:
    """BLAST 2.12 or newer with the defaults of `blastn` (megablast), all hits, best HSP of each."""
    everything = f"-max_target_seqs {ALL} -max_hsps 1 -num_threads 1"
    return Aligner(
        name=name,
        program="blastn",
        package="ncbi-blast+",
        version=("blastn", "-version"),
        build=("makeblastdb", "-in", "FASTA", "-dbtype", "nucl", "-out", "DB"),
        search=(
            *("blastn", "-task", "megablast", "-query", "QUERIES", "-db", "DB"),
            *everything.split(),
            *("-outfmt", "6 qseqid sseqid bitscore"),
        ),
        closed=closed,
    )


ALIGNERS = (blastn(name="blastn", closed=False), blastn(name="blastn-closed", closed=True))
