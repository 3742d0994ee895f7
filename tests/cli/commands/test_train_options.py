"""`vecattr train` on a small table: what it starts from, and what it says of its speed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run
from vecattr.encoders.model_folder import read_config
from vecattr.encoders.pretrained import shipped_encoder

Capture = pytest.CaptureFixture[str]

_SMALL = "--pieces 60 --width 8 --token-width 4 --kernels 1-2 --filters 4 --crop 80 --threads 1"


def _train(shelf: Any, out: Path, *options: str) -> int:
    chosen = [str(shelf.table), "--where", "split=train", "-o", str(out), "--device", "cpu"]
    return run(["train", *chosen, *_SMALL.split(), *options])


def test_a_cnn_starts_from_a_model_and_says_how_it_searches(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    quick = ["--epochs", "1", "--dropout-of", "tokens"]
    assert _train(shelf, tmp_path / "first", "--loss", "cosface", *quick) == 0
    assert "training looks responses up in code compiled by numba" in capsys.readouterr().err
    start = ["--start-from", str(tmp_path / "first"), "--hard-negatives", "push"]
    assert _train(shelf, tmp_path / "second", *quick, *start, "--one-cycle", "epoch") == 0
    card = (tmp_path / "second" / "MODEL_CARD.md").read_text()
    assert "features of the model first" in card
    assert "- hard_negatives: push" in card
    assert "- one_cycle: epoch" in card
    assert "- dropout_of: tokens" in card


def test_lab_vectors_alone_are_learned_for_the_text_cnn_that_comes_with_it(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    asked = ["train", str(shelf.table), "--where", "split=train", "--freeze-encoder"]
    model = tmp_path / "second"
    quick = ["--loss", "cosface", "--epochs", "1", "--device", "cpu", "-o", str(model)]
    assert run([*asked, "--start-from", "cnn", *quick]) == 0
    assert read_config(model).encoder == read_config(shipped_encoder("cnn")).encoder
    assert "- freeze_encoder: True" in (model / "MODEL_CARD.md").read_text()
    capsys.readouterr()
    assert run([*asked, "--start-from", "cnn", *quick, "--kernels", "1-2"]) == 2
    assert "--kernels does not apply to an encoder that stays" in capsys.readouterr().err
    assert run([*asked, *quick]) == 2
    assert "--start-from" in capsys.readouterr().err


def test_dropout_of_numbers_says_what_would_be_faster(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    assert _train(shelf, tmp_path / "m", "--epochs", "1", "--dropout-of", "numbers") == 0
    assert "--dropout-of tokens" in capsys.readouterr().err
    assert _train(shelf, tmp_path / "quiet", "--epochs", "1", "-q") == 0
    assert capsys.readouterr().err == ""


def test_a_model_of_another_shape_to_start_from_is_refused_with_the_next_step(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    assert _train(shelf, tmp_path / "m", "--start-from", str(shelf.model)) == 4
    error = capsys.readouterr().err
    assert "encoder bag instead of cnn" in error
    assert "give --encoder bag" in error


def test_a_model_to_start_from_that_is_not_there_is_named(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    assert _train(shelf, tmp_path / "m", "--start-from", str(tmp_path / "none")) == 4
    assert "none" in capsys.readouterr().err


def test_labs_that_differ_only_in_what_is_not_seen_are_noted(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    lab, text = shelf.plasmids[0].lab, shelf.table.read_text()
    table = tmp_path / "t.csv"
    table.write_text(text.replace(lab, lab.replace(" ", "\u00a0"), 10).replace("\u00a0", "  "))
    small = "--encoder bag --loss cosface --width 16 --token-width 16 --epochs 1 --device cpu"
    assert run(["train", str(table), "-o", str(tmp_path / "m"), *small.split()]) == 0
    twin = lab.replace(" ", "  ")
    assert f"{twin!a}, {lab!a} differ only in blanks" in capsys.readouterr().err
