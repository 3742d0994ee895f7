"""Sequences in; for each lab the best alignment score of any of its stored plasmids out.

Programs are run on all queries of a chunk at once, with one thread. Their cost is that of the
program alone, without the reading of its output.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peers.costs import Cost, run_program
from peers.ranking import NEVER_HIT, Scores, best_by_class
from peers.rows import Bench, Classes
from vecattr.errors import UsageError
from vecattr.files.atomic import sha256_bytes
from vecattr.plasmid import Plasmid

#: More hits than there are stored plasmids. A small -max_target_seqs would not give the best hits:
#: blastn stops extending others early (Shah et al. 2019), and the labs behind the first few hundred
#: backbones would be lost.
ALL = 100_000


@dataclass(frozen=True)
class Aligner:
    """How a program is called, and how its hits are read: rows (query, plasmid, score). In the
    commands `DB`, `FASTA` and `QUERIES` stand for paths.

    `closed`: circular plasmids are stored twice in a row, so that no match ends at the origin."""

    name: str
    program: str
    package: str
    version: tuple[str, ...]
    build: tuple[str, ...]
    search: tuple[str, ...]
    read: Callable[[Path], Scores]
    closed: bool = False

    def missing(self) -> str | None:
        """What to install; None when the program is installed."""
        if shutil.which(self.program):
            return None
        return f"{self.program} is not on PATH; install it, e.g. apt-get install {self.package}"

    def settings(self) -> dict[str, object]:
        """What the answers depend on."""
        done = subprocess.run(self.version, capture_output=True, text=True, check=True)
        return {
            "version": done.stdout.split("\n", 1)[0].strip(),
            "search": " ".join(self.search),
            "closed": self.closed,
        }

    def open(self, bench: Bench) -> OpenAligner:
        """Build the database of the stored plasmids, unless one built in this way exists.
        UsageError when there are more plasmids than hits that are asked for."""
        folder = self._database(bench)
        folder.mkdir(parents=True, exist_ok=True)
        built = (folder / "built").exists()
        labels = []
        with (folder / "train.fasta").open("a" if built else "w") as fasta:
            for row, plasmid in enumerate(bench.train()):
                labels.append(bench.rule.label(plasmid.lab or ""))
                if not built:
                    fasta.write(f">{row}\n{self.stored(plasmid)}\n")
        if len(labels) > ALL:
            raise UsageError(
                f"{len(labels)} plasmids, and {ALL} hits are asked for", hint="raise ALL"
            )
        if not built:
            run_program(self._filled(self.build, folder), stdout=folder / "out", folder=folder)
            (folder / "built").touch()
        return OpenAligner(self, folder, Classes.from_labels(labels))

    def _database(self, bench: Bench) -> Path:
        """The folder of the database, named by a hash of all that it depends on."""
        dependencies = {
            "version": self.settings()["version"],
            "build": self.build,
            "closed": self.closed,
        }
        digest = sha256_bytes(json.dumps(dependencies, sort_keys=True).encode())
        return bench.work / "databases" / f"{self.name}-{digest[:16]}"

    def stored(self, plasmid: Plasmid) -> str:
        """The letters that are searched."""
        return plasmid.sequence * (2 if self.closed and plasmid.is_circular else 1)

    def _filled(self, command: Sequence[str], folder: Path) -> list[str]:
        paths = {"DB": "db", "FASTA": "train.fasta", "QUERIES": "queries.fasta"}
        return [str(folder / paths[word]) if word in paths else word for word in command]

    def run(self, plasmids: Sequence[Plasmid], *, folder: Path) -> Cost:
        """Search, and write the hits to `out` in the folder."""
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
        hits = self.aligner.read(self.folder / "out")
        return hits_by_class(hits, self.classes, queries=len(plasmids)), cost


def tabular_hits(path: Path) -> Scores:
    """Hits of lines `query plasmid score`; (hits, 3)."""
    return np.loadtxt(path, ndmin=2) if path.stat().st_size else np.empty((0, 3))


def paf_hits(path: Path) -> Scores:
    """Hits of a PAF file, by the score of the alignment (tag `AS`); (hits, 3)."""
    hits = []
    with path.open() as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            score = next(tag[5:] for tag in fields[12:] if tag.startswith("AS:i:"))
            hits.append((float(fields[0]), float(fields[5]), float(score)))
    return np.array(hits).reshape(-1, 3)


def hits_by_class(hits: Scores, classes: Classes, *, queries: int) -> Scores:
    """Best score of each class, (hits, 3) -> (q, classes)."""
    scores = np.full((queries, len(classes.names)), NEVER_HIT)
    rows, plasmids = hits[:, 0].astype(np.int64), hits[:, 1].astype(np.int64)
    for query in range(queries):
        is_hit = rows == query
        codes = classes.codes[plasmids[is_hit]]
        scores[query] = best_by_class(hits[is_hit, 2], codes, classes=len(classes.names))
    return scores


def blastn(*, name: str, closed: bool) -> Aligner:
    """With the defaults of `blastn` (megablast), all hits, the best local match of each."""
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
        read=tabular_hits,
        closed=closed,
    )


#: All secondary alignments (`-N`, `-p 0`) with base-level scores (`-c`); the preset does not start
#: at a seed that lies in more than 500 places, as those of common backbones do. Without that limit
#: a query takes more than 25 s.
MINIMAP2 = Aligner(
    name="minimap2",
    program="minimap2",
    package="minimap2",
    version=("minimap2", "--version"),
    build=("minimap2", "-t", "1", "-x", "asm20", "-d", "DB", "FASTA"),
    search=(*f"minimap2 -t 1 -x asm20 -c -N {ALL} -p 0".split(), "DB", "QUERIES"),
    read=paf_hits,
)

#: Circular plasmids, linearised as their depositors did: storing each twice in a row
#: (`blastn-closed`), so that matches across the origin are whole, costs nearly twice the time.
BLASTN = blastn(name="blastn", closed=False)

ALIGNERS = (BLASTN, blastn(name="blastn-closed", closed=True), MINIMAP2)
