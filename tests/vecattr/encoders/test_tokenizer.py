"""Byte-pair tokens and the traps of sentencepiece."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.encoders.tokenizer import PADDING, UNKNOWN, Tokenizer
from vecattr.errors import DamagedError, InputError
from vecattr.plasmid import ALPHABET


def _random_bases(count: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), count))


_TOKENIZER = Tokenizer.train([_random_bases(30_000)], pieces=200)


@settings(max_examples=50)
@given(st.text(ALPHABET, min_size=1, max_size=300))
def test_decoding_gives_back_every_letter_even_those_never_seen(bases: str) -> None:
    ids = _TOKENIZER.ids(bases)
    assert _TOKENIZER.bases(ids) == bases
    assert not {PADDING, UNKNOWN} & set(ids.tolist())


def test_a_vocabulary_has_the_pieces_that_were_asked_for() -> None:
    assert _TOKENIZER.size == 202


def test_lines_longer_than_sentencepiece_allows_are_not_dropped() -> None:
    long_repeat = "GATTACA" * 3_000
    assert len(Tokenizer.train([long_repeat], pieces=60).ids(long_repeat)) < len(long_repeat) / 7


def test_records_longer_than_a_block_round_trip() -> None:
    bases = _random_bases(150_000, seed=2)
    assert _TOKENIZER.bases(_TOKENIZER.ids(bases)) == bases


def test_batch_and_threads_do_not_change_ids() -> None:
    sequences = [_random_bases(size, seed=size) for size in (1, 50, 700, 70_000)]
    together = _TOKENIZER.batch_ids(sequences, threads=2)
    for bases, ids in zip(sequences, together, strict=True):
        assert np.array_equal(ids, _TOKENIZER.ids(bases))


def test_a_saved_tokenizer_reads_the_same() -> None:
    again = Tokenizer(_TOKENIZER.serialized)
    bases = _random_bases(500, seed=3)
    assert np.array_equal(again.ids(bases), _TOKENIZER.ids(bases))


def test_the_same_sample_gives_the_same_bytes() -> None:
    again = Tokenizer.train([_random_bases(30_000)], pieces=200)
    assert again.serialized == _TOKENIZER.serialized


def test_bytes_that_are_no_tokenizer_are_refused() -> None:
    with pytest.raises(DamagedError, match="not a sentencepiece model"):
        Tokenizer(b"junk")


def test_too_few_pieces_for_the_alphabet_are_refused() -> None:
    with pytest.raises(InputError, match="no tokenizer can be learned"):
        Tokenizer.train(["ACGT"], pieces=10)
