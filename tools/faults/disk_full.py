"""Proof 2, a full disk: a seed in, the outcomes of build, add, compact and query at all sizes out.

A small tmpfs is grown page by page (where mounting is allowed), and the largest file that a process
may write is raised kilobyte by kilobyte (RLIMIT_FSIZE). Each time a child runs an operation; it
must end with exit code 1 or 4 and a message, never by a signal, and leave the old state intact.
"""

from __future__ import annotations

import io
import resource
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
from toy_index import toy_model, toy_plasmids

from faults import fixtures
from vecattr.cli.main import run
from vecattr.cli.rendering.answers import render
from vecattr.cli.rendering.output import write_results
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact
from vecattr.indexes.storage.index_folder import MANIFEST_FILE, read_manifest

PAGE, KILOBYTE = 4096, 1024
OPERATIONS = ("build", "add-lab", "compact", "query -o")
#: Enough queries that their results do not fit into a page.
_QUERIES = 60


def operate(operation: str, folder: Path) -> None:
    """One operation on `folder`/index, which exists unless it is to be built."""
    path, model = folder / "index", folder.parent / "model"
    embedder = fixtures.embedder_of(model)
    if operation == "build":
        fixtures.build(path, model, toy_plasmids(fixtures.FIRST_LABS, each=3, seed=0))
    elif operation == "add-lab":
        add_labs(path, toy_plasmids(["new"], each=4, seed=9), embedder=embedder)
    elif operation == "compact":
        compact(path)
    else:
        queries = toy_plasmids(["q"], each=_QUERIES, seed=5)
        answers = fixtures.opened(path).query_many(queries, k=3, neighbors=3)
        write_results(render(answers, form="tsv"), folder / "out.tsv")


def try_operation(operation: str, folder: Path, most: int | None, pipe: Connection) -> None:
    """A child: it runs the operation as a command, and sends the exit code and the message."""
    if most is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    command = click.Command("go", callback=lambda: operate(operation, folder))
    messages = io.StringIO()
    with redirect_stderr(messages):
        code = run([], group=command)
    pipe.send((code, messages.getvalue()))


def prepare(operation: str, folder: Path) -> None:
    """Make what an operation needs."""
    if operation == "build":
        return
    model = folder.parent / "model"
    fixtures.build(folder / "index", model, toy_plasmids(fixtures.FIRST_LABS, each=3, seed=0))
    if operation == "compact":
        new = toy_plasmids(["Elder"], each=3, seed=1)
        add_labs(folder / "index", new, embedder=fixtures.embedder_of(model))


def prove(rounds: int, *, seed: int) -> dict[str, Any]:
    """Every operation at every size; `rounds` bounds the sizes of each (0: all)."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    tried = 0
    with tempfile.TemporaryDirectory() as scratch:
        toy_model(Path(scratch) / "model")
        for operation in OPERATIONS:
            for kind, size, folder in _places(operation, Path(scratch), rounds):
                tried += 1
                fixtures.progress(tried)
                most = size if kind == "largest file" else None
                outcome, wrong = _outcome(operation, folder, most)
                counts[f"{operation}, {kind}: {outcome}"] += 1
                failures += [{"what": problem, "size": size, "of": operation} for problem in wrong]
    counted = dict(sorted(counts.items()))
    return {"rounds": tried, "outcomes": counted, "failures": failures}


def _places(operation: str, scratch: Path, rounds: int) -> Iterator[tuple[str, int, Path]]:
    """Folders that are ready for an operation, with more and more space."""
    plain = scratch / "plain"
    plain.mkdir()
    prepare(operation, plain)
    before = _room(plain)
    operate(operation, plain)
    after = max(_room(plain), before + PAGE)
    largest = max(file.stat().st_size for file in plain.rglob("*") if file.is_file())
    shutil.rmtree(plain)
    for most in _steps(0, largest + KILOBYTE, KILOBYTE, rounds):
        plain.mkdir()
        prepare(operation, plain)
        yield "largest file", most, plain
        shutil.rmtree(plain)
    if not _mountable(scratch / "full"):
        return
    for size in _steps(before, 2 * after - before + 8 * PAGE, PAGE, rounds):
        with tmpfs(scratch / "full") as folder:
            prepare(operation, folder)
            _resize(folder, size)
            yield "small disk", size, folder


def _steps(first: int, last: int, step: int, rounds: int) -> range:
    """From first to last by this step, or a larger one when that would be more than `rounds`."""
    wide = step * max(1, -(-(last - first) // (step * rounds))) if rounds else step
    return range(first, last + wide, wide)


def _outcome(operation: str, folder: Path, most: int | None) -> tuple[str, list[str]]:
    """The outcome of a child's operation, and what is wrong with it."""
    path = folder / "index"
    old = read_manifest(path).identity if operation != "build" else None
    content = fixtures.content(path) if old else {}
    context = fixtures.server("faults.disk_full")
    parent, child = context.Pipe()
    process = context.Process(target=try_operation, args=(operation, folder, most, child))
    process.start()
    child.close()
    process.join(60)
    if process.exitcode != 0 or not parent.poll():
        process.kill()
        return "died", [f"the process ended by {process.exitcode}"]
    code, message = parent.recv()
    wrong = [] if code in (0, 1, 4) else [f"exit code {code}: {message}"]
    if code and not message.startswith("vecattr: error: "):
        wrong.append(f"the message is {message!r}")
    wrong += _problems(operation, path, code, old, content)
    leftovers = [file.name for file in folder.iterdir() if file.name.startswith(".vecattr-")]
    if leftovers:
        wrong.append(f"left {leftovers}")
    return f"exit code {code}", wrong


def _problems(
    operation: str, path: Path, code: int, old: str | None, content: fixtures.Content
) -> list[str]:
    """What is wrong with the index after an operation that ended with this code."""
    if operation == "build" and code:
        return ["half an index is there"] if (path / MANIFEST_FILE).exists() else []
    report = verify_index(path)
    wrong = [
        f"{finding.where}: {finding.what}"
        for finding in report.findings
        if finding.level == "error"
    ]
    if operation == "query -o":
        out = path.parent / "out.tsv"
        lines = out.read_text().splitlines() if out.exists() else []
        if len(lines) != (0 if code else 6 * _QUERIES + 1):
            wrong.append(f"{len(lines)} lines of results with exit code {code}")
    if (code or operation == "query -o") and report.identity != old:
        wrong.append("another state after a failure")
    if operation == "compact" and fixtures.content(path) != content:
        wrong.append("compact changed what the index holds")
    return wrong


def _room(folder: Path) -> int:
    """Bytes that a folder takes, in whole pages."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return sum(-(-file.stat().st_size // PAGE) * PAGE for file in files)


def _mountable(place: Path) -> bool:
    try:
        with tmpfs(place):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def tmpfs(place: Path) -> Iterator[Path]:
    """A file system in memory; CalledProcessError where mounting is not allowed."""
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "vecattr-soak", str(place)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _resize(place: Path, size: int) -> None:
    """Limit it to so many bytes, or to as many as it holds already."""
    used = shutil.disk_usage(place).used
    option = f"remount,size={max(size, used, PAGE)}"
    subprocess.run(["mount", "-o", option, str(place)], check=True)
