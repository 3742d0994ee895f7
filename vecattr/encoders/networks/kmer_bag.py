"""The bag of k-mers: batches of k-mer ids and features in, unit vectors out."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from vecattr.encoders.config import BagConfig
from vecattr.encoders.networks.batch import Batch


class KmerBag(nn.Module):
    """The mean of the k-mers' learned vectors, plus a linear layer over the features.

    A plasmid without any known k-mer still gets its features and a learned bias, so that every
    plasmid has a direction.
    """

    def __init__(self, config: BagConfig, *, vocabulary_size: int, feature_columns: int) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.EmbeddingBag(
            vocabulary_size, config.token_width, mode="mean", sparse=True, include_last_offset=True
        )
        nn.init.normal_(self.tokens.weight, std=config.token_width**-0.5)
        narrow = config.token_width != config.width
        self.widen = nn.Linear(config.token_width, config.width, bias=False) if narrow else None
        self.features = nn.Linear(feature_columns, config.width)

    def forward(self, batch: Batch) -> Tensor:
        """Unit vectors, (b, d)."""
        pooled = self.tokens(batch.ids, batch.offsets)  # (b, e)
        wide = pooled if self.widen is None else self.widen(pooled)  # (b, e) -> (b, d)
        return F.normalize(wide + self.features(batch.features), dim=1)
