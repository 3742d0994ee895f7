"""Queries that an evidence ranker learns from: plasmids in, what an index says of some labs out.

For each fold an encoder is trained without one publication of every lab that has three or more,
and without some single plasmids; these are then queried in an index of all plasmids, as if their
publication, or they themselves, were not stored. Some are queried as if their lab had hardly any
plasmid, because labs that were just added are scored by the same network, some as a short
fragment of themselves, and some with few of their features. Rows of the reserve
(`vecattr.datasets.reserve`) are never queried: indexes are calibrated on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import ClassRule
from vecattr.datasets.reserve import SplitHash, SplitHashes, reserve
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

SINGLE_PLASMIDS = 2_000  # plasmids queried one by one, in each fold
PER_PUBLICATION = 5  # plasmids of one publication that are queried
THINNED_SHARE = 0.06  # of the queries: their labs keep no more than one of …
THINNED_SIZES = (1, 2, 3, 5)  # … so many plasmids, as a lab that was just added
FEW_FEATURES_SHARE = 0.3  # of the queries: they have only some of their features
FRAGMENT_SHARE = 0.03  # of the queries: a linear fragment of …
FRAGMENT_BASES = (300, 3_000)  # … so many bases
AT_ONCE = 64  # queries that pass over the stored plasmids together
LIKELIEST, OTHERS = 25, 60  # labs kept by each kind of evidence, and of all others
#: The kinds of evidence by which the likeliest labs are chosen.
KEPT_BY = ("sum", "sole_squares", "rarity", "usage", "overlap", "jaccard", "longest_run", "cosine",
           "nearest", "votes20", "phenotypes")  # fmt: skip


@dataclass(frozen=True)
class TrainingQuery:
    """One plasmid of a fold, and the rows that must be left out when it is queried."""

    row: int
    left_out: NDArray[np.int64]
    is_new: bool = False  # is its whole publication left out?
    publications: int = 1  # of its lab, out of which the one left out was drawn


def fold_queries(
    plasmids: Sequence[Plasmid], rule: ClassRule, reserved: NDArray[np.bool_], *, fold: int
) -> tuple[list[TrainingQuery], NDArray[np.bool_]]:
    """The queries of a fold, and which rows its encoder may not see (n,)."""
    rng = np.random.default_rng([17, fold])
    labels = np.array([rule.label(plasmid.lab or "") for plasmid in plasmids])
    rows_of_labs = _rows_by_publication(plasmids)
    queries, withheld = _publication_queries(plasmids, rows_of_labs, rule, reserved, rng)
    single = np.zeros(len(plasmids), dtype=bool)
    order = rng.permutation(np.flatnonzero(~withheld & ~reserved))
    _, first = np.unique(labels[order], return_index=True)
    single[order[first]] = True  # one of each class, then any
    rest = order[~single[order]]
    single[rest[: max(0, SINGLE_PLASMIDS - int(single.sum()))]] = True
    queries += [TrainingQuery(row, np.array([row])) for row in np.flatnonzero(single).tolist()]
    thinned = []
    for query in queries:
        if rng.random() < THINNED_SHARE and labels[query.row] != POOLED:
            publications = rows_of_labs[plasmids[query.row].lab or ""].values()
            lab_rows = np.array([row for rows in publications for row in rows])
            query = _with_thinned_lab(query, lab_rows, rng)
        thinned.append(query)
    return thinned, withheld | single


def _rows_by_publication(plasmids: Sequence[Plasmid]) -> dict[str, dict[str, list[int]]]:
    """The rows of each publication of each lab; a plasmid without one is a publication."""
    rows: dict[str, dict[str, list[int]]] = {}
    for row, plasmid in enumerate(plasmids):
        publication = plasmid.group or f"row {row}"
        rows.setdefault(plasmid.lab or "", {}).setdefault(publication, []).append(row)
    return rows


def _publication_queries(
    plasmids: Sequence[Plasmid],
    rows_of_labs: dict[str, dict[str, list[int]]],
    rule: ClassRule,
    reserved: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[list[TrainingQuery], NDArray[np.bool_]]:
    """Some plasmids of one publication of every lab that has three or more, and the rows of these
    publications (n,)."""
    rows_of_publication: dict[str, list[int]] = {}
    for row, plasmid in enumerate(plasmids):
        rows_of_publication.setdefault(plasmid.group or f"row {row}", []).append(row)
    queries: list[TrainingQuery] = []
    withheld = np.zeros(len(plasmids), dtype=bool)
    for lab in sorted(rows_of_labs):
        lab_rows = rows_of_labs[lab]
        eligible = [
            publication
            for publication in sorted(lab_rows)
            if plasmids[lab_rows[publication][0]].group
            and not reserved[lab_rows[publication]].any()
        ]
        if rule.label(lab) != POOLED and len(lab_rows) >= 3 and eligible:
            publication = str(rng.choice(eligible))
            left_out = np.array(rows_of_publication[publication])
            withheld[left_out] = True
            for row in rng.permutation(lab_rows[publication])[:PER_PUBLICATION].tolist():
                count = len(eligible)
                queries.append(TrainingQuery(row, left_out, is_new=True, publications=count))
    return queries, withheld


def _with_thinned_lab(
    query: TrainingQuery, lab_rows: NDArray[np.int64], rng: np.random.Generator
) -> TrainingQuery:
    """The same query to a collection that holds few of the rows of its lab."""
    others = np.setdiff1d(lab_rows, query.left_out)
    removed = rng.permutation(others)[int(rng.choice(THINNED_SIZES)) :]
    return replace(query, left_out=np.union1d(query.left_out, removed))


def make_fold(
    plasmids: Sequence[Plasmid],
    rule: ClassRule,
    encoder: BagConfig,
    *,
    epochs: int,
    fold: int,
    work: Path,
) -> None:
    """Train, build and query; write `fold-N.npz`."""
    labels = [rule.label(plasmid.lab or "") for plasmid in plasmids]
    split_hashes = SplitHashes.from_hashes(map(SplitHash.from_plasmid, plasmids))
    reserved = reserve(labels, split_hashes).rows
    queries, withheld = fold_queries(plasmids, rule, reserved, fold=fold)
    nobody = np.zeros(len(plasmids), dtype=bool)
    learned = ~(withheld | reserved)
    model, path = work / f"fold-{fold}.model", work / f"fold-{fold}.index"
    if not (model / "MODEL_CARD.md").exists():
        split = Split(training=learned, validation=nobody, new_work=nobody, known_work=nobody)
        train = TrainConfig(loss="cosface", epochs=epochs, seed=fold)
        train_model(plasmids, model, rule=rule, encoder=encoder, train=train, split=split)
    if not path.exists():
        build_index(path, plasmids, model=model, rule=rule, lab_vectors="mean")
    recorder = QueryRecorder(Index.open(path), plasmids, np.random.default_rng(fold))
    for start in range(0, len(queries), AT_ONCE):
        recorder.record(queries[start : start + AT_ONCE])
        if not start % (8 * AT_ONCE):
            print(f"fold {fold}: {start} of {len(queries)}", flush=True)
    np.savez(work / f"fold-{fold}.npz", **recorder.arrays())


class QueryRecorder:
    """What one index says of labs when it is queried for plasmids that it holds."""

    def __init__(self, index: Index, plasmids: Sequence[Plasmid], rng: np.random.Generator) -> None:
        self._index, self._plasmids, self._rng = index, plasmids, rng
        [self._feature_rng] = rng.spawn(1)
        self._labs = LabScorer(_blank_ranker(), index.segments, index.lab_names)
        self._code = {name: code for code, name in enumerate(self._labs.catalogue.lab_names)}
        classes = np.array(index.lab_names, dtype=object)
        self._pooled = classes[self._labs.catalogue.class_of_lab] == POOLED
        self._a_pooled_lab = int(np.argmax(self._pooled))
        self._truths: list[int] = []
        self._is_new: list[bool] = []
        self._publications: list[int] = []
        self._kept: list[NDArray[np.int64]] = []
        self._stand_for: list[NDArray[np.float64]] = []
        self._inputs: dict[str, list[NDArray[np.float16]]] = {"plain": [], "featured": []}

    def record(
        self,
        queries: Sequence[TrainingQuery],
        *,
        fragments: float = FRAGMENT_SHARE,
        few_features: float = FEW_FEATURES_SHARE,
    ) -> None:
        """Keep what the index, without the rows that each query leaves out, says of some labs. A
        share of `fragments` are queried as a fragment, one of `few_features` with some features
        only. A lab that the index lacks counts as any pooled one."""
        asked = [self._asked(query, fragments=fragments) for query in queries]
        left_out = tuple(
            frozenset(self._plasmids[row].id for row in query.left_out.tolist())
            for query in queries
        )
        vectors = replace(self._index.embed(asked), left_out=left_out)
        cosines = self._index.lab_cosines(vectors)
        rows = [self._labs.rows_of(ids) for ids in left_out]
        told = [with_some_features(plasmid, few_features, self._feature_rng) for plasmid in asked]
        columns_of = self._labs.columns_of(told, vectors.bare, cosines, rows)
        for query, columns in zip(queries, columns_of, strict=True):
            self._keep(query, columns)

    def _asked(self, query: TrainingQuery, *, fragments: float) -> Plasmid:
        plasmid = self._plasmids[query.row]
        length = int(self._rng.integers(*FRAGMENT_BASES))
        if self._rng.random() < fragments and length < len(plasmid):
            return fragment(plasmid, length, rng=self._rng)
        return plasmid

    def _keep(self, query: TrainingQuery, columns: dict[str, NDArray[np.float64]]) -> None:
        truth = self._code.get(self._plasmids[query.row].lab or "", self._a_pooled_lab)
        kept, stand_for = kept_labs(columns, truth=truth, rng=self._rng)
        self._truths.append(truth)
        self._is_new.append(query.is_new)
        self._publications.append(query.publications)
        self._kept.append(kept)
        self._stand_for.append(stand_for)
        for kind, inputs in self._inputs.items():
            lab_inputs = network_inputs(columns, phenotypes=kind == "featured")
            inputs.append(lab_inputs[kept].astype(np.float16))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Of q queries with t kept labs together: `labs` (t,), how many labs each stands for (t,),
        how many were kept of each query (q,), the true labs (q,), which queries are plasmids of
        left-out publications, drawn out of how many (q,), which labs (l,) are pooled, and the
        inputs of both networks (t, f).
        """
        return {
            "labs": np.concatenate(self._kept),
            "stand_for": np.concatenate(self._stand_for),
            "sizes": np.array([len(labs) for labs in self._kept]),
            "truths": np.array(self._truths),
            "is_new": np.array(self._is_new),
            "works": np.array(self._publications),
            "pooled": self._pooled,
            **{kind: np.concatenate(inputs) for kind, inputs in self._inputs.items()},
        }


