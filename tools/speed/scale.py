"""Made indexes of several sizes: rows in; what opening, asking and adding cost, and recall, out."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from large_index import RandomEmbedder, build, lab_name

from vecattr.files.atomic import sha256_bytes
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.index import Index
from vecattr.plasmid import Plasmid

#: Labs of a made index, at most; a small index has one lab for ten plasmids.
LABS = 2000
_BASES = "ACGTTGCAAC" * 10


def labs_of(rows: int) -> int:
    return min(LABS, max(1, rows // 10))


def scale_costs(folder: Path, sizes: list[int], *, repeats: int) -> dict[str, object]:
    """Of each size, in milliseconds of processor time; of adding also the ratio to the smallest."""
    costs: dict[str, dict[str, object]] = {}
    for rows in sizes:
        path = folder / f"{rows}.index"
        if not path.exists():
            began = time.process_time()
            build(path, rows=rows, labs=labs_of(rows))
            costs[str(rows)] = {"building seconds": time.process_time() - began}
        _asked(path, labs_of(rows))  # so that the system has its files in memory
        costs[str(rows)] = costs.get(str(rows), {}) | _asked(path, labs_of(rows))
    for _ in range(repeats):  # in turn
        for rows in sizes:
            costs[str(rows)].setdefault("adding", [])
            adding = costs[str(rows)]["adding"]
            assert isinstance(adding, list)
            adding.append(_adding(folder / f"{rows}.index", labs_of(rows)))
    smallest = statistics.median(costs[str(sizes[0])]["adding"])  # type: ignore[call-overload]
    for rows in sizes:
        median = statistics.median(costs[str(rows)].pop("adding"))  # type: ignore[call-overload]
        costs[str(rows)] |= {"add-lab ms": median, "add-lab ratio": median / smallest}
    return dict(costs)


def _asked(path: Path, labs: int) -> dict[str, object]:
    """As `asking_costs`."""
    done = subprocess.run(
        [sys.executable, "-m", "speed.scale", str(path), str(labs)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    costs: dict[str, object] = json.loads(done.stdout)
    return costs


def _adding(path: Path, labs: int) -> float:
    """Milliseconds of adding ten plasmids of a new lab to a copy (of links) of an index."""
    copy = path.with_name("copy.index")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path, copy, copy_function=lambda a, b: Path(b).hardlink_to(a))
    embedder = RandomEmbedder(path.with_suffix(".model"), labs=labs)
    new = [Plasmid(f"new{number}-1", _BASES, lab="a lab of the bench") for number in range(10)]
    taken = _milliseconds(lambda: add_labs(copy, new, embedder=embedder))
    shutil.rmtree(copy)
    return taken


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return 1000 * (time.process_time() - began)


def asking_costs(path: Path, labs: int) -> dict[str, object]:
    """In a fresh process: opening, the first query, later ones, and how search does."""
    embedder = RandomEmbedder(path.with_suffix(".model"), labs=labs)
    opened: list[Index] = []
    opening = _milliseconds(lambda: opened.append(Index.open(path, embedder=embedder)))
    [index] = opened
    queries = [Plasmid(f"q{number}-{number * 7 % labs}", _BASES) for number in range(21)]
    times = [
        _milliseconds(lambda query=query: index.query(query, neighbors=10)) for query in queries
    ]
    expected = [lab_name(int(query.id.split("-")[1])) for query in queries]
    right = [
        index.query(query).labs[0].name == name
        for query, name in zip(queries, expected, strict=True)
    ]
    exact = Index.open(path, embedder=embedder, exact=True)
    vectors = exact.embed(queries)
    index._nearest, exact._nearest  # noqa: B018
    neighbors, exact_neighbors = index.neighbors(vectors, n=10), exact.neighbors(vectors, n=10)
    shared = [
        len({hit.id for hit in hits} & {hit.id for hit in true_hits}) / max(1, len(true_hits))
        for hits, true_hits in zip(neighbors, exact_neighbors, strict=True)
    ]
    vector = exact.embed(queries[:1])
    return {
        "open ms": opening,
        "first query ms": times[0],
        "query ms": statistics.median(times[1:]),
        "exact neighbors ms": _milliseconds(lambda: exact.neighbors(vector, n=10)),
        "neighbors ms": _milliseconds(lambda: index.neighbors(vector, n=10)),
        "recall@10": statistics.mean(shared),
        "first lab right": sum(right) / len(right),
        "search": sorted({str(segment["search"]) for segment in index.info()["segments"]}),  # type: ignore[attr-defined]
        "identity": sha256_bytes(index.identity.encode())[:12],
    }


if __name__ == "__main__":
    print(json.dumps(asking_costs(Path(sys.argv[1]), int(sys.argv[2]))))
