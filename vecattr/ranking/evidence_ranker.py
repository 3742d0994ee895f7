"""The evidence ranker: features of each lab, from vectors and exact k-mers, in; a score a lab out.

A small network, one hidden layer beside a linear part, scores one lab at a time. It was trained to
give the true lab the largest softmax among all labs (a conditional logit, McFadden 1974), on
plasmids whose lab vectors and k-mers did not contain them. It has a few ten thousand parameters,
the same for every lab, so labs that are added later are scored like old ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.model_folder import RANKER_FILE
from vecattr.files.folder import Location
from vecattr.files.json_files import read_sidecar
from vecattr.products import exact_products
from vecattr.ranking.column_maxima import Maxima, column_maxima
from vecattr.ranking.hidden_layer import HiddenLayer, LabInputs
from vecattr.ranking.lab_columns import LabColumns
from vecattr.vectors import Column, LabColumn

VERSION = 4

#: Shares from 0 to 1; logarithms stretch both ends, because 0.99 and 1 are far apart.
SHARES = ("sum", "sole_squares", "rarity", "overlap", "overlap2", "overlap3", "shared", "jaccard",
          "jaccard2")  # fmt: skip
#: Amounts without an upper limit, taken relative to the best lab's.
AMOUNTS = ("sole", "few", "usage", "recurrent", "runs", "run_weight", "longest_run", "run_roots")
#: Made from shared k-mers: 0 of a lab that shares none.
OF_SHARED = SHARES + AMOUNTS
#: Cosines, taken as differences from the best lab's.
COSINES = ("cosine", "nearest", "votes20", "votes40")
#: Columns of which every lab also sees the largest value.
MAXIMA = ("rarity", "overlap", "nearest")
#: Log odds of a query's topology, length and composition for a lab.
LOG_ODDS = ("topology", "length", "composition")
#: How much of a lab is stored, and what is known of the query itself.
FACTS = ("plasmids", "publications", "kmers", "known", "pooled")
#: Log odds of a query's phenotype features for a lab, one by one and all together; and how many
#: features of the query are known.
PHENOTYPES = ("phenotypes", "same_features", "near_features", "features")

COLUMN_NAMES = OF_SHARED + COSINES + LOG_ODDS + FACTS
#: Columns whose largest value over all labs inputs of every lab depend on.
RELATIVE = OF_SHARED + COSINES + PHENOTYPES[:1]

_EDGE = 0.02  # keeps the logarithm of a share of 0 finite
#: The first so many inputs are made from shared k-mers.
_KMER_INPUTS = 4 * len(SHARES) + 2 * len(AMOUNTS)
_LAYERS = ("mean", "scale", "linear", "inner", "bias", "outer")


def input_columns(*, phenotypes: bool) -> tuple[str, ...]:
    """The name of the column that each of the `network_inputs` is made from, (f,)."""
    names = [name for name in SHARES for _ in range(4)]
    names += [name for name in AMOUNTS + COSINES for _ in range(2)]
    names += ["nearest", *MAXIMA, *LOG_ODDS, *FACTS]
    return (*names, *(PHENOTYPES[:1] + PHENOTYPES if phenotypes else ()))


def input_count(*, phenotypes: bool) -> int:
    """The number of `network_inputs` of each lab, f."""
    return len(input_columns(phenotypes=phenotypes))


def without_phenotypes(columns: LabColumns) -> LabColumns:
    """The columns that a query without features has."""
    full = {name: column for name, column in columns.full.items() if name not in PHENOTYPES}
    return replace(columns, full=full)


def network_inputs(columns: Mapping[str, LabColumn], *, phenotypes: bool) -> NDArray[np.float32]:
    """The network's inputs for l labs, (l, f), from one column (l,) for each name."""
    inputs = _kmer_inputs(columns, column_maxima(columns, RELATIVE))
    for name in COSINES:
        cosine = columns[name]
        inputs += [cosine, cosine - cosine.max(initial=-1.0)]
    nearest = np.clip(columns["nearest"], -1, 1)
    inputs.append(-np.log(1 + _EDGE - nearest))
    inputs += [np.full(len(nearest), columns[name].max(initial=0)) for name in MAXIMA]
    inputs += [np.clip(columns[name], -6, 6) for name in LOG_ODDS]
    inputs += [columns[name] for name in FACTS]
    if phenotypes:
        log_odds = np.clip(columns["phenotypes"], -30, 30) / 10
        inputs += [log_odds, log_odds - log_odds.max(initial=-3)]
        inputs += [np.clip(columns[name], -6, 6) for name in ("same_features", "near_features")]
        inputs.append(columns["features"])
    return np.array(inputs, dtype=np.float32).T  # a column at a time is written faster


