"""The one-cycle schedule, as published by epoch, against its formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch.optim import Adam

from vecattr.encoders.config import CnnConfig
from vecattr.training.fitting.optimizers import Schedules
from vecattr.training.settings import ResolvedTrainConfig, TrainConfig, preset_values


def _published() -> ResolvedTrainConfig:
    choices = preset_values("match", preset="published", loss=None)
    return TrainConfig(**choices.train).resolved(CnnConfig())


def _schedules(settings: ResolvedTrainConfig, *, steps: int) -> tuple[Schedules, Adam]:
    adam = Adam([torch.nn.Parameter(torch.zeros(1))], lr=settings.learning_rate)
    return Schedules([adam], settings, steps=steps), adam


def _run(settings: ResolvedTrainConfig, *, steps: int) -> tuple[list[float], list[float]]:
    """Rate and momentum of each epoch of three steps."""
    schedules, adam = _schedules(settings, steps=steps)
    rates, momenta = [], []
    for _ in range(settings.epochs):
        rates.append(schedules.learning_rate)
        momenta.append(float(adam.param_groups[0]["betas"][0]))
        for _ in range(3):
            adam.step()
            schedules.after_step()
        schedules.after_epoch()
    return rates, momenta


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def test_by_epoch_the_rates_are_the_published_ones() -> None:
    rates, momenta = _run(_published(), steps=600)
    assert rates[0] == pytest.approx(4e-5)
    assert rates[12] == pytest.approx(1.3e-4, rel=0.05)
    assert max(rates) == rates[59] == pytest.approx(1e-3)  # after 30 % of 200 epochs
    assert momenta[0] == pytest.approx(0.95)
    assert momenta[59] == min(momenta) == pytest.approx(0.85)
    assert momenta[199] == pytest.approx(0.95)
    for epoch, rate in enumerate(rates):
        expected = (
            _cosine(4e-5, 1e-3, epoch / 59)
            if epoch <= 59
            else _cosine(1e-3, 4e-9, (epoch - 59) / 140)
        )
        assert rate == pytest.approx(expected, rel=1e-6)


def test_by_step_the_rate_moves_within_an_epoch_and_momentum_stays() -> None:
    settings = TrainConfig(loss="triplet", epochs=10).resolved(CnnConfig())
    schedules, adam = _schedules(settings, steps=30)
    rates = []
    for _ in range(30):
        rates.append(schedules.learning_rate)
        adam.step()
        schedules.after_step()
        schedules.after_epoch()
    assert len(set(rates)) == 30
    assert max(rates) == rates[8] == pytest.approx(1e-3)
    assert adam.param_groups[0]["betas"][0] == 0.9


def test_a_schedule_goes_on_from_its_state() -> None:
    settings = _published()
    whole, _ = _run(settings, steps=600)
    first, adam = _schedules(settings, steps=600)
    for _ in range(30):
        adam.step()
        first.after_epoch()
    second, other_adam = _schedules(settings, steps=600)
    other_adam.load_state_dict(adam.state_dict())
    second.load_state_dict(first.state_dict())
    assert second.learning_rate == pytest.approx(whole[30])
    other_adam.step()
    second.after_epoch()
    assert second.learning_rate == pytest.approx(whole[31])
