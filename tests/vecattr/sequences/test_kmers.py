"""Claims about canonical k-mers: they equal those of a plain loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecattr.plasmid import ALPHABET, reverse_complement
from vecattr.sequences.kmers import mix, sampled_kmers, spelled


def _plain_kmers(bases: str, k: int) -> list[int]:
    codes = []
    for start in range(len(bases) - k + 1):
        window = bases[start : start + k]
        if set(window) <= set("ACGT"):
            canonical = min(window, reverse_complement(window))
            codes.append(sum("ACGT".index(b) << 2 * (k - 1 - i) for i, b in enumerate(canonical)))
    return [int(code) for code in mix(np.array(codes, dtype=np.uint64))]


@given(st.text("ACGT" * 4 + ALPHABET, min_size=0, max_size=80), st.sampled_from([1, 3, 7, 21, 31]))
def test_kmers_equal_a_plain_loop(bases: str, k: int) -> None:
    assert sampled_kmers(bases, k=k, circular=False).tolist() == _plain_kmers(bases, k)


@given(st.text(ALPHABET, min_size=21, max_size=90), st.integers(0, 90))
def test_rotation_and_strand_keep_the_kmers_of_a_circle(bases: str, turn: int) -> None:
    turned = bases[turn % len(bases) :] + bases[: turn % len(bases)]
    expected = sorted(sampled_kmers(bases, k=21).tolist())
    assert sorted(sampled_kmers(turned, k=21).tolist()) == expected
    assert sorted(sampled_kmers(reverse_complement(turned), k=21).tolist()) == expected


@given(st.text("ACGT", min_size=31, max_size=80), st.sampled_from([1, 3, 7, 21, 31]))
def test_hashes_spell_their_kmers(bases: str, k: int) -> None:
    windows = [bases[start : start + k] for start in range(len(bases) - k + 1)]
    expected = [min(window, reverse_complement(window)) for window in windows]
    assert spelled(sampled_kmers(bases, k=k, circular=False), k) == expected


def test_sampling_keeps_about_one_hash_in_so_many() -> None:
    bases = "".join(np.random.default_rng(1).choice(list("ACGT"), 40_000))
    everything = sampled_kmers(bases, k=21)
    sample = sampled_kmers(bases, k=21, scaled=8)
    assert set(sample.tolist()) <= set(everything.tolist())
    assert 0.11 < len(sample) / len(everything) < 0.14


def test_a_sequence_shorter_than_k_has_no_kmers() -> None:
    assert len(sampled_kmers("ACGT", k=21)) == 0
