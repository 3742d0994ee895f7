"""Several indexes as one: unions, fused scores, a verdict by majority; one index as it was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.attribution import Neighbor
from vecattr.cli.main import run
from vecattr.datasets.classes import ClassRule
from vecattr.errors import UsageError
from vecattr.indexes.answering.attributions import fused_neighbors
from vecattr.indexes.index import Panel, open_panel
from vecattr.ranking.rank_fusion import FUSIONS, Fusion, fused_scores

LABS = ["Ash", "Birch", "Cedar", "Dogwood"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> tuple[Path, Path]:
    """Two indexes that share two labs; the second has a pool."""
    folder = tmp_path_factory.mktemp("panel")
    workshop.build(folder / "a", workshop.plasmids(LABS[:3]))
    rule = ClassRule(frozenset(LABS[1:]))
    workshop.build(folder / "b", workshop.plasmids([*LABS[1:], "Elm"], seed=1), rule=rule)
    return folder / "a", folder / "b"


def calibrated(workshop: Any, folder: Path, threshold: float | None) -> Any:
    """An index of the first two labs with this threshold."""
    model = workshop.model
    if threshold is not None:
        model = workshop.calibrated_model(folder / "model", cosine=threshold)
    workshop.build(folder / "i", workshop.plasmids(LABS[:2]), model=model)
    return workshop.open(folder / "i")


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_panel_ranks_the_union_by_fused_scores_and_mean_cosines(
    pair: tuple[Path, Path], workshop: Any, fusion: Fusion
) -> None:
    opened = [workshop.open(path) for path in pair]
    queries = workshop.plasmids([*LABS, "x"], each=2, seed=4)
    panel = Panel(tuple(opened), fusion)
    names = [*LABS, "unknown-engineered"]
    assert list(panel.lab_names) == names
    ballots = np.full((2, len(queries), len(names)), np.nan)
    for voter, index in enumerate(opened):
        cosines = index.lab_cosines(index.embed(queries))
        for column, name in enumerate(index.lab_names):
            ballots[voter, :, names.index(name)] = cosines[:, column]
    expected = fused_scores(ballots, fusion=fusion)
    means = np.nanmean(ballots, axis=0)
    for row, answer in enumerate(panel.query_many(queries, k=9)):
        order = sorted(range(len(names)), key=lambda lab: (-expected[row, lab], names[lab]))
        assert [hit.name for hit in answer.labs] == [names[lab] for lab in order]
        assert [hit.score for hit in answer.labs] == [expected[row, lab] for lab in order]
        assert [hit.cosine for hit in answer.labs] == [means[row, lab] for lab in order]


def test_a_weight_near_0_leaves_the_order_of_the_other_index(
    pair: tuple[Path, Path], workshop: Any
) -> None:
    opened = [workshop.open(path) for path in pair]
    queries = workshop.plasmids(LABS, seed=4)
    panel = Panel(tuple(opened), "shares", (1.0, 1e-9))
    known = set(opened[0].lab_names)
    for answer, alone in zip(panel.query_many(queries), opened[0].query_many(queries), strict=True):
        names = [hit.name for hit in answer.labs if hit.name in known]
        assert names == [hit.name for hit in alone.labs]
        assert answer.notes[-1] == "fused from 2 indexes by the mean logarithm of shares"
    with pytest.raises(UsageError, match="the weights are 1, the indexes 2"):
        Panel(tuple(opened), "shares", (1.0,))


def test_provenance_and_notes_name_every_index(pair: tuple[Path, Path], workshop: Any) -> None:
    opened = [workshop.open(path) for path in pair]
    [answer] = Panel(tuple(opened)).query_many(workshop.plasmids(["x"], each=1))
    assert answer.provenance.index == f"{opened[0].identity}+{opened[1].identity}"
    assert answer.provenance.model == "+".join(index.model_identity for index in opened)
    assert answer.notes[-1] == "fused from 2 indexes by Copeland's method"


def test_a_panel_of_one_index_answers_as_the_index(pair: tuple[Path, Path], workshop: Any) -> None:
    opened = workshop.open(pair[1])
    queries = workshop.plasmids([*LABS, "x"], seed=4)
    panel = Panel((opened,))
    answers = list(panel.query_many(iter(queries), neighbors=3))
    assert answers == list(opened.query_many(queries, neighbors=3))
    judged = panel.judge(queries)
    assert judged.confidence.confidences.tolist() == [answer.confidence for answer in answers]
    for row, answer in enumerate(answers):
        best = judged.best(row, k=10).tolist()
        assert [panel.lab_names[lab] for lab in best] == [hit.name for hit in answer.labs]


@pytest.mark.parametrize(
    ("thresholds", "verdict"),
    [
        ((-0.9, 0.9999, -0.5), "known"),
        ((-0.9, 0.9999, 0.9998), "unknown"),
        ((-0.9, 0.9999), "unknown"),  # no majority
        ((-0.9, -0.5), "known"),
        ((None, -0.5), "known"),  # the uncalibrated one abstains
        ((None, 0.9999), "unknown"),
        ((None, None), "uncalibrated"),
    ],
)
def test_the_verdict_is_that_of_the_majority(
    tmp_path: Path, workshop: Any, thresholds: Sequence[float | None], verdict: str
) -> None:
    opened = tuple(
        calibrated(workshop, tmp_path / str(number), threshold)
        for number, threshold in enumerate(thresholds)
    )
    [query] = workshop.plasmids(["Ash"], each=1, seed=3)
    [answer] = Panel(opened).query_many([query])
    assert answer.verdict == verdict
    assert answer.threshold == (None if verdict == "uncalibrated" else 0.0)
    single = {index.query(query).verdict for index in opened}
    if len(single - {"uncalibrated"}) == 1:
        assert answer.verdict in single
    if answer.threshold is not None:
        assert (answer.confidence >= answer.threshold) == (verdict == "known")


def test_the_same_index_twice_is_refused(pair: tuple[Path, Path], workshop: Any) -> None:
    with pytest.raises(UsageError, match="given 2 times"):
        Panel((workshop.open(pair[0]), workshop.open(pair[0])))


def test_numbers_that_cannot_be_are_refused_at_once(pair: tuple[Path, Path], workshop: Any) -> None:
    panel = Panel(tuple(map(workshop.open, pair)))
    with pytest.raises(UsageError, match="expected"):
        panel.query_many([], k=0)


def test_neighbours_are_fused_by_place_and_named_once() -> None:
    def near(name: str, cosine: float) -> Neighbor:
        return Neighbor(name, "L", "L", cosine, 100, "circular")

    lists = [[near("a", 0.9), near("b", 0.8)], [near("b", 0.6), near("c", 0.5)]]
    found = fused_neighbors(lists, n=2)
    assert [(one.id, round(one.cosine, 6)) for one in found] == [("b", 0.7), ("a", 0.9)]


@pytest.fixture(scope="module")
def second_index(shelf: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the same model that knows two labs and a pool."""
    folder = tmp_path_factory.mktemp("second")
    (folder / "labs.txt").write_text("Lab 01\nLab 02\n")
    build = ["build-index", str(shelf.table), "-m", str(shelf.model), "-i", str(folder / "i")]
    assert run([*build, "--labs", str(folder / "labs.txt"), "-q"]) == 0
    return folder / "i"


