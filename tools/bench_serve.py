"""How much does the service cost beside the index, and how does it bear many users?

    python tools/bench_serve.py QUERIES -i INDEX [--seconds 300] [--users 32] [--workers 2]
        [--starts 5] [--pages 10] [-o FILE]

QUERIES is a file or a table of plasmids (with --where, rows of it). One run tells: seconds from the
start of the command to the first answer, and from asking for a result page in Chromium, where there
is one, to its map drawn (median and largest of some each); the median of one user, and its ratio to
`Index.query` of this process on the same plasmids, taken in turn; the median and the last
percentile of 4 users; and with all users for so many seconds: answers a second, statuses, and the
memory of all processes at the beginning and at the end. Everything goes through real sockets.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
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
#: In a page: show the map, which is drawn when it is seen; and tell when it was drawn (milliseconds
#: since the page was asked for).
_SCROLL = "document.querySelector('.map').scrollIntoView()"
_WHEN_DRAWN = """
const done = arguments[arguments.length - 1];
(function look() {
  const [mark] = performance.getEntriesByName("map drawn");
  if (mark) done(mark.startTime); else setTimeout(look, 20);
})();
"""
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


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median and the largest of some values."""
    return {"median": statistics.median(values), "largest": max(values)}


def first_answer(options: argparse.Namespace, plasmid: Plasmid) -> tuple[float, float]:
    """Seconds from the start of the command to its first answer, and processor seconds of that."""
    begin = time.perf_counter()
    service = Running(options.index, workers=options.workers)
    try:
        service.client.post(URL, params=PARAMETERS, content=fasta(plasmid)).raise_for_status()
        return time.perf_counter() - begin, processor_seconds(service)
    finally:
        service.stop()
        service.kill()


def pages_drawn(service: Running, queries: Sequence[Plasmid]) -> dict[str, float] | None:
    """Seconds from asking for a result page to its map drawn, each in a fresh tab of one browser;
    None without Chromium. The first page, with nothing compiled yet, counts as all others."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None or not queries:
        return None
    from selenium import webdriver  # extra
    from selenium.webdriver.chrome.service import Service  # extra

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = program
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    seconds = []
    try:
        for plasmid in queries:
            sent = {"file": (f"{plasmid.id}.fasta", fasta(plasmid))}
            result = service.client.post("/queries", files=sent).headers["Location"]
            chrome.switch_to.new_window("tab")
            chrome.get(f"http://127.0.0.1:{service.port}{result}")
            if not chrome.find_elements("css selector", ".map"):
                continue  # a query of which no stretch can be shown
            chrome.execute_script(_SCROLL)
            seconds.append(chrome.execute_async_script(_WHEN_DRAWN) / 1000)
    finally:
        chrome.quit()
    return spread(seconds)


def measured(options: argparse.Namespace) -> dict[str, object]:
    column, _, value = options.where.partition("=")
    where = ((column, value),) if column else ()
    rows = read_plasmids([options.queries], ReadOptions(where=where, no_features=True))
    queries = [row for row in rows if isinstance(row, Plasmid)][: options.count]
    firsts = [first_answer(options, queries[0]) for _ in range(options.starts)]
    service = Running(options.index, workers=options.workers)
    try:
        service.ready()
        index = Index.open(options.index, threads=1)
        index.query(queries[0], **OPTIONS)
        return {
            "first_answer_seconds": spread([seconds for seconds, _ in firsts]),
            "first_answer_processor_seconds": spread([used for _, used in firsts]),
            "page_drawn_seconds": pages_drawn(service, queries[: options.pages]),
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
    parser.add_argument("--starts", type=int, default=5, help="starts that are timed")
    parser.add_argument("--pages", type=int, default=10, help="pages that are drawn")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    text = json.dumps(measured(options), indent=2) + "\n"
    print(text, end="")
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