def with_some_features(plasmid: Plasmid, share: float, rng: np.random.Generator) -> Plasmid:
    """The plasmid; with probability `share` with some of its features only: of 39, as often with
    one to six as with more."""
    features = plasmid.features or {}
    chance, size = rng.random(2)
    names = rng.permutation(sorted(features))[: int(len(features) ** size)].tolist()
    if chance >= share or not features:
        return plasmid
    return replace(plasmid, features={name: features[name] for name in names})


def kept_labs(
    columns: dict[str, NDArray[np.float64]], *, truth: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The labs kept of a query: the true one, the likeliest, and some of the others; and how many
    labs each of them stands for."""
    labs = len(columns["plasmids"])
    best = [
        np.argpartition(-columns[name], min(LIKELIEST, labs - 1))[:LIKELIEST]
        for name in KEPT_BY
        if name in columns
    ]
    stored = np.flatnonzero(columns["plasmids"] > 0)
    likeliest = np.intersect1d(np.unique(np.concatenate([[truth], *best])), stored)
    rest = np.setdiff1d(stored, likeliest)
    others = rng.choice(rest, min(OTHERS, len(rest)), replace=False)
    stand_for = np.repeat([1.0, len(rest) / max(1, len(others))], [len(likeliest), len(others)])
    return np.concatenate([likeliest, others]), stand_for


def _blank_ranker() -> EvidenceRanker:
    """A ranker without weights: only its inputs are wanted here."""
    none = np.zeros(0, dtype=np.float32)
    empty = Network(none, none, none, none.reshape(0, 0), none, none)
    return EvidenceRanker(empty, empty, "nothing")
