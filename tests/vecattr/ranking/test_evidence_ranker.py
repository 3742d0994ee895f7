"""The evidence ranker's inputs, class scores and file agree with plain loops; damage is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.encoders.model_folder import RANKER_FILE
from vecattr.errors import DamagedError, MismatchError
from vecattr.ranking.evidence_ranker import (
    AMOUNTS,
    COLUMN_NAMES,
    COSINES,
    FACTS,
    LOG_ODDS,
    PHENOTYPES,
    SHARES,
    VERSION,
    EvidenceRanker,
    Network,
    input_columns,
    input_count,
    network_inputs,
    read_ranker,
)
from vecattr.ranking.hidden_layer import FEW
from vecattr.ranking.scores import LOG_RANGE, class_scores, renormalised_scores

PLAIN, FEATURED = input_count(phenotypes=False), input_count(phenotypes=True)


def columns_of(labs: int, *, seed: int = 0) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    rng = np.random.default_rng(seed)
    columns = {name: rng.uniform(0, 1, labs) for name in SHARES + FACTS}
    columns |= {name: rng.exponential(3, labs) for name in AMOUNTS}
    columns |= {name: rng.uniform(-1, 1, labs) for name in COSINES + LOG_ODDS}
    columns |= {name: rng.normal(0, 5, labs) for name in PHENOTYPES}
    return columns


def network(inputs: int, *, hidden: int = 3, seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)

    def random_layer(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    return Network(
        random_layer(inputs),
        np.abs(random_layer(inputs)) + 0.5,
        random_layer(inputs),
        random_layer(inputs, hidden),
        random_layer(hidden),
        random_layer(hidden),
    )


def ranker(*, source: str = "made") -> EvidenceRanker:
    return EvidenceRanker(network(PLAIN), network(FEATURED, seed=1), source)


@pytest.mark.parametrize("phenotypes", [False, True])
def test_every_lab_has_a_row_of_the_networks_width(phenotypes: bool) -> None:
    seen = network_inputs(columns_of(7), phenotypes=phenotypes)
    assert seen.shape == (7, FEATURED if phenotypes else PLAIN)
    assert seen.dtype == np.float32
    assert np.isfinite(seen).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_no_column_at_its_end_gives_an_input_without_end(value: float) -> None:
    columns = {name: np.full(3, value if name in COSINES else abs(value)) for name in COLUMN_NAMES}
    assert np.isfinite(network_inputs(columns, phenotypes=False)).all()


def test_the_order_of_labs_is_that_of_their_rows() -> None:
    columns, order = columns_of(6), np.random.default_rng(1).permutation(6)
    turned = {name: column[order] for name, column in columns.items()}
    seen = network_inputs(columns, phenotypes=True)[order]
    assert np.array_equal(network_inputs(turned, phenotypes=True), seen)


def test_a_network_is_its_formula_one_lab_at_a_time() -> None:
    weights = network(5)
    inputs = np.random.default_rng(2).normal(size=(4, 5)).astype(np.float32)
    logits = weights.logits(inputs)
    for row, score in zip(inputs.tolist(), logits.tolist(), strict=True):
        x = [(a - m) / s for a, m, s in zip(row, weights.mean, weights.scale, strict=True)]
        total = sum(a * w for a, w in zip(x, weights.linear, strict=True))
        for unit in range(3):
            inner = sum(a * w for a, w in zip(x, weights.inner[:, unit], strict=True))
            total += math.tanh(inner + weights.bias[unit]) * weights.outer[unit]
        assert score == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("labs", [1, 6, 900])
def test_queries_with_features_have_a_network_of_their_own(labs: int) -> None:
    """And labs without a k-mer are weighed as the network weighs their inputs."""
    both, columns = ranker(), columns_of(labs)
    for name in SHARES + AMOUNTS:
        columns[name][::2] = 0
    expected = both.featured.logits(network_inputs(columns, phenotypes=True))
    assert both.logits(columns) == pytest.approx(expected, abs=2e-4)
    del columns["phenotypes"]
    expected = both.plain.logits(network_inputs(columns, phenotypes=False))
    assert both.logits(columns) == pytest.approx(expected, abs=2e-4)


def far_columns(labs: int, *, seed: int) -> dict[str, Any]:
    """Columns of labs of which one in ten shares k-mers with the query."""
    columns = columns_of(labs, seed=seed)
    for name in SHARES + AMOUNTS:
        columns[name][np.arange(labs) % 10 > 0] = 0
    for name in ("kmers", "known"):
        columns[name][:] = 0.5
    return columns


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([FEW + 200, FEW + 600, 5000]))
def test_labs_that_are_nearly_weighed_have_nearly_their_shares(
    seed: int, featured: bool, labs: int
) -> None:
    layers = [network(inputs, hidden=48, seed=seed) for inputs in (PLAIN, FEATURED)]
    plain, with_features = (
        replace(layer, outer=layer.outer / 10, linear=layer.linear / 4, inner=layer.inner / 9)
        for layer in layers
    )
    both, columns = EvidenceRanker(plain, with_features, "made"), far_columns(labs, seed=seed)
    if not featured:
        del columns["phenotypes"]
    exact, near = both.logits(columns, exact=True), both.logits(columns)
    codes = np.arange(labs)
    for sharpness in (0.7, 1.0):
        shares, near_shares = (
            np.exp(LOG_RANGE * class_scores(sharpness * logits, codes, classes=labs))
            for logits in (exact, near)
        )
        assert np.abs(shares - near_shares).max() < 0.002
        assert abs(shares[codes % 10 > 0].sum() - near_shares[codes % 10 > 0].sum()) < 0.01
    of_kmers = codes % 10 == 0
    assert np.array_equal(near[of_kmers], exact[of_kmers])
    best = np.argmax(exact)
    assert near[best] == exact[best]
    assert np.argmax(near) == best


def test_a_logit_is_the_same_beside_others_and_again() -> None:
    both, columns = ranker(), far_columns(FEW + 900, seed=4)
    assert np.array_equal(both.logits(columns), both.logits(dict(columns)))
    few = {name: column[:FEW] for name, column in columns.items()}
    assert np.array_equal(both.logits(few), both.logits(few, exact=True))


@settings(deadline=None)
@given(
    st.lists(st.floats(-40, 40) | st.just(-math.inf), min_size=1, max_size=12), st.integers(1, 4)
)
def test_classes_score_the_logarithm_of_their_labs_softmax(
    logits: list[float], classes: int
) -> None:
    of_lab = [place % classes for place in range(len(logits))]
    scores = class_scores(np.array(logits), np.array(of_lab), classes=classes)
    total = sum(math.exp(logit) for logit in logits)
    for name, score in enumerate(scores.tolist()):
        class_sum = sum(math.exp(a) for a, b in zip(logits, of_lab, strict=True) if b == name)
        share = class_sum / total if total else 0.0
        assert score == pytest.approx(
            math.log(max(share, math.exp(-LOG_RANGE))) / LOG_RANGE, abs=1e-9
        )


def test_no_lab_at_all_leaves_every_class_the_lowest_score() -> None:
    none = np.zeros(0)
    assert class_scores(none, none.astype(np.int64), classes=2).tolist() == [-1, -1]


def test_scores_are_shared_out_among_those_that_are_left() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (5, 6))
    codes = np.arange(6)
    scores = np.stack([class_scores(row, codes, classes=6) for row in logits])
    scores[:, 2] = -1
    logits[:, 2] = -math.inf
    expected = np.stack([class_scores(row, codes, classes=6) for row in logits])
    assert renormalised_scores(scores) == pytest.approx(expected, abs=1e-9)
    assert renormalised_scores(np.full((1, 3), -1.0)).tolist() == [[-1, -1, -1]]


def test_a_ranker_comes_back_from_its_file(tmp_path: Path) -> None:
    written = ranker(source="four folds of é")
    (tmp_path / RANKER_FILE).write_bytes(written.to_json())
    restored = read_ranker(tmp_path)
    assert restored is not None
    assert restored.source == written.source
    assert restored.to_json() == written.to_json()
    columns = columns_of(9)
    assert restored.logits(columns) == pytest.approx(written.logits(columns), abs=1e-3)


def test_a_model_without_the_file_has_no_ranker(tmp_path: Path) -> None:
    assert read_ranker(tmp_path) is None


def damaged(change: str) -> bytes:
    whole = ranker().to_json()
    data = json.loads(whole)
    match change:
        case "cut":
            return whole[: len(whole) // 2]
        case "empty":
            return b""
        case "a list":
            return b"[]"
        case "not text":
            return b"\xff\xfe\x00"
        case "no network":
            del data["featured"]
        case "no layer":
            del data["plain"]["bias"]
        case "a word":
            data["plain"]["bias"] = ["many"]
        case "layers that do not fit":
            data["plain"]["linear"] = data["plain"]["linear"][1:]
        case "ragged rows":
            data["plain"]["inner"][0] = data["plain"]["inner"][0][1:]
        case "no number":
            data["plain"]["linear"][0] = math.nan
        case "no scale":
            data["plain"]["scale"][0] = 0
        case "inputs of another version":
            data["plain"] = data["featured"]
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    "change",
    [
        "cut",
        "empty",
        "a list",
        "not text",
        "no network",
        "no layer",
        "a word",
        "layers that do not fit",
        "ragged rows",
        "no number",
        "no scale",
        "inputs of another version",
    ],
)
def test_a_damaged_file_is_told_with_its_place(tmp_path: Path, change: str) -> None:
    path = tmp_path / RANKER_FILE
    path.write_bytes(damaged(change))
    with pytest.raises(DamagedError) as caught:
        read_ranker(tmp_path)
    assert str(path) in str(caught.value)


def test_another_version_is_told_with_both(tmp_path: Path) -> None:
    data = json.loads(ranker().to_json()) | {"version": 9}
    (tmp_path / RANKER_FILE).write_text(json.dumps(data))
    with pytest.raises(MismatchError, match=f"version 9, this vecattr reads {VERSION}"):
        read_ranker(tmp_path)


@pytest.mark.parametrize("name", [*COLUMN_NAMES, "phenotypes"])
def test_the_inputs_made_of_a_column_are_known_by_its_name(name: str) -> None:
    columns = columns_of(4)
    others = {**columns, name: columns[name] * 0.9 + 0.03}
    moved = (
        network_inputs(columns, phenotypes=True) != network_inputs(others, phenotypes=True)
    ).any(axis=0)
    expected = [
        number for number, column in enumerate(input_columns(phenotypes=True)) if column == name
    ]
    assert np.flatnonzero(moved).tolist() == expected
