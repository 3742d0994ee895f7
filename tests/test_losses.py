"""Losses against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vecattr.config import BagConfig, TrainConfig
from vecattr.losses import CosFace, HardestNegativeTriplet, new_loss


@pytest.fixture
def vectors() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(3)
    plasmids = F.normalize(torch.randn(6, 8), dim=1)
    labs = F.normalize(torch.randn(5, 8), dim=1)
    return plasmids, labs, torch.tensor([0, 1, 2, 3, 4, 0])


def test_triplet_takes_the_nearest_of_all_other_labs(
    vectors: tuple[Tensor, Tensor, Tensor],
) -> None:
    plasmids, labs, targets = vectors
    expected = 0.0
    for plasmid, target in zip(plasmids, targets.tolist(), strict=True):
        distances = [math.dist(plasmid.tolist(), lab.tolist()) for lab in labs]
        positive = distances.pop(target)
        expected += max(0.0, 0.7 + positive - min(distances))
    loss = HardestNegativeTriplet(0.7)(plasmids, labs, targets)
    assert loss.item() == pytest.approx(expected / len(plasmids), abs=1e-5)


def test_triplet_has_a_finite_slope_where_plasmid_and_lab_meet() -> None:
    labs = F.normalize(torch.randn(3, 4), dim=1)
    plasmid = labs[:1].clone().requires_grad_()
    HardestNegativeTriplet(3.0)(plasmid, labs, torch.tensor([0])).backward()
    assert plasmid.grad is not None
    assert torch.isfinite(plasmid.grad).all()


def test_cosface_is_a_softmax_with_a_handicap_for_the_true_lab(
    vectors: tuple[Tensor, Tensor, Tensor],
) -> None:
    plasmids, labs, targets = vectors
    expected = 0.0
    for plasmid, target in zip(plasmids, targets.tolist(), strict=True):
        logits = [
            24 * (float(plasmid @ lab) - 0.1 * (row == target)) for row, lab in enumerate(labs)
        ]
        expected += math.log(sum(math.exp(x) for x in logits)) - logits[target]
    loss = CosFace(24, 0.1)(plasmids, labs, targets)
    assert loss.item() == pytest.approx(expected / len(plasmids), rel=1e-5)


def test_the_configuration_chooses_loss_and_margin() -> None:
    triplet = new_loss(TrainConfig(loss="triplet").resolved(BagConfig()))
    assert isinstance(triplet, HardestNegativeTriplet)
    assert triplet.margin == 1.0
    cosface = new_loss(TrainConfig(loss="cosface", margin=0.3).resolved(BagConfig()))
    assert isinstance(cosface, CosFace)
    assert cosface.margin == 0.3
