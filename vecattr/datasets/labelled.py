"""Labelled plasmids: plasmids and a rule in, the class that each is trained for out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import ClassRule
from vecattr.datasets.reserve import SplitHash, reserve
from vecattr.datasets.splits import Split, split_rows
from vecattr.errors import InputError
from vecattr.plasmid import Plasmid


@dataclass(frozen=True)
class LabelledSet:
    """Plasmids and the class each one is trained for."""

    plasmids: tuple[Plasmid, ...]
    labels: tuple[str, ...]

    def where(self, mask: NDArray[np.bool_]) -> LabelledSet:
        """The rows for which the mask is true."""
        rows = np.flatnonzero(mask)
        return LabelledSet(
            tuple(self.plasmids[row] for row in rows), tuple(self.labels[row] for row in rows)
        )


def without_reserve(labelled: LabelledSet) -> LabelledSet:
    """What is left when the reserve is taken away."""
    lots = [SplitHash.of(plasmid) for plasmid in labelled.plasmids]
    return labelled.where(~reserve(labelled.labels, lots).rows)


def labelled_set(plasmids: Sequence[Plasmid], rule: ClassRule) -> LabelledSet:
    """The plasmids with their classes; InputError when one has no lab, or all have the same."""
    labels = []
    for plasmid in plasmids:
        if plasmid.lab is None:
            raise InputError(
                "the record has no lab",
                where=f"record {plasmid.id!r}",
                hint="train on a table with a lab column, or a folder per lab",
            )
        labels.append(rule.label(plasmid.lab))
    if len(set(labels)) < 2:
        raise InputError(
            f"{len(plasmids)} plasmids of {len(set(labels))} labs", hint="give two labs or more"
        )
    return LabelledSet(tuple(plasmids), tuple(labels))


def usual_split(
    labelled: LabelledSet, *, validation_share: float, calibration_share: float, seed: int
) -> Split:
    """The rows of one run: shares of the plasmids (0 to 0.5) for validation and calibration."""
    return split_rows(
        labelled.labels,
        [plasmid.group for plasmid in labelled.plasmids],
        validation_share=validation_share,
        calibration_share=calibration_share,
        rng=np.random.default_rng(seed),
    )
