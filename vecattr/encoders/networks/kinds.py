"""Kinds of encoder networks: a configuration in, a new network with random weights out.

A new encoder is a module with `forward(Batch) -> (b, d)` unit rows, as the two here.
"""

from __future__ import annotations

from vecattr.encoders.config import CnnConfig, EncoderConfig
from vecattr.encoders.networks.kmer_bag import KmerBag
from vecattr.encoders.networks.text_cnn import TextCnn


def new_encoder(
    config: EncoderConfig, *, vocabulary_size: int, feature_columns: int
) -> TextCnn | KmerBag:
    """A new encoder with random weights, drawn from torch's global generator."""
    if isinstance(config, CnnConfig):
        return TextCnn(config, vocabulary_size=vocabulary_size, feature_columns=feature_columns)
    return KmerBag(config, vocabulary_size=vocabulary_size, feature_columns=feature_columns)
