"""What training minimises: unit vectors of plasmids and labs in, one number out."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from vecattr.config import ResolvedTrainConfig

_SMALLEST_SQUARE = 1e-8  # keeps the slope of the square root finite where two vectors meet


class AttributionLoss(Protocol):
    """Scores plasmids against every lab; `targets` are rows of `labs`."""

    def __call__(self, plasmids: Tensor, labs: Tensor, targets: Tensor) -> Tensor: ...


class HardestNegativeTriplet:
    """Triplet loss, anchor a plasmid, positive its lab, negative the nearest of all other labs.

    max(0, margin + distance(plasmid, lab) - distance(plasmid, nearest other)), Euclidean on unit
    vectors, as published (Soares et al. 2022). The unknown-lab vector is one of the others.
    """

    def __init__(self, margin: float) -> None:
        self.margin = margin

    def __call__(self, plasmids: Tensor, labs: Tensor, targets: Tensor) -> Tensor:
        cosines = plasmids @ labs.T  # (b, d) @ (d, n) -> (b, n)
        distances = (2 - 2 * cosines).clamp(min=_SMALLEST_SQUARE).sqrt()  # (b, n)
        positive = distances.gather(1, targets[:, None])  # (b, 1)
        others = distances.scatter(1, targets[:, None], torch.inf)
        nearest = others.amin(dim=1, keepdim=True)  # (b, 1)
        return F.relu(self.margin + positive - nearest).mean()


class CosFace:
    """Softmax over cosines with a temperature and an additive margin (Wang et al. 2018).

    Cross-entropy of scale * (cosine - margin on the true lab); the lab vectors are its proxies.
    """

    def __init__(self, scale: float, margin: float) -> None:
        self.scale = scale
        self.margin = margin

    def __call__(self, plasmids: Tensor, labs: Tensor, targets: Tensor) -> Tensor:
        cosines = plasmids @ labs.T  # (b, d) @ (d, n) -> (b, n)
        held_back = self.margin * F.one_hot(targets, len(labs))
        return F.cross_entropy(self.scale * (cosines - held_back), targets)


def new_loss(config: ResolvedTrainConfig) -> AttributionLoss:
    """The loss that the configuration names."""
    if config.loss == "triplet":
        return HardestNegativeTriplet(config.margin)
    return CosFace(config.scale, config.margin)
