"""One score for each lab: what vectors and exact k-mers say of q labs in, q scores out.

A small network with one hidden layer beside a linear part looks at one lab at a time. It was
trained to give the true lab the largest softmax among all labs (a conditional logit, McFadden
1974), on plasmids whose lab vectors and k-mers did not contain them. It has a few ten thousand
parameters, the same for every lab, so labs that are added later are scored like old ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.model_folder import RANKER_FILE
from vecattr.files.json_files import read_sidecar

VERSION = 4

Columns = NDArray[np.float64]

#: Shares from 0 to 1; their ends are stretched, because 0.99 and 1 are far apart.
SHARES = ("sum", "sole_squares", "rarity", "overlap", "overlap2", "overlap3", "shared", "jaccard",
          "jaccard2")  # fmt: skip
#: Amounts without an upper end that count relative to the best lab's.
AMOUNTS = ("sole", "few", "usage", "recurrent", "runs", "run_weight", "longest_run", "run_roots")
#: Cosines, which count as differences from the best lab's.
COSINES = ("cosine", "nearest", "votes20", "votes40")
#: Of which the best lab's value is told to all.
MAXIMA = ("rarity", "overlap", "nearest")
#: How a query's topology, length and composition fit a lab: log odds.
LOG_ODDS = ("topology", "length", "composition")
#: How much of a lab is stored, and what is known of the query itself.
FACTS = ("plasmids", "works", "kmers", "known", "pooled")
#: How a query's phenotype features fit a lab, one by one and all together: log odds; and how many
#: features of the query are known.
PHENOTYPES = ("phenotypes", "same_features", "near_features", "features")

COLUMN_NAMES = SHARES + AMOUNTS + COSINES + LOG_ODDS + FACTS

_EDGE = 0.02


def input_columns(*, phenotypes: bool) -> tuple[str, ...]:
    """The column that each input of `network_inputs` is made of (f,)."""
    found = [name for name in SHARES for _ in range(4)]
    found += [name for name in AMOUNTS + COSINES for _ in range(2)]
    found += ["nearest", *MAXIMA, *LOG_ODDS, *FACTS]
    return (*found, *(PHENOTYPES[:1] + PHENOTYPES if phenotypes else ()))


def input_count(*, phenotypes: bool) -> int:
    """How many numbers `network_inputs` gives for each lab."""
    return len(input_columns(phenotypes=phenotypes))


def network_inputs(columns: Mapping[str, Columns], *, phenotypes: bool) -> NDArray[np.float32]:
    """What the network sees of l labs, (l, f), from one column (l,) for each name."""
    seen: list[Columns] = []
    for name in SHARES:
        share = np.clip(columns[name], 0, 1)
        seen += [share, np.log(share + _EDGE), -np.log(1 + _EDGE - share), _of_best(share)]
    for name in AMOUNTS:
        amount = np.log1p(columns[name])
        seen += [amount, _of_best(amount)]
    for name in COSINES:
        cosine = columns[name]
        seen += [cosine, cosine - cosine.max(initial=-1.0)]
    near = np.clip(columns["nearest"], -1, 1)
    seen.append(-np.log(1 + _EDGE - near))
    seen += [np.full(len(near), columns[name].max(initial=0)) for name in MAXIMA]
    seen += [np.clip(columns[name], -6, 6) for name in LOG_ODDS]
    seen += [columns[name] for name in FACTS]
    if phenotypes:
        odds = np.clip(columns["phenotypes"], -30, 30) / 10
        seen += [odds, odds - odds.max(initial=-3)]
        seen += [np.clip(columns[name], -6, 6) for name in ("same_features", "near_features")]
        seen.append(columns["features"])
    return np.array(seen, dtype=np.float32).T  # a column at a time is written faster


def _of_best(values: Columns) -> Columns:
    best = values.max(initial=0)
    return values / best if best > 1e-9 else np.zeros_like(values)


@dataclass(frozen=True)
class Network:
    """`mean` and `scale` of each input (f,), a linear part (f,), and one hidden layer of h units:
    `inner` (f, h), `bias` (h,), `outer` (h,)."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    linear: NDArray[np.float32]
    inner: NDArray[np.float32]
    bias: NDArray[np.float32]
    outer: NDArray[np.float32]

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of l labs, (l, f) -> (l,): logits of a softmax over them."""
        x = (inputs - self.mean) / self.scale  # (l, f)
        hidden = x @ self.inner  # (l, f) @ (f, h) -> (l, h)
        hidden += self.bias  # in place: new pages for a large array cost more than the sums
        np.tanh(hidden, out=hidden)
        found: NDArray[np.float64] = (x @ self.linear + hidden @ self.outer).astype(np.float64)
        return found


@dataclass(frozen=True)
class EvidenceRanker:
    """One network for queries without phenotype features, and one for those with."""

    plain: Network
    featured: Network
    source: str

    def scores(self, columns: Mapping[str, Columns]) -> NDArray[np.float64]:
        """Logits (l,) of l labs from one column (l,) for each of COLUMN_NAMES, and of PHENOTYPES
        when the query has features."""
        phenotypes = "phenotypes" in columns
        network = self.featured if phenotypes else self.plain
        return network.scores(network_inputs(columns, phenotypes=phenotypes))

    def to_json(self) -> bytes:
        """The content of fusion.json."""
        networks = {
            name: {
                key: np.asarray(value, dtype=np.float64).round(6).tolist()
                for key, value in vars(one).items()
            }
            for name, one in (("plain", self.plain), ("featured", self.featured))
        }
        data = {"version": VERSION, "source": self.source, **networks}
        return (json.dumps(data, sort_keys=True) + "\n").encode()


def read_ranker(folder: Path) -> EvidenceRanker | None:
    """The fusion of a model folder; errors and None as in `read_sidecar`."""
    return read_sidecar(
        folder / RANKER_FILE,
        _parsed_ranker,
        kind="fusion",
        version=VERSION,
        hint="use the vecattr that made the model, or make the model again",
    )


def _parsed_ranker(data: dict[str, Any]) -> EvidenceRanker:
    plain = _parsed(data["plain"], inputs=input_count(phenotypes=False))
    featured = _parsed(data["featured"], inputs=input_count(phenotypes=True))
    return EvidenceRanker(plain, featured, str(data["source"]))


def _parsed(data: dict[str, Any], *, inputs: int) -> Network:
    names = ("mean", "scale", "linear", "inner", "bias", "outer")
    mean, scale, linear, inner, bias, outer = (np.array(data[name], np.float32) for name in names)
    hidden = len(bias)
    shapes = mean.shape, scale.shape, linear.shape, inner.shape, bias.shape, outer.shape
    if shapes != ((inputs,), (inputs,), (inputs,), (inputs, hidden), (hidden,), (hidden,)):
        raise ValueError("a network whose layers do not fit together")
    made = Network(mean, scale, linear, inner, bias, outer)
    if not all(np.isfinite(layer).all() for layer in vars(made).values()) or not scale.all():
        raise ValueError("a network that gives no numbers")
    return made


#: The range of log-probabilities that scores tell apart; all below count as the last.
LOG_RANGE = 20.0


def class_scores(
    scores: NDArray[np.float64], class_of_lab: NDArray[np.int64], *, classes: int
) -> NDArray[np.float64]:
    """Scores of classes (c,) from -1 to 0, from logits of their labs (l,), -inf where a lab is out
    of the question: the logarithm of the softmax, summed over the labs of a class since the class
    is right when any of them is, in units of LOG_RANGE."""
    best = scores.max(initial=-np.inf)
    weights = np.exp(scores - best) if best > -np.inf else np.zeros(len(scores))
    total = np.bincount(class_of_lab, weights, minlength=classes)
    return _in_range(total / max(float(total.sum()), np.finfo(np.float64).tiny))


def renormalised_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of `class_scores` (q, c), some of them set to -1 since: the others raised until they
    are those of a softmax again."""
    shares = np.where(scores > -1, np.exp(LOG_RANGE * scores), 0.0)
    return _in_range(shares / np.maximum(shares.sum(axis=1, keepdims=True), np.exp(-LOG_RANGE)))


def _in_range(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of shares, in units of LOG_RANGE, at least -1."""
    found: NDArray[np.float64] = np.log(np.maximum(shares, np.exp(-LOG_RANGE))) / LOG_RANGE
    return found
