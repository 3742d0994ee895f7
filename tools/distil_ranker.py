"""Evidence rankers in, one with fewer hidden units that scores as they do on average, out.

    python tools/distil_ranker.py real.index --teacher one.json 0.3 --teacher two.json 0.7 \\
        -o fusion.json

The rankers that `fit_ranker.py` makes are means of two networks. A smaller one learns their logits,
averaged with these weights (distillation, Hinton et al. 2015), on plasmids stored in the index that
are asked about without themselves, without their publication, or without their lab, each a third.
No name of a true lab is used.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from fit_ranker import averaged
from numpy.typing import NDArray
from torch import Tensor, nn

from vecattr.files.atomic import atomic_write
from vecattr.indexes.index import Index
from vecattr.indexes.joining.catalogue import NO_LAB, Catalogue
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.indexes.storage.stored_plasmids import exported_plasmids
from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import (
    PHENOTYPES,
    EvidenceRanker,
    Network,
    network_inputs,
    parsed_ranker,
    without_phenotypes,
)
from vecattr.vectors import Column, Rows

HIDDEN, EPOCHS, BATCH, RATE = 128, 240, 32, 2e-3
#: Plasmids that are asked about, and labs of each: the likeliest, and as many of the others.
QUERIES, LABS = 9_000, 48
#: Softmaxes that both networks are compared by: of queries' facts, and about those of answers.
SHARPNESSES = (1.0, 0.6)
AT_ONCE = 32
#: The sum of a unit whose response is nearly 1.
_SATURATED = 3.0

Inputs = NDArray[np.float32]


@dataclass(frozen=True)
class StoredRow:
    """A stored plasmid, and the rows that it is asked about without, with their ids."""

    plasmid: Plasmid
    left_out: Rows
    ids: frozenset[str]


def stored_rows(index: Index, catalogue: Catalogue, rng: np.random.Generator) -> list[StoredRow]:
    """QUERIES living plasmids of the index, drawn at random."""
    plasmids = list(exported_plasmids(index.path, index.segments))
    ascending, living = np.flatnonzero(catalogue.labs != NO_LAB), catalogue.rows_by_lab
    asked = []
    for number, row in enumerate(rng.permutation(living)[:QUERIES].tolist()):
        same = [row == living, catalogue.groups[living] == catalogue.groups[row]]
        same.append(catalogue.labs[living] == catalogue.labs[row])
        left_out = np.sort(living[same[number % 3]])
        places = np.searchsorted(ascending, np.append(row, left_out)).tolist()
        plasmid, *others = (plasmids[place] for place in places)
        ids = frozenset(other.id for other in others)
        asked.append(StoredRow(plasmid, left_out, ids))
    return asked


def questions(index: Index, scorer: LabScorer, *, seed: int) -> tuple[Inputs, Inputs]:
    """Inputs of the ranker for 2 LABS labs of each query, without features and with, (q, t, f)."""
    rng = np.random.default_rng(seed)
    plain, featured = [], []
    asked = stored_rows(index, scorer.catalogue, rng)
    for start in range(0, len(asked), AT_ONCE):
        rows = asked[start : start + AT_ONCE]
        left_out = tuple(stored.ids for stored in rows)
        vectors = replace(index.embed([stored.plasmid for stored in rows]), left_out=left_out)
        cosines = index.lab_cosines(vectors)
        columns = scorer.columns_of(
            vectors.plasmids, vectors.bare, cosines, [stored.left_out for stored in rows]
        )
        for told in columns:
            plain.append(_inputs(scorer.ranker, without_phenotypes(told), rng))
            if PHENOTYPES[0] in told:
                featured.append(_inputs(scorer.ranker, told, rng))
    return np.stack(plain), np.stack(featured)


def _inputs(ranker: EvidenceRanker, columns: dict[str, Column], rng: np.random.Generator) -> Inputs:
    """Of the LABS likeliest labs and as many others, (t, f)."""
    present = np.flatnonzero(columns["plasmids"] > 0)
    order = present[np.argsort(-ranker.logits(columns, exact=True)[present], kind="stable")]
    labs = np.append(order[:LABS], rng.choice(order[LABS:], LABS, replace=False))
    return network_inputs(columns, phenotypes=PHENOTYPES[0] in columns)[labs]


def averaged_ranker(rankers: Sequence[EvidenceRanker], weights: Sequence[float]) -> EvidenceRanker:
    """One ranker that scores as these do on average, with these weights."""
    return EvidenceRanker(
        averaged([ranker.plain for ranker in rankers], weights),
        averaged([ranker.featured for ranker in rankers], weights),
        ", ".join(
            f"{weight:g} of {ranker.source}"
            for ranker, weight in zip(rankers, weights, strict=True)
        ),
    )


def _weights(network: Network) -> list[Tensor]:
    """Those of the hidden layer, its biases, those of its units, and of the linear part."""
    parts = (network.inner, network.bias, network.outer, network.linear)
    return [torch.from_numpy(np.array(part)) for part in parts]


class Student(nn.Module):
    """A network of fewer hidden units, of standardised inputs: at first the units of its teacher
    that are farthest from straight lines, and the others as lines, whose constants one unit has."""

    def __init__(self, teacher: Network, inputs: Tensor, *, hidden: int) -> None:
        super().__init__()
        inner, bias, outer, linear = _weights(teacher)
        sums = inputs @ inner + bias  # (t, f) @ (f, h)
        responses = torch.tanh(sums)
        deviations = sums - sums.mean(0)
        slopes = (deviations * responses).mean(0) / (deviations**2).mean(0)
        bends = (responses - responses.mean(0) - slopes * deviations).std(0)
        order = torch.argsort(-(outer.abs() * bends))
        kept, straight = order[: hidden - 1], order[hidden - 1 :]
        constants = (responses.mean(0) - slopes * (sums - bias).mean(0)) * outer
        self.inner = nn.Parameter(torch.cat([inner[:, kept], torch.zeros(len(inner), 1)], 1))
        self.bias = nn.Parameter(torch.cat([bias[kept], torch.tensor([_SATURATED])]))
        self.outer = nn.Parameter(torch.cat([outer[kept], constants[straight].sum()[None]]))
        lines = (inner[:, straight] * (slopes * outer)[straight]).sum(1)
        self.linear = nn.Parameter(linear + lines)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits, (..., f) -> (...)."""
        logits: Tensor = torch.tanh(inputs @ self.inner + self.bias) @ self.outer
        return logits + inputs @ self.linear


