"""A trained encoder at work: plasmids in, unit vectors out.

Building and querying use the same `Embedder`, so their vectors agree. It reads NumPy tables
(`vecattr.encoders.lookup`); torch is loaded for a GPU alone. A vector is the mean over test-time
views (rotations and strands, the published augmentation) made deterministic: a molecule always gets
the same views, however its file spells it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from vecattr.encoders.axes import Axes, orthonormal_axes
from vecattr.encoders.config import BagConfig, EncoderConfig
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.lookup import IdEncoder, LookupBag, LookupCnn, lookup_encoder
from vecattr.encoders.model_folder import model_identity, read_config
from vecattr.encoders.vocabulary import Reading, Vocabulary, read_vocabulary
from vecattr.encoders.weights import read_weights
from vecattr.extras import is_installed, require
from vecattr.files.folder import Location
from vecattr.plasmid import Plasmid, reverse_complement
from vecattr.sequences.canonical import canonical_sequence, rotate
from vecattr.vectors import Vectors, unit_rows

#: What computes the vectors.
Engine = Literal["numpy", "torch"]


class Embedder:
    """Embeds plasmids; batch, order and threads change no bit of a vector, but for torch's, which
    they change by 1e-5 at most."""

    def __init__(
        self,
        encoder: IdEncoder,
        vocabulary: Vocabulary,
        *,
        features: FeatureSpace,
        width: int,
        identity: str,
        rotations: int,
        threads: int,
    ) -> None:
        """`rotations` is the number of test-time views of a circular plasmid on each strand."""
        self.identity = identity
        self.rotations = rotations
        self.width = width
        self._encoder = encoder
        self._vocabulary = vocabulary
        self._features = features
        self._threads = threads

    @property
    def uses_numpy(self) -> bool:
        """Whether it computes in NumPy, on one processor."""
        return isinstance(self._encoder, LookupBag | LookupCnn)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features that the model knows; it ignores others."""
        return self._features.names

    @cached_property
    def axes(self) -> Axes | None:
        """Of the space that vectors of plasmids without features lie in (r, d); None when that is
        not known to be narrow."""
        if not isinstance(self._encoder, LookupBag):
            return None
        [features] = self._features.matrix([Plasmid("featureless", "N")])
        return orthonormal_axes(self._encoder.spanning_rows(features))

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        """Unit vectors (n, d), the mean over each plasmid's views scaled to length 1."""
        features = self._features.matrix(plasmids)  # (n, f + 1)
        order_free = self._vocabulary.order_free
        views = [
            fixed_views(plasmid, rotations=self.rotations, order_free=order_free)
            for plasmid in plasmids
        ]
        owners = np.repeat(np.arange(len(plasmids)), list(map(len, views)))  # (v,)
        readings = [view for plasmid_views in views for view in plasmid_views]
        sums = np.zeros((len(plasmids), self.width), dtype=np.float64)
        if readings:
            ids = self._vocabulary.ids(readings, threads=self._threads)
            np.add.at(sums, owners, self._encoder.encode(ids, features[owners]))
        return unit_rows(sums)


def fixed_views(plasmid: Plasmid, *, rotations: int, order_free: bool) -> list[Reading]:
    """Views of both strands at `rotations` evenly spaced start positions; a linear plasmid has one
    start position.

    All views are the same to an order-free encoder, so it gets one, as the file spells it.
    """
    if order_free:
        return [Reading(plasmid.sequence, plasmid.is_circular)]
    bases = canonical_sequence(plasmid)
    return [
        Reading(rotate(strand, offset), plasmid.is_circular)
        for strand in (bases, reverse_complement(bases))
        for offset in _offsets(len(bases), rotations if plasmid.is_circular else 1)
    ]


def _offsets(length: int, rotations: int) -> list[int]:
    """Evenly spaced start positions on a circle of `length` bases, without duplicates."""
    return sorted({turn * length // rotations for turn in range(rotations)})


def engine_of(config: EncoderConfig, device: str) -> Engine:
    """The engine for this encoder: torch on a GPU that is requested, or (`auto`) that is present
    and speeds up a text CNN; otherwise NumPy. A bag is bound by memory and gains nothing."""
    if device == "cuda":
        return "torch"
    is_bag = isinstance(config, BagConfig)
    return "torch" if device == "auto" and not is_bag and _has_gpu() else "numpy"


def _has_gpu() -> bool:
    """Are torch and NVIDIA's driver installed? (Asking torch would load it.)"""
    return shutil.which("nvidia-smi") is not None and is_installed("torch")


def load_embedder(
    folder: Location,
    *,
    views: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    identity: str | None = None,
    tables: Location | None = None,
) -> Embedder:
    """The embedder of a model folder; `views` overrides the model's number of rotations. With an
    `identity` the model's files are not hashed, and with `tables` (a file of
    `vecattr.encoders.lookup_file`) its weights are not read.

    MissingError, DamagedError or MismatchError name the file; UsageError when a GPU is requested
    and absent, or torch is not installed.

    >>> from vecattr import read_plasmids
    >>> embedder = load_embedder(Path("my.model"), device="cpu")
    >>> embedder.embed(list(read_plasmids(["query.fasta"]))).shape
    (1, 32)
    """
    opening: AbstractContextManager[Location]
    if isinstance(folder, Path):
        from vecattr.encoders.pretrained import opened_model  # start-up

        opening = opened_model(folder)
    else:
        opening = nullcontext(folder)
    with opening as opened:
        return _load(
            opened,
            views=views,
            device=device,
            threads=threads,
            identity=identity,
            tables=tables,
        )


def _load(
    folder: Location,
    *,
    views: int | None,
    device: str,
    threads: int | None,
    identity: str | None,
    tables: Location | None,
) -> Embedder:
    """As `load_embedder`, of a folder that is opened."""
    config = read_config(folder)
    encoder: IdEncoder
    if engine_of(config.encoder, device) == "torch":
        require("torch", what="a GPU")
        from vecattr.encoders.torch_encoder import load_torch  # start-up

        encoder, vocabulary = load_torch(folder, config, device=device, threads=threads)
    elif tables is not None and identity is not None:
        from vecattr.encoders.lookup_file import open_tables  # start-up

        encoder, vocabulary = open_tables(tables, folder, identity=identity)
    else:
        arrays = read_weights(folder)
        vocabulary = read_vocabulary(folder, config.encoder, arrays)
        encoder = lookup_encoder(
            folder, arrays, config.encoder, size=vocabulary.size, columns=config.features.columns
        )
    return Embedder(
        encoder,
        vocabulary,
        features=config.features,
        width=config.encoder.width,
        identity=model_identity(folder) if identity is None else identity,
        rotations=config.rotations if views is None else views,
        threads=threads or 1,
    )
