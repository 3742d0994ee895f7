"""Questions that a fusion learns from: plasmids in, what an index says of the labs of some out.

For each fold an encoder is trained without one publication of every lab that has three or more,
and without some single plasmids; then these are asked about in an index of all plasmids, as if
their publication, or they themselves, were not stored. Some are asked about as if their lab had
hardly any plasmid, because labs that were just added are scored by the same network, some as a
short stretch of themselves, and some with few of their features. Rows of the reserve
(`vecattr.datasets.reserve`) are never asked about: indexes are calibrated on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import ClassRule
from vecattr.datasets.reserve import SplitHash, reserve
from vecattr.datasets.splits import Split
from vecattr.encoders.config import BagConfig
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.index import Index
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.evidence_ranker import EvidenceRanker, Network, network_inputs
from vecattr.sequences.mutations import fragment
from vecattr.training.settings import TrainConfig
from vecattr.training.train import train_model

SINGLES = 2_000  # plasmids asked about one by one, in each fold
OF_A_GROUP = 5  # plasmids of one publication asked about
THINNED = 0.06  # of the plasmids asked about: their labs keep no more than one of …
KEPT = (1, 2, 3, 5)  # … plasmids, as a lab that was just added
PARTLY = 0.3  # of the plasmids asked about: no more than some of their features are told
CUT = 0.03  # of the plasmids asked about: a linear stretch of …
STRETCH = (300, 3_000)  # … so many bases
LIKELIEST, OTHERS = 25, 60  # labs kept of each kind of evidence, and of all
FROM = ("sum", "sole_squares", "rarity", "usage", "overlap", "jaccard", "longest_run", "cosine",
        "nearest", "votes20", "phenotypes")  # fmt: skip


@dataclass(frozen=True)
class SimulatedQuestion:
    """One plasmid of a fold, and the rows that must be left out when it is asked about."""

    row: int
    left_out: NDArray[np.int64]
    is_new: bool = False  # is its whole publication left out?
    works: int = 1  # publications of its lab that could have been


def asked_about(
    plasmids: Sequence[Plasmid], rule: ClassRule, barred: NDArray[np.bool_], *, fold: int
) -> tuple[list[SimulatedQuestion], NDArray[np.bool_]]:
    """The plasmids of a fold, and which rows its encoder may not see (n,)."""
    rng = np.random.default_rng([17, fold])
    groups = [plasmid.group or f"row {row}" for row, plasmid in enumerate(plasmids)]
    works: dict[str, dict[str, list[int]]] = {}
    for row, plasmid in enumerate(plasmids):
        works.setdefault(plasmid.lab or "", {}).setdefault(groups[row], []).append(row)
    asked: list[SimulatedQuestion] = []
    unseen = np.zeros(len(plasmids), dtype=bool)
    members: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    for lab in sorted(works):
        free = [
            group
            for group in sorted(works[lab])
            if plasmids[works[lab][group][0]].group and not barred[works[lab][group]].any()
        ]
        if rule.label(lab) != POOLED and len(works[lab]) >= 3 and free:
            group = str(rng.choice(free))
            rows = np.array(members[group])
            unseen[rows] = True
            for row in rng.permutation(works[lab][group])[:OF_A_GROUP].tolist():
                asked.append(SimulatedQuestion(row, rows, is_new=True, works=len(free)))
    labels = np.array([rule.label(plasmid.lab or "") for plasmid in plasmids])
    single = np.zeros(len(plasmids), dtype=bool)
    order = rng.permutation(np.flatnonzero(~unseen & ~barred))
    _, first = np.unique(labels[order], return_index=True)
    single[order[first]] = True  # one of each class, then any
    rest = order[~single[order]]
    single[rest[: max(0, SINGLES - int(single.sum()))]] = True
    asked += [SimulatedQuestion(row, np.array([row])) for row in np.flatnonzero(single).tolist()]
    of_lab = {lab: [row for rows in mine.values() for row in rows] for lab, mine in works.items()}
    thinned = [
        _thinned(one, np.array(of_lab[plasmids[one.row].lab or ""]), rng)
        if rng.random() < THINNED and labels[one.row] != POOLED
        else one
        for one in asked
    ]
    return thinned, unseen | single


def _thinned(
    one: SimulatedQuestion, mine: NDArray[np.int64], rng: np.random.Generator
) -> SimulatedQuestion:
    """The same question to a collection that holds few of the rows of its lab."""
    others = np.setdiff1d(mine, one.left_out)
    gone = rng.permutation(others)[int(rng.choice(KEPT)) :]
    return replace(one, left_out=np.union1d(one.left_out, gone))


def make_fold(
    plasmids: Sequence[Plasmid],
    rule: ClassRule,
    encoder: BagConfig,
    *,
    epochs: int,
    fold: int,
    work: Path,
) -> None:
    """Train, build and ask; write `fold-N.npz`."""
    labels = [rule.label(plasmid.lab or "") for plasmid in plasmids]
    barred = reserve(labels, [SplitHash.from_plasmid(plasmid) for plasmid in plasmids]).rows
    asked, unseen = asked_about(plasmids, rule, barred, fold=fold)
    nobody = np.zeros(len(plasmids), dtype=bool)
    learned = ~(unseen | barred)
    model, path = work / f"fold-{fold}.model", work / f"fold-{fold}.index"
    if not (model / "MODEL_CARD.md").exists():
        split = Split(training=learned, validation=nobody, new_work=nobody, known_work=nobody)
        train = TrainConfig(loss="cosface", epochs=epochs, seed=fold)
        train_model(plasmids, model, rule=rule, encoder=encoder, train=train, split=split)
    if not path.exists():
        build_index(path, plasmids, model=model, rule=rule, lab_vectors="mean")
    found = Asking(Index.open(path), plasmids, np.random.default_rng(fold))
    for done, one in enumerate(asked):
        found.ask(one)
        if not done % 500:
            print(f"fold {fold}: {done} of {len(asked)}", flush=True)
    np.savez(work / f"fold-{fold}.npz", **found.arrays())


class Asking:
    """Answers of one index to questions about plasmids that it holds."""

    def __init__(self, index: Index, plasmids: Sequence[Plasmid], rng: np.random.Generator) -> None:
        self._index, self._plasmids, self._rng = index, plasmids, rng
        [self._forgetful] = rng.spawn(1)
        self._labs = LabScorer(_nothing(), index.segments, index.lab_names)
        self._code = {name: code for code, name in enumerate(self._labs.catalogue.lab_names)}
        classes = np.array(index.lab_names, dtype=object)
        self._pooled = classes[self._labs.catalogue.class_of_lab] == POOLED
        self._a_pooled_lab = int(np.argmax(self._pooled))
        self._truths: list[int] = []
        self._is_new: list[bool] = []
        self._works: list[int] = []
        self._kept: list[NDArray[np.int64]] = []
        self._stand_for: list[NDArray[np.float64]] = []
        self._inputs: dict[str, list[NDArray[np.float16]]] = {"plain": [], "featured": []}

    def ask(self, one: SimulatedQuestion, *, cut: float = CUT, partly: float = PARTLY) -> None:
        """Keep what the index says of some labs without what is left out; of a share of `cut` it is
        asked about a stretch, and of one of `partly` it is told some features alone. A lab that
        the index does not know is any pooled one."""
        plasmid = self._plasmids[one.row]
        truth = self._code.get(plasmid.lab or "", self._a_pooled_lab)
        length = int(self._rng.integers(*STRETCH))
        if self._rng.random() < cut and length < len(plasmid):
            plasmid = fragment(plasmid, length, rng=self._rng)
        gone = (frozenset(self._plasmids[row].id for row in one.left_out.tolist()),)
        some = self._index.embed([plasmid])
        vectors = type(some)(some.full, some.bare, gone, some.plasmids)
        [cosines] = self._index.lab_cosines(vectors)
        left_out = self._labs.rows_of(gone[0])
        told = partly_told(plasmid, partly, self._forgetful)
        columns = self._labs.columns(told, some.bare[0], cosines, left_out)
        kept, stand_for = candidates(columns, truth=truth, rng=self._rng)
        self._truths.append(truth)
        self._is_new.append(one.is_new)
        self._works.append(one.works)
        self._kept.append(kept)
        self._stand_for.append(stand_for)
        for name, rows in self._inputs.items():
            seen = network_inputs(columns, phenotypes=name == "featured")
            rows.append(seen[kept].astype(np.float16))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Of q questions with t labs kept together: `labs` (t,), how many each stands for (t,), how
        many were kept of each question (q,), the true labs (q,), which questions are about plasmids
        of left-out groups and out of how many that could have been (q,), which labs (l,) are
        pooled, and the inputs of both networks (t, f).
        """
        return {
            "labs": np.concatenate(self._kept),
            "stand_for": np.concatenate(self._stand_for),
            "sizes": np.array([len(one) for one in self._kept]),
            "truths": np.array(self._truths),
            "is_new": np.array(self._is_new),
            "works": np.array(self._works),
            "pooled": self._pooled,
            **{name: np.concatenate(rows) for name, rows in self._inputs.items()},
        }


