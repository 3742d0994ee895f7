"""One hidden layer and a linear part over many labs: inputs on grids in, a logit of each lab out.

All sums of products are exact (`vecattr.products`), so a logit is the same whatever is computed
beside it. Labs that share no k-mer with a query are the many: what the inputs from k-mers add to
their sums is a constant, and they are not weighed one by one. Over these labs most hidden units are
nearly linear. A sample of labs, weighed exactly, tells which few units are not, and the rest
becomes part of the linear layer; the labs that come first by it are then weighed exactly. Of the
others some are drawn, the likely ones more often, and weighed exactly, too: by how much these
differ the others are corrected. `docs/decisions/0064` has the bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.products import DIGITS, exponent_of, on_grid, put_on_grid
from vecattr.vectors import Codes, Column

#: Responses of hidden units computed at once: what a core's cache holds.
_RESPONSES_AT_ONCE = 1 << 16

#: Labs without k-mers that are all weighed exactly; of more …
FEW = 4096
#: … so many evenly spaced ones tell which units are kept, …
SAMPLE = 512
#: … so many, …
UNITS = 8
#: … and so many of the first by these units are weighed exactly, and so many drawn ones, …
FIRST = 1024
DRAWN = 2048
#: … by which the others are corrected in so many parts, from the least likely to the likeliest.
PARTS = 16
#: No lab's inputs are longer than two to these powers, whatever an index holds, so that a grid does
#: not depend on which labs are weighed together.
_PLAIN_EXPONENT = 5
_KMER_EXPONENT = 6
#: Nor are the responses of some hundred units, -1 to 1 each.
_RESPONSE_EXPONENT = 5
#: A float32 from -1 to 1 plus this number is a multiple of 2^(_RESPONSE_EXPONENT - DIGITS).
_GRID_SHIFT = np.float32(6)
assert np.spacing(_GRID_SHIFT) == 2.0 ** (_RESPONSE_EXPONENT - DIGITS)
#: Softmaxes at the temperatures of answers weigh logits about so much.
_SHARPNESS = 0.7

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class LabInputs:
    """Of l labs, an input in each row: `plain` ones on a grid, the last of them 1 for the biases,
    (p + 1, l); and of the m labs that share `kmers` with the query, how far inputs from k-mers are
    from those of a lab without any (c, m), and which labs these are (m,)."""

    plain: Matrix
    kmers: Matrix
    with_kmers: Codes

    @classmethod
    def from_rows(cls, plain: Sequence[Column], kmers: Matrix, with_kmers: Codes) -> LabInputs:
        """From the `plain` inputs without that for the biases, (l,) each."""
        rows = np.empty((len(plain) + 1, len(plain[0])))
        rows[-1] = 1.0
        for row, values in zip(rows, plain, strict=False):
            row[:] = values
            put_on_grid(row, exponent=_PLAIN_EXPONENT)
        return cls(rows, kmers, with_kmers)

    @property
    def without_kmers(self) -> Codes:
        """The labs that share no k-mer."""
        shares_none = np.ones(self.plain.shape[1], dtype=bool)
        shares_none[self.with_kmers] = False
        return np.flatnonzero(shares_none)


@dataclass(frozen=True)
class HiddenLayer:
    """The sums of h hidden units, then that of the linear part: weights of `plain` inputs and
    biases (h + 1, p + 1), and of inputs from `kmers` (h + 1, c), on grids; `outer` (h,) weighs the
    units in the logit."""

    plain: Matrix
    kmers: Matrix
    outer: NDArray[np.float32]

    @classmethod
    def from_weights(cls, plain: Matrix, kmers: Matrix, outer: NDArray[np.float32]) -> HiddenLayer:
        """Of weights as they were learned."""
        plain, kmers = (on_grid(part, exponent=exponent_of(part)) for part in (plain, kmers))
        return cls(plain, kmers, outer)

    def logits(self, inputs: LabInputs, *, exact: bool = False) -> Column:
        """Of each lab (l,); `exact`: each lab is weighed by itself, however many there are."""
        plain = inputs.plain
        kmers = on_grid(inputs.kmers, exponent=_KMER_EXPONENT)
        others = inputs.without_kmers
        if exact or len(others) <= FEW:
            logits = np.empty(plain.shape[1])
            logits[others] = self._weighed(np.take(plain, others, axis=1))
        else:
            logits = self._nearly_weighed(plain, others)
        labs = inputs.with_kmers
        logits[labs] = self._weighed(np.take(plain, labs, axis=1), kmers)
        return logits

    def _weighed(self, plain: Matrix, kmers: Matrix | None = None) -> Column:
        """Each of f labs by itself, with inputs from k-mers or without, (f,)."""
        logits = np.empty(plain.shape[1])
        at_once = max(1, _RESPONSES_AT_ONCE // max(1, len(self.outer)))
        for labs in _blocks(len(logits), at_once):
            sums = self.plain @ plain[:, labs]  # (h + 1, p + 1) @ (p + 1, b)
            if kmers is not None:
                sums += self.kmers @ kmers[:, labs]  # (h + 1, c) @ (c, b)
            logits[labs] = self._logits_of_sums(sums)
        return logits

    def _logits_of_sums(self, sums: Matrix) -> Column:
        responses = _responses(sums[:-1]).astype(np.float64)  # (h, b)
        logits: Column = on_grid(self.outer, exponent=self._outer_exponent) @ responses + sums[-1]
        return logits

    @cached_property
    def _outer_exponent(self) -> int:
        return exponent_of(self.outer[None, :])

    def _nearly_weighed(self, plain: Matrix, labs: Codes) -> Column:
        """Nearly the same of many labs without k-mers among all (l,): exactly that of a sample, of
        those that come first, and of those that are drawn from the others."""
        sample = labs[np.arange(SAMPLE) * len(labs) // SAMPLE]
        sums = self.plain @ np.take(plain, sample, axis=1)  # (h + 1, s)
        logits = self._without_straight_units(sums)._weighed(plain)
        near = logits[labs]
        is_first = np.zeros(len(labs), dtype=bool)
        is_first[np.argpartition(-near, FIRST)[:FIRST]] = True
        first, others, near = labs[is_first], labs[~is_first], near[~is_first]
        drawn = _drawn(near)
        true = self._weighed(np.take(plain, others[drawn], axis=1))
        logits[others] = near + _corrections(near, drawn, true)
        logits[others[drawn]] = true
        logits[sample] = self._logits_of_sums(sums)
        logits[first] = self._weighed(np.take(plain, first, axis=1))
        return logits

    def _without_straight_units(self, sums: Matrix) -> HiddenLayer:
        """The layer with the UNITS units that are farthest from straight lines over the labs of
        these sums (h + 1, s); the others as the straight lines that fit them best."""
        inner = sums[:-1]
        responses = _responses(inner).astype(np.float64)
        inner_means, means = inner.mean(axis=1), responses.mean(axis=1)
        inner_rest, rest = inner - inner_means[:, None], responses - means[:, None]

        def covariances(first: Matrix, second: Matrix) -> Column:
            """Of the rows of two matrices whose rows have a mean of 0, (h, s), (h,)."""
            return np.asarray(np.einsum("hs,hs->h", first, second) / first.shape[1])

        spreads = covariances(inner_rest, inner_rest) + 1e-12
        slopes = covariances(inner_rest, rest) / spreads
        left = covariances(rest, rest) - slopes**2 * spreads  # of variance
        order = np.argsort(-np.abs(self.outer) * np.sqrt(np.maximum(left, 0)), kind="stable")
        kept, straight = order[:UNITS], order[UNITS:]
        weights = (self.outer * slopes)[straight]
        line = self.plain[-1] + np.einsum("u,up->p", weights, self.plain[straight])
        line[-1] += ((means - slopes * inner_means) * self.outer)[straight].sum()
        plain = np.concatenate([self.plain[kept], line[None, :]])
        return HiddenLayer.from_weights(plain, self.kmers[:0], self.outer[kept])


def _responses(sums: Matrix) -> NDArray[np.float32]:
    """The response of hidden units to sums (h, b): tanh(x) = 1 - 2 / (exp(2 x) + 1), which takes
    less time than tanh, as a multiple of 2^(_RESPONSE_EXPONENT - DIGITS)."""
    responses = np.empty(sums.shape, dtype=np.float32)
    np.multiply(sums, 2, out=responses, casting="same_kind")
    with np.errstate(over="ignore"):  # 2 / infinity is 0
        np.exp(responses, out=responses)
    responses += 1
    np.divide(np.float32(2), responses, out=responses)
    np.subtract(_GRID_SHIFT + 1, responses, out=responses)
    responses -= _GRID_SHIFT
    return responses


def _drawn(logits: Column) -> Codes:
    """DRAWN places among logits (f,), ascending: each as often as its weight in a softmax says, by
    systematic sampling (Madow 1949), which draws nothing at random."""
    weights = logits - logits.max()
    weights *= _SHARPNESS
    sums = np.cumsum(np.exp(weights, out=weights))
    drawn: Codes = np.searchsorted(sums, (np.arange(DRAWN) + 0.5) / DRAWN * sums[-1])
    return drawn


def _corrections(near: Column, drawn: Codes, true: Column) -> Column:
    """What is added to logits that are nearly right (f,), by the true ones of those that are drawn
    (d,): in each of PARTS, of as many drawn ones each, what makes the sum of weights right."""
    of_drawn = near[drawn]
    bounds = np.sort(of_drawn)[np.arange(1, PARTS) * len(drawn) // PARTS]
    factors = np.exp(_SHARPNESS * (true - of_drawn))
    parts = np.zeros(len(near), dtype=np.uint8)
    for bound in bounds:  # which takes less time than to search for each
        parts += near >= bound
    counts = np.bincount(parts[drawn], minlength=PARTS)
    means = np.bincount(parts[drawn], factors, minlength=PARTS) / np.maximum(counts, 1)
    logarithms = np.log(np.where(counts, means, 1.0)) / _SHARPNESS
    corrections: Column = logarithms[parts]
    return corrections


def _blocks(labs: int, at_once: int) -> Iterator[slice]:
    for start in range(0, labs, at_once):
        yield slice(start, start + at_once)
