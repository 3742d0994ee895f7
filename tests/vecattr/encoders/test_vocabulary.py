"""Readings into ids."""

from __future__ import annotations

import numpy as np

from vecattr.encoders.tokenizer import Tokenizer
from vecattr.encoders.vocabulary import CLOSURE, KmerVocabulary, PieceVocabulary, Reading
from vecattr.plasmid import reverse_complement


def _random_bases(count: int, seed: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), count))


def _learned(*sequences: str, min_plasmids: int = 2) -> KmerVocabulary:
    readings = [Reading(bases, circular=True) for bases in sequences]
    return KmerVocabulary.learn(readings, k=21, scaled=1, min_plasmids=min_plasmids)


def test_only_kmers_of_enough_plasmids_are_known() -> None:
    shared, own = _random_bases(100, 1), _random_bases(100, 2)
    vocabulary = _learned(shared, shared + own)
    assert len(vocabulary.ids([Reading(shared, circular=False)])[0]) == 80
    assert len(vocabulary.ids([Reading(own, circular=False)])[0]) == 0


def test_a_kmer_repeated_within_one_plasmid_counts_once() -> None:
    repeat = _random_bases(60, 3) * 2
    assert _learned(repeat).size == 1
    assert len(_learned(repeat, min_plasmids=1).ids([Reading(repeat, circular=True)])[0]) == 60


def test_rotation_and_strand_give_the_same_ids() -> None:
    bases = _random_bases(300, 4)
    vocabulary = _learned(bases, min_plasmids=1)
    turned = reverse_complement(bases[100:] + bases[:100])
    first, second = vocabulary.ids([Reading(bases, circular=True), Reading(turned, circular=True)])
    assert np.array_equal(first, second)


def test_an_empty_vocabulary_knows_nothing() -> None:
    vocabulary = _learned("ACGT")
    assert len(vocabulary.ids([Reading(_random_bases(99, 5), circular=True)])[0]) == 0


def test_pieces_are_read_past_the_opening_of_a_circle() -> None:
    bases = _random_bases(5_000, 6)
    vocabulary = PieceVocabulary(Tokenizer.train([bases], pieces=100))
    closed, cut = vocabulary.ids([Reading(bases, circular=True), Reading(bases, circular=False)])
    assert vocabulary.tokenizer.bases(closed) == bases + bases[:CLOSURE]
    assert vocabulary.tokenizer.bases(cut) == bases