def partly_told(plasmid: Plasmid, share: float, rng: np.random.Generator) -> Plasmid:
    """The same; of so large a share of plasmids with some of its features alone, as often with one
    to six of 39 as with more."""
    features = plasmid.features or {}
    chance, size = rng.random(2)
    some = rng.permutation(sorted(features))[: int(len(features) ** size)].tolist()
    if chance >= share or not features:
        return plasmid
    return replace(plasmid, features={name: features[name] for name in some})


def candidates(
    columns: dict[str, NDArray[np.float64]], *, truth: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The labs kept of a query: the true one, the likeliest, and some of the others; and how many
    labs each of them stands for."""
    labs = len(columns["plasmids"])
    best = [
        np.argpartition(-columns[name], min(LIKELIEST, labs - 1))[:LIKELIEST]
        for name in FROM
        if name in columns
    ]
    living = np.flatnonzero(columns["plasmids"] > 0)
    likeliest = np.intersect1d(np.unique(np.concatenate([[truth], *best])), living)
    rest = np.setdiff1d(living, likeliest)
    others = rng.choice(rest, min(OTHERS, len(rest)), replace=False)
    each = np.repeat([1.0, len(rest) / max(1, len(others))], [len(likeliest), len(others)])
    return np.concatenate([likeliest, others]), each


def _nothing() -> EvidenceRanker:
    none = np.zeros(0, dtype=np.float32)
    empty = Network(none, none, none, none.reshape(0, 0), none, none)
    return EvidenceRanker(empty, empty, "nothing")
