"""How fast is vecattr here? One command measures, prints and records.

    python tools/bench_speed.py T --labs L [-i INDEX] [--where split=dev] [--parts start,...]
        [-o FILE]

T and L are a table and the labs that are classes. Without an index, one is built of the rows
`split=train`, which is measured, too. Records go, by version, to tools/figures/speed-VERSION.json;
parts that are not asked for keep what was measured before. Seconds of processors are told beside
seconds on the wall, because only they can be compared on a busy machine, and peers run in turn with
what they are compared to.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from speed.aligners import aligner_costs
from speed.commands import batch_cost, cost_of, median_of, start_costs, vecattr
from speed.encoders import encoder_rates, training_floor, training_rate
from speed.functions import function_costs
from speed.growth import building_costs, growth_costs
from speed.scale import scale_costs
from speed.steps import step_rates

from vecattr.plasmid import Plasmid
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.version import __version__

PARTS = (
    "build",
    "start",
    "batch",
    "functions",
    "encoders",
    "training",
    "steps",
    "scale",
    "building",
    "growth",
    "peers",
)
RECORD = Path(__file__).parent / "figures" / f"speed-{__version__}.json"


def sample_rows(table: str, where: str, *, count: int) -> list[Plasmid]:
    """The first `count` circular plasmids of every second row, without features: bare queries."""
    column, _, value = where.partition("=")
    options = ReadOptions(where=((column, value),), no_features=True)
    rows = (row for row in read_plasmids([table], options) if isinstance(row, Plasmid))
    return [row for number, row in enumerate(rows) if not number % 2 and row.is_circular][:count]


def write_fasta(path: Path, plasmids: Sequence[Plasmid]) -> str:
    text = "".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in plasmids)
    path.write_text(text, encoding="utf-8")
    return str(path)


class SpeedRun:
    """One run: its options, a folder for its files, and a method for each part."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.index = str(options.index or folder / "built.index")
        self.queries = sample_rows(options.table, options.where, count=options.queries)
        self.one_query = write_fasta(folder / "one.fasta", self.queries[:1])
        self.all_queries = write_fasta(folder / "many.fasta", self.queries)

    def build(self) -> dict[str, object]:
        labs = ("--labs", str(self.options.labs)) if self.options.labs else ()
        built = str(self.folder / "built.index")
        where = ("--where", self.options.train)
        return asdict(
            cost_of(vecattr("build-index", self.options.table, *where, *labs, "-i", built))
        )

    def start(self) -> dict[str, object]:
        return start_costs(self.one_query, self.index, repeats=self.options.repeats)

    def batch(self) -> dict[str, object]:
        command = vecattr("query", self.one_query, "-k", "10", "-i", self.index)
        single = median_of([cost_of(command) for _ in range(3)])
        return batch_cost(self.all_queries, self.index, count=len(self.queries), single=single)

    def functions(self) -> dict[str, object]:
        return function_costs(Path(self.options.table), repeats=self.options.repeats)

    def encoders(self) -> dict[str, object]:
        return encoder_rates(self.queries[:200])

    def training(self) -> dict[str, object]:
        table, steps = self.options.table, self.options.steps
        return {
            "bag": training_rate(table, self.options.train, steps=steps),
            "moving its bytes": training_floor(self.queries[:512]),
        }

    def steps(self) -> dict[str, object]:
        """Steps of the published text CNN on one thread and on all."""
        counts = sorted({1, len(os.sched_getaffinity(0))})
        rows = self.queries[: self.options.step_plasmids]
        return {f"{count} threads": step_rates(rows, threads=count) for count in counts}

    def scale(self) -> dict[str, object]:
        sizes = [int(size) for size in self.options.sizes.split(",")]
        folder = self.options.made or self.folder
        return scale_costs(folder, sizes, repeats=self.options.repeats)

    def building(self) -> dict[str, object]:
        """What building costs as the table grows, by one process and by all processors."""
        processes = sorted({1, len(os.sched_getaffinity(0))})
        return building_costs(
            self.options.table,
            self.options.train,
            self.options.labs,
            self.options.made or self.folder,
            [int(copies) for copies in self.options.copies.split(",")],
            processes,
        )

    def growth(self) -> dict[str, object]:
        """What answers cost as the index grows."""
        return growth_costs(
            self.index,
            self.options.made or self.folder,
            [int(copies) for copies in self.options.copies.split(",")],
            one_query=self.one_query,
            all_queries=self.all_queries,
            count=len(self.queries),
            repeats=self.options.repeats,
        )

    def peers(self) -> dict[str, object]:
        rows = sample_rows(self.options.table, self.options.train, count=1 << 30)
        stored = write_fasta(self.folder / "stored.fasta", rows)
        query = vecattr("query", self.all_queries, "-k", "10", "-i", self.index, "--threads", "1")
        return aligner_costs(
            stored, self.queries[:20], query, asked=len(self.queries), work=self.folder
        )


def measure(options: argparse.Namespace) -> None:
    """Every part that is asked for, in order; printed and recorded as it comes, so that a part that
    fails loses no other."""
    record = Path(options.output)
    figures = json.loads(record.read_text()) if record.exists() else {}
    figures |= {"version": __version__, "python": platform.python_version()}
    with tempfile.TemporaryDirectory(dir=options.work) as scratch:
        run = SpeedRun(options, Path(scratch))
        for part in PARTS:
            if part in options.parts.split(","):
                measure_part: Callable[[], dict[str, object]] = getattr(run, part)
                figures[part] = measure_part()
                print(json.dumps({part: figures[part]}, indent=1), flush=True)
                record.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--labs", type=Path)
    parser.add_argument("-i", "--index", type=Path)
    parser.add_argument("--where", default="split=dev", help="the rows to ask about")
    parser.add_argument("--train", default="split=train", help="the rows to store")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--step-plasmids", type=int, default=320)
    parser.add_argument("--sizes", default="1000,36000,1000000")
    parser.add_argument("--copies", default="1,4,10,30", help="sizes of building and growth")
    parser.add_argument("--made", type=Path, help="a folder that keeps made indexes")
    parser.add_argument("--work", type=Path, help="where files of a run may lie")
    parser.add_argument("-o", "--output", default=str(RECORD))
    options = parser.parse_args()
    measure(options)


if __name__ == "__main__":
    main()
