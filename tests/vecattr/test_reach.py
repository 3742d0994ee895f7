"""How much of a query is known, what is said of it, and what it says for an outside lab."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vecattr.attribution import Hit, sentence_of
from vecattr.calibration.calibration import Calibration, Fits, VerdictFit
from vecattr.calibration.expectation import Expectation
from vecattr.calibration.open_set import OpenSetScore
from vecattr.calibration.outcomes import CaseRows, fit_outcome
from vecattr.indexes.scoring.confidence import ConfidenceOptions, confidence_of
from vecattr.mosaic import LEAST_KNOWN, Reach
from vecattr.ranking.scores import LOG_RANGE

PLASMID = Reach(bases=7_000, kmers=880, known=0.9, few=0.4)
NATURAL = replace(PLASMID, known=0.01, few=0.01)
BACKBONE = replace(PLASMID, known=1.0, few=0.0)
GENOME = Reach(bases=150_000, kmers=19_000, known=0.006, few=0.006)
READ = Reach(bases=800, kmers=100, known=0.1, few=0.1)


def test_plasmids_are_neither_unknown_nor_common() -> None:
    assert not PLASMID.is_unknown
    assert not PLASMID.is_common
    assert (NATURAL.is_unknown, NATURAL.is_common) == (True, False)
    assert (BACKBONE.is_unknown, BACKBONE.is_common) == (False, True)
    assert not replace(BACKBONE, few=0.02).is_common
    assert not replace(NATURAL, known=LEAST_KNOWN).is_unknown


def test_a_plasmid_in_a_genome_is_named_with_how_few_bases_speak() -> None:
    hits = (Hit("A", 0.0, 0.0, probability=0.7),)
    inserted = Reach(bases=160_000, kmers=20_000, known=0.0625, few=0.05)

    def said(reach: Reach, outside: float = 0.2) -> str:
        return sentence_of(hits, outside=outside, strength="moderate", reach=reach)

    extent = "only about 10,000 of the 160,000 bases are in any stored plasmid"
    assert said(inserted) == f"Most likely A, about 7 in 10: moderate; {extent}."
    assert said(inserted, 0.8).endswith(f"A comes first, about 7 in 10; {extent}.")
    assert said(PLASMID) == "Most likely A, about 7 in 10: moderate."
    assert said(replace(PLASMID, known=0.3, few=0.3)) == "Most likely A, about 7 in 10: moderate."
    assert replace(inserted, kmers=10).extent is None
    assert replace(inserted, known=0.6).extent is None


def test_several_queries_are_known_as_far_as_all_of_their_kmers_are() -> None:
    both = Reach.of_several([PLASMID, GENOME])
    assert (both.bases, both.kmers) == (157_000, 19_880)
    assert both.known == pytest.approx((0.9 * 880 + 0.006 * 19_000) / 19_880)
    assert Reach.of_several([PLASMID]) == PLASMID
    nothing = replace(READ, kmers=0, known=0.0, few=0.0)
    assert Reach.of_several([nothing, nothing]).known == 0


def test_of_a_few_kmers_nothing_is_said() -> None:
    for reach in (NATURAL, BACKBONE):
        few = replace(reach, kmers=10)
        assert not few.is_unknown
        assert not few.is_common
        assert few.outside_odds(0.1) == 0


def test_what_is_known_says_nothing_for_an_outside_lab() -> None:
    for reach in (PLASMID, BACKBONE):
        assert reach.outside_odds(0.01) == 0


def test_the_less_is_known_the_likelier_is_an_outside_lab() -> None:
    shares = (0.14, 0.1, 0.05, 0.02)
    odds = [replace(NATURAL, known=share, few=0).outside_odds(0.1) for share in shares]
    assert odds == sorted(odds)
    assert odds[0] > 0


def test_a_lab_that_stands_out_stays_unless_the_query_is_mostly_something_larger() -> None:
    assert READ.outside_odds(0.9) == 0
    assert GENOME.outside_odds(0.9) == GENOME.outside_odds(0.1) > 0.75
    lengths = [9_000, 12_000, 15_000, 25_000, 60_000]
    odds = [replace(GENOME, bases=length).outside_odds(0.9) for length in lengths]
    assert odds == sorted(odds)
    assert odds[0] == 0


@pytest.mark.parametrize(
    ("reach", "probability", "start"),
    [
        (NATURAL, 0.1, "Nothing engineered here is known: stored plasmids have about 1 in 100"),
        (replace(GENOME, known=0.05), 0.1, "Little of it is known: only about 7,500 of"),
        (BACKBONE, 0.3, "Common property: more than 20 labs"),
        (NATURAL, 0.6, "Most likely Ash"),
        (BACKBONE, 0.6, "Most likely Ash"),
        (PLASMID, 0.3, "Most likely Ash"),
        (None, 0.3, "Most likely Ash"),
    ],
)
def test_the_sentence_says_what_is_no_labs(
    reach: Reach | None, probability: float, start: str
) -> None:
    first = Hit("Ash", 0.9, 0.9, probability)
    told = sentence_of([first], outside=0.05, strength="weak", reach=reach)
    assert told.startswith(start)
    assert "Ash" in told


# --------------------------------------------------------------------- with the other probabilities


def calibration() -> Calibration:
    """Of 3 labs, with one fact that tells the cases apart, badly."""
    generator = np.random.default_rng(0)
    cases = np.repeat([0, 1, 2], 60)
    rows = CaseRows(
        scores=np.log(generator.dirichlet([1, 1, 1], 180)) / LOG_RANGE,
        truths=np.where(cases == 2, -1, generator.integers(0, 3, 180)),
        cases=cases,
        facts=cases[:, None] + generator.normal(size=(180, 1)),
        weights=np.ones(180),
    )
    verdicts = VerdictFit(OpenSetScore((0.0, 1.0, 0.0, 0.0)), (0.1, 0.2))
    fits = Fits(verdicts, {}, fit_outcome(rows))
    return Calibration(fits, None, rows=180, named=120, source="made")


def asked(reach: Reach | None, options: ConfidenceOptions) -> tuple[np.ndarray, float]:
    sure = confidence_of(
        calibration(),
        np.log([[0.6, 0.3, 0.1]]) / LOG_RANGE,
        None,
        facts=np.array([[0.5]]),
        names=("Ash", "Birch", "Cedar"),
        classes=(np.arange(3), ("Ash", "Birch", "Cedar")),
        featured=np.array([False]),
        options=options,
        reaches=None if reach is None else [reach],
    )
    assert sure.probabilities is not None
    outside = sure.outside_probability(0)
    assert outside is not None
    assert sure.probabilities[0].sum() + outside == pytest.approx(1)
    assert sure.confidences[0] == pytest.approx(1 - outside)
    return sure.probabilities[0], outside


def test_probabilities_add_up_and_follow_what_is_known() -> None:
    plain, outside = asked(None, ConfidenceOptions())
    assert asked(PLASMID, ConfidenceOptions())[1] == outside
    labs, more_outside = asked(GENOME, ConfidenceOptions())
    assert more_outside > outside
    odds = more_outside / (1 - more_outside) / (outside / (1 - outside))
    assert np.log(odds) == pytest.approx(GENOME.outside_odds(0.9))
    assert labs / labs.sum() == pytest.approx(plain / plain.sum(), abs=0.05)
    assert labs.max() < 0.5


def test_who_rules_an_outside_lab_out_gets_none() -> None:
    certain = ConfidenceOptions(expectation=Expectation(1, 1, 0))
    assert asked(GENOME, certain)[1] == 0