def distilled(teacher: Network, inputs: Inputs, *, hidden: int, epochs: int) -> Network:
    """A network of so many hidden units that scores as its teacher does; of questions (q, t, f), an
    eighth says how near it comes."""
    torch.manual_seed(0)
    standardised = torch.from_numpy(((inputs - teacher.mean) / teacher.scale).astype(np.float32))
    inner, bias, outer, linear = _weights(teacher)
    targets = torch.stack(
        [torch.tanh(one @ inner + bias) @ outer + one @ linear for one in standardised]
    )  # (q, t)
    student = Student(teacher, standardised[::7].flatten(0, 1), hidden=hidden)
    held_out = len(inputs) // 8
    _learn(student, standardised[held_out:], targets[held_out:], epochs=epochs)
    with torch.no_grad():
        logits, true = student(standardised[:held_out]), targets[:held_out]
        off = (torch.softmax(logits, 1) - torch.softmax(true, 1)).abs().max(1).values
        same = (logits.argmax(1) == true.argmax(1)).float().mean()
    print(f"largest share off by {off.mean():.4f}, the same first lab {same:.4f}", flush=True)
    arrays = {name: value.detach().numpy() for name, value in student.named_parameters()}
    return Network(teacher.mean, teacher.scale, **arrays)


def _learn(student: Student, inputs: Tensor, targets: Tensor, *, epochs: int) -> None:
    optimizer = torch.optim.Adam(student.parameters(), lr=RATE)
    steps = epochs * -(-len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs)).split(BATCH):
            loss = _difference(student(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _difference(logits: Tensor, targets: Tensor) -> Tensor:
    """How far the softmaxes of logits (b, t) are from those of the targets, and how far the logits
    themselves are, those of likely labs above all."""
    divergence = torch.zeros(())
    for sharpness in SHARPNESSES:
        true = torch.log_softmax(sharpness * targets, 1)
        ours = torch.log_softmax(sharpness * logits, 1)
        divergence = divergence + (true.exp() * (true - ours)).sum(1).mean()
    squares = (logits - targets) ** 2
    of_likely = (squares * torch.softmax(0.3 * targets, 1)).sum(1).mean()
    return 10 * divergence + of_likely + 0.2 * squares.mean()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument(
        "--teacher", nargs=2, action="append", required=True, metavar=("FILE", "WEIGHT")
    )
    parser.add_argument("--hidden", type=int, default=HIDDEN)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    index = Index.open(options.index)
    assert index.scorer is not None, "an index with a ranker"
    rankers = [parsed_ranker(json.loads(Path(path).read_text())) for path, _ in options.teacher]
    ranker = averaged_ranker(rankers, [float(weight) for _, weight in options.teacher])
    scorer = replace(index.scorer, ranker=ranker)
    plain, featured = (
        distilled(teacher, inputs, hidden=options.hidden, epochs=options.epochs)
        for teacher, inputs in zip(
            (ranker.plain, ranker.featured),
            questions(index, scorer, seed=options.seed),
            strict=True,
        )
    )
    source = f"{ranker.source}; distilled to {options.hidden} hidden units"
    atomic_write(options.out, EvidenceRanker(plain, featured, source).to_json())


if __name__ == "__main__":
    main()
