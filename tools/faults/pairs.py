"""Proof 10, pairs: two commands on one index, each stopped before every call of the disk while the
other goes on; what each said, and what is there in the end, out.

The outcome must be one that some order of the commands that succeeded gives, one after the other;
a command that failed must have changed nothing, and said why. Commands are threads: only one runs
at a time, from one call of the disk to another, so each round is the same again.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
from toy_index import toy_model, toy_plasmids

from faults import fixtures
from faults.disks import CALLS
from vecattr.errors import AppliedError, MovedError, VecattrError
from vecattr.files.disk import Disk, using
from vecattr.indexes.checking.repair import repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.indexes.search.map_cache import keep_map
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.stored_info import read_lab_info
from vecattr.info import LabInfo

#: The calls of the disk until a command has the lock, or none.
_BEFORE_LOCK = 3
#: The longest that a command may take until its next stop (seconds).
_TOO_LONG = 60.0

INDEX, NEW, MOVED, OTHER = "index", "new", "moved", "other"

Command = Callable[[Path], object]


def _add(root: Path) -> None:
    path = root / INDEX
    add_labs(path, fixtures.plasmids_of("Fir", 1), embedder=fixtures.embedder_of(root / "model"))


def _build(root: Path, *, name: str, seed: int) -> None:
    plasmids = toy_plasmids(["Oak", f"Pine {seed}"], each=2, seed=seed)
    fixtures.build(root / name, root / "model", plasmids, replace=name == INDEX)


def _exchange(root: Path) -> None:
    """What a person does who puts another index in the place of one."""
    (root / INDEX).rename(root / MOVED)
    (root / OTHER).rename(root / INDEX)


def _claim(root: Path) -> None:
    """What a person does who makes a folder for something else."""
    (root / NEW).mkdir()
    (root / NEW / "thesis.txt").write_text("written for years")


def _query(root: Path) -> None:
    index = fixtures.opened(root / INDEX)
    index.query_many(fixtures.plasmids_of("q", 1), k=3, neighbors=2)


def _verify(root: Path) -> None:
    errors = [
        finding for finding in verify_index(root / INDEX).findings if finding.level == "error"
    ]
    assert not errors, errors


#: Commands that write with vecattr; and those that do not, and are not stopped.
WRITERS: dict[str, Command] = {
    "add-lab": _add,
    "remove-lab": lambda root: remove_lab(root / INDEX, "Ash"),
    "rename-lab": lambda root: rename_lab(root / INDEX, "Ash", "Birch"),
    "lab-info": lambda root: set_lab_info(root / INDEX, {"Ash": LabInfo("Ash & daughters")}),
    "map": lambda root: keep_map(root / INDEX, "ab" * 10, np.zeros((2, 2))),
    "compact": lambda root: compact(root / INDEX),
    "rollback": lambda root: rollback(root / INDEX),
    "repair": lambda root: repair_index(root / INDEX),
    "build": partial(_build, name=NEW, seed=1),
    "another build": partial(_build, name=NEW, seed=2),
    "build --replace": partial(_build, name=INDEX, seed=3),
}
OTHERS: dict[str, Command] = {
    "move away": lambda root: (root / INDEX).rename(root / MOVED),
    "move another there": _exchange,
    "make a folder": _claim,
    "delete": lambda root: shutil.rmtree(root / INDEX),
    "query": _query,
    "verify": _verify,
}
COMMANDS = WRITERS | OTHERS

#: What a command that does not succeed may raise; those of people raise errors of the system.
ERRORS = (VecattrError, OSError)


class Actor:
    """A command in a thread; it stops once before the call of the disk of this number (None:
    nowhere). `error` is what it raised, `calls` counts the calls that it made."""

    def __init__(self, name: str, root: Path, *, stop: int | None) -> None:
        self.name, self.calls, self.error = name, 0, None
        self._stop, self._root = stop, root
        self._rests, self._goes = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def _work(self) -> None:
        try:
            COMMANDS[self.name](self._root)
        except BaseException as error:
            self.error = error
        self._rests.set()

    def arrive(self) -> None:
        """Called in the thread before each call of the disk."""
        self.calls += 1
        if self.calls == self._stop:
            self._rests.set()
            assert self._goes.wait(_TOO_LONG), f"{self.name} was forgotten"

    def start(self) -> Actor:
        """Run until the stop, or the end."""
        _actors[self._thread] = self
        self._thread.start()
        assert self._rests.wait(_TOO_LONG), f"{self.name} hangs"
        return self

    def finish(self) -> None:
        """Run to the end."""
        self._goes.set()
        self._thread.join(_TOO_LONG)
        assert not self._thread.is_alive(), f"{self.name} hangs"
        del _actors[self._thread]


_actors: dict[threading.Thread, Actor] = {}


class SteppedDisk(Disk):
    """A disk before whose calls the actor that makes them may stop."""

    def __getattribute__(self, name: str) -> Any:
        if name in CALLS and (actor := _actors.get(threading.current_thread())):
            actor.arrive()
        return super().__getattribute__(name)


World = dict[str, object]


def world(root: Path) -> World:
    """What is at each path: the content of a whole index, what is wrong with one, or other files;
    and what is left beside them."""
    there: World = {}
    for path in sorted(root.iterdir()):
        if path.name == "model":
            continue
        if path.name.startswith("."):
            there["left"] = "a temporary folder"
            continue
        if (path / "manifest.json").exists():
            report = verify_index(path)
            known = read_lab_info(path, read_manifest(path)) if report.ok else {}
            there[path.name] = (fixtures.content(path), known) if report.ok else report.findings
        else:
            there[path.name] = sorted(file.name for file in path.rglob("*"))
    return there


@dataclass(frozen=True)
class Round:
    """Two commands, where each stops (None: nowhere), and whether the first one ends first."""

    first: str
    stop: int
    second: str
    second_stop: int | None = None
    first_ends_first: bool = True

    def __str__(self) -> str:
        return f"{self.first} at {self.stop}, {self.second} at {self.second_stop or 'its end'}"


class Stage:
    """A toy index with its model and another index, copies of it, and what orders of commands
    leave, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._base, self._copies = folder / "base", folder / "copies"
        self._copies.mkdir()
        self._base.mkdir()
        path, model = self._base / INDEX, toy_model(self._base / "model")
        fixtures.build(path, model, toy_plasmids(fixtures.FIRST_LABS, each=2, seed=0))
        new = fixtures.plasmids_of("Elm", 2)
        add_labs(path, new, embedder=fixtures.embedder_of(model))
        fixtures.build(self._base / OTHER, model, toy_plasmids(["Yew"], each=2, seed=4))
        self._orders: dict[tuple[str, ...], tuple[World, list[type[BaseException] | None]]] = {}
        self._count = 0

    def copy(self) -> Path:
        """A new copy."""
        self._count += 1
        return Path(shutil.copytree(self._base, self._copies / str(self._count)))

    def in_order(self, *names: str) -> tuple[World, list[type[BaseException] | None]]:
        """What commands leave, one after the other, and what each raised."""
        if names not in self._orders:
            root, raised = self.copy(), []
            for name in names:
                actor = Actor(name, root, stop=None).start()
                actor.finish()
                raised.append(type(actor.error) if actor.error else None)
            self._orders[names] = world(root), raised
            shutil.rmtree(root)
        return self._orders[names]

    def steps(self, name: str) -> int:
        """How many calls of the disk a command makes alone."""
        root = self.copy()
        actor = Actor(name, root, stop=None).start()
        actor.finish()
        shutil.rmtree(root)
        return actor.calls


