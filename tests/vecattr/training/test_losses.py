"""Losses against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vecattr.encoders.config import BagConfig
from vecattr.training.fitting.losses import (
    CosFace,
    HardestNegativeTriplet,
    SmoothedSoftmax,
    new_loss,
)
from vecattr.training.settings import TrainConfig


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


def _slopes(plasmid: Tensor, labs: Tensor, *, pushes_alone: bool) -> tuple[Tensor, Tensor, float]:
    """Slopes of the triplet loss of one plasmid of the first lab, and the loss."""
    plasmid, labs = plasmid.clone().requires_grad_(), labs.clone().requires_grad_()
    loss = HardestNegativeTriplet(1.0, pushes_alone=pushes_alone)(plasmid, labs, torch.tensor([0]))
    loss.backward()
    assert plasmid.grad is not None
    assert labs.grad is not None
    return plasmid.grad, labs.grad, loss.item()


@pytest.fixture
def three_labs() -> Tensor:
    return F.normalize(torch.tensor([[1.0, 0.1, 0.0], [0.0, 1.0, 0.2], [0.1, 0.0, -1.0]]), dim=1)


def test_a_hard_negative_alone_is_pushed_and_the_loss_stays(three_labs: Tensor) -> None:
    plasmid = F.normalize(torch.tensor([[0.3, 1.0, 0.1]]), dim=1)  # nearest to the second lab
    both = _slopes(plasmid, three_labs, pushes_alone=False)
    push = _slopes(plasmid, three_labs, pushes_alone=True)
    assert push[2] == pytest.approx(both[2])
    assert both[1][0].any()
    assert not push[1][0].any()  # the own lab is not pulled
    assert torch.allclose(push[1][1], both[1][1])  # the other is pushed as before
    assert not push[1][2].any()
    away = three_labs[1] / torch.dist(plasmid[0], three_labs[1])  # of minus the distance
    assert torch.allclose(push[0][0], away, atol=1e-5)


def test_where_the_own_lab_is_nearest_both_rules_are_one(three_labs: Tensor) -> None:
    plasmid = F.normalize(torch.tensor([[1.0, 0.6, 0.1]]), dim=1)
    both = _slopes(plasmid, three_labs, pushes_alone=False)
    push = _slopes(plasmid, three_labs, pushes_alone=True)
    assert both[2] > 0
    assert torch.equal(push[0], both[0])
    assert torch.equal(push[1], both[1])


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


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_the_smoothed_softmax_spreads_a_share_of_the_target_over_all_labs(
    vectors: tuple[Tensor, Tensor, Tensor], smoothing: float
) -> None:
    plasmids, labs, _ = vectors
    targets = [0, 1, 2, 3, 3, 0]  # the last row of labs is the unknown vector
    expected = 0.0
    for plasmid, target in zip(plasmids.numpy(), targets, strict=True):
        logits = np.array([16 * float(plasmid @ lab) for lab in labs.numpy()])
        chances = np.exp(logits) / np.exp(logits).sum()
        for row in range(len(labs) - 1):
            wanted = smoothing / (len(labs) - 1) + (1 - smoothing) * (row == target)
            expected -= wanted * math.log(chances[row])
    loss = SmoothedSoftmax(16, smoothing)(plasmids, labs, torch.tensor(targets))
    assert loss.item() == pytest.approx(expected / len(targets), rel=1e-5)


def test_the_smoothed_softmax_pushes_the_unknown_vector_away() -> None:
    labs = F.normalize(torch.eye(3) + 0.1, dim=1).requires_grad_()
    plasmid = F.normalize(torch.ones(1, 3), dim=1)
    SmoothedSoftmax(16, 0.9)(plasmid, labs, torch.tensor([0])).backward()
    assert labs.grad is not None
    assert (labs.grad @ plasmid[0])[-1] > 0  # a step against the slope takes it farther away


def test_the_configuration_chooses_loss_and_margin() -> None:
    triplet = new_loss(TrainConfig(loss="triplet").resolved(BagConfig()))
    assert isinstance(triplet, HardestNegativeTriplet)
    assert triplet.margin == 1.0
    assert not triplet.pushes_alone
    push = new_loss(TrainConfig(loss="triplet", hard_negatives="push").resolved(BagConfig()))
    assert isinstance(push, HardestNegativeTriplet)
    assert push.pushes_alone
    cosface = new_loss(TrainConfig(loss="cosface", margin=0.3).resolved(BagConfig()))
    assert isinstance(cosface, CosFace)
    assert cosface.margin == 0.3
    softmax = new_loss(TrainConfig(loss="softmax").resolved(BagConfig()))
    assert isinstance(softmax, SmoothedSoftmax)
    assert softmax.smoothing == 0.1
