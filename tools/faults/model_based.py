"""Proof 5, a model: runs and a seed in, whether an index and plain values ever disagreed out.

A state machine of hypothesis edits an index at will, and does the same to a dictionary of rows with
plain NumPy. After each step both must name the same labs and plasmids in the same order, with the
same cosines to a millionth, and count the same; an add may not change an old lab's cosine.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from numpy.typing import NDArray
from toy_index import HashedKmers, toy_model, toy_plasmids

from faults import fixtures
from vecattr.datasets.classes import ClassRule
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback
from vecattr.indexes.editing.publish import KEPT_GENERATIONS
from vecattr.indexes.index import Index
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.discriminant import SHRINKAGE

Array = NDArray[np.float64]

#: How far a cosine may lie from the model's.
CLOSE = 1e-6
#: A direction that is shorter than this is rounding (float32 unit rows are off by 1e-7).
_NOTHING = 1e-6
NAMES = ("Ash", "Birch", "Cedar", "Elder", "Fir", "=1+1", "../x", "ash")


@dataclass(frozen=True)
class Row:
    """One plasmid as the model knows it."""

    id: str
    lab: str
    pooled: bool
    vector: Array

    @property
    def label(self) -> str:
        return POOLED if self.pooled else self.lab


@dataclass(frozen=True)
class State:
    """What an index holds. `built` are the vectors that it was built from (b, d), `pool` the sum of
    those that were pooled then."""

    rows: tuple[Row, ...]
    built: Array
    pool: Array | None

    def labs(self) -> dict[str, Array]:
        """The vector that each class is compared by, computed from the rows anew."""
        names = {row.label for row in self.rows if not row.pooled}
        sums = {
            name: np.sum([row.vector for row in self.rows if row.label == name], axis=0)
            for name in names
        }
        if self.pool is not None:
            sums[POOLED] = self.pool
        mean = self.built.mean(axis=0)
        count, width = self.built.shape
        covariance = self.built.T @ self.built / count - np.outer(mean, mean)
        share = min(1.0, SHRINKAGE + width / count)
        variance = np.trace(covariance) / width
        shrunk = (1 - share) * covariance / max(variance, 1e-300) + share * np.eye(width)
        turn = np.linalg.inv(shrunk) if variance >= np.finfo(np.float32).eps else np.eye(width)
        means = {name: total / np.linalg.norm(total) for name, total in sums.items()}
        apart = {name: (own - mean) @ turn for name, own in means.items()}
        # A class that is exactly the background has nothing that sets it apart, and keeps its mean.
        found = {
            name: apart[name] if np.linalg.norm(apart[name]) >= _NOTHING else means[name]
            for name in means
        }
        return {name: vector / np.linalg.norm(vector) for name, vector in found.items()}

    def counts(self) -> Counter[str]:
        return Counter(row.label for row in self.rows)


@dataclass
class Model:
    """The states of an index by generation."""

    states: dict[int, State] = field(default_factory=dict)
    generation: int = 0

    @property
    def now(self) -> State:
        return self.states[self.generation]

    def publish(self, state: State) -> None:
        """A new generation; the oldest is forgotten."""
        self.generation += 1
        self.states[self.generation] = state
        self.states.pop(self.generation - KEPT_GENERATIONS - 1, None)

    def start(self, state: State) -> None:
        self.states, self.generation = {1: state}, 1


#: Counts the steps of all runs, for the summary.
STEPS: Counter[str] = Counter()


class IndexMachine(RuleBasedStateMachine):
    """An index and its model, edited alike."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="vecattr-model-"))
        self.path = self.folder / "index"
        self.model_folder = toy_model(self.folder / "model")
        self.embedder: HashedKmers = fixtures.embedder_of(self.model_folder)
        self.model = Model()
        self.number = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def plasmids(self, labs: list[str], each: int) -> list[Plasmid]:
        """New plasmids, with ids that were never used."""
        self.number += 1
        return toy_plasmids(labs, each=each, seed=self.number)

    def rows(self, plasmids: list[Plasmid], named: frozenset[str] | None) -> tuple[Row, ...]:
        vectors = self.embedder.embed(plasmids).astype(np.float64)
        return tuple(
            Row(one.id, one.lab or "", named is not None and one.lab not in named, vector)
            for one, vector in zip(plasmids, vectors, strict=True)
        )

    @initialize(
        labs=st.sets(st.sampled_from(NAMES), min_size=1, max_size=4),
        each=st.integers(1, 4),
        pooled=st.integers(0, 2),
    )
    def first(self, labs: set[str], each: int, pooled: int) -> None:
        self.build(labs, each, pooled)

    @rule(
        labs=st.sets(st.sampled_from(NAMES), min_size=1, max_size=4),
        each=st.integers(1, 4),
        pooled=st.integers(0, 2),
    )
    def build(self, labs: set[str], each: int, pooled: int) -> None:
        STEPS["build"] += 1
        ordered = sorted(labs)
        self._build(self.plasmids(ordered, each), frozenset(ordered[pooled:]) or None)

    def _build(self, plasmids: list[Plasmid], named: frozenset[str] | None) -> None:
        rows = self.rows(plasmids, named)
        fixtures.build(self.path, self.model_folder, plasmids, replace=True, rule=ClassRule(named))
        pool = [row.vector for row in rows if row.pooled]
        built = np.array([row.vector for row in rows])
        self.model.start(State(rows, built, np.sum(pool, axis=0) if pool else None))

    @rule(labs=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3), each=st.integers(1, 3))
    def add(self, labs: set[str], each: int) -> None:
        STEPS["add"] += 1
        new = self.plasmids(sorted(labs), each)
        before = self.cosines()
        add_labs(self.path, new, embedder=self.embedder)
        now = self.model.now
        self.model.publish(replace(now, rows=now.rows + self.rows(new, None)))
        after = self.cosines()
        assert all(after[name] == before[name] for name in set(before) - labs)

    def _known(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted({row.lab for row in self.model.now.rows})))

    @precondition(lambda self: len({row.lab for row in self.model.now.rows}) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        STEPS["remove"] += 1
        lab = self._known(data)
        remove_lab(self.path, lab)
        now = self.model.now
        self.model.publish(replace(now, rows=tuple(row for row in now.rows if row.lab != lab)))

    @precondition(lambda self: len(self.model.now.rows) > 0)
    @rule(data=st.data(), new=st.sampled_from(NAMES))
    def rename(self, data: st.DataObject, new: str) -> None:
        old = self._known(data)
        if old == new:
            return
        STEPS["rename"] += 1
        rename_lab(self.path, old, new)
        now = self.model.now
        rows = tuple(replace(row, lab=new) if row.lab == old else row for row in now.rows)
        self.model.publish(replace(now, rows=rows))

    @precondition(lambda self: len(self.model.states) > 1)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        STEPS["rollback"] += 1
        kept = sorted(set(self.model.states) - {self.model.generation})
        target = data.draw(st.sampled_from(kept))
        rollback(self.path, to=target)
        self.model.publish(self.model.states[target])

    @rule()
    def compact(self) -> None:
        STEPS["compact"] += 1
        before = self.index().generation
        compact(self.path)
        if self.index().generation != before:
            self.model.publish(self.model.now)

    @rule()
    def reopen_elsewhere(self) -> None:
        STEPS["reopen a copy"] += 1
        moved = self.folder / "moved"
        shutil.copytree(self.path, moved)
        shutil.rmtree(self.path)
        moved.rename(self.path)

    @rule()
    def verify(self) -> None:
        STEPS["verify"] += 1
        assert verify_index(self.path).findings == ()

    def index(self) -> Index:
        return Index.open(self.path, embedder=self.embedder)

    def queries(self) -> list[Plasmid]:
        return toy_plasmids(["Ash", "query"], each=2, seed=self.number)

    def cosines(self) -> dict[str, list[float]]:
        """The cosines of the queries with every class."""
        opened = self.index()
        table = opened.lab_cosines(opened.embed(self.queries()))
        return dict(zip(opened.lab_names, table.T.tolist(), strict=True))

    @invariant()
    def agrees(self) -> None:
        if not self.model.states:
            return
        STEPS["comparisons"] += 1
        opened, state = self.index(), self.model.now
        sizes = {entry.name: entry.plasmids for entry in opened.labs()}
        expected = {name: state.counts()[name] for name in state.labs()}
        assert sizes == expected, (sizes, expected)
        assert opened.manifest.plasmids == len(state.rows)
        answers = opened.query_many(self.queries(), k=50, neighbors=50)
        vectors = self.embedder.embed(self.queries()).astype(np.float64)
        for answer, vector in zip(answers, vectors, strict=True):
            labs = {name: float(own @ vector) for name, own in state.labs().items()}
            _same([(hit.name, hit.cosine) for hit in answer.labs], labs)
            near = {row.id: float(row.vector @ vector) for row in state.rows}
            _same([(hit.id, hit.cosine) for hit in answer.neighbors], near, most=50)


def _same(found: list[tuple[str, float]], truth: dict[str, float], *, most: int = 50) -> None:
    """The same names in the order of the model's cosines, but for those as near as rounding."""
    assert len(found) == min(most, len(truth)), (found, truth)
    assert len({name for name, _ in found}) == len(found)
    for name, cosine in found:
        assert abs(cosine - truth[name]) < CLOSE, (name, cosine, truth[name])
    best = sorted(truth.values(), reverse=True)[: len(found)]
    for (name, _), cosine in zip(found, best, strict=True):
        assert abs(truth[name] - cosine) < CLOSE, (found, truth)


def prove(rounds: int, *, seed: int, steps: int = 20) -> dict[str, Any]:
    """So many runs of so many steps."""
    STEPS.clear()
    settings = hypothesis.settings(
        max_examples=rounds,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    failures = []
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(IndexMachine), settings=settings)
    except Exception as error:
        steps = "\n".join(getattr(error, "__notes__", []))
        failures.append({"what": f"{type(error).__name__}: {error}"[:1000], "steps": steps[:4000]})
    return {"rounds": rounds, "outcomes": dict(sorted(STEPS.items())), "failures": failures}
