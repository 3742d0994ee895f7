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

from vecattr.largest import places_of_largest
from vecattr.products import DIGITS, exponent_of, on_grid, put_on_grid
from vecattr.vectors import Codes, Column, LabColumn

#: Responses of hidden units computed at once: what a core's cache holds.
_RESPONSES_AT_ONCE = 1 << 16
#: Labs of which only numbers are added at once.
_NUMBERS_AT_ONCE = 1 << 15

#: Labs without k-mers that are all weighed exactly; of more …
FEW = 4096
#: … so many evenly spaced ones tell which units are kept, …
SAMPLE = 512
#: … so many, but none where there are more labs than so many, …
UNITS = 16
LABS_WITH_UNITS = 1 << 15
#: … and so many of the first by these units are weighed exactly, and so many drawn ones, …
FIRST = 512
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
    """Of l labs: the `plain` inputs, (l,) each; and of the m labs that share `kmers` with the
    query, how far inputs from k-mers are from those of a lab without any (c, m), and which labs
    these are (m,)."""

    plain: Sequence[LabColumn]
    kmers: Matrix
    with_kmers: Codes

    @property
    def lab_count(self) -> int:
        """How many labs there are, l."""
        return len(self.plain[0])

    @property
    def without_kmers(self) -> Codes:
        """The labs that share no k-mer."""
        shares_none = np.ones(self.lab_count, dtype=bool)
        shares_none[self.with_kmers] = False
        return np.flatnonzero(shares_none)

    def of(self, labs: Codes | slice) -> Matrix:
        """The plain inputs of b of the labs on a grid, and 1 for the biases, (p + 1, b)."""
        first = self.plain[0][labs]
        rows = np.empty((len(self.plain) + 1, len(first)))
        rows[0], rows[-1] = first, 1.0
        for row, values in zip(rows[1:], self.plain[1:], strict=False):
            row[:] = values[labs]
        put_on_grid(rows, exponent=_PLAIN_EXPONENT)
        return rows


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
        labs = inputs.with_kmers
        if exact or inputs.lab_count - len(labs) <= FEW:
            others = inputs.without_kmers
            logits: Column = np.empty(inputs.lab_count)
            logits[others] = self._weighed(inputs, others)
        else:
            logits = self._nearly_weighed(inputs)
        kmers = on_grid(inputs.kmers, exponent=_KMER_EXPONENT)
        logits[labs] = self._weighed(inputs, labs, kmers)
        return logits

    def _weighed(self, inputs: LabInputs, labs: Codes, kmers: Matrix | None = None) -> Column:
        """Each of f labs by itself, with their inputs from k-mers (c, f) or without, (f,)."""
        logits = np.empty(len(labs))
        for block in _blocks(len(labs), self._labs_at_once):
            sums = self.plain @ inputs.of(labs[block])  # (h + 1, p + 1) @ (p + 1, b)
            if kmers is not None:
                sums += self.kmers @ kmers[:, block]  # (h + 1, c) @ (c, b)
            logits[block] = self._logits_of_sums(sums)
        return logits

    @property
    def _labs_at_once(self) -> int:
        return max(1, _RESPONSES_AT_ONCE // max(8, len(self.outer)))

    def _logits_of_sums(self, sums: Matrix) -> Column:
        return self._logits(_responses(sums[:-1]), sums[-1])

    def _logits(self, responses: NDArray[np.float32], line: Column) -> Column:
        """From the responses of units (h, b) and the sums of the linear part (b,)."""
        outer = on_grid(self.outer, exponent=self._outer_exponent)
        logits: Column = outer @ responses.astype(np.float64) + line  # (h,) @ (h, b)
        return logits

    @cached_property
    def _outer_exponent(self) -> int:
        return exponent_of(self.outer[None, :])

    def _nearly_weighed(self, inputs: LabInputs) -> Column:
        """Nearly the same of all labs (l,), most of which share no k-mer: exactly that of a sample
        of these, of those that come first, and of those that are drawn from the others. Labs that
        share k-mers have minus infinity."""
        labs = inputs.without_kmers
        sample = labs[np.arange(SAMPLE) * len(labs) // SAMPLE]
        sums = self.plain @ inputs.of(sample)  # (h + 1, s)
        responses = _responses(sums[:-1])
        units = UNITS if len(labs) <= LABS_WITH_UNITS else 0
        near = self._without_straight_units(sums[:-1], responses, units)._of_all(inputs)
        near[inputs.with_kmers] = -np.inf
        first = places_of_largest(near, FIRST)
        near[first] = -np.inf
        drawn = _drawn(near)
        true = self._weighed(inputs, drawn)
        logits: Column = np.add(near, _corrections(near, drawn, true), dtype=np.float64)
        logits[drawn] = true
        logits[sample] = self._logits(responses, sums[-1])
        logits[first] = self._weighed(inputs, first)
        return logits

    def _of_all(self, inputs: LabInputs) -> NDArray[np.float32]:
        """Of all labs without inputs from k-mers, (l,)."""
        logits = np.empty(inputs.lab_count, dtype=np.float32)
        if len(self.outer):
            for block in _blocks(len(logits), self._labs_at_once):
                logits[block] = self._logits_of_sums(self.plain @ inputs.of(block))
        else:
            for block in _blocks(len(logits), _NUMBERS_AT_ONCE):
                logits[block] = self._line(inputs, block)
        return logits

    def _line(self, inputs: LabInputs, labs: slice) -> NDArray[np.float32]:
        """The linear part of some labs (b,), one input after the other, so that the order of the
        sum is that of any other labs."""
        *weights, bias = self.plain[-1].astype(np.float32)
        total = np.full(len(inputs.plain[0][labs]), bias)
        for weight, values in zip(weights, inputs.plain, strict=True):
            total += weight * values[labs].astype(np.float32, copy=False)
        return total

    def _without_straight_units(
        self, inner: Matrix, responses: NDArray[np.float32], units: int
    ) -> HiddenLayer:
        """The layer with so many units that are farthest from straight lines over some labs, by
        their sums and responses (h, s); the others as the straight lines that fit them best."""
        rest_of_sums, rest = inner.astype(np.float32), responses.copy()
        sum_means, means = rest_of_sums.mean(axis=1), rest.mean(axis=1)
        rest_of_sums -= sum_means[:, None]
        rest -= means[:, None]

        def products(first: NDArray[np.float32], second: NDArray[np.float32]) -> Column:
            """Of the rows of two matrices, (h, s), (h,)."""
            return np.asarray(np.einsum("hs,hs->h", first, second), dtype=np.float64)

        spreads = products(rest_of_sums, rest_of_sums) + 1e-9
        slopes = products(rest_of_sums, rest) / spreads
        left = products(rest, rest) - slopes**2 * spreads  # of variance
        order = np.argsort(-np.abs(self.outer) * np.sqrt(np.maximum(left, 0)), kind="stable")
        kept, straight = order[:units], order[units:]
        weights = (self.outer * slopes)[straight]
        line = self.plain[-1] + np.einsum("u,up->p", weights, self.plain[straight])
        line[-1] += ((means - slopes * sum_means) * self.outer)[straight].sum()
        plain = np.concatenate([self.plain[kept], line[None, :]])
        return HiddenLayer.from_weights(plain, self.kmers[:0], self.outer[kept])


def _responses(sums: Matrix) -> NDArray[np.float32]:
    """The response tanh of hidden units to sums (h, b), as a multiple of
    2^(_RESPONSE_EXPONENT - DIGITS)."""
    responses = sums.astype(np.float32)
    np.tanh(responses, out=responses)
    responses += _GRID_SHIFT
    responses -= _GRID_SHIFT
    return responses


def _drawn(logits: NDArray[np.float32]) -> Codes:
    """DRAWN places among logits (f,), ascending: each as often as its weight in a softmax says, by
    systematic sampling (Madow 1949), which draws nothing at random."""
    weights = logits - logits.max()
    weights *= np.float32(_SHARPNESS)
    sums = np.cumsum(np.exp(weights, out=weights), dtype=np.float64)
    drawn: Codes = np.searchsorted(sums, (np.arange(DRAWN) + 0.5) / DRAWN * sums[-1])
    return drawn


def _corrections(near: NDArray[np.float32], drawn: Codes, true: Column) -> NDArray[np.float32]:
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
    corrections: NDArray[np.float32] = logarithms.astype(np.float32)[parts]
    return corrections


def _blocks(labs: int, at_once: int) -> Iterator[slice]:
    for start in range(0, labs, at_once):
        yield slice(start, start + at_once)