def _kmer_inputs(columns: Mapping[str, LabColumn], maxima: Maxima) -> list[LabColumn]:
    """The first of the `network_inputs`, (l,) each; `maxima` are those of all labs."""
    inputs: list[LabColumn] = []
    for name in SHARES:
        share, best = np.clip(columns[name], 0, 1), min(max(maxima[name], 0.0), 1.0)
        inputs += [share, np.log(share + _EDGE), -np.log(1 + _EDGE - share), _of_best(share, best)]
    for name in AMOUNTS:
        amount, best = np.log1p(columns[name]), float(np.log1p(max(maxima[name], 0.0)))
        inputs += [amount, _of_best(amount, best)]
    return inputs


def _plain_columns(columns: Mapping[str, LabColumn], *, phenotypes: bool) -> list[LabColumn]:
    """What the inputs that are not from k-mers are made of, (l,) each. An input relative to the
    best lab is one of these and a number that is the same for every lab."""
    plain = [columns[name] for name in COSINES]
    plain += [-np.log(1 + _EDGE - columns["nearest"])]
    plain += [np.clip(columns[name], -6, 6) for name in LOG_ODDS]
    plain += [columns[name] for name in FACTS]
    if phenotypes:
        plain.append(np.clip(columns["phenotypes"], -30, 30) / 10)
        plain += [np.clip(columns[name], -6, 6) for name in ("same_features", "near_features")]
        plain.append(columns["features"])
    return plain


def _of_best(values: LabColumn, best: float) -> LabColumn:
    """The values as shares of the largest; zeros when the largest is 0."""
    return values / best if best > 1e-9 else np.zeros_like(values)


