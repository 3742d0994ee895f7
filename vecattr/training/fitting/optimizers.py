"""Optimizers and schedules of a training run: settings and a network in, Adam and its rates out."""

from __future__ import annotations

from torch.optim import Adam, Optimizer, SparseAdam
from torch.optim.lr_scheduler import OneCycleLR

from vecattr.encoders.networks.kmer_bag import KmerBag
from vecattr.training.fitting.network import AttributionNetwork
from vecattr.training.settings import ResolvedTrainConfig


def new_optimizers(network: AttributionNetwork, settings: ResolvedTrainConfig) -> list[Optimizer]:
    """Adam for the parameters that are learned, but the sparse one for a k-mer table, of which a
    step touches few rows."""
    encoder = network.encoder
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    is_sparse = isinstance(encoder, KmerBag) and not network.freezes_encoder
    sparse = [encoder.tokens.weight] if is_sparse else []
    dense = [parameter for parameter in learned if not any(parameter is table for table in sparse)]
    rate, decay = settings.learning_rate, settings.weight_decay
    adams: list[Optimizer] = [Adam(dense, lr=rate, weight_decay=decay)]
    if sparse:
        adams.append(SparseAdam(sparse, lr=rate))
    return adams


class Schedules:
    """Smith's one-cycle schedule (2018) of some optimizers: up to their rate and down again.

    By step it moves after each of `steps` steps. By epoch, as the published code ran, it moves
    after each of `epochs` epochs, and Adam's first momentum goes down and up against the rate.
    """

    def __init__(
        self, optimizers: list[Optimizer], settings: ResolvedTrainConfig, *, steps: int
    ) -> None:
        self._by_epoch = settings.one_cycle == "epoch"
        self._moves = max(settings.epochs if self._by_epoch else steps, 2)
        self._done = 0
        self._schedules = [
            OneCycleLR(
                optimizer,
                max_lr=optimizer.param_groups[0]["lr"],
                total_steps=self._moves,
                cycle_momentum=self._by_epoch,
            )
            for optimizer in optimizers
        ]

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self._schedules[0].get_last_lr()[0])

    def after_step(self) -> None:
        """Move on, by step."""
        if not self._by_epoch:
            self._move()

    def after_epoch(self) -> None:
        """Move on, by epoch."""
        if self._by_epoch:
            self._move()

    def _move(self) -> None:
        self._done += 1
        if self._done < self._moves:
            for schedule in self._schedules:
                schedule.step()

    def state_dict(self) -> dict[str, object]:
        """What changes from move to move."""
        states = [schedule.state_dict() for schedule in self._schedules]
        return {"moves": self._done, "schedules": states}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a state."""
        moves, states = state["moves"], state["schedules"]
        assert isinstance(moves, int)
        assert isinstance(states, list)
        self._done = moves
        for schedule, saved in zip(self._schedules, states, strict=True):
            schedule.load_state_dict(saved)
