"""Phenotype odds are those of a plain naive Bayes over the plasmids that count."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.scoring.phenotype_odds import PhenotypeOdds
from vecattr.plasmid import Plasmid

LABS = ("Ash", "Birch", "Cedar")
FEATURES = ("amp", "kan", "tet")


def random_plasmids(seed: int, count: int, names: Sequence[str]) -> list[Plasmid]:
    chance = random.Random(seed)
    return [
        Plasmid(
            f"p{seed}-{row}",
            "ACGT" * 10,
            lab=LABS[row % 3],
            features={name: int(chance.random() < 0.3) for name in names} if row % 4 else None,
        )
        for row in range(count)
    ]


OLD, NEW = random_plasmids(1, 14, FEATURES[:2]), random_plasmids(2, 9, FEATURES)


@pytest.fixture(scope="module")
def odds(workshop: Any) -> PhenotypeOdds:
    """Two segments; the first knows two features, and Birch is removed from the second."""
    segments = [workshop.segment(OLD), workshop.segment(NEW, removed=["Birch"])]
    return PhenotypeOdds(Catalogue.from_segments(segments, LABS), segments)


def plain_odds(query_features: Mapping[str, int], left_out: Sequence[int]) -> list[float]:
    plasmids = [
        plasmid
        for row, plasmid in enumerate([*OLD, *NEW])
        if row not in left_out and (row < len(OLD) or plasmid.lab != "Birch")
    ]
    odds = []
    for lab in LABS:
        total = 0.0
        for name, value in query_features.items():
            if name not in FEATURES:
                continue
            lab_features = [(plasmid.lab, plasmid.features or {}) for plasmid in plasmids]
            known_values = [
                (value_lab, features[name])
                for value_lab, features in lab_features
                if name in features
            ]
            overall_share = (sum(has for _, has in known_values) + 0.5) / (len(known_values) + 1)
            lab_values = [has for value_lab, has in known_values if value_lab == lab]
            share = (sum(lab_values) + 2 * overall_share) / (len(lab_values) + 2)
            total += math.log(share / overall_share if value else (1 - share) / (1 - overall_share))
        odds.append(total)
    return odds


ASKED = pytest.mark.parametrize(
    "features",
    [{"amp": 1}, {"amp": 0, "kan": 1}, {"tet": 1, "amp": 1}, {"tet": 0, "other": 1}],
)
LEFT_OUT = pytest.mark.parametrize("left_out", [[], [1], [1, 2, 5, 14, 15], list(range(0, 14, 3))])


@ASKED
@LEFT_OUT
def test_odds_are_those_of_plain_loops(
    odds: PhenotypeOdds, features: dict[str, int], left_out: list[int]
) -> None:
    phenotypes = odds.columns(features, left_out=np.array(left_out, dtype=np.int64))["phenotypes"]
    assert phenotypes.tolist() == pytest.approx(plain_odds(features, left_out), abs=1e-12)


def plain_likeness(
    query_features: Mapping[str, int], left_out: Sequence[int], kernel: Callable[[int], float]
) -> list[float]:
    """By a plain loop: a lab's share of plasmids that are like the query against that of all."""
    query_features = {name: value for name, value in query_features.items() if name in FEATURES}
    matching, known = dict.fromkeys(LABS, 0.0), dict.fromkeys(LABS, 0.0)
    for row, plasmid in enumerate([*OLD, *NEW]):
        if row in left_out or (row >= len(OLD) and plasmid.lab == "Birch"):
            continue
        compared = {
            name: value
            for name, value in (plasmid.features or {}).items()
            if name in query_features
        }
        weight = len(compared) / len(query_features)
        known[plasmid.lab or ""] += weight
        matching[plasmid.lab or ""] += weight * kernel(
            sum(query_features[name] != compared[name] for name in compared)
        )
    overall_share = sum(matching.values()) / sum(known.values()) + 1e-6
    return [
        math.log((matching[lab] + 2 * overall_share) / (known[lab] + 2) / overall_share)
        for lab in LABS
    ]


@ASKED
@LEFT_OUT
def test_likeness_is_that_of_a_plain_loop(
    odds: PhenotypeOdds, features: dict[str, int], left_out: list[int]
) -> None:
    found = odds.columns(features, left_out=np.array(left_out, dtype=np.int64))
    same = plain_likeness(features, left_out, lambda apart: float(apart == 0))
    assert found["same_features"].tolist() == pytest.approx(same, abs=1e-12)
    near = plain_likeness(features, left_out, lambda apart: math.exp(-apart / 2))
    assert found["near_features"].tolist() == pytest.approx(near, abs=1e-12)


def test_features_that_go_together_count_once(workshop: Any) -> None:
    """A lab whose plasmids are all like one of the two kinds there are has that in common with the
    query, however many features tell the kinds apart."""
    names = [f"f{number}" for number in range(9)]
    kinds = [dict.fromkeys(names, value) for value in (0, 1)]
    plasmids = [
        Plasmid(f"p{row}", "ACGT" * 10, lab=LABS[row % 2], features=kinds[row % 2])
        for row in range(40)
    ]
    segments = [workshop.segment(plasmids)]
    odds = PhenotypeOdds(Catalogue.from_segments(segments, LABS), segments)
    many = odds.columns(kinds[1], left_out=np.zeros(0, np.int64))
    one = odds.columns({"f0": 1}, left_out=np.zeros(0, np.int64))
    assert many["same_features"] == pytest.approx(one["same_features"])
    assert many["phenotypes"] == pytest.approx(9 * one["phenotypes"])


def test_features_of_all_segments_are_known(odds: PhenotypeOdds) -> None:
    assert odds.names == FEATURES


def test_a_lab_like_all_others_has_no_odds(workshop: Any) -> None:
    same = [Plasmid(f"p{lab}", "ACGT", lab=lab, features={"amp": 1}) for lab in LABS]
    segments = [workshop.segment(same)]
    found = PhenotypeOdds(Catalogue.from_segments(segments, LABS), segments).columns(
        {"amp": 0}, left_out=np.zeros(0, dtype=np.int64)
    )
    assert all(len(set(column.tolist())) == 1 for column in found.values())


@pytest.mark.parametrize("left_out", [[], list(range(14, 23))])
def test_nothing_is_said_of_features_that_no_plasmid_knows(
    odds: PhenotypeOdds, left_out: list[int]
) -> None:
    features = {"tet": 1, "other": 1} if left_out else {"other": 1}
    assert odds.columns(features, left_out=np.array(left_out, dtype=np.int64)) == {}


def test_the_number_of_known_features_is_told(odds: PhenotypeOdds) -> None:
    found = odds.columns({"amp": 1, "tet": 0, "other": 1}, left_out=np.zeros(0, dtype=np.int64))
    assert found["features"].tolist() == [pytest.approx(math.log(3))] * len(LABS)
