"""Facts about a query that tell known work, new work and outside labs apart: the lab features of a
query and the logits of its labs in, a few numbers out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vecattr.ranking.lab_columns import LabColumns
from vecattr.ranking.scores import Softmax
from vecattr.vectors import Column, Mask

#: Shares of the first lab, of which the logarithm is a fact, or the logarithm of what is left.
_FIRST_SHARES = ("sum", "sole_squares")
_FIRST_REMAINDERS = ("sum", "overlap", "shared", "jaccard")
#: Shares of which the largest of all labs is a fact, as a logarithm.
_LARGEST_SHARES = ("overlap", "jaccard")

_EDGE = 0.02  # keeps the logarithm of a share of 0 finite
_NEAREST_EDGE = 0.002  # as `_EDGE`, for 1 - cosine
_SMALLEST = 1e-9

FACTS = (
    "first", "lead", "entropy", "level", "pool", "first_pooled", "first_plasmids",
    "first_publications", "recurrent", "votes", "nearness", "known", "circular",
    *(f"first_{name}" for name in _FIRST_SHARES),
    *(f"first_{name}_left" for name in _FIRST_REMAINDERS),
    *(f"largest_{name}" for name in _LARGEST_SHARES),
)  # fmt: skip

#: Facts that differ between a lab that is left out, whose plasmids the encoder learned from, and a
#: real outside lab: plasmids of the first are farther from those of other labs. A calibration gives
#: them no weight (docs/decisions/0072-facts-that-no-encoder-gives-away.md).
GIVEN_AWAY = np.array([FACTS.index(name) for name in ("level", "votes")])

#: Columns of which the value of the first lab plays a part.
OF_FIRST = ("plasmids", "publications", "recurrent", "known", *_FIRST_SHARES, *_FIRST_REMAINDERS)


def first_lab(columns: LabColumns, logits: Column) -> dict[str, float]:
    """The columns OF_FIRST of the lab with the largest logit; nothing without any lab."""
    if not len(logits):
        return {}
    first = int(np.argmax(logits))
    return {name: columns.value(name, first) for name in OF_FIRST}


def query_facts(
    of_first: Mapping[str, float],
    maxima: Mapping[str, float],
    softmax: Softmax,
    *,
    are_pooled: Mask,
    circular: bool,
) -> Column:
    """One number for each of FACTS, (f,), from the softmax of l labs, the columns of the
    `first_lab` and the largest values of columns; a lab with a logit of -inf is ruled out, and
    `are_pooled` (l,) have no class of their own.

    The columns `cosine` of classes play no part: they are of labs that are ruled out, too.
    """
    level, shares = softmax.log_total, softmax.shares
    if level == -np.inf:
        return np.zeros(len(FACTS))
    logarithms = softmax.logarithms()
    first = int(np.argmax(softmax.logits))
    others = logarithms[:first], logarithms[first + 1 :]
    second = max(float(part.max(initial=-np.inf)) for part in others)
    least = float(np.log(_SMALLEST))
    np.maximum(logarithms, least, out=logarithms)
    facts = [
        float(logarithms[first]),
        float(logarithms[first]) - max(second, least),
        -float(np.einsum("l,l->", shares, logarithms)),
        level,
        float(np.einsum("l,l->", shares, are_pooled)),
        float(are_pooled[first]),
        of_first["plasmids"],
        of_first["publications"],
        float(np.log1p(of_first["recurrent"])),
        maxima["votes20"],
        float(-np.log(np.clip(1 - maxima["nearest"], 0, 2) + _NEAREST_EDGE)),
        _left(of_first["known"]),
        float(circular),
        *(_logarithm(of_first[name]) for name in _FIRST_SHARES),
        *(_left(of_first[name]) for name in _FIRST_REMAINDERS),
        *(_logarithm(maxima[name]) for name in _LARGEST_SHARES),
    ]
    return np.array(facts)


def _logarithm(share: float) -> float:
    return float(np.log(np.clip(share, 0, 1) + _EDGE))


def _left(share: float) -> float:
    """Minus the logarithm of what a share leaves of 1."""
    return float(-np.log(1 + _EDGE - np.clip(share, 0, 1)))
