"""Labelled plasmids in, the evidence ranker (fusion.json) that a model carries out.

    python tools/fit_ranker.py TABLE --where split=train --labs FILE --work DIR -o fusion.json

`ranker_queries` simulates queries of several folds; what an index says of the likeliest labs and of
some others is kept in DIR (--fold N makes one fold only, so folds can be made in parallel). Then
the networks are trained on all folds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from ranker_queries import make_fold
from torch import Tensor, nn

from vecattr.datasets.classes import rule_from_file
from vecattr.encoders.config import BagConfig
from vecattr.files.atomic import atomic_write
from vecattr.ranking.evidence_ranker import EvidenceRanker, Network, input_columns, input_count
from vecattr.readers.plasmids import ReadOptions, read_plasmids

FOLDS = 24
HIDDEN, EPOCHS, BATCH, RATE, DECAY, DROPOUT = 128, 10, 512, 0.02, 0.1, 0.2
#: One network each, whose scores are averaged: queries of new work count by the number of their
#: lab's publications to this power. With 0 every lab is equally likely to publish next, with 1 labs
#: are in proportion to their publications.
POWERS = (0.0, 1.0)
#: Standard deviations of the noise put on inputs in training, anew each time: on how much of a lab
#: is stored and how a query's shape and features fit it, which could tell the lab whose plasmids
#: were left out from all others, and, in standard deviations of the input, on every other one.
JITTER = {"plasmids": 0.25, "publications": 0.25, "topology": 0.15, "length": 0.15,
          "composition": 0.15, "same_features": 0.15, "near_features": 0.15}  # fmt: skip
OTHER_JITTER = 0.05
ROWS_AT_ONCE = 1 << 18
CONSTANT = 2e-4  # an input with no larger standard deviation is constant, as one that was removed

#: What is added to the score of a lab for each unit of ln(1 + its plasmids). In the folds a lab is
#: queried with at most five plasmids of one publication, so large labs are underrepresented; a
#: larger prior would disadvantage labs that were just added
#: (docs/decisions/0036-two-networks.md).
PRIOR = 0.1


class Scorer(nn.Module):
    """The network of `vecattr.ranking.evidence_ranker`, of standardised inputs."""

    def __init__(self, inputs: int, *, hidden: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(inputs, 1, bias=False)
        self.inner = nn.Linear(inputs, hidden)
        self.drop = nn.Dropout(DROPOUT)
        self.outer = nn.Linear(hidden, 1, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (t, f) -> (t,)."""
        hidden = self.drop(torch.tanh(self.inner(x)))
        logits: Tensor = (self.linear(x) + self.outer(hidden))[:, 0]
        return logits


@dataclass(frozen=True)
class TrainingQueries:
    """Of q queries with t candidate labs together: inputs (t, f), as they were recorded, to save
    memory; the query of each (t,), which are true (t,): the true lab, or every pooled one when that
    is pooled; the logarithm of how many labs each stands for (t,); and the weight of each query
    (q,)."""

    inputs: NDArray[np.float16]
    query: NDArray[np.int64]
    is_true: NDArray[np.bool_]
    stand_for: NDArray[np.float32]
    weights: NDArray[np.float32]

    @classmethod
    def from_folds(cls, folds: Sequence[Path], kind: str, *, power: float = 0.0) -> TrainingQueries:
        """Plasmids of left-out publications count as much in total as those left out singly, and
        among themselves as POWERS says."""
        parts = [cls._from_fold(path, kind, power) for path in folds]
        first_queries = np.cumsum([0, *(int(part.query[-1]) + 1 for part in parts[:-1])])
        return cls(
            np.concatenate([part.inputs for part in parts]),
            np.concatenate(
                [part.query + first for part, first in zip(parts, first_queries, strict=True)]
            ),
            np.concatenate([part.is_true for part in parts]),
            np.concatenate([part.stand_for for part in parts]),
            np.concatenate([part.weights for part in parts]),
        )

    @classmethod
    def _from_fold(cls, path: Path, kind: str, power: float) -> TrainingQueries:
        data = np.load(path)
        queries = np.repeat(np.arange(len(data["sizes"])), data["sizes"])
        labs, truths, pooled = data["labs"], data["truths"], data["pooled"]
        is_true = np.where(pooled[truths][queries], pooled[labs], labs == truths[queries])
        solvable = np.bincount(queries, is_true)[queries] > 0  # not if nothing of the lab is left
        _, query = np.unique(queries[solvable], return_inverse=True)
        stand_for = np.log(data["stand_for"][solvable]).astype(np.float32)
        kept = np.bincount(queries[solvable]) > 0
        is_new, odds = data["is_new"][kept], data["works"][kept] ** power
        weights = np.where(is_new, 0.5 * odds / (odds * is_new).mean(), 0.5 / (~is_new).mean())
        return cls(
            data[kind][solvable], query, is_true[solvable], stand_for, weights.astype(np.float32)
        )


