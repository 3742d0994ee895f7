"""How much does the service cost beside the index, and how does it bear many users?

    python tools/bench_serve.py QUERIES -i INDEX [--seconds 300] [--users 32] [--workers 2]
        [-o FILE]

QUERIES is a file or a table of plasmids (with --where, rows of it). One run tells: seconds from the
start of the command to the first answer; the median of one user, and its ratio to `Index.query` of
this process on the same plasmids, taken in turn; the median and the last percentile of 4 users; and
with all users for so many seconds: answers a second, statuses, and the memory of all processes at
the beginning and at the end. Everything goes through real sockets.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

# As in the worker processes of the service, and said before the libraries below read it.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import httpx
from running_service import Running

from vecattr import Index, Plasmid, read_plasmids
from vecattr.readers.plasmids import ReadOptions

URL = "/api/v1/query"
#: Of one answer here and through the service.
OPTIONS = {"k": 10, "neighbors": 5, "evidence": 20}
PARAMETERS = {"k": "10", "neighbors": "5", "evidence": "true", "common_labs": "20"}


def fasta(plasmid: Plasmid) -> bytes:
    return f">{plasmid.id}\n{plasmid.sequence}\n".encode()


def processes(service: Running) -> dict[str, Path]:
    """The folders in /proc of the process that serves and of its children."""
    main = service.process.pid
    children = [
        child
        for task in Path(f"/proc/{main}/task").iterdir()
        for child in (task / "children").read_text().split()
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    numbered = {f"worker {number}": child for number, child in enumerate(sorted(children), start=1)}
    return {name: Path(f"/proc/{pid}") for name, pid in {"service": main, **numbered}.items()}


def memory(service: Running) -> dict[str, float]:
    """Megabytes of each process that are its own: not those of mapped files of the index, of which
    more and more are looked at."""
    own = {}
    for name, folder in processes(service).items():
        lines = (folder / "status").read_text().splitlines()
        [kilobytes] = [line.split()[1] for line in lines if line.startswith("RssAnon")]
        own[name] = round(int(kilobytes) / 1000, 1)
    return own


def processor_seconds(service: Running) -> float:
    """What all processes of the service have used of processors since they started."""
    ticks = 0
    for folder in processes(service).values():
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def overhead(service: Running, index: Index, queries: Sequence[Plasmid]) -> dict[str, float]:
    """One user: medians of the service and of the index in turn, and their ratio."""
    served, asked = [], []
    for plasmid in queries:
        begin = time.perf_counter()
        service.client.post(URL, params=PARAMETERS, content=fasta(plasmid)).raise_for_status()
        between = time.perf_counter()
        index.query(plasmid, **OPTIONS)  # type: ignore[arg-type]
        served.append(between - begin)
        asked.append(time.perf_counter() - between)
    medians = statistics.median(served), statistics.median(asked)
    ratios = [one / other for one, other in zip(served, asked, strict=True)]
    return {
        "median_seconds": medians[0],
        "median_seconds_of_the_index": medians[1],
        "ratio_of_medians": medians[0] / medians[1],
        "median_of_ratios": statistics.median(ratios),
    }


def load(
    service: Running, queries: Sequence[Plasmid], *, users: int, seconds: float
) -> dict[str, object]:
    """So many users, each with one request at a time, for so many seconds."""
    statuses: Counter[str] = Counter()
    taken: list[float] = []
    end = time.perf_counter() + seconds

    def ask(user: int) -> None:
        address = f"http://127.0.0.1:{service.port}"
        with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
            number = user
            is_first = True
            while is_first or time.perf_counter() < end:
                number, is_first = number + users, False
                body = fasta(queries[number % len(queries)])
                begin = time.perf_counter()
                response = client.post(URL, params=PARAMETERS, content=body)
                statuses[str(response.status_code)] += 1
                if response.status_code == 200:
                    taken.append(time.perf_counter() - begin)
                else:
                    time.sleep(float(response.headers.get("Retry-After", 1)))

    before = memory(service)
    threads = [threading.Thread(target=ask, args=(user,)) for user in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(taken)
    return {
        "users": users,
        "seconds": seconds,
        "statuses": dict(statuses),
        "answers_a_second": len(taken) / seconds,
        "median_seconds": statistics.median(ordered),
        "seconds_99_percent": ordered[int(0.99 * (len(ordered) - 1))],
        "megabytes_before": before,
        "megabytes_after": memory(service),
    }


def measured(options: argparse.Namespace) -> dict[str, object]:
    column, _, value = options.where.partition("=")
    where = ((column, value),) if column else ()
    rows = read_plasmids([options.queries], ReadOptions(where=where, no_features=True))
    queries = [row for row in rows if isinstance(row, Plasmid)][: options.count]
    begin = time.perf_counter()
    service = Running(options.index, workers=options.workers)
    try:
        service.client.post(URL, params=PARAMETERS, content=fasta(queries[0])).raise_for_status()
        first, used = time.perf_counter() - begin, processor_seconds(service)
        service.ready()
        index = Index.open(options.index, threads=1)
        index.query(queries[0], **OPTIONS)
        return {
            "first_answer_seconds": first,
            "first_answer_processor_seconds": used,
            "one_user": overhead(service, index, queries),
            "four_users": load(service, queries, users=4, seconds=options.seconds / 4),
            "many_users": load(service, queries, users=options.users, seconds=options.seconds),
        }
    finally:
        service.stop()
        service.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("queries")
    parser.add_argument("-i", "--index", type=Path, required=True)
    parser.add_argument("--where", default="", metavar="COLUMN=VALUE")
    parser.add_argument("--count", type=int, default=200, help="plasmids to ask about")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    text = json.dumps(measured(options), indent=2) + "\n"
    print(text, end="")
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
