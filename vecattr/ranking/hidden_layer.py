"""One hidden layer and a linear part over many labs: inputs on grids in, a logit of each lab out.

All sums of products are exact (`vecattr.products`), so a logit is the same whatever is computed
beside it. Labs that share no k-mer with a query are the many: what the inputs from k-mers add to
their sums is a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.products import exponent_of, on_grid
from vecattr.vectors import Codes, Column

#: Labs whose hidden units are computed at once: what a core's cache holds.
_LABS_AT_ONCE = 256

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class LabInputs:
    """Of l labs, an input in each row: `plain` ones, the last of them 1 for the biases, (p + 1, l);
    and of the m labs that share `kmers` with the query, how far inputs from k-mers are from those
    of a lab without any (c, m), and which labs these are (m,)."""

    plain: Matrix
    kmers: Matrix
    with_kmers: Codes

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

    def logits(self, inputs: LabInputs) -> Column:
        """Of each lab (l,)."""
        plain, kmers = (
            on_grid(part, exponent=exponent_of(part.T)) for part in (inputs.plain, inputs.kmers)
        )
        logits = np.empty(plain.shape[1])
        for places in _blocks(len(inputs.with_kmers)):
            labs = inputs.with_kmers[places]
            logits[labs] = self._block(plain[:, labs], kmers[:, places])
        far = inputs.without_kmers
        for places in _blocks(len(far)):
            logits[far[places]] = self._block(plain[:, far[places]], None)
        return logits

    def _block(self, plain: Matrix, kmers: Matrix | None) -> Column:
        """Of b labs (b,), with inputs from k-mers or without."""
        sums = self.plain @ plain  # (h + 1, p + 1) @ (p + 1, b)
        if kmers is not None:
            sums += self.kmers @ kmers  # (h + 1, c) @ (c, b)
        hidden = sums[:-1].astype(np.float32)
        np.tanh(hidden, out=hidden)
        logits: Column = np.einsum("hb,h->b", hidden, self.outer) + sums[-1]
        return logits


def _blocks(labs: int) -> Iterator[slice]:
    for start in range(0, labs, _LABS_AT_ONCE):
        yield slice(start, start + _LABS_AT_ONCE)
