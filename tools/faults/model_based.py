"""Proof 5, a model: runs and a seed in, any disagreement of an index with plain values out.

A hypothesis state machine edits an index at random, and does the same to a list of rows with plain
NumPy. After each step both must name the same labs and plasmids in the same order, with the
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

#: How far a cosine may be from the model's.
TOLERANCE = 1e-6
#: A shorter direction is a rounding error (float32 unit rows are off by 1e-7).
_SHORTEST = 1e-6
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
    """What an index holds; `built` are the vectors that it was built from (b, d), `pool` is the sum
    of those that were pooled then."""

    rows: tuple[Row, ...]
    built: Array
    pool: Array | None

    def labs(self) -> dict[str, Array]:
        """The vector of each class, computed from the rows."""
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
        whitening = np.linalg.inv(shrunk) if variance >= np.finfo(np.float32).eps else np.eye(width)
        means = {name: total / np.linalg.norm(total) for name, total in sums.items()}
        directions = {name: (own - mean) @ whitening for name, own in means.items()}
        # A class whose mean is exactly the background has no direction and keeps its mean.
        vectors = {
            name: direction if np.linalg.norm(direction) >= _SHORTEST else means[name]
            for name, direction in directions.items()
        }
        return {name: vector / np.linalg.norm(vector) for name, vector in vectors.items()}

    def counts(self) -> Counter[str]:
        return Counter(row.label for row in self.rows)


@dataclass
class Model:
    """The states of an index by generation."""

    states: dict[int, State] = field(default_factory=dict)
    generation: int = 0

    @property
    def current(self) -> State:
        return self.states[self.generation]

    def publish(self, state: State) -> None:
        """Add a generation; the oldest is dropped."""
        self.generation += 1
        self.states[self.generation] = state
        self.states.pop(self.generation - KEPT_GENERATIONS - 1, None)

    def start(self, state: State) -> None:
        self.states, self.generation = {1: state}, 1


#: Counts the steps of all runs, for the summary.
STEPS: Counter[str] = Counter()


class IndexMachine(RuleBasedStateMachine):
    """An index and its model, with the same edits."""

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
            Row(
                plasmid.id,
                plasmid.lab or "",
                named is not None and plasmid.lab not in named,
                vector,
            )
            for plasmid, vector in zip(plasmids, vectors, strict=True)
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
        state = self.model.current
        self.model.publish(replace(state, rows=state.rows + self.rows(new, None)))
        after = self.cosines()
        assert all(after[name] == before[name] for name in set(before) - labs)

    def _draw_lab(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted({row.lab for row in self.model.current.rows})))

    @precondition(lambda self: len({row.lab for row in self.model.current.rows}) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        STEPS["remove"] += 1
        lab = self._draw_lab(data)
        remove_lab(self.path, lab)
        state = self.model.current
        self.model.publish(replace(state, rows=tuple(row for row in state.rows if row.lab != lab)))

    @precondition(lambda self: len(self.model.current.rows) > 0)
    @rule(data=st.data(), new=st.sampled_from(NAMES))
    def rename(self, data: st.DataObject, new: str) -> None:
        old = self._draw_lab(data)
        if old == new:
            return
        STEPS["rename"] += 1
        rename_lab(self.path, old, new)
        state = self.model.current
        rows = tuple(replace(row, lab=new) if row.lab == old else row for row in state.rows)
        self.model.publish(replace(state, rows=rows))

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
            self.model.publish(self.model.current)

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
        opened, state = self.index(), self.model.current
        sizes = {entry.name: entry.plasmids for entry in opened.labs()}
        expected = {name: state.counts()[name] for name in state.labs()}
        assert sizes == expected, (sizes, expected)
        assert opened.manifest.plasmids == len(state.rows)
        answers = opened.query_many(self.queries(), k=50, neighbors=50)
        vectors = self.embedder.embed(self.queries()).astype(np.float64)
        for answer, vector in zip(answers, vectors, strict=True):
            labs = {name: float(own @ vector) for name, own in state.labs().items()}
            _same([(hit.name, hit.cosine) for hit in answer.labs], labs)
            cosines = {row.id: float(row.vector @ vector) for row in state.rows}
            _same([(hit.id, hit.cosine) for hit in answer.neighbors], cosines, most=50)


def _same(hits: list[tuple[str, float]], truth: dict[str, float], *, most: int = 50) -> None:
    """The same names in the order of the model's cosines, except for ties within rounding."""
    assert len(hits) == min(most, len(truth)), (hits, truth)
    assert len({name for name, _ in hits}) == len(hits)
    for name, cosine in hits:
        assert abs(cosine - truth[name]) < TOLERANCE, (name, cosine, truth[name])
    best = sorted(truth.values(), reverse=True)[: len(hits)]
    for (name, _), cosine in zip(hits, best, strict=True):
        assert abs(truth[name] - cosine) < TOLERANCE, (hits, truth)


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
        notes = "\n".join(getattr(error, "__notes__", []))
        failures.append({"what": f"{type(error).__name__}: {error}"[:1000], "steps": notes[:4000]})
    return {"rounds": rounds, "outcomes": dict(sorted(STEPS.items())), "failures": failures}