def played(stage: Stage, plan: Round) -> tuple[World, list[Actor]]:
    """What a round leaves, and its actors."""
    root = stage.copy()
    first = Actor(plan.first, root, stop=plan.stop).start()
    second = Actor(plan.second, root, stop=plan.second_stop).start()
    for actor in (first, second) if plan.first_ends_first else (second, first):
        actor.finish()
    there = world(root)
    shutil.rmtree(root)
    return there, [first, second]


def wrong_in(stage: Stage, plan: Round, counts: Counter[str]) -> list[str]:
    """What is wrong in a round."""
    there, actors = played(stage, plan)
    done = [actor.name for actor in actors if _succeeded(actor)]
    wrong = [
        f"{actor.name} raises {actor.error!r}"
        for actor in actors
        if actor.error and not isinstance(actor.error, ERRORS)
    ]
    # One whose folder was moved says so: its change may be in the folder that was moved.
    told = [actor.name for actor in actors if isinstance(actor.error, MovedError)]
    for more in ([], told) if told else ([],):
        for order in permutations([*done, *more]):
            left, raised = stage.in_order(*order)
            if left == there and not any(raised):
                counts[f"as {len(order)} in order"] += 1
                return wrong + _unexplained(stage, actors)
    return [*wrong, f"no order explains {there}: {[actor.error for actor in actors]}"]