@dataclass(frozen=True)
class Standard:
    """The mean and the standard deviation of each input (f,)."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def from_inputs(cls, inputs: NDArray[np.float16]) -> Standard:
        """Of recorded inputs (t, f)."""
        mean = inputs.mean(axis=0, dtype=np.float64)
        squares = np.zeros(inputs.shape[1])
        for start in range(0, len(inputs), ROWS_AT_ONCE):
            deviations = inputs[start : start + ROWS_AT_ONCE] - mean
            squares += np.einsum("tf,tf->f", deviations, deviations)
        scale = np.sqrt(squares / len(inputs)) + 1e-4
        return cls(mean.astype(np.float32), scale.astype(np.float32))

    def applied(self, inputs: NDArray[np.float16]) -> Tensor:
        """Standardised inputs, (b, f)."""
        return torch.from_numpy((inputs - self.mean) / self.scale)


def fit_network(queries: TrainingQueries, *, hidden: int = HIDDEN, epochs: int = EPOCHS) -> Network:
    """Trained by the likelihood of the true labs among those kept."""
    standard = Standard.from_inputs(queries.inputs)
    mean, scale = standard.mean, standard.scale
    scorer = Scorer(len(mean), hidden=hidden)
    _train(scorer, queries, standard, epochs=epochs)
    arrays = {name: value.detach().numpy() for name, value in scorer.named_parameters()}
    linear, outer = arrays["linear.weight"][0], arrays["outer.weight"][0]
    return Network(mean, scale, linear, arrays["inner.weight"].T, arrays["inner.bias"], outer)


def averaged(networks: Sequence[Network], weights: Sequence[float] | None = None) -> Network:
    """One network that scores as these do on average, with these weights (None: alike), but for
    what it adds to every lab; inputs are standardised as those of the first."""
    first, bias, inner = networks[0], [], []
    weights = weights or [1 / len(networks)] * len(networks)
    linear = np.zeros(len(first.linear))
    for network, weight in zip(networks, weights, strict=True):
        ratio = first.scale / network.scale.astype(np.float64)  # (f,)
        inner.append(ratio[:, None] * network.inner)
        bias.append(network.bias + ((first.mean - network.mean) / network.scale) @ network.inner)
        linear += weight * ratio * network.linear
    outer = [weight * one.outer for one, weight in zip(networks, weights, strict=True)]
    parts = linear, np.concatenate(inner, axis=1), np.concatenate(bias), np.concatenate(outer)
    return Network(first.mean, first.scale, *(part.astype(np.float32) for part in parts))


def with_prior(network: Network) -> Network:
    """The network with PRIOR added to the weight of a lab's plasmids."""
    place, linear = _sources(network.mean).index("plasmids"), network.linear.copy()
    linear[place] += PRIOR * network.scale[place]
    return replace(network, linear=linear)


def _sources(inputs: NDArray[np.float32]) -> tuple[str, ...]:
    """The column that each of a network's inputs (f,) is made of."""
    return input_columns(phenotypes=len(inputs) > input_count(phenotypes=False))


def _jitter(scale: NDArray[np.float32]) -> Tensor:
    """The noise on each standardised input (f,)."""
    noise = np.full(len(scale), OTHER_JITTER, dtype=np.float32)
    names = _sources(scale)
    for name in JITTER.keys() & set(names):
        if scale[names.index(name)] > CONSTANT:
            noise[names.index(name)] = JITTER[name] / scale[names.index(name)]
    return torch.from_numpy(noise)


def _train(scorer: Scorer, queries: TrainingQueries, standard: Standard, *, epochs: int) -> None:
    jitter = _jitter(standard.scale)
    count = int(queries.query[-1]) + 1
    starts = np.searchsorted(queries.query, np.arange(count + 1))
    is_true, stand_for = torch.from_numpy(queries.is_true), torch.from_numpy(queries.stand_for)
    weights = torch.from_numpy(queries.weights)
    steps = epochs * (count // BATCH)
    optimizer = torch.optim.AdamW(scorer.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps)
    losses = []
    for batch in _batches(count, epochs=epochs):
        rows = np.concatenate([np.arange(starts[place], starts[place + 1]) for place in batch])
        query = torch.from_numpy(np.repeat(np.arange(len(batch)), np.diff(starts)[batch]))
        batch_inputs = standard.applied(queries.inputs[rows])
        noise = jitter * torch.randn_like(batch_inputs)
        logits = scorer(batch_inputs + noise) + stand_for[rows]
        true_rows = is_true[rows]
        negative_log = _log_sum(logits, query) - _log_sum(logits[true_rows], query[true_rows])
        loss = (weights[batch] * negative_log).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    print(f"loss {np.mean(losses[-count // BATCH :]):.4f}", flush=True)


def _batches(queries: int, *, epochs: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    for _ in range(epochs):
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
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--scaled", type=int, default=32)
    parser.add_argument("--kmer-plasmids", type=int, default=2)
    parser.add_argument("--token-width", type=int, default=48)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--ranker-epochs", type=int, default=EPOCHS)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    encoder = BagConfig(
        scaled=options.scaled,
        min_plasmids=options.kmer_plasmids,
        token_width=options.token_width,
        dropout=options.dropout,
    )
    folds = range(options.folds) if options.fold is None else [options.fold]
    missing = [fold for fold in folds if not (options.work / f"fold-{fold}.npz").exists()]
    if missing:
        column, _, value = options.where.partition("=")
        read_options = ReadOptions(where=((column, value),))
        plasmids = list(read_plasmids([str(options.table)], read_options))
        rule = rule_from_file(options.labs)
        for fold in missing:
            make_fold(plasmids, rule, encoder, epochs=options.epochs, fold=fold, work=options.work)
    if options.out:
        fold_paths = [options.work / f"fold-{fold}.npz" for fold in range(options.folds)]
        plain, featured = (
            with_prior(
                averaged(
                    [
                        fit_network(
                            TrainingQueries.from_folds(fold_paths, kind, power=power),
                            epochs=options.ranker_epochs,
                        )
                        for power in POWERS
                    ]
                )
            )
            for kind in ("plain", "featured")
        )
        source = f"{options.folds} folds of plasmids of a table where {options.where}"
        atomic_write(options.out, EvidenceRanker(plain, featured, source).to_json())


if __name__ == "__main__":
    main()
