"""Losses of training: unit vectors of plasmids and labs in, the number to minimise out."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from vecattr.training.settings import ResolvedTrainConfig

_SMALLEST_SQUARE = 1e-8  # keeps the slope of the square root finite where two vectors meet


class AttributionLoss(Protocol):
    """Scores plasmids against every lab; `targets` are rows of `labs`.

    The last row of `labs` is the unknown-lab vector, which is never a target.
    """

    def __call__(self, plasmids: Tensor, labs: Tensor, targets: Tensor) -> Tensor: ...


class HardestNegativeTriplet:
    """Triplet loss, anchor a plasmid, positive its lab, negative the nearest of all other labs.

    max(0, margin + distance(plasmid, lab) - distance(plasmid, nearest other)), Euclidean on unit
    vectors, as published (Soares et al. 2022). The unknown-lab vector is one of the others.

    With `pushes_alone` the slope of a triplet whose other lab is nearer than its own lab is that of
    the other lab's distance alone (the selectively contrastive loss of Xuan et al. 2020, which
    pulls no plasmid through the lab in its way); its value is the same.
    """

    def __init__(self, margin: float, *, pushes_alone: bool = False) -> None:
        self.margin = margin
        self.pushes_alone = pushes_alone

    def __call__(self, plasmids: Tensor, labs: Tensor, targets: Tensor) -> Tensor:
        cosines = plasmids @ labs.T  # (b, d) @ (d, n) -> (b, n)
        distances = (2 - 2 * cosines).clamp(min=_SMALLEST_SQUARE).sqrt()  # (b, n)
        positive = distances.gather(1, targets[:, None])  # (b, 1)
        others = distances.scatter(1, targets[:, None], torch.inf)
        nearest = others.amin(dim=1, keepdim=True)  # (b, 1)
        if self.pushes_alone:
            positive = torch.where(nearest < positive, positive.detach(), positive)
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
        margins = self.margin * F.one_hot(targets, len(labs))  # (b, n)
        return F.cross_entropy(self.scale * (cosines - margins), targets)


class SmoothedSoftmax:
    """The classifier's head: cross-entropy of a softmax over scale * cosine, labels smoothed.

    A target is 1 - smoothing on the true lab and smoothing / n spread over all n labs (Szegedy et
    al. 2016), as in the published classifier (Soares et al. 2022). There is no margin and no bias,
    so labs ranked by cosine are ranked by the classifier. The unknown vector is a class that gets
    no part of the smoothing: it is pushed away from every plasmid.
    """

    def __init__(self, scale: float, smoothing: float) -> None:
        self.scale = scale
        self.smoothing = smoothing

    def logits(self, plasmids: Tensor, labs: Tensor) -> Tensor:
        """The inputs of the softmax, (b, n)."""
        return self.scale * (plasmids @ labs.T)  # (b, d) @ (d, n) -> (b, n)

    def __call__(self, plasmids: Tensor, labs: Tensor, targets: Tensor) -> Tensor:
        entropies = -F.log_softmax(self.logits(plasmids, labs), dim=1)  # (b, n)
        of_target = entropies.gather(1, targets[:, None])[:, 0]  # (b,)
        of_any_lab = entropies[:, :-1].mean(dim=1)  # (b,)
        return ((1 - self.smoothing) * of_target + self.smoothing * of_any_lab).mean()


def new_loss(settings: ResolvedTrainConfig) -> AttributionLoss:
    """The loss that the settings name."""
    if settings.loss == "triplet":
        pushes_alone = settings.hard_negatives == "push"
        return HardestNegativeTriplet(settings.margin, pushes_alone=pushes_alone)
    if settings.loss == "softmax":
        return SmoothedSoftmax(settings.scale, settings.label_smoothing)
    return CosFace(settings.scale, settings.margin)
