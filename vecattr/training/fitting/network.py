"""The network that training fits: batches in, a loss out; and the model that comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vecattr.encoders.model_folder import UNKNOWN_VECTOR
from vecattr.encoders.networks.batch import Batch
from vecattr.encoders.networks.kmer_bag import KmerBag
from vecattr.encoders.networks.text_cnn import TextCnn
from vecattr.encoders.torch_encoder import TrainedEncoder
from vecattr.training.examples import Examples
from vecattr.training.fitting.losses import AttributionLoss
from vecattr.training.progress import Epoch
from vecattr.vectors import EmbeddingTable, Vectors, unit_rows

_BATCH = 64  # plasmids embedded at once, about


class AttributionNetwork(nn.Module):
    """An encoder and the vectors of all labs; the last row is the unknown-lab vector. A frozen
    encoder stays as it is, and is in inference mode at all times."""

    def __init__(
        self,
        encoder: TextCnn | KmerBag,
        labs: int,
        loss: AttributionLoss,
        *,
        freezes_encoder: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(not freezes_encoder)
        self.freezes_encoder = freezes_encoder
        self.labs = nn.Parameter(torch.randn(labs + 1, encoder.config.width))
        self.loss = loss

    def start_from(self, encoder: TextCnn | KmerBag, labs: Mapping[int, Vectors]) -> None:
        """Begin with the weights of another encoder, and with these unit vectors (d,) as rows of
        the labs, which get the length that new ones have about."""
        self.encoder.load_state_dict(encoder.state_dict())
        length = math.sqrt(self.labs.shape[1])
        with torch.no_grad():
            for row, vector in labs.items():
                self.labs[row] = length * torch.from_numpy(np.array(vector))

    def train(self, mode: bool = True) -> Self:
        """To training, or to inference."""
        super().train(mode)
        if self.freezes_encoder:
            self.encoder.eval()
        return self

    def lab_vectors(self) -> Tensor:
        """Unit vectors of the labs and the unknown vector, (n + 1, d)."""
        return F.normalize(self.labs, dim=1)

    def forward(self, batch: Batch, targets: Tensor) -> Tensor:
        """The loss of this batch; the encoder may run under autocast, the loss does not."""
        with torch.set_grad_enabled(not self.freezes_encoder and torch.is_grad_enabled()):
            plasmids = self.encoder(batch)  # (b, d)
        with torch.autocast(plasmids.device.type, enabled=False):
            return self.loss(plasmids, self.lab_vectors(), targets)

    @torch.inference_mode()
    def vectors(
        self, examples: Examples, *, progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """Unit vectors of full-length examples, (q, d); `progress` is told how many are new."""
        self.eval()
        chunks = []
        for rows in np.array_split(np.arange(len(examples)), max(1, len(examples) // _BATCH)):
            batch = examples.batch(rows).to(self.labs.device)
            chunks.append(self.encoder(batch).cpu().numpy())
            if progress is not None:
                progress(len(rows))
        self.train()
        return np.concatenate(chunks)

    def cosines(self, examples: Examples) -> Vectors:
        """Cosines of full-length examples with every lab, the unknown vector last, (q, n + 1)."""
        labs = self.lab_vectors().detach().cpu().numpy()
        cosines: Vectors = self.vectors(examples) @ labs.T  # (q, d) @ (d, n + 1)
        return cosines


@dataclass(frozen=True)
class FittedModel:
    """An encoder and lab vectors with the weights of the best epoch, and how training went."""

    network: AttributionNetwork
    encoder: TrainedEncoder
    lab_names: tuple[str, ...]
    history: tuple[Epoch, ...]
    best: Epoch | None  # None without validation rows: the last weights are kept

    @property
    def epochs(self) -> int:
        """How many epochs led to the weights that were kept."""
        return self.best.epoch if self.best else len(self.history)

    def lab_table(self) -> EmbeddingTable:
        """The vectors of the labs and, last, the unknown vector."""
        vectors = unit_rows(self.network.lab_vectors().detach().cpu().numpy())
        return EmbeddingTable((*self.lab_names, UNKNOWN_VECTOR), vectors)
