"""Named configurations: an objective in, the values that it chooses out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: `match`: labs and plasmids are brought together; `classify`: a softmax classifier of labs.
Objective = Literal["match", "classify"]


@dataclass(frozen=True)
class Choices:
    """Values of configuration fields by name; what a user gives goes before them."""

    cnn: Mapping[str, Any] = field(default_factory=dict)  # of CnnConfig
    train: Mapping[str, Any] = field(default_factory=dict)  # of TrainConfig


#: The published branches differ in these (Soares et al. 2022); what the classifier's loss brings
#: with it, label smoothing and over-sampling, follows from the loss.
OBJECTIVES: Mapping[Objective, Choices] = {
    "match": Choices(),
    "classify": Choices(
        cnn={"kernels": (1, 2, 3, 4), "activation": "tanh"}, train={"loss": "softmax"}
    ),
}
