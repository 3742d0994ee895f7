"""Vocabularies of an encoder: sequences in, integer ids out, in training and in querying alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vecattr.encoders.config import BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.model_folder import TOKENIZER_FILE, read_config
from vecattr.encoders.pretrained import shipped_identity
from vecattr.encoders.tokenizer import Ids, Tokenizer
from vecattr.encoders.weights import Arrays, read_weights, vocabulary_hashes
from vecattr.files.atomic import read_file
from vecattr.files.folder import Location
from vecattr.sequences.kmers import Hashes, distinct, sampled_kmers

#: Bases repeated past the end of a circular sequence, so that a token, and a filter over a few
#: tokens, can span the place where the file happens to open the circle.
CLOSURE = 64


#: Words of so many bases tell of a plasmid; shorter ones are in many by chance.
TELLING = 12


@dataclass(frozen=True)
class Reading:
    """Bases of one strand from one start position, as an encoder reads them."""

    bases: str
    circular: bool


class Vocabulary(Protocol):
    """Turns readings into ids. `order_free`: rotation and strand do not change the ids."""

    order_free: bool

    @property
    def size(self) -> int:
        """The largest id plus 1; id 0 is padding."""
        ...

    def ids(self, readings: Sequence[Reading], *, threads: int = 1) -> list[Ids]:
        """The ids of each reading, (t,) int32."""
        ...


class PieceVocabulary:
    """Byte-pair pieces in the order of the strand."""

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
    """The bases of a reading, a circle with its first CLOSURE bases repeated."""
    return reading.bases + reading.bases[:CLOSURE] if reading.circular else reading.bases


class KmerVocabulary:
    """Canonical k-mers; a sequence has the ids of those it holds, ascending, each once."""

    order_free = True

    def __init__(self, hashes: Hashes, *, k: int, scaled: int) -> None:
        """`hashes` are ascending and distinct; hash i has the id i + 1."""
        assert np.all(hashes[:-1] < hashes[1:])
        self.hashes = hashes
        self.k = k
        self.scaled = scaled

    @classmethod
    def learn(
        cls, readings: Sequence[Reading], *, k: int, scaled: int, min_plasmids: int
    ) -> KmerVocabulary:
        """The vocabulary of the k-mers that at least `min_plasmids` readings have."""
        kmers = [_unique_kmers(reading, k, scaled) for reading in readings]
        hashes, counts = np.unique(
            np.concatenate([*kmers, np.empty(0, dtype=np.uint64)]), return_counts=True
        )
        return cls(hashes[counts >= min_plasmids], k=k, scaled=scaled)

    @property
    def size(self) -> int:
        """How many ids there are: one a k-mer, and 0 for padding."""
        return len(self.hashes) + 1

    def ids(self, readings: Sequence[Reading], *, threads: int = 1) -> list[Ids]:
        """Ids of the known k-mers of each reading, (t,), ascending; `threads` changes nothing."""
        del threads  # look-ups are bound by memory, not by arithmetic
        return [self._ids_of(_unique_kmers(reading, self.k, self.scaled)) for reading in readings]

    def _ids_of(self, kmers: Hashes) -> Ids:
        if not len(self.hashes):
            return np.empty(0, dtype=np.int32)
        rows = np.searchsorted(self.hashes, kmers)
        rows[rows == len(self.hashes)] = 0
        ids: Ids = (rows[self.hashes[rows] == kmers] + 1).astype(np.int32)
        return ids


def _unique_kmers(reading: Reading, k: int, scaled: int) -> Hashes:
    kmers = sampled_kmers(reading.bases, k=k, scaled=scaled, circular=reading.circular)
    return distinct(kmers)


def read_vocabulary(folder: Location, config: EncoderConfig, arrays: Arrays) -> Vocabulary:
    """The vocabulary of a model folder; `arrays` are its weights. MissingError or DamagedError."""
    if isinstance(config, CnnConfig):
        return PieceVocabulary(Tokenizer(read_file(folder / TOKENIZER_FILE)))
    return KmerVocabulary(vocabulary_hashes(folder, arrays), k=config.k, scaled=config.scaled)


@dataclass(frozen=True)
class Disclosure:
    """Words of the plasmids that a model was trained on, which can be read in its folder: `count`
    k-mers of `k` bases, or pieces of TELLING bases or more (None)."""

    count: int
    k: int | None

    def __str__(self) -> str:
        words = f"pieces of {TELLING} to 16 bases" if self.k is None else f"{self.k}-mers"
        return f"{self.count:,} {words} of the plasmids that it was trained on"


def model_words(folder: Location, *, identity: str) -> Disclosure | None:
    """What a model folder discloses: the k-mers of a bag, whose hashes can be undone, or a text
    CNN's long pieces. None when these are none, and of the encoder that comes with vecattr, whose
    plasmids are public. Errors as in `read_config` and `read_weights`."""
    config = read_config(folder).encoder
    if identity == shipped_identity():
        return None
    if isinstance(config, BagConfig):
        hashes = vocabulary_hashes(folder, read_weights(folder)) if config.k >= TELLING else ()
        return Disclosure(len(hashes), config.k) if len(hashes) else None
    pieces = Tokenizer(read_file(folder / TOKENIZER_FILE)).pieces()
    count = sum(len(piece) >= TELLING for piece in pieces)
    return Disclosure(count, None) if count else None