def _succeeded(actor: Actor) -> bool:
    return actor.error is None or isinstance(actor.error, AppliedError)


def _unexplained(stage: Stage, actors: list[Actor]) -> list[str]:
    """Failures that are neither told as those of a concurrent change nor come in any order."""
    names = [actor.name for actor in actors]
    orders = [stage.in_order(*order)[1] for order in (names, names[::-1])]
    wrong = []
    for actor, in_order, reverse in zip(actors, orders[0], reversed(orders[1]), strict=True):
        expected = {kind for kind in (in_order, reverse) if kind}
        is_own = isinstance(actor.error, VecattrError) and not _succeeded(actor)
        if is_own and type(actor.error) not in expected and "UNTOLD" in _told(actor.error):
            wrong.append(f"{actor.name} fails: {actor.error}")
    return wrong


def _told(error: BaseException | None) -> str:
    """Whether an error tells of something that happened meanwhile."""
    text = str(error)
    signs = ("another process", "was replaced", "meanwhile", "came to be here", "while ", "moved")
    return "told" if any(sign in text for sign in signs) else "UNTOLD"


def rounds_of(stage: Stage) -> Iterator[Round]:
    """Every pair of commands, the first one stopped at every step. Then both stopped: before the
    second one has a lock; and at all steps of two builds, which hold none in common."""
    steps = {name: stage.steps(name) for name in WRITERS}
    for first, second in product(WRITERS, COMMANDS):
        for stop in range(1, steps[first] + 1):
            yield Round(first, stop, second)
    for first, second in product(WRITERS, WRITERS):
        for stop in range(1, steps[first] + 1, 2):
            for second_stop in range(1, 1 + min(_BEFORE_LOCK, steps[second])):
                yield Round(first, stop, second, second_stop)
    for first, second in product(("build", "another build"), ("build", "another build")):
        for stop in range(1, steps[first] + 1, 2):
            for second_stop in range(1 + _BEFORE_LOCK, steps[second] + 1, 3):
                yield Round(first, stop, second, second_stop)


def prove(rounds: int, *, seed: int) -> dict[str, Any]:
    """Play so many rounds, drawn at random (0: all)."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, using(SteppedDisk()):
        stage = Stage(Path(folder))
        plans = list(rounds_of(stage))
        if rounds:
            plans = fixtures.seeded_random(seed, "pairs").sample(plans, rounds)
        for number, plan in enumerate(plans):
            fixtures.progress(number, every=500)
            for what in wrong_in(stage, plan, counts):
                failures.append({"round": str(plan), "what": what})
    return {"rounds": len(plans), "outcomes": dict(sorted(counts.items())), "failures": failures}
