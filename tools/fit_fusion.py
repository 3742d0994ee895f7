"""Fit the fusion of vectors and exact k-mers that a model carries.

    python tools/fit_fusion.py TABLE --where split=train --labs FILE --work DIR -o fusion.json

For each fold an encoder is trained without one publication of every lab that has three or more,
and without some single plasmids; then these are asked about in an index of all plasmids, as if
their publication, or they themselves, were not stored, and for some of them as if their lab had
hardly any plasmid, because labs that were just added are scored by the same network. What is found
of the likeliest labs and of some others is kept in DIR (--fold N makes one fold only, so folds can
be made side by side), and the networks are trained on all folds. Rows of the reserve
(`vecattr.reserve`) are never asked about: indexes are calibrated on them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vecattr.classes import ClassRule, rule_from_file
from vecattr.config import BagConfig, TrainConfig
from vecattr.files import atomic_write
from vecattr.fusion import Fusion, Network, expanded
from vecattr.holdout import Split
from vecattr.indexes.build import build_index
from vecattr.indexes.catalogue import Catalogue
from vecattr.indexes.engine import Index
from vecattr.indexes.fused_labs import FusedLabs
from vecattr.plasmid import POOLED, Plasmid
from vecattr.readers import ReadOptions, read_plasmids
from vecattr.reserve import Lot, reserve
from vecattr.training import train_model

FOLDS = 4
SINGLES = 2_000  # plasmids asked about one by one, in each fold
OF_A_GROUP = 5  # plasmids of one publication asked about
THINNED = 0.06  # of the plasmids asked about: their labs keep no more than one of …
KEPT = (1, 2, 3, 5)  # … plasmids, as a lab that was just added
LIKELIEST, OTHERS = 25, 60  # labs kept of each kind of evidence, and of all
FROM = ("sum", "sole_squares", "rarity", "usage", "overlap", "jaccard", "longest_run", "cosine",
        "nearest", "votes20", "phenotypes")  # fmt: skip
HIDDEN, EPOCHS, BATCH, RATE, DECAY, DROPOUT, SEEDS = 24, 30, 512, 0.02, 0.1, 0.2, 2


@dataclass(frozen=True)
class Asked:
    """One plasmid of a fold, and the rows that must be left out when it is asked about."""

    row: int
    left_out: NDArray[np.int64]


def asked_about(
    plasmids: Sequence[Plasmid], rule: ClassRule, barred: NDArray[np.bool_], *, fold: int
) -> tuple[list[Asked], NDArray[np.bool_]]:
    """The plasmids of a fold, and which rows its encoder may not see (n,)."""
    rng = np.random.default_rng([17, fold])
    groups = [plasmid.group or f"row {row}" for row, plasmid in enumerate(plasmids)]
    works: dict[str, dict[str, list[int]]] = {}
    for row, plasmid in enumerate(plasmids):
        works.setdefault(plasmid.lab or "", {}).setdefault(groups[row], []).append(row)
    asked: list[Asked] = []
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
                asked.append(Asked(row, rows))
    labels = np.array([rule.label(plasmid.lab or "") for plasmid in plasmids])
    single = np.zeros(len(plasmids), dtype=bool)
    order = rng.permutation(np.flatnonzero(~unseen & ~barred))
    _, first = np.unique(labels[order], return_index=True)
    single[order[first]] = True  # one of each class, then any
    rest = order[~single[order]]
    single[rest[: max(0, SINGLES - int(single.sum()))]] = True
    asked += [Asked(row, np.array([row])) for row in np.flatnonzero(single).tolist()]
    of_lab = {lab: [row for rows in mine.values() for row in rows] for lab, mine in works.items()}
    thinned = [
        _thinned(one, np.array(of_lab[plasmids[one.row].lab or ""]), rng)
        if rng.random() < THINNED and labels[one.row] != POOLED
        else one
        for one in asked
    ]
    return thinned, unseen | single


def _thinned(one: Asked, mine: NDArray[np.int64], rng: np.random.Generator) -> Asked:
    """The same question to a collection that holds few of the rows of its lab."""
    others = np.setdiff1d(mine, one.left_out)
    gone = rng.permutation(others)[int(rng.choice(KEPT)) :]
    return Asked(one.row, np.union1d(one.left_out, gone))


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
    barred = reserve(labels, [Lot.of(plasmid) for plasmid in plasmids]).rows
    asked, unseen = asked_about(plasmids, rule, barred, fold=fold)
    nobody = np.zeros(len(plasmids), dtype=bool)
    learned = ~(unseen | barred)
    model, path = work / f"fold-{fold}.model", work / f"fold-{fold}.index"
    if not (model / "MODEL_CARD.md").exists():
        split = Split(learned=learned, watched=nobody, new_work=nobody, known_work=nobody)
        train = TrainConfig(loss="cosface", epochs=epochs, seed=fold)
        train_model(plasmids, model, rule=rule, encoder=encoder, train=train, split=split)
    if not path.exists():
        build_index(path, plasmids, model=model, rule=rule, lab_vectors="mean")
    index = Index.open(path)
    labs = FusedLabs(_nothing(), index.segments, index.lab_names)
    inputs: dict[str, list[NDArray[np.float32]]] = {"plain": [], "featured": []}
    kept: list[NDArray[np.int64]] = []
    stand: list[NDArray[np.float64]] = []
    truths = np.array([plasmids[one.row].lab for one in asked])
    rng = np.random.default_rng(fold)
    for done, one in enumerate(asked):
        plasmid = plasmids[one.row]
        gone = (frozenset(plasmids[row].id for row in one.left_out.tolist()),)
        some = index.embed([plasmid])
        vectors = type(some)(some.full, some.bare, gone, some.plasmids)
        [cosines] = index.lab_cosines(vectors)
        columns = labs.columns(plasmid, some.bare[0], cosines, labs.rows_of(gone[0]))
        seen = {name: expanded(columns, phenotypes=name == "featured") for name in inputs}
        chosen, each = candidates(columns, truth=_code(labs.catalogue, plasmid), rng=rng)
        kept.append(chosen)
        stand.append(each)
        for name, rows in seen.items():
            inputs[name].append(rows[chosen].astype(np.float16))
        if not done % 500:
            print(f"fold {fold}: {done} of {len(asked)}", flush=True)
    np.savez(
        work / f"fold-{fold}.npz",
        labs=np.concatenate(kept),
        stand_for=np.concatenate(stand),
        sizes=np.array([len(one) for one in kept]),
        truths=np.array([_code(labs.catalogue, plasmids[one.row]) for one in asked]),
        truth_names=truths,
        pooled=labs.catalogue.class_of_lab == index.lab_names.index(POOLED)
        if POOLED in index.lab_names
        else np.zeros(len(labs.catalogue.lab_names), dtype=bool),
        **{name: np.concatenate(rows) for name, rows in inputs.items()},
    )


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


def _code(catalogue: Catalogue, plasmid: Plasmid) -> int:
    return catalogue.lab_names.index(plasmid.lab or "")


def _nothing() -> Fusion:
    none = np.zeros(0, dtype=np.float32)
    empty = Network(none, none, none, none.reshape(0, 0), none, none)
    return Fusion(empty, empty, "nothing")


class Scorer(nn.Module):
    """The network of `vecattr.fusion`, of standardised inputs."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, 1, bias=False)
        self.inner = nn.Linear(inputs, HIDDEN)
        self.drop = nn.Dropout(DROPOUT)
        self.outer = nn.Linear(HIDDEN, 1, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (t, f) -> (t,)."""
        hidden = self.drop(torch.tanh(self.inner(x)))
        found: Tensor = (self.linear(x) + self.outer(hidden))[:, 0]
        return found


@dataclass(frozen=True)
class Questions:
    """Of q queries with t candidates together: inputs (t, f), of which query each is (t,), which
    are right (t,): the true lab, or every pooled one when that is pooled; and the logarithm of how
    many labs each stands for (t,)."""

    inputs: NDArray[np.float32]
    query: NDArray[np.int64]
    right: NDArray[np.bool_]
    stand_for: NDArray[np.float32]

    @classmethod
    def of(cls, folds: Sequence[Path], kind: str) -> Questions:
        parts = [cls._of_fold(path, kind) for path in folds]
        shift = np.cumsum([0, *(int(part.query[-1]) + 1 for part in parts[:-1])])
        return cls(
            np.concatenate([part.inputs for part in parts]),
            np.concatenate([part.query + by for part, by in zip(parts, shift, strict=True)]),
            np.concatenate([part.right for part in parts]),
            np.concatenate([part.stand_for for part in parts]),
        )

    @classmethod
    def _of_fold(cls, path: Path, kind: str) -> Questions:
        data = np.load(path)
        query = np.repeat(np.arange(len(data["sizes"])), data["sizes"])
        labs, truths, pooled = data["labs"], data["truths"], data["pooled"]
        right = np.where(pooled[truths][query], pooled[labs], labs == truths[query])
        can = np.bincount(query, right)[query] > 0  # a lab of a single plasmid has nothing left
        _, query = np.unique(query[can], return_inverse=True)
        stand_for = np.log(data["stand_for"][can]).astype(np.float32)
        return cls(data[kind][can].astype(np.float32), query, right[can], stand_for)


def fit_network(asked: Questions) -> Network:
    """Trained from several seeds; the hidden units of all stand side by side."""
    mean = asked.inputs.mean(axis=0)
    scale = asked.inputs.std(axis=0) + 1e-4
    inputs = torch.from_numpy((asked.inputs - mean) / scale)
    scorers = [_trained(inputs, asked, seed) for seed in range(SEEDS)]
    share = 1 / len(scorers)
    arrays = [
        {name: value.detach().numpy() for name, value in one.named_parameters()} for one in scorers
    ]
    return Network(
        mean,
        scale,
        share * np.sum([one["linear.weight"][0] for one in arrays], axis=0),
        np.concatenate([one["inner.weight"].T for one in arrays], axis=1),
        np.concatenate([one["inner.bias"] for one in arrays]),
        share * np.concatenate([one["outer.weight"][0] for one in arrays]),
    )


def _trained(inputs: Tensor, asked: Questions, seed: int) -> Scorer:
    torch.manual_seed(seed)
    queries = int(asked.query[-1]) + 1
    starts = np.searchsorted(asked.query, np.arange(queries + 1))
    right, stand_for = torch.from_numpy(asked.right), torch.from_numpy(asked.stand_for)
    scorer, steps = Scorer(inputs.shape[1]), EPOCHS * (queries // BATCH)
    optimizer = torch.optim.AdamW(scorer.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps)
    losses = []
    for some in _batches(queries, np.random.default_rng(seed)):
        rows = np.concatenate([np.arange(starts[one], starts[one + 1]) for one in some])
        query = torch.from_numpy(np.repeat(np.arange(len(some)), np.diff(starts)[some]))
        logits = scorer(inputs[rows]) + stand_for[rows]
        mine = right[rows]
        loss = (_log_sum(logits, query) - _log_sum(logits[mine], query[mine])).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    print(f"seed {seed}: loss {np.mean(losses[-queries // BATCH :]):.4f}", flush=True)
    return scorer.eval()


def _batches(queries: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    for _ in range(EPOCHS):
        order = rng.permutation(queries)
        for start in range(0, queries - BATCH + 1, BATCH):
            yield np.sort(order[start : start + BATCH])


def _log_sum(logits: Tensor, query: Tensor) -> Tensor:
    """ln(sum(exp)) over the candidates of each query, (t,) -> (b,)."""
    count = int(query[-1]) + 1
    best = torch.full((count,), -torch.inf).scatter_reduce(0, query, logits.detach(), "amax")
    total = torch.zeros(count).scatter_add(0, query, torch.exp(logits - best[query]))
    return best + torch.log(total)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--where", default="split=train")
    parser.add_argument("--labs", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--fold", type=int)
    parser.add_argument("--scaled", type=int, default=32)
    parser.add_argument("--kmer-plasmids", type=int, default=2)
    parser.add_argument("--token-width", type=int, default=48)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    encoder = BagConfig(
        scaled=options.scaled,
        min_plasmids=options.kmer_plasmids,
        token_width=options.token_width,
        dropout=options.dropout,
    )
    folds = range(FOLDS) if options.fold is None else [options.fold]
    missing = [fold for fold in folds if not (options.work / f"fold-{fold}.npz").exists()]
    if missing:
        column, _, value = options.where.partition("=")
        reading = ReadOptions(where=((column, value),))
        plasmids = list(read_plasmids([str(options.table)], reading))
        rule = rule_from_file(options.labs)
        for fold in missing:
            make_fold(plasmids, rule, encoder, epochs=options.epochs, fold=fold, work=options.work)
    if options.out:
        made = [options.work / f"fold-{fold}.npz" for fold in range(FOLDS)]
        plain, featured = (fit_network(Questions.of(made, kind)) for kind in ("plain", "featured"))
        source = f"{FOLDS} folds of plasmids of a table where {options.where}"
        atomic_write(options.out, Fusion(plain, featured, source).to_json())


if __name__ == "__main__":
    main()