@pytest.mark.parametrize("fusion", FUSIONS)
def test_query_asks_several_indexes(
    shelf: Any, second_index: Path, fusion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["-i", str(shelf.index), "-i", str(second_index), "--fusion", fusion]
    arguments = ["query", str(shelf.table), "--where", "split=dev", *both, "-k", "9"]
    capsys.readouterr()
    assert run([*arguments, "--neighbors", "2"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out), delimiter="\t"))
    assert {row["index"].count("+") for row in rows} == {1}
    labs = {row["lab"] for row in rows if row["kind"] == "lab"}
    assert labs == {"Lab 01", "Lab 02", "Lab 03", "Lab 04", "unknown-engineered"}
    assert run([*arguments, "--format", "table"]) == 0
    assert "median best cosine" in capsys.readouterr().out
    assert run([*arguments, "--format", "json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [hit["rank"] for hit in answers[0]["labs"]] == [1, 2, 3, 4, 5]
    scores = [hit["score"] for hit in answers[0]["labs"]]
    assert scores == sorted(scores, reverse=True)


def test_evaluate_measures_several_indexes(
    shelf: Any, second_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["-i", str(shelf.index), "-i", str(second_index), "--fusion", "rrf"]
    capsys.readouterr()
    table = [str(shelf.table), "--where", "split=dev"]
    assert run(["evaluate", *table, *both, "--format", "json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["n"], figures["labs"], figures["fusion"]) == (12, 5, "rrf")
    assert figures["index"].count("+") == 1
    dev = shelf.plasmids[::5]
    answers = open_panel([shelf.index, second_index], fusion="rrf").query_many(dev, k=9)
    ranks = []
    for plasmid, answer in zip(dev, answers, strict=True):
        scores = {hit.name: hit.score for hit in answer.labs}
        above = sum(score > scores[plasmid.lab] for score in scores.values())
        tied = sum(score == scores[plasmid.lab] for score in scores.values())
        ranks.append(above + (tied + 1) / 2)
    for k in (1, 5):
        assert figures[f"top{k}"] == pytest.approx(np.mean([rank <= k for rank in ranks]), abs=1e-6)
    assert figures["mrr"] == pytest.approx(np.mean([1 / rank for rank in ranks]), abs=1e-6)
    assert len(set(ranks)) > 1  # else the figures could hardly be wrong


def test_weights_say_how_much_each_index_counts(
    shelf: Any, second_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["-i", str(shelf.index), "-i", str(second_index), "--fusion", "shares"]
    table = [str(shelf.table), "--where", "split=dev"]
    scores = {}
    for weights in ("1,1", "1,0.15"):
        capsys.readouterr()
        assert run(["query", *table, *both, "--weights", weights, "--format", "json"]) == 0
        answers = json.loads(capsys.readouterr().out)
        scores[weights] = [{hit["name"]: hit["score"] for hit in one["labs"]} for one in answers]
    assert scores["1,1"] != scores["1,0.15"]
    assert run(["evaluate", *table, *both, "--weights", "1,0.15", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"] == [1.0, 0.15]
    for wrong, says in (
        ("1,x", "not a list of numbers"),
        ("1", "the weights are 1, the indexes 2"),
    ):
        assert run(["query", *table, *both, "--weights", wrong]) == 2
        assert says in capsys.readouterr().err


def test_the_same_index_twice_is_a_usage_error(
    shelf: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["-i", str(shelf.index), "-i", f"{shelf.index}/."]
    assert run(["query", str(shelf.table), *both]) == 2
    assert "given 2 times" in capsys.readouterr().err
