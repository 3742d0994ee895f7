"""Byte-pair tokens of DNA: bases in, piece ids out; the only module that imports sentencepiece.

The flags matter: by default sentencepiece drops lines over 4,192 bytes, drops rare letters (N,
IUPAC), adds a dummy prefix and gives padding the id -1. It is imported when a tokenizer is
constructed, since k-mers need none.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError, InputError
from vecattr.plasmid import ALPHABET

Ids = NDArray[np.int32]

PADDING = 0  # the id that fills a batch; never the id of a piece
UNKNOWN = 1
_SPECIAL = 2  # ids before the first piece

_TRAINING_LINE = 1_000  # bases in one training line
_BLOCK = 1 << 16  # bases encoded at once: bounds the memory of huge records


class Tokenizer:
    """A trained byte-pair vocabulary; `size` counts padding and the unknown piece."""

    def __init__(self, serialized: bytes) -> None:
        """Raises DamagedError when the bytes are no sentencepiece model made by `train`."""
        import sentencepiece  # start-up

        try:
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=serialized)
        except (RuntimeError, ValueError, TypeError) as cause:
            raise DamagedError("the tokenizer is not a sentencepiece model") from cause
        if (self._pieces.pad_id(), self._pieces.unk_id()) != (PADDING, UNKNOWN):
            raise DamagedError("the tokenizer's special ids are not those of vecattr")
        self.serialized = serialized

    @classmethod
    def train(cls, sequences: Iterable[str], *, pieces: int = 1_000) -> Tokenizer:
        """Learn `pieces` byte-pair pieces (Sennrich et al. 2016) from upper-case sequences.

        About 5 Mbp are enough. A sample too small for so many pieces gives fewer.
        """
        import sentencepiece  # start-up

        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=_lines(sequences),
                model_writer=model,
                model_type="bpe",
                vocab_size=pieces + _SPECIAL,
                hard_vocab_limit=False,
                character_coverage=1.0,
                max_sentence_length=1 << 24,
                max_sentencepiece_length=16,
                add_dummy_prefix=False,
                normalization_rule_name="identity",
                pad_id=PADDING,
                unk_id=UNKNOWN,
                bos_id=-1,
                eos_id=-1,
                num_threads=1,
                minloglevel=2,
            )
        except RuntimeError as cause:
            raise InputError(
                f"no tokenizer can be learned: {str(cause).splitlines()[0]}",
                hint="give more or longer sequences, or fewer --pieces",
            ) from cause
        return cls(model.getvalue())

    def pieces(self) -> list[str]:
        """All pieces, in the order of their ids."""
        return [self._pieces.id_to_piece(number) for number in range(self.size)]

    @property
    def size(self) -> int:
        """How many pieces there are."""
        return int(self._pieces.vocab_size())

    def ids(self, bases: str) -> Ids:
        """Piece ids of upper-case bases, (t,)."""
        return self.batch_ids([bases])[0]

    def batch_ids(self, sequences: Sequence[str], *, threads: int = 1) -> list[Ids]:
        """Piece ids of each sequence; the same ids whatever the batch or the threads."""
        blocks = [_blocks(bases) for bases in sequences]
        flat = [block for group in blocks for block in group]
        encoded = iter(self._pieces.encode(flat, out_type=int, num_threads=threads))
        return [
            np.concatenate([np.asarray(next(encoded), dtype=np.int32) for _ in group])
            for group in blocks
        ]

    def bases(self, ids: Ids) -> str:
        """The sequence that these ids stand for."""
        return str(self._pieces.decode([int(piece) for piece in ids]))


def _lines(sequences: Iterable[str]) -> Iterator[str]:
    """Training lines."""
    yield ALPHABET  # so that every letter is a piece (`required_chars` drops unseen ones)
    for bases in sequences:
        for start in range(0, len(bases), _TRAINING_LINE):
            yield bases[start : start + _TRAINING_LINE]


def _blocks(bases: str) -> list[str]:
    return [bases[start : start + _BLOCK] for start in range(0, len(bases), _BLOCK)]
