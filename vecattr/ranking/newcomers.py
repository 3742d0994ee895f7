"""Labs that were added after an index was calibrated: how many plasmids they have in, what their
scores gain out.

The evidence ranker learned from labs of one collection. There a lab with few plasmids published
little, so it is seldom the lab of the next query. Of a lab that somebody adds, few plasmids say
nothing of that kind: few were at hand (docs/decisions/0067-newcomers.md).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vecattr.vectors import LabColumn, Mask

#: What is added to the logit of a lab with one plasmid, …
GAIN = 0.5
#: … of which half is left with so many plasmids, and none with ten.
_HALF_AT = 6
#: How steeply it falls, in ln(1 + plasmids).
_STEEPNESS = 4.0


def newcomer_gains(columns: Mapping[str, LabColumn], are_newcomers: Mask) -> LabColumn:
    """What is added to the logits of labs (l,), from the ranker's columns (l,): nothing unless a
    lab is a newcomer (l,) and does not count as a pooled one."""
    below_half = float(np.log1p(_HALF_AT)) - columns["plasmids"]
    gain: LabColumn = GAIN / 2 * (1 + np.tanh(_STEEPNESS * below_half))
    gain[~are_newcomers | (columns["pooled"] != 0)] = 0
    return gain
