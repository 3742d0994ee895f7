"""One hidden layer and a linear part over many labs: inputs on grids in, a logit of each lab out.

All sums of products are exact (`vecattr.products`), so a logit is the same whatever is computed
beside it. Labs that share no k-mer with a query are the many: what the inputs from k-mers add to
their sums is a constant, and they are not weighed one by one. Over these labs most hidden units are
nearly linear. A sample of labs, weighed exactly, tells the straight line that fits each unit; the
labs that come first by these lines are then weighed exactly. Of the others some are drawn, the
likely ones more often, and weighed exactly, too: as these differ the others are corrected.
`docs/decisions/0080` has the bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.products import DIGITS, exponent_of, on_grid, put_on_grid
from vecattr.ranking.largest import places_of_largest
from vecattr.sequences.postings import stable_order
from vecattr.vectors import Codes, Column, LabColumn

#: Responses of hidden units computed at once: what a core's cache holds.
_RESPONSES_AT_ONCE = 1 << 16
#: Labs by a straight line at once.
_LABS_AT_ONCE = 1 << 15

#: Labs without k-mers that are all weighed exactly; of more …
FEW = 4096
#: … so many evenly spaced ones tell which straight lines are the units', …
SAMPLE = 256
#: … and so many of the first by these lines are weighed exactly, and so many drawn ones, …
FIRST = 1024
DRAWN = 2048
#: … by which the others are corrected in so many parts, from the least likely to the likeliest.
PARTS = 16
#: The corrections of a part are two to this power.
SPREAD_BITS = 3
SPREADS = 1 << SPREAD_BITS
#: No lab's inputs are longer than two to these powers, whatever an index holds, so that a grid does
#: not depend on which labs are weighed together.
_PLAIN_EXPONENT = 5
_KMER_EXPONENT = 6
#: Nor are the responses of some hundred units, -1 to 1 each.
_RESPONSE_EXPONENT = 5
#: A float32 from -1 to 1 plus this number is a multiple of 2^(_RESPONSE_EXPONENT - DIGITS).
_GRID_SHIFT = np.float32(6)
assert np.spacing(_GRID_SHIFT) == 2.0 ** (_RESPONSE_EXPONENT - DIGITS)
#: A float32 below 4,096 plus this number is a multiple of 2^-10.
_COARSE_SHIFT = np.float32(1.5 * 2.0**13)
assert np.spacing(_COARSE_SHIFT) == 2.0**-10
#: Labs of a group, of which one or none is drawn at a time.
_GROUP = 16
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
        near = _line(self._straight(sums[:-1], responses), inputs.plain)
        near[inputs.with_kmers] = -np.inf
        first = places_of_largest(near, FIRST)
        near[first] = -np.inf
        drawn = _drawn(near)
        true = self._weighed(inputs, np.concatenate([first, drawn]))
        corrections = _corrections(near, drawn, true[len(first) :])
        logits: Column = np.add(near, corrections, dtype=np.float64)
        logits[sample] = self._logits(responses, sums[-1])
        logits[drawn], logits[first] = true[len(first) :], true[: len(first)]
        return logits

    def _straight(self, inner: Matrix, responses: NDArray[np.float32]) -> Column:
        """Weights of the plain inputs and a bias (p + 1,): the linear part, and each unit as the
        straight line that fits it best over some labs, by their sums and responses (h, s)."""
        spread_sums, spread = inner.astype(np.float32), responses.copy()
        sum_means, means = spread_sums.mean(axis=1), spread.mean(axis=1)
        spread_sums -= sum_means[:, None]
        spread -= means[:, None]
        products = np.einsum("hs,hs->h", spread_sums, spread)
        squares = np.einsum("hs,hs->h", spread_sums, spread_sums)
        slopes = products.astype(np.float64) / (squares.astype(np.float64) + 1e-9)
        weights: Column = self.plain[-1] + np.einsum(
            "h,hp->p", self.outer * slopes, self.plain[:-1]
        )
        weights[-1] += ((means - slopes * sum_means) * self.outer).sum()
        return weights


def _line(weights: Column, plain: Sequence[LabColumn]) -> NDArray[np.float32]:
    """Weights and a bias (p + 1,) applied to plain inputs (l,), one after the other, so that the
    order of a sum is that of any other labs, (l,)."""
    *of_inputs, bias = weights.astype(np.float32)
    varied = []
    for weight, values in zip(of_inputs, plain, strict=True):
        if values.strides == (0,):  # one number for all labs
            bias += weight * np.float32(values[0])
        else:
            varied.append((weight, values))
    total = np.full(len(plain[0]), bias)
    for labs in _blocks(len(total), _LABS_AT_ONCE):
        for weight, values in varied:
            total[labs] += weight * values[labs].astype(np.float32, copy=False)
    return total


def _responses(sums: Matrix) -> NDArray[np.float32]:
    """The response tanh of hidden units to sums (h, b), as a multiple of
    2^(_RESPONSE_EXPONENT - DIGITS)."""
    responses = sums.astype(np.float32)
    np.tanh(responses, out=responses)
    responses += _GRID_SHIFT
    responses -= _GRID_SHIFT
    return responses


def _drawn(logits: NDArray[np.float32]) -> Codes:
    """DRAWN places among logits (f,): each as often as its weight in a softmax says, by systematic
    sampling (Madow 1949), which draws nothing at random. Groups are drawn first, then one of
    each."""
    groups = -(-len(logits) // _GROUP)
    weights = np.full(_GROUP * groups, -np.inf, dtype=np.float32)
    np.multiply(logits - logits.max(), np.float32(_SHARPNESS), out=weights[: len(logits)])
    of_groups = np.exp(weights, out=weights).reshape(_GROUP, groups)
    sums = np.cumsum(of_groups.sum(axis=0, dtype=np.float64))  # (g,)
    drawn = (np.arange(DRAWN) + 0.5) / DRAWN * sums[-1]
    group = np.searchsorted(sums, drawn)
    within = np.cumsum(of_groups[:, group], axis=0, dtype=np.float64)  # (_GROUP, DRAWN)
    below = drawn - np.where(group, sums[group - 1], 0.0)
    below = np.clip(below, np.finfo(float).tiny, within[-1])  # where sums were rounded
    places: Codes = np.count_nonzero(within < below, axis=0) * groups + group
    return places


def _corrections(near: NDArray[np.float32], drawn: Codes, true: Column) -> NDArray[np.float32]:
    """What is added to logits that are nearly right (f,), by the true ones of those that are drawn
    (d,), in PARTS of as many drawn ones each. A part has SPREADS corrections: means of as many of
    its differences each, from the least to the largest, so that a sum of weights is right at any
    sharpness, and an entropy is. Equal logits get the same one."""
    of_drawn = near[drawn]
    bounds = np.sort(of_drawn)[np.arange(1, PARTS) * len(drawn) // PARTS]
    codes = np.zeros(len(near), dtype=np.uint8)
    for bound in bounds:  # which takes less time than to search for each
        codes += near >= bound
    differences, part_of_drawn = true - of_drawn, codes[drawn].astype(np.int64)
    order = np.argsort(differences, kind="stable")
    order = order[stable_order(part_of_drawn[order], count=PARTS)]
    differences, part_of_drawn = differences[order], part_of_drawn[order]
    sizes = np.bincount(part_of_drawn, minlength=PARTS)
    ranks = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[part_of_drawn]
    codes_of_drawn = SPREADS * part_of_drawn + SPREADS * ranks // sizes[part_of_drawn]
    values = _log_means(differences, codes_of_drawn.astype(np.int64))
    codes *= SPREADS
    codes += (_mixed_bits(near) >> np.uint32(32 - SPREAD_BITS)).astype(np.uint8)
    corrections: NDArray[np.float32] = values.astype(np.float32).take(codes)
    return corrections


def _log_means(differences: Column, codes: Codes) -> Column:
    """Of differences (d,) by their codes the mean on the scale of weights, of each code; that of
    the whole part of a code that none has, and 0 of a part that none has."""
    shape = PARTS, SPREADS
    weights = np.bincount(codes, np.exp(_SHARPNESS * differences), PARTS * SPREADS).reshape(shape)
    counts = np.bincount(codes, minlength=PARTS * SPREADS).reshape(shape)
    of_parts = weights.sum(axis=1) / np.maximum(counts.sum(axis=1), 1)
    means = np.where(counts, weights / np.maximum(counts, 1), of_parts[:, None])
    log_means: Column = np.log(np.where(means > 0, means, 1.0)).ravel() / _SHARPNESS
    return log_means


def _mixed_bits(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Numbers that look drawn at random, by multiplicative hashing (Knuth 1973): the same of values
    that are equal once they are rounded to 2^-10 (f,), so that the last digits, which differ
    between processors, hardly matter."""
    mixed: NDArray[np.uint32] = (values + _COARSE_SHIFT).view(np.uint32) * np.uint32(0x9E3779B1)
    return mixed


def _blocks(labs: int, at_once: int) -> Iterator[slice]:
    for start in range(0, labs, at_once):
        yield slice(start, start + at_once)
