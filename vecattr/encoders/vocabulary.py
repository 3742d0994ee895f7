"""How an encoder reads bases: sequences in, integer ids out, for training and for asking alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.config import CnnConfig, EncoderConfig
from vecattr.encoders.model_folder import TOKENIZER_FILE
from vecattr.encoders.tokenizer import Ids, Tokenizer
from vecattr.encoders.weights import Arrays, vocabulary_hashes
from vecattr.files.atomic import read_file
from vecattr.sequences.kmers import Hashes, distinct, sampled_kmers

#: Bases repeated past the end of a circular sequence, so that a token, and a filter over a few
#: tokens, can span the place where the file happens to open the circle.
CLOSURE = 64


@dataclass(frozen=True)
class Reading:
    """Bases to be read as they stand: one strand, opened at one place."""

    bases: str
    circular: bool


class Vocabulary(Protocol):
    """Turns readings into ids. `order_free` says that rotation and strand change nothing."""

    order_free: bool

    @property
    def size(self) -> int:
        """One more than the largest id; id 0 is padding."""
        ...

    def ids(self, readings: Sequence[Reading], *, threads: int = 1) -> list[Ids]:
        """The ids of each reading, (t,) int32."""
        ...


class PieceVocabulary:
    """Byte-pair pieces in their order along the strand."""

    order_free = False

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    @property
    def size(self) -> int:
        """How many ids there are: one a piece."""
        return self.tokenizer.size

    def ids(self, readings: Sequence[Reading], *, threads: int = 1) -> list[Ids]:
        """Piece ids of each reading in the order of bases, (t,), circles read past their end."""
        return self.tokenizer.batch_ids([_closed(reading) for reading in readings], threads=threads)


def _closed(reading: Reading) -> str:
    return reading.bases + reading.bases[:CLOSURE] if reading.circular else reading.bases


class KmerVocabulary:
    """The known canonical k-mers of a sequence, each once, in ascending order of id."""

    order_free = True

    def __init__(self, hashes: Hashes, *, k: int, scaled: int) -> None:
        """`hashes` is sorted and unique; hash i has the id i + 1."""
        assert np.all(hashes[:-1] < hashes[1:])
        self.hashes = hashes
        self.k = k
        self.scaled = scaled

    @classmethod
    def learn(
        cls, readings: Sequence[Reading], *, k: int, scaled: int, min_plasmids: int
    ) -> KmerVocabulary:
        """The k-mers that at least `min_plasmids` readings have."""
        seen = [_unique_kmers(reading, k, scaled) for reading in readings]
        hashes, counts = np.unique(
            np.concatenate([*seen, np.empty(0, dtype=np.uint64)]), return_counts=True
        )
        return cls(hashes[counts >= min_plasmids], k=k, scaled=scaled)

    @property
    def size(self) -> int:
        """How many ids there are: one a k-mer, and 0 for padding."""
        return len(self.hashes) + 1

    def ids(self, readings: Sequence[Reading], *, threads: int = 1) -> list[Ids]:
        """Ids of the known k-mers of each reading, (t,), ascending; `threads` changes nothing."""
        del threads  # look-ups are bound by memory, not by arithmetic
        return [self._known(_unique_kmers(reading, self.k, self.scaled)) for reading in readings]

    def _known(self, kmers: NDArray[np.uint64]) -> Ids:
        if not len(self.hashes):
            return np.empty(0, dtype=np.int32)
        places = np.searchsorted(self.hashes, kmers)
        places[places == len(self.hashes)] = 0
        ids: Ids = (places[self.hashes[places] == kmers] + 1).astype(np.int32)
        return ids


def _unique_kmers(reading: Reading, k: int, scaled: int) -> Hashes:
    kmers = sampled_kmers(reading.bases, k=k, scaled=scaled, circular=reading.circular)
    return distinct(kmers)


def read_vocabulary(folder: Path, config: EncoderConfig, arrays: Arrays) -> Vocabulary:
    """The vocabulary of a model folder; `arrays` are its weights. MissingError or DamagedError."""
    if isinstance(config, CnnConfig):
        return PieceVocabulary(Tokenizer(read_file(folder / TOKENIZER_FILE)))
    return KmerVocabulary(vocabulary_hashes(folder, arrays), k=config.k, scaled=config.scaled)
