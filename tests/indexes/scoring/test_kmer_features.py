"""Columns of labs from shared k-mers: they are the same among few labs and rows as among many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vecattr.indexes.scoring.kmer_features import plasmid_columns, run_columns
from vecattr.indexes.scoring.shared_kmers import SharedKmers
from vecattr.sequences.postings import Postings

LABS, ROWS, KMERS = 5, 12, 40
#: Labs and rows among so many others, that orders need two passes and that few rows occur.
APART = 20_000


def shared_kmers() -> tuple[SharedKmers, np.ndarray]:
    """What random plasmids, one row each, share with a query, and the lab of each row."""
    rng = np.random.default_rng(5)
    lab_of_row = np.sort(rng.integers(LABS, size=ROWS))
    lists = [np.flatnonzero(rng.random(ROWS) < 0.3) for _ in range(KMERS)]
    pairs = [(kmer, lab) for kmer, rows in enumerate(lists) for lab in np.unique(lab_of_row[rows])]
    kmers, labs = np.array(pairs).T
    sizes = np.array([len(rows) for rows in lists])
    counts = np.bincount(kmers, minlength=KMERS)
    postings = Postings(np.arange(KMERS), sizes, np.concatenate(lists))
    is_common, weights = np.zeros(KMERS, dtype=bool), np.ones(KMERS)
    numbers, publications = np.arange(KMERS), np.ones(len(labs), dtype=np.int64)
    shared = SharedKmers(
        counts, is_common, weights, kmers, labs, publications, postings, numbers, weights
    )
    return shared, lab_of_row


@pytest.mark.parametrize("circular", [False, True])
def test_runs_are_the_same_among_very_many_labs(circular: bool) -> None:
    shared, _ = shared_kmers()
    order = np.random.default_rng(6).integers(KMERS, size=200)
    few = run_columns(shared, order, lab_count=LABS, circular=circular)
    apart = replace(shared, pair_labs=shared.pair_labs * APART)
    many = run_columns(apart, order, lab_count=LABS * APART, circular=circular)
    assert few["runs"].any()
    for name, column in few.items():
        assert np.array_equal(many[name][::APART], column), name


def test_plasmids_are_the_same_among_very_many_rows_and_labs() -> None:
    shared, lab_of_row = shared_kmers()
    sizes = np.arange(3.0, 3 + ROWS)
    few = plasmid_columns(shared, lab_of_row, sizes, lab_count=LABS, total_labs=LABS)
    postings = replace(shared.postings, rows=shared.postings.rows * APART)
    all_labs, all_sizes = np.zeros(ROWS * APART, dtype=np.int64), np.zeros(ROWS * APART)
    all_labs[::APART], all_sizes[::APART] = lab_of_row * APART, sizes
    many = plasmid_columns(
        replace(shared, postings=postings),
        all_labs,
        all_sizes,
        lab_count=LABS * APART,
        total_labs=LABS,
    )
    assert few["jaccard2"].any()
    for name, column in few.items():
        assert np.array_equal(many[name][::APART], column), name