@dataclass(frozen=True)
class Network:
    """`mean` and `scale` that standardise each input (f,), a linear part (f,), and one hidden
    layer of h units: `inner` (f, h), `bias` (h,), `outer` (h,)."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    linear: NDArray[np.float32]
    inner: NDArray[np.float32]
    bias: NDArray[np.float32]
    outer: NDArray[np.float32]

    def logits(self, inputs: NDArray[np.float32]) -> Column:
        """Logits of a softmax over l labs, (l, f) -> (l,)."""
        standardised = (inputs - self.mean).astype(np.float64) / self.scale
        sums = exact_products(standardised, self._weights)  # (l, f) @ (f, h + 1)
        hidden = np.tanh((sums[:, :-1] + self.bias).astype(np.float32))
        logits: Column = np.einsum("lh,h->l", hidden, self.outer) + sums[:, -1]
        return logits

    def lab_logits(
        self, columns: Mapping[str, LabColumn], maxima: Maxima, *, phenotypes: bool, exact: bool
    ) -> Column:
        """Nearly the same of the `network_inputs` of these columns, the same whatever is computed
        beside it, as `HiddenLayer.logits`; inputs from k-mers are made of labs that share any."""
        plain = _plain_columns(columns, phenotypes=phenotypes)
        shared = LabColumns.from_columns(columns, OF_SHARED)
        kmer_inputs = np.array(_kmer_inputs(shared.of_few, maxima)) - self._without_kmers[:, None]
        inputs = LabInputs(plain, kmer_inputs, shared.labs)
        same_for_all = [max(maxima[name], -1.0) for name in COSINES]
        same_for_all += [max(maxima[name], 0.0) for name in MAXIMA]
        if phenotypes:
            same_for_all.append(min(max(maxima["phenotypes"], -30.0), 30.0) / 10)
        biases = self._biases + np.einsum("hs,s->h", self._constant_weights, same_for_all)
        weights = np.concatenate([self._plain_weights, biases[:, None]], axis=1)
        layer = HiddenLayer.from_weights(weights, self._kmer_weights, self.outer)
        return layer.logits(inputs, exact=exact)

    @cached_property
    def _without_kmers(self) -> Column:
        """The inputs from k-mers of a lab that shares none, (c,)."""
        nothing = dict.fromkeys(OF_SHARED, np.zeros(1))
        return np.concatenate(_kmer_inputs(nothing, dict.fromkeys(OF_SHARED, 0.0)))

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """Of each hidden unit, then of the linear part, for each input, (h + 1, f)."""
        return np.concatenate([self.inner.T, self.linear[None, :]], dtype=np.float64)

    @cached_property
    def _scaled(self) -> NDArray[np.float64]:
        """The weights of inputs before they are standardised, (h + 1, f)."""
        return self._weights / self.scale

    @property
    def _kmer_weights(self) -> NDArray[np.float64]:
        return self._scaled[:, :_KMER_INPUTS]

    @cached_property
    def _plain_weights(self) -> NDArray[np.float64]:
        """The weights of `_plain_columns`, (h + 1, p)."""
        others, cosines = self._scaled[:, _KMER_INPUTS:], 2 * len(COSINES)
        rest = others[:, cosines + 1 + len(MAXIMA) :]
        facts = len(LOG_ODDS) + len(FACTS)
        weights = [others[:, :cosines:2] + others[:, 1:cosines:2], others[:, cosines : cosines + 1]]
        weights.append(rest[:, :facts])
        if rest.shape[1] > facts:
            weights += [rest[:, facts : facts + 1] + rest[:, facts + 1 : facts + 2]]
            weights += [rest[:, facts + 2 :]]
        return np.concatenate(weights, axis=1)

    @cached_property
    def _constant_weights(self) -> NDArray[np.float64]:
        """The weights of what is the same for every lab: the largest value of each of COSINES and
        MAXIMA, and of the log odds of phenotypes, (h + 1, s)."""
        others, cosines = self._scaled[:, _KMER_INPUTS:], 2 * len(COSINES)
        maxima = others[:, cosines + 1 : cosines + 1 + len(MAXIMA)]
        weights = [-others[:, 1:cosines:2], maxima]
        phenotypes = cosines + 1 + len(MAXIMA) + len(LOG_ODDS) + len(FACTS)
        if others.shape[1] > phenotypes:
            weights.append(-others[:, phenotypes + 1 : phenotypes + 2])
        return np.concatenate(weights, axis=1)

    @cached_property
    def _biases(self) -> Column:
        """Of each hidden unit, and 0 for the linear part, with what standardising and a lab without
        k-mers add, (h + 1,)."""
        usual = -self.mean.astype(np.float64)
        usual[:_KMER_INPUTS] += self._without_kmers
        biases: Column = np.append(self.bias, 0.0) + np.einsum("hf,f->h", self._scaled, usual)
        return biases


@dataclass(frozen=True)
class EvidenceRanker:
    """One network for queries without phenotype features, and one for those with; `source` says in
    words what they learned from."""

    plain: Network
    featured: Network
    source: str

    def logits(
        self, columns: Mapping[str, LabColumn], maxima: Maxima | None = None, *, exact: bool = False
    ) -> Column:
        """Logits (l,) of l labs from one column (l,) for each of COLUMN_NAMES, and of PHENOTYPES
        when the query has features; `maxima` of RELATIVE where there are other labs; `exact`: each
        lab is weighed by itself, where most of very many are nearly weighed otherwise."""
        phenotypes = "phenotypes" in columns
        network = self.featured if phenotypes else self.plain
        if maxima is None:
            maxima = column_maxima(columns, RELATIVE)
        return network.lab_logits(columns, maxima, phenotypes=phenotypes, exact=exact)

    def to_json(self) -> bytes:
        """The content of fusion.json."""
        networks = {
            name: {
                key: np.asarray(value, dtype=np.float64).round(6).tolist()
                for key, value in ((name, getattr(network, name)) for name in _LAYERS)
            }
            for name, network in (("plain", self.plain), ("featured", self.featured))
        }
        data = {"version": VERSION, "source": self.source, **networks}
        return (json.dumps(data, sort_keys=True) + "\n").encode()


def read_ranker(folder: Location) -> EvidenceRanker | None:
    """The evidence ranker of a model folder; errors and None as in `read_sidecar`."""
    return read_sidecar(
        folder / RANKER_FILE,
        parsed_ranker,
        kind="ranker",
        version=VERSION,
        hint="use the vecattr that made the model, or make the model again",
    )


def parsed_ranker(data: dict[str, Any]) -> EvidenceRanker:
    """The ranker of the content of fusion.json; ValueError for one that cannot be."""
    plain = _parsed_network(data["plain"], inputs=input_count(phenotypes=False))
    featured = _parsed_network(data["featured"], inputs=input_count(phenotypes=True))
    return EvidenceRanker(plain, featured, str(data["source"]))


def _parsed_network(data: dict[str, Any], *, inputs: int) -> Network:
    """The network of a JSON object; ValueError when its layers do not fit or hold no numbers."""
    layers = {name: np.array(data[name], np.float32) for name in _LAYERS}
    hidden = len(layers["bias"])
    shapes = [layer.shape for layer in layers.values()]
    if shapes != [(inputs,), (inputs,), (inputs,), (inputs, hidden), (hidden,), (hidden,)]:
        raise ValueError("a network whose layers do not fit together")
    if not all(np.isfinite(layer).all() for layer in layers.values()) or not layers["scale"].all():
        raise ValueError("a network that gives no numbers")
    return Network(**layers)
