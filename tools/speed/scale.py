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

#: Labs of a made index, at most; a small one has one for ten plasmids.
LABS = 2000
_BASES = "ACGTTGCAAC" * 10


def labs_of(rows: int) -> int:
    return min(LABS, max(1, rows // 10))


def scale_costs(folder: Path, sizes: list[int], *, repeats: int) -> dict[str, object]:
    """Of each size, in milliseconds of processor time; of adding also the ratio to the smallest."""
    found: dict[str, dict[str, object]] = {}
    for rows in sizes:
        path = folder / f"{rows}.index"
        if not path.exists():
            began = time.process_time()
            build(path, rows=rows, labs=labs_of(rows))
            found[str(rows)] = {"building seconds": time.process_time() - began}
        _asked(path, labs_of(rows))  # so that the system has its files in memory
        found[str(rows)] = found.get(str(rows), {}) | _asked(path, labs_of(rows))
    for _ in range(repeats):  # in turn
        for rows in sizes:
            found[str(rows)].setdefault("adding", [])
            adding = found[str(rows)]["adding"]
            assert isinstance(adding, list)
            adding.append(_adding(folder / f"{rows}.index", labs_of(rows)))
    smallest = statistics.median(found[str(sizes[0])]["adding"])  # type: ignore[call-overload]
    for rows in sizes:
        median = statistics.median(found[str(rows)].pop("adding"))  # type: ignore[call-overload]
        found[str(rows)] |= {"add-lab ms": median, "add-lab ratio": median / smallest}
    return dict(found)


def _asked(path: Path, labs: int) -> dict[str, object]:
    """As `asking_costs`."""
    done = subprocess.run(
        [sys.executable, "-m", "speed.scale", str(path), str(labs)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout)
    return found


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
    asked = [Plasmid(f"q{number}-{number * 7 % labs}", _BASES) for number in range(21)]
    times = [_milliseconds(lambda one=one: index.query(one, neighbors=10)) for one in asked]  # type: ignore[misc]
    right = [index.query(one).labs[0].name == lab_name(int(one.id.split("-")[1])) for one in asked]
    exact = Index.open(path, embedder=embedder, exact=True)
    vectors = exact.embed(asked)
    index._nearest, exact._nearest  # noqa: B018
    near, truth = index.neighbors(vectors, n=10), exact.neighbors(vectors, n=10)
    shared = [
        len({one.id for one in mine} & {one.id for one in true}) / max(1, len(true))
        for mine, true in zip(near, truth, strict=True)
    ]
    again = exact.embed(asked[:1])
    return {
        "open ms": opening,
        "first query ms": times[0],
        "query ms": statistics.median(times[1:]),
        "exact neighbors ms": _milliseconds(lambda: exact.neighbors(again, n=10)),
        "neighbors ms": _milliseconds(lambda: index.neighbors(again, n=10)),
        "recall@10": statistics.mean(shared),
        "first lab right": sum(right) / len(right),
        "search": sorted({str(one["search"]) for one in index.info()["segments"]}),  # type: ignore[attr-defined]
        "identity": sha256_bytes(index.identity.encode())[:12],
    }


if __name__ == "__main__":
    print(json.dumps(asking_costs(Path(sys.argv[1]), int(sys.argv[2]))))
