"""Proof 1, kills: rounds and a seed in, the state of indexes whose writer was killed out.

A child edits an index in a loop and reports each published state. It is killed at a random time or
at a named step between two writes. The index must then open, verify, hold exactly the last reported
state or the one that was being written, and accept the next edit.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from toy_index import toy_plasmids

from faults import fixtures
from faults.fixtures import Content
from vecattr.errors import VecattrError
from vecattr.files.atomic import TEMPORARY
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.indexes.editing.publish import STEPS
from vecattr.indexes.storage.index_folder import kept_generations, read_manifest
from vecattr.indexes.storage.lock import LOCK_FILE
from vecattr.info import LabInfo

EDITS = ("add-lab", "remove-lab", "rename-lab", "lab-info", "compact", "rollback", "build")
#: Every step of every edit; three of them write segments, and a build has two steps more.
NAMED = [
    (edit, step)
    for edit in EDITS
    for step in (*STEPS, "folder", "move")
    if (edit in ("add-lab", "compact", "build") or step not in ("segment", "faiss"))
    and (edit == "build" or step not in ("folder", "move"))
]
#: The longest life of a child that is killed at a random time, and of any child (seconds).
_LONGEST_LIFE, _TOO_LONG = 0.25, 30.0


def edit_until_killed(
    path: Path, pipe: Connection, seed: int, fatal: tuple[str, str] | None, number: int
) -> None:
    """The child; `fatal` is the edit and the step at which it kills itself."""
    chance = fixtures.seeded_random(seed, "edits", number)
    while True:
        number += 1
        edit = fatal[0] if fatal else chance.choice(EDITS)
        prepare(path, pipe, edit, number)
        before = fixtures.content(path)
        pipe.send(("is", before, read_manifest(path).identity))
        pipe.send(("will", edit, expected(path, edit, before, number)))
        perform(path, edit, before, number, step=_killer(fatal, edit))
        pipe.send(("is", fixtures.content(path), read_manifest(path).identity))


def _killer(fatal: tuple[str, str] | None, edit: str) -> Callable[[str], None]:
    def kill_at(step: str) -> None:
        if fatal == (edit, step):
            os.kill(os.getpid(), signal.SIGKILL)

    return kill_at


def prepare(path: Path, pipe: Connection, edit: str, number: int) -> None:
    """Add a lab where an edit needs one, or a second segment, and report it."""
    needs = {"remove-lab": 2, "rename-lab": 2, "compact": 0, "rollback": 0}.get(edit, 0)
    content = fixtures.content(path)
    if len(content) < needs or (edit in ("compact", "rollback") and _is_plain(path)):
        new = fixtures.plasmids_of(f"extra {number}", number)
        after = content | {f"extra {number}": frozenset(plasmid.id for plasmid in new)}
        pipe.send(("is", content, read_manifest(path).identity))
        pipe.send(("will", "add-lab", after))
        add_labs(path, new, embedder=fixtures.embedder_of(path / "model"))


def _is_plain(path: Path) -> bool:
    return len(read_manifest(path).segments) < 2 or len(kept_generations(path)) < 2


def expected(path: Path, edit: str, before: Content, number: int) -> Content:
    """The content after an edit."""
    labs, after = sorted(before), dict(before)
    if edit == "add-lab":
        after[f"lab {number}"] = frozenset(
            plasmid.id for plasmid in fixtures.plasmids_of(f"lab {number}", number)
        )
    elif edit == "remove-lab":
        del after[labs[0]]
    elif edit == "rename-lab":
        ids = after.pop(labs[0])
        after[f"renamed {number}"] = ids
    elif edit == "rollback":
        return fixtures.content_of(path, _earlier(path))
    elif edit == "build":
        after = {}
        for plasmid in toy_plasmids(fixtures.FIRST_LABS, each=3, seed=number):
            lab = plasmid.lab or ""
            after[lab] = after.get(lab, frozenset()) | {plasmid.id}
    return after


def _earlier(path: Path) -> int:
    current = read_manifest(path).generation
    return max(generation for generation in kept_generations(path) if generation < current)


def perform(
    path: Path, edit: str, before: Content, number: int, *, step: Callable[[str], None]
) -> None:
    """One edit."""
    labs, model = sorted(before), path.parent / "model"
    if edit == "add-lab":
        new = fixtures.plasmids_of(f"lab {number}", number)
        add_labs(path, new, embedder=fixtures.embedder_of(model), step=step)
    elif edit == "remove-lab":
        remove_lab(path, labs[0], step=step)
    elif edit == "rename-lab":
        rename_lab(path, labs[0], f"renamed {number}", step=step)
    elif edit == "lab-info":
        set_lab_info(path, {labs[0]: LabInfo(f"known {number}")}, step=step)
    elif edit == "rollback":
        rollback(path, to=_earlier(path), step=step)
    elif edit == "compact":
        compact(path, step=step)
    else:
        new = toy_plasmids(fixtures.FIRST_LABS, each=3, seed=number)
        fixtures.build(path, model, new, replace=True, step=step)


def prove(rounds: int, *, seed: int) -> dict[str, Any]:
    """Kill a writer so many times, every other time at a named step."""
    context = fixtures.server("faults.kill")
    chance = fixtures.seeded_random(seed, "kills")
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = fixtures.build_toy_index(Path(folder))
        for number in range(rounds):
            fixtures.progress(number)
            fatal = NAMED[number // 2 % len(NAMED)] if number % 2 else None
            parent, child = context.Pipe()
            process = context.Process(
                target=edit_until_killed, args=(path, child, seed, fatal, number * 1000)
            )
            process.start()
            child.close()
            reports = _listen(parent, process, None if fatal else chance.random() * _LONGEST_LIFE)
            counts[f"killed at {fatal[0]}: {fatal[1]}" if fatal else "killed at random"] += 1
            wrong = check(path, reports, counts)
            failures.extend({"round": number, "fatal": fatal, "what": what} for what in wrong)
        new = fixtures.plasmids_of("last", 0)
        add_labs(path, new, embedder=fixtures.embedder_of(path / "model"))  # and cleans up
        for leftover in Path(folder).glob(f"{TEMPORARY}*"):
            if (leftover / LOCK_FILE).exists():
                failures.append({"what": f"{leftover.name} is left after the last edit"})
            else:
                counts["left for an hour, killed before it had a lock"] += 1
        failures.extend({"what": str(finding)} for finding in verify_index(path).findings)
    return {"rounds": rounds, "outcomes": dict(sorted(counts.items())), "failures": failures}


def _listen(pipe: Connection, process: Any, life: float | None) -> list[tuple[Any, ...]]:
    """The reports of a child until it is dead; with a `life` (seconds) it is killed after that."""
    reports: list[tuple[Any, ...]] = []
    end: float | None = time.monotonic() + _TOO_LONG
    while True:
        try:
            if end is not None and time.monotonic() > end:
                os.kill(process.pid, signal.SIGKILL)
                if life is None:
                    reports.append(("died", "never: it was still alive"))
                end = None
            if pipe.poll(0.002):
                reports.append(pipe.recv())
                if life is not None and len(reports) == 1:
                    end = time.monotonic() + life
            elif not process.is_alive():
                break
        except (EOFError, ConnectionResetError):
            break
    process.join()
    if process.exitcode != -signal.SIGKILL:
        reports.append(("died", process.exitcode))
    pipe.close()
    return reports


def check(path: Path, reports: list[tuple[Any, ...]], counts: Counter[str]) -> list[str]:
    """What is wrong after a kill; counts which of the two states the index has."""
    wrong = [f"the child ended by itself: {event[1]}" for event in reports if event[0] == "died"]
    published = [event for event in reports if event[0] == "is"]
    try:
        content, identity = fixtures.content(path), read_manifest(path).identity
        report = verify_index(path)
        fixtures.opened(path).query_many(fixtures.plasmids_of("q", 1), k=3, neighbors=2)
    except VecattrError as error:
        return [*wrong, f"cannot be opened: {error}"]
    wrong += [
        f"{finding.where}: {finding.what}"
        for finding in report.findings
        if finding.level == "error"
    ]
    if published:
        _, before, published_identity = published[-1]
        after = reports[-1][2] if reports[-1][0] == "will" else None
        if identity == published_identity and content == before:
            counts["held state N"] += 1
        elif after is not None and content == after:
            counts["held state N + 1"] += 1
        else:
            wrong.append("holds neither the last published state nor the next one")
    return wrong
