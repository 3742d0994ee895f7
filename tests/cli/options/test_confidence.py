"""How sure, on the command line: probabilities, candidate sets, false alarms, alone and fused."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from vecattr import Index, attribution
from vecattr.calibration.calibration_file import read_calibration
from vecattr.calibration.expectation import Expectation
from vecattr.cli.main import run
from vecattr.cli.options import confidence
from vecattr.cli.options.confidence import confidence_options
from vecattr.encoders.model_folder import CALIBRATION_FILE, HELD_OUT_FILE
from vecattr.files.fold_folder import fold_path
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.scoring.confidence import ConfidenceOptions

Capture = pytest.CaptureFixture[str]
Answer = dict[str, Any]


@pytest.fixture(params=["one index", "folds"])
def asked_index(calibrated_folds: Any, request: pytest.FixtureRequest) -> Path:
    """One calibrated index, and a folder of two."""
    folder: Path = calibrated_folds.index
    return folder if request.param == "folds" else fold_path(folder, 1)


def answers(shelf: Any, index: Path, capsys: Capture, *options: str) -> list[Answer]:
    capsys.readouterr()
    chosen = [str(shelf.table), "--where", "split=dev", "-i", str(index), "--format", "json"]
    assert run(["query", *chosen, *options]) == 0
    return list(json.loads(capsys.readouterr().out))


def figures(shelf: Any, index: Path, capsys: Capture, *options: str) -> Answer:
    capsys.readouterr()
    chosen = [str(shelf.table), "--where", "split=dev", "-i", str(index), "--format", "json"]
    assert run(["evaluate", *chosen, *options]) == 0
    return dict(json.loads(capsys.readouterr().out))


def shares(answer: Answer) -> list[float]:
    return [hit["probability"] for hit in answer["labs"]]


def test_query_gives_a_probability_to_each_lab(
    calibrated_folds: Any, asked_index: Path, capsys: Capture
) -> None:
    for answer in answers(calibrated_folds, asked_index, capsys, "-k", "99"):
        outside = answer["outside"] or 0  # a fused panel weighs no outside labs
        assert sum(shares(answer)) + outside == pytest.approx(1, abs=1e-5)
        assert shares(answer) == sorted(shares(answer), reverse=True)
        assert answer["work"] == ("known" if answer["outside"] is None else "1:1:1")
        assert answer["coverage"] is None
        assert (answer["strength"] is None) == (answer["outside"] is None)
        assert answer["labs"][0]["name"] in answer["sentence"]


def test_answers_tell_how_often_such_answers_were_right_as_info_does(
    calibrated_folds: Any, capsys: Capture
) -> None:
    index = fold_path(calibrated_folds.index, 1)
    found = answers(calibrated_folds, index, capsys, "--no-features")
    assert run(["info", "-i", str(index), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)["calibration"]["outcomes"]["strengths"]
    for answer in found:
        assert answer["right_share"] == told[answer["strength"]]["right"]


def test_an_expectation_moves_the_probability_of_an_outside_lab_and_the_verdict(
    calibrated_folds: Any, capsys: Capture
) -> None:
    index = fold_path(calibrated_folds.index, 1)
    few, many = (
        answers(calibrated_folds, index, capsys, "--expect", f"1:1:{weight}")
        for weight in ("0.01", "100")
    )
    for one, other in zip(few, many, strict=True):
        assert one["outside"] < other["outside"]
        assert one["confidence"] == pytest.approx(1 - one["outside"], abs=1e-5)
        assert [hit["name"] for hit in one["labs"]] == [hit["name"] for hit in other["labs"]]
        for answer in (one, other):
            assert answer["verdict"] == ("known" if answer["outside"] <= 0.5 else "unknown")
    assert {answer["verdict"] for answer in few} == {"known"}
    assert {answer["verdict"] for answer in many} == {"unknown"}
    assert all("outside this index" in answer["sentence"] for answer in many)


def test_work_changes_probabilities_and_not_the_ranking(
    calibrated_folds: Any, asked_index: Path, capsys: Capture
) -> None:
    known = answers(calibrated_folds, asked_index, capsys, "--work", "known")
    new = answers(calibrated_folds, asked_index, capsys, "--work", "new")
    for one, other in zip(known, new, strict=True):
        assert shares(one) != shares(other)
        assert [hit["name"] for hit in one["labs"]] == [hit["name"] for hit in other["labs"]]
        assert (one["work"], other["work"]) == ("known", "new")


def test_a_false_alarm_moves_the_threshold_and_nothing_else(
    calibrated_folds: Any, asked_index: Path, capsys: Capture
) -> None:
    found = [
        answers(calibrated_folds, asked_index, capsys, "--false-alarm", share)
        for share in ("0", "0.05", "0.5")
    ]
    thresholds = [{answer.pop("threshold") for answer in mine} for mine in found]
    assert all(len(one) == 1 for one in thresholds)
    assert min(thresholds[0]) < min(thresholds[1]) < min(thresholds[2])
    unknown = [[answer.pop("verdict") == "unknown" for answer in mine] for mine in found]
    assert sum(unknown[0]) < sum(unknown[2])
    assert found[0] == found[1] == found[2]


def test_a_coverage_names_a_set_instead_of_a_number(
    calibrated_folds: Any, asked_index: Path, capsys: Capture
) -> None:
    whole = answers(calibrated_folds, asked_index, capsys, "-k", "99")
    sizes = []
    for coverage in ("0.5", "0.9"):
        found = answers(calibrated_folds, asked_index, capsys, "--coverage", coverage)
        for answer, full in zip(found, whole, strict=True):
            assert answer["labs"] == full["labs"][: len(answer["labs"])]
            assert answer["coverage"] == float(coverage)
            assert any(f"candidate set of {len(answer['labs'])}: " in x for x in answer["notes"])
        sizes.append([len(answer["labs"]) for answer in found])
    assert all(few <= many for few, many in zip(*sizes, strict=True))
    assert sum(sizes[0]) < sum(sizes[1])


@pytest.mark.parametrize("form", ["tsv", "csv"])
def test_the_last_columns_are_the_youngest(
    calibrated_folds: Any, asked_index: Path, form: str, capsys: Capture
) -> None:
    chosen = [str(calibrated_folds.table), "--where", "split=dev", "-i", str(asked_index)]
    options = ["--work", "new", "--coverage", "0.9", "--neighbors", "1", "--format", form]
    capsys.readouterr()
    assert run(["query", *chosen, *options]) == 0
    text = io.StringIO(capsys.readouterr().out)
    rows = list(csv.DictReader(text, delimiter="\t" if form == "tsv" else ","))
    last = ["probability", "work", "coverage", "source", "outside", "strength"]
    last += ["print_name", "publication", "year", "source_url"]
    assert list(rows[0])[-len(last) :] == last
    assert {row["kind"] for row in rows} == {"lab", "neighbor"}
    for row in rows:
        assert (row["work"], row["coverage"]) == ("new", "0.900000")
        assert bool(row["probability"]) == (row["kind"] == "lab")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-k", "3", "--coverage", "0.9"], "-k and --coverage both say"),
        (["--coverage", "1"], "coverage"),
        (["--coverage", "0"], "coverage"),
        (["--false-alarm", "1"], "false-alarm"),
        (["--work", "old"], "work"),
        (["--expect", "1:1"], "no expectation"),
        (["--expect", "1:1:1", "--work", "new"], "an expectation of its own"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(
    calibrated_folds: Any, options: list[str], message: str, capsys: Capture
) -> None:
    query = ["query", str(calibrated_folds.table), "-i", str(calibrated_folds.index)]
    capsys.readouterr()
    assert run([*query, *options]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("command", ["query", "evaluate"])
def test_an_uncalibrated_index_promises_no_coverage(
    shelf: Any, command: str, capsys: Capture
) -> None:
    capsys.readouterr()
    assert run([command, str(shelf.table), "-i", str(shelf.index), "--coverage", "0.9"]) == 2
    assert "no calibration for known work" in capsys.readouterr().err


def test_options_default_to_what_is_usual() -> None:
    received = []

    @click.command()
    @confidence_options
    def command(confidence: ConfidenceOptions) -> None:
        received.append(confidence)

    command.main([], standalone_mode=False)
    assert received == [ConfidenceOptions()]
    assert received[0].cases == Expectation()


def test_evaluate_tells_whether_probabilities_mean_what_they_say(
    calibrated_folds: Any, asked_index: Path, capsys: Capture
) -> None:
    whole = answers(calibrated_folds, asked_index, capsys)
    found = figures(calibrated_folds, asked_index, capsys)
    assert found["work"] == whole[0]["work"]
    assert "candidate_sets" not in found
    calibration = found["calibration"]
    assert list(calibration) == ["ece", "interval", "plain", "stated", "correct"]
    stated = [shares(answer)[0] for answer in whole]
    assert calibration["stated"] == pytest.approx(sum(stated) / len(stated), abs=1e-5)
    assert calibration["correct"] == pytest.approx(found["top1"])
    assert 0 <= calibration["ece"] <= calibration["plain"]


def test_evaluate_tells_how_often_candidate_sets_hold_the_truth(
    calibrated_folds: Any, asked_index: Path, capsys: Capture
) -> None:
    coverage = ["--coverage", "0.8", "--work", "known"]
    truths = {one.id: one.lab for one in calibrated_folds.plasmids}
    sets = {
        answer["query"]: [hit["name"] for hit in answer["labs"]]
        for answer in answers(calibrated_folds, asked_index, capsys, *coverage)
    }
    found = figures(calibrated_folds, asked_index, capsys, *coverage)
    held = [truths[name] in labs for name, labs in sets.items()]
    assert found["candidate_sets"] == {
        "coverage": 0.8,
        "held_the_truth": pytest.approx(sum(held) / len(held), abs=1e-6),
        "mean_size": pytest.approx(sum(map(len, sets.values())) / len(sets), abs=1e-6),
        "median_size": pytest.approx(sorted(map(len, sets.values()))[len(sets) // 2], abs=0.51),
    }


def test_evaluate_tells_what_share_is_called_unknown(
    calibrated_folds: Any, asked_index: Path, capsys: Capture
) -> None:
    options = ["--false-alarm", "0.3"]
    both = answers(calibrated_folds, asked_index, capsys, *options, "--where", "split=new")
    strangers = {one.id for one in calibrated_folds.newcomers}
    below: dict[bool, list[bool]] = {False: [], True: []}
    for answer in both:
        is_below = answer["confidence"] < answer["threshold"]
        below[answer["query"] in strangers].append(is_below)
    unknown = ["--unknown-where", "split=new"]
    found = figures(calibrated_folds, asked_index, capsys, *options, *unknown)["called_unknown"]
    assert found["known"] == pytest.approx(sum(below[False]) / 36, abs=1e-6)
    assert found["unknown"] == pytest.approx(sum(below[True]) / 30, abs=1e-6)
    assert found["pooled"] is None
    assert 0 < found["known"] < found["unknown"] < 1


def test_an_uncalibrated_index_has_no_figures_of_a_calibration(shelf: Any, capsys: Capture) -> None:
    found = figures(shelf, shelf.index, capsys)
    assert "calibration" not in found
    assert "work" not in found


def test_an_index_has_the_calibration_and_held_out_plasmids_of_its_model(
    calibrated_folds: Any,
) -> None:
    for number in (1, 2):
        index = fold_path(calibrated_folds.index, number)
        model = fold_path(calibrated_folds.model, number)
        for name in (HELD_OUT_FILE, CALIBRATION_FILE):
            assert (index / "model" / name).read_bytes() == (model / name).read_bytes()
        assert Index.open(index).calibration == read_calibration(model)


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_verify_names_damaged_held_out_plasmids(
    calibrated_folds: Any, tmp_path: Path, part: float
) -> None:
    index = shutil.copytree(fold_path(calibrated_folds.index, 1), tmp_path / "i")
    assert verify_index(index).ok
    file = index / "model" / HELD_OUT_FILE
    data = bytearray(file.read_bytes())
    data[int(part * len(data))] ^= 0x10
    file.write_bytes(bytes(data))
    assert [one.where for one in verify_index(index).findings] == [str(file)]


def test_the_kinds_of_work_offered_are_those_there_are() -> None:
    assert confidence.WORKS == attribution.WORKS
