"""Proof 7, load: a number of queries and processes in, the growth of memory and descriptors out.

Many queries in one process, and whole `vecattr query` processes one after another. Memory and open
descriptors may not grow after the first tenth, and the same query must have the same answer.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from toy_index import toy_plasmids

from faults import fixtures
from vecattr.indexes.index import Index
from vecattr.readers.plasmid_table import table_text
from vecattr.sequences.synthetic import synthetic_plasmids

#: Queries of one batch; the same ones again and again.
_BATCH = 200
#: How much memory may grow between the first tenth and the end (bytes).
_ALLOWED_GROWTH = 16 << 20
#: The index is reopened every so many batches, as by a server that follows a writer.
_REOPEN = 10


def resident() -> int:
    """Resident memory of this process (bytes)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    """Open file descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


def prove(rounds: int, *, seed: int, processes: int) -> dict[str, Any]:
    """So many queries in one process, then so many processes."""
    with tempfile.TemporaryDirectory() as folder:
        inside = queries_in_one_process(Path(folder), rounds, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        outside = processes_in_a_row(Path(folder), processes, seed=seed)
    failures = [{"what": what} for what in (*inside[1], *outside[1])]
    outcomes = {**inside[0], **outside[0]}
    return {"rounds": rounds, "processes": processes, "outcomes": outcomes, "failures": failures}


def queries_in_one_process(
    folder: Path, rounds: int, *, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Query again and again, and reopen the index now and then."""
    path = fixtures.build_toy_index(folder, each=20)
    queries = toy_plasmids(["Ash", "Cedar", "q"], each=_BATCH // 3 + 1, seed=seed)[:_BATCH]
    batches = max(10, rounds // _BATCH)
    index, truth, wrong = fixtures.opened(path), "", 0
    memory: list[int] = []
    handles: list[int] = []
    for batch in range(batches):
        if batch % _REOPEN == 0:
            index = fixtures.opened(path)
        answer = fixtures.answer_hash(index, queries)
        truth = truth or answer
        wrong += answer != truth
        if batch in (batches // 10, batches - 1):
            memory.append(resident())
            handles.append(descriptors())
    failures = [f"{wrong} batches had another answer"] if wrong else []
    failures += _growth(memory, handles)
    facts = {
        "queries in one process": batches * _BATCH,
        "index opened": -(-batches // _REOPEN),
        "memory after a tenth and at the end (MB)": [size >> 20 for size in memory],
        "descriptors after a tenth and at the end": handles,
    }
    return facts, failures


def _growth(memory: list[int], handles: list[int]) -> list[str]:
    problems = []
    if memory[-1] - memory[0] > _ALLOWED_GROWTH:
        problems.append(f"memory grew from {memory[0]} to {memory[-1]} bytes")
    if handles[-1] > handles[0]:
        problems.append(f"open descriptors grew from {handles[0]} to {handles[-1]}")
    return problems


def processes_in_a_row(
    folder: Path, processes: int, *, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Whole processes that query an index of the shipped encoder."""
    plasmids = synthetic_plasmids(labs=4, plasmids_per_lab=4, seed=seed)
    (folder / "t.csv").write_text(table_text(plasmids[1:]))
    (folder / "q.fa").write_text(f">q\n{plasmids[0].sequence}\n")
    command = [sys.executable, "-m", "vecattr.cli"]
    common = ["-i", str(folder / "made.index"), "--threads", "1", "--device", "cpu", "-q"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    build = [*command, "build-index", str(folder / "t.csv"), *common]
    subprocess.run(build, check=True, env=environment)
    before = _state(folder / "made.index")
    answers, codes = set(), set()
    for _ in range(processes):
        query = [*command, "query", str(folder / "q.fa"), *common, "--format", "json"]
        done = subprocess.run(query, capture_output=True, env=environment)
        codes.add(done.returncode)
        answers.add(hashlib.sha256(done.stdout + done.stderr).hexdigest())
    failures = []
    if codes - {0} or len(answers) > 1:
        failures.append(f"exit codes {sorted(codes)}, {len(answers)} different answers")
    if _state(folder / "made.index") != before:
        failures.append("querying changed the index's folder")
    Index.open(folder / "made.index")
    facts = {"processes one after another": processes, "different answers": len(answers)}
    return facts, failures


def _state(path: Path) -> dict[str, tuple[int, int]]:
    """Name, size and time of every file below a folder."""
    files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    stats = {str(file.relative_to(path)): file.stat() for file in files}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}
