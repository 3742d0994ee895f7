"""What building and answers cost as an index grows: a table or an index and numbers of copies in,
costs by size out.

Tables of so many times as many plasmids and labs are made by `grown_table.py`, and indexes to ask
by `grown_index.py`. Every command runs as a whole process; sizes that are asked take turns, so that
a busy minute hits all of them.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from grown_index import grow
from grown_table import grow_labs, grow_table
from peers.costs import Cost, own_cost

from speed.commands import cost_of, median_of, vecattr
from vecattr.indexes.index import Index
from vecattr.sequences.synthetic import synthetic_plasmids


def growth_costs(
    source: str,
    folder: Path,
    copies: list[int],
    *,
    one_query: str,
    all_queries: str,
    count: int,
    repeats: int,
) -> dict[str, object]:
    """Of an index and of each number of copies of it: plasmids, labs, bytes on disk, what making it
    took, and of one query, of each of `count` queries in one process of one thread (without the
    start), and of adding a lab of ten plasmids, seconds of processors and peak memory; of all
    also the ratio to the smallest."""
    figures: dict[str, dict[str, object]] = {}
    paths = {number: folder / f"grown-{number}.index" for number in copies}
    for number, path in paths.items():
        made = None if path.exists() else own_cost(lambda n=number, p=path: _make(source, p, n))[1]
        figures[str(number)] = _facts(path) | {"making": made and asdict(made)}
    new_lab = _new_lab(folder)
    rounds: dict[int, list[tuple[Cost, Cost, Cost]]] = {number: [] for number in copies}
    for _ in range(repeats + 1):  # the first fills the system's memory
        for number, path in paths.items():
            options = ("-k", "10", "-i", str(path), "--threads", "1", "-q")
            single = cost_of(vecattr("query", one_query, *options))
            batch = cost_of(vecattr("query", all_queries, *options))
            rounds[number].append((single, batch, _added(path, new_lab)))
    for number, costs in rounds.items():
        single, batch, adding = (median_of(column) for column in zip(*costs[1:], strict=True))
        figures[str(number)] |= {
            "one query": asdict(single),
            "cpu seconds a query in batch": (batch.cpu - single.cpu) / count,
            "batch": asdict(batch),
            "add-lab": asdict(adding),
        }
    first = figures[str(copies[0])]
    for size in figures.values():
        size["batch ratio"] = _ratio(size, first, "cpu seconds a query in batch")
    return dict(figures)


def building_costs(
    table: str, where: str, labs: Path | None, folder: Path, copies: list[int], threads: list[int]
) -> dict[str, object]:
    """Of a table and of each number of copies of it: plasmids, bytes of the index, and what
    building it takes by each number of processes, with the seconds of processors a plasmid and
    their ratio to the smallest size. What is made of a size is deleted before the next."""
    figures: dict[str, dict[str, object]] = {}
    for number in copies:
        rows, index = folder / f"grown-{number}.csv", folder / f"built-{number}.index"
        plasmids = grow_table(table, where, rows, copies=number)
        options = ["--labs", str(rows.with_suffix(".labs.txt"))] if labs else []
        if labs:
            grow_labs(labs, rows.with_suffix(".labs.txt"), copies=number)
        figures[str(number)] = {"plasmids": plasmids}
        for count in threads:
            command = ("build-index", str(rows), *options, "-i", str(index), "--replace", "-q")
            cost = cost_of(vecattr(*command, "--threads", str(count)))
            figures[str(number)][f"{count} processes"] = asdict(cost) | {
                "cpu seconds a plasmid": cost.cpu / plasmids
            }
        figures[str(number)] |= _facts(index)
        shutil.rmtree(index)
        rows.unlink()
    first = figures[str(copies[0])]
    for size in figures.values():
        for count in threads:
            name = f"{count} processes"
            cost, base = size[name], first[name]
            assert isinstance(cost, dict)
            assert isinstance(base, dict)
            cost["ratio a plasmid"] = _ratio(cost, base, "cpu seconds a plasmid")
    return dict(figures)


def _ratio(size: dict[str, object], first: dict[str, object], name: str) -> float:
    value, base = size[name], first[name]
    assert isinstance(value, float)
    assert isinstance(base, float)
    return value / base


def _make(source: str, path: Path, copies: int) -> None:
    grow(Path(source), path, copies=copies)


def _facts(path: Path) -> dict[str, object]:
    manifest = Index.open(path).manifest
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return {"plasmids": manifest.plasmids, "labs": manifest.labs, "bytes": size}


def _new_lab(folder: Path) -> str:
    """A FASTA file of ten made plasmids."""
    file = folder / "new-lab.fasta"
    plasmids = synthetic_plasmids(labs=1, plasmids_per_lab=10, seed=5)
    file.write_text("".join(f">{row.id}\n{row.sequence}\n" for row in plasmids))
    return str(file)


def _added(path: Path, new_lab: str) -> Cost:
    """Adding to a copy (of links) of an index."""
    copy = path.with_name("copy.index")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path, copy, copy_function=lambda a, b: Path(b).hardlink_to(a))
    cost = cost_of(vecattr("add-lab", new_lab, "--lab", "a lab of the bench", "-i", str(copy)))
    shutil.rmtree(copy)
    return cost
