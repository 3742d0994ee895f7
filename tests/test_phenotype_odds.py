"""Phenotype odds are those of a plain naive Bayes over the plasmids that count."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.catalogue import Catalogue
from vecattr.indexes.phenotype_odds import PhenotypeOdds
from vecattr.plasmid import Plasmid

LABS = ("Ash", "Birch", "Cedar")
FEATURES = ("amp", "kan", "tet")


def made(seed: int, count: int, names: Sequence[str]) -> list[Plasmid]:
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


OLD, NEW = made(1, 14, FEATURES[:2]), made(2, 9, FEATURES)


@pytest.fixture(scope="module")
def odds(workshop: Any) -> PhenotypeOdds:
    """Two segments; the first knows two features, and Birch is removed from the second."""
    segments = [workshop.segment(OLD), workshop.segment(NEW, removed=["Birch"])]
    return PhenotypeOdds(Catalogue.of(segments, LABS), segments)


def plain_odds(asked: Mapping[str, int], left_out: Sequence[int]) -> list[float]:
    rows = [
        one
        for row, one in enumerate([*OLD, *NEW])
        if row not in left_out and (row < len(OLD) or one.lab != "Birch")
    ]
    found = []
    for own in LABS:
        total = 0.0
        for name, value in asked.items():
            if name not in FEATURES:
                continue
            held = [(one.lab, one.features or {}) for one in rows]
            known = [(lab, features[name]) for lab, features in held if name in features]
            usual = (sum(has for _, has in known) + 0.5) / (len(known) + 1)
            mine = [has for owner, has in known if owner == own]
            share = (sum(mine) + 2 * usual) / (len(mine) + 2)
            total += math.log(share / usual if value else (1 - share) / (1 - usual))
        found.append(total)
    return found


@pytest.mark.parametrize(
    "asked",
    [{"amp": 1}, {"amp": 0, "kan": 1}, {"tet": 1, "amp": 1}, {"tet": 0, "other": 1}, {"other": 1}],
)
@pytest.mark.parametrize("left_out", [[], [1], [1, 2, 5, 14, 15], list(range(0, 14, 3))])
def test_odds_are_those_of_plain_loops(
    odds: PhenotypeOdds, asked: dict[str, int], left_out: list[int]
) -> None:
    found = odds.of(asked, left_out=np.array(left_out, dtype=np.int64))
    assert found.tolist() == pytest.approx(plain_odds(asked, left_out), abs=1e-12)


def test_features_of_all_segments_are_known(odds: PhenotypeOdds) -> None:
    assert odds.names == FEATURES


def test_a_lab_like_all_others_has_no_odds(workshop: Any) -> None:
    same = [Plasmid(f"p{lab}", "ACGT", lab=lab, features={"amp": 1}) for lab in LABS]
    segments = [workshop.segment(same)]
    found = PhenotypeOdds(Catalogue.of(segments, LABS), segments).of(
        {"amp": 0}, left_out=np.zeros(0, dtype=np.int64)
    )
    assert len(set(found.tolist())) == 1
