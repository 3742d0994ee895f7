"""How sure answers are: the right fits for each query, and nothing where nothing is known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.attribution import Work
from vecattr.calibration.calibration import Calibration, Fits, VerdictFit, WorkFit
from vecattr.calibration.expectation import Expectation
from vecattr.calibration.open_set import OpenSetScore
from vecattr.calibration.temperature import Temperature
from vecattr.encoders.model_folder import CALIBRATION_FILE
from vecattr.errors import UsageError
from vecattr.indexes.scoring.confidence import (
    NO_CONFIDENCE,
    ConfidenceOptions,
    best_named,
    by_features,
    class_confidence,
    confidence_of,
)
from vecattr.plasmid import POOLED
from vecattr.ranking.scores import LOG_RANGE

NAMES = ("Ash", "Birch", "Cedar", POOLED)
COSINES = np.array([[0.9, 0.5, 0.2, 0.95], [0.3, 0.6, 0.1, 0.2], [0.2, 0.1, 0.4, -0.3]])
NEAREST = np.array([0.99, 0.9, 0.7])
FEATURED = np.array([False, True, False])


def fits(inverse: float, *, weight: float, works: tuple[Work, ...] = ("known", "new")) -> Fits:
    """Probabilities at this inverse temperature (twice it for new work); `weight` is that of the
    best cosine."""
    masses = tuple(np.linspace(0, 0.99, 100).tolist())
    scores = tuple(np.linspace(weight / 100, weight / 10, 100).tolist())
    return Fits(
        VerdictFit(OpenSetScore((0.0, weight, 0.0, 0.0)), scores),
        {
            work: WorkFit(Temperature(math.log(inverse * (1 + (work == "new"))), 0.0), masses)
            for work in works
        },
    )


PLAIN, FULL = fits(5, weight=1), fits(20, weight=3)
BOTH = Calibration(PLAIN, FULL, rows=100, named=100, source="a test")


def softmax(row: list[float], inverse: float) -> list[float]:
    weights = [math.exp(inverse * cosine) for cosine in row]
    return [weight / sum(weights) for weight in weights]


@pytest.mark.parametrize("work", ["known", "new"])
def test_queries_with_and_without_features_have_their_own_fits_in_one_batch(work: Work) -> None:
    sure = class_confidence(
        BOTH,
        COSINES,
        NEAREST,
        names=NAMES,
        featured=FEATURED,
        options=ConfidenceOptions(work, 0.2, 0.9),
    )
    assert sure.probabilities is not None
    assert sure.sizes is not None
    for query, row in enumerate(COSINES.tolist()):
        mine = FULL if FEATURED[query] else PLAIN
        weight = mine.verdicts.open_set.weights[1]
        inverse = (20 if FEATURED[query] else 5) * (2 if work == "new" else 1)
        expected = softmax(row, inverse)
        assert sure.probabilities[query].tolist() == pytest.approx(expected)
        best = max(row[:3])
        assert sure.confidences[query] == pytest.approx(1 / (1 + math.exp(-weight * best)))
        assert sure.threshold(query) == mine.verdicts.scores[20]
        mass, before, size = mine.works[work].mass(0.9), 0.0, 0
        for share in sorted(expected, reverse=True):
            size += before <= mass
            before += share
        assert sure.size(query, otherwise=99) == size


def test_queries_are_asked_alone_as_in_a_batch() -> None:
    whole = class_confidence(
        BOTH, COSINES, NEAREST, names=NAMES, featured=FEATURED, options=ConfidenceOptions()
    )
    for query in range(len(COSINES)):
        some = slice(query, query + 1)
        alone = class_confidence(
            BOTH,
            COSINES[some],
            NEAREST[some],
            names=NAMES,
            featured=FEATURED[some],
            options=ConfidenceOptions(),
        )
        assert alone.confidences[0] == whole.confidences[query]
        assert alone.threshold(0) == whole.threshold(query)
        assert alone.probability(0, 2) == whole.probability(query, 2)


def test_the_pool_gives_no_confidence() -> None:
    higher = COSINES.copy()
    higher[:, 3] = 1.0
    sure = [
        class_confidence(BOTH, cosines, NEAREST, names=NAMES, featured=FEATURED)
        for cosines in (COSINES, higher)
    ]
    assert sure[0].confidences.tolist() == sure[1].confidences.tolist()
    named = np.array([name != POOLED for name in NAMES])
    assert best_named(higher, named=named).tolist() == [0.9, 0.6, 0.4]
    assert best_named(higher, named=~named & False).tolist() == [NO_CONFIDENCE] * 3


def test_without_a_calibration_the_best_named_cosine_is_all_there_is() -> None:
    sure = class_confidence(
        None, COSINES, NEAREST, names=NAMES, featured=FEATURED, options=ConfidenceOptions()
    )
    assert sure.confidences.tolist() == [0.9, 0.6, 0.4]
    assert (sure.threshold(0), sure.probability(0, 0), sure.size(0, otherwise=7)) == (None, None, 7)


def test_a_kind_of_work_without_a_fit_has_a_verdict_and_no_probabilities() -> None:
    known = fits(5, weight=1, works=("known",))
    calibration = replace(BOTH, sequence=known, features=None)
    for work, is_there in (("known", True), ("new", False)):
        sure = class_confidence(
            calibration,
            COSINES,
            NEAREST,
            names=NAMES,
            featured=FEATURED,
            options=ConfidenceOptions(work=work),
        )
        assert (sure.probability(0, 0) is not None) == is_there
        assert sure.threshold(0) is not None


def test_a_calibration_of_classes_spreads_the_probability_of_the_pool() -> None:
    """By scores, which are logarithms of shares: the labs of the pool have 0.3 and 0.1."""
    shares = np.array([[0.6, 0.3, 0.1]])
    scores = np.log(shares) / LOG_RANGE
    names, classes = ("Ash", "Dogwood", "Elm"), (np.array([0, 1, 1]), ("Ash", POOLED))
    calibration = replace(BOTH, features=None)
    options = ConfidenceOptions("known")
    featured = np.array([False])
    by_lab = confidence_of(
        calibration, scores, NEAREST[:1], facts=None, names=names, classes=classes,
        featured=featured, options=options,
    )  # fmt: skip
    by_class = class_confidence(
        calibration, np.log([[0.6, 0.4]]) / LOG_RANGE, NEAREST[:1], names=classes[1],
        featured=featured, options=options,
    )  # fmt: skip
    assert by_lab.probabilities is not None
    assert by_class.probabilities is not None
    ash, pool = by_class.probabilities[0].tolist()
    assert by_lab.probabilities[0].tolist() == pytest.approx([ash, pool * 0.75, pool * 0.25])
    assert by_lab.outside is None


def test_an_expectation_and_a_kind_of_work_are_not_given_together() -> None:
    with pytest.raises(UsageError, match="expectation of its own"):
        ConfidenceOptions(work="known", expectation=Expectation())


@pytest.mark.parametrize(
    ("options", "label", "likelier"),
    [
        (ConfidenceOptions(), "1:1:1", "known"),
        (ConfidenceOptions(work="new"), "new", "new"),
        (ConfidenceOptions(expectation=Expectation(2, 0, 0)), "2:0:0", "known"),
        (ConfidenceOptions(expectation=Expectation(1, 3, 9)), "1:3:9", "new"),
    ],
)
def test_options_say_what_probabilities_are_for(
    options: ConfidenceOptions, label: str, likelier: Work
) -> None:
    assert (options.label, options.likelier_work) == (label, likelier)


def test_a_batch_is_divided_by_features() -> None:
    parts = [(features, rows.tolist()) for features, rows in by_features(FEATURED)]
    assert parts == [(False, [0, 2]), (True, [1])]
    assert [features for features, _ in by_features(FEATURED[:1])] == [False]


def test_a_coverage_of_work_that_nothing_is_known_of_is_refused(
    tmp_path: Path, workshop: Any
) -> None:
    model = workshop.calibrated_model(tmp_path / "m", cosine=0.0)
    known = replace(BOTH, sequence=fits(5, weight=1, works=("known",)), features=None)
    (model / CALIBRATION_FILE).write_bytes(known.to_json())
    [query, *stored] = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", stored, model=model)
    opened = workshop.open(tmp_path / "i")
    assert opened.query(query, options=ConfidenceOptions("known", coverage=0.9)).coverage == 0.9
    with pytest.raises(UsageError, match="no calibration for new work") as caught:
        opened.query_many([query], options=ConfidenceOptions("new", coverage=0.9))
    assert "-k" in str(caught.value.hint)
