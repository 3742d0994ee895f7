"""A fit from its first weights to its last: training data in, a fitted model out."""

from __future__ import annotations

import torch

from vecattr.encoders.model_folder import UNKNOWN_VECTOR
from vecattr.encoders.networks.kinds import new_encoder
from vecattr.encoders.networks.search_choice import choose_search
from vecattr.encoders.networks.text_cnn import TextCnn
from vecattr.encoders.torch_encoder import TrainedEncoder
from vecattr.training.checkpoint import Checkpoints, run_fingerprint
from vecattr.training.data import TrainingData
from vecattr.training.distributed import ProcessGroup
from vecattr.training.fitting.loop import TrainingLoop
from vecattr.training.fitting.losses import new_loss
from vecattr.training.fitting.network import AttributionNetwork, FittedModel
from vecattr.training.progress import Watcher


def fit_model(
    data: TrainingData, group: ProcessGroup, checkpoints: Checkpoints, watcher: Watcher
) -> FittedModel:
    """Train until the steps are spent or patience ends; the weights of the best epoch.

    Raises DamagedError or MismatchError when a checkpoint to resume from cannot be used.
    """
    plan = data.plan
    network = new_network(data)
    if isinstance(network.encoder, TextCnn):
        looks_up = not network.encoder.varies_vectors
        choice = choose_search(group.device.type, looks_up=looks_up)
        network.encoder.search = choice.search
        watcher.notes(choice.note)
    fingerprint = run_fingerprint(
        plan.encoder,
        plan.settings,
        data.training.labelled,
        start=plan.start.identity if plan.start else None,
    )
    loop = TrainingLoop(
        network, data, group=group, checkpoints=checkpoints, fingerprint=fingerprint
    )
    loop.run(watcher)
    return FittedModel(
        network=network,
        encoder=TrainedEncoder(network.encoder, data.vocabulary, data.features),
        lab_names=plan.lab_names,
        history=loop.history,
        best=loop.best,
    )


def new_network(data: TrainingData) -> AttributionNetwork:
    """The network before its first step: random weights, or those of the plan's start model."""
    plan = data.plan
    seed = plan.settings.seed
    if plan.start:  # not the start model's own draws, or a new lab would begin as one of its labs
        seed += int(plan.start.identity[:8], 16)
    torch.manual_seed(seed)
    encoder = new_encoder(
        plan.encoder,
        vocabulary_size=data.vocabulary.size,
        feature_columns=data.features.columns,
    )
    network = AttributionNetwork(
        encoder,
        len(plan.lab_names),
        new_loss(plan.settings),
        freezes_encoder=plan.settings.freeze_encoder,
    )
    if plan.start:
        names = enumerate((*plan.lab_names, UNKNOWN_VECTOR))
        known = plan.start.labs
        rows = {row: known[name] for row, name in names if name in known}
        network.start_from(plan.start.parts.encoder, rows)
    return network
