"""The GPU script, on the processor: 200 rows in, a model folder out, cut and gone on with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ship_text_cnn
from gpu import published
from gpu.tokens import Tokens
from gpu.tokens import published as preset

from vecattr.cli.main import run
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.model_folder import CARD_FILE, learned_labs, read_config
from vecattr.errors import MismatchError
from vecattr.sequences.synthetic import synthetic_plasmids

_CNN = {"width": 8, "pieces": 60, "token_width": 4, "kernels": [1, 3], "filters": 4}
_TRAIN = {"batch_size": 32, "crop": 60, "epochs": 3}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpu") / "plasmids.csv"
    plasmids = synthetic_plasmids(labs=8, plasmids_per_lab=25, seed=3)
    names = sorted(plasmids[0].features or {})
    lines = [",".join(["sequence_id", "sequence", "lab", "publication", "split", *names])]
    for number, plasmid in enumerate(plasmids):
        values = [str((plasmid.features or {})[name]) for name in names]
        split = "train" if number % 5 else "dev"
        cells = [plasmid.id, plasmid.sequence, f"{plasmid.lab}", f"{plasmid.group}", split]
        lines.append(",".join([*cells, *values]))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def tokens(table: Path) -> Path:
    path = table.with_name("tokens.xz")
    chosen = [str(table), "--ask", "split=dev", "--rows", "20", "-o", str(path)]
    published.main(["prepare", *chosen, "--cnn", json.dumps(_CNN), "--threads", "1"])
    return path


def _train(tokens: Path, out: Path, *options: str) -> None:
    overrides = ["--train", json.dumps(_TRAIN), "--cnn", json.dumps(_CNN), "--threads", "1"]
    quick = ["--measure-seconds", "0", "--device", "cpu", "-o", str(out)]
    published.main(["train", str(tokens), *overrides, *quick, *options])


def _log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_a_dry_run_ends_in_a_model_that_an_index_takes(
    table: Path, tokens: Path, tmp_path: Path
) -> None:
    out, model = tmp_path / "out", tmp_path / "model"
    _train(tokens, out)
    events = _log(out)
    assert [line["epoch"] for line in events if line["event"] == "epoch"] == [1, 2, 3]
    assert set(events[0]["rates"]) == {"convolution", "compiled"}
    assert {(line["rows"], line["features"]) for line in events if line["event"] == "rows"} == {
        (rows, features) for rows in ("validation", "split=dev") for features in (False, True)
    }
    published.main(["collect", str(out), str(table), "-o", str(model), "--threads", "1"])
    labs = learned_labs(model)
    assert labs is not None
    assert len(labs.names) == 8
    index = ["build-index", str(table), "--where", "split=train", "-q", "--no-sequences"]
    assert run([*index, "-m", str(model), "-i", str(tmp_path / "made.index")]) == 0


def test_training_needs_torch_numpy_and_safetensors_alone(tokens: Path, tmp_path: Path) -> None:
    others = ("sentencepiece", "pandas", "h5py", "faiss", "Bio", "click", "dnaio", "xopen", "numba")
    options = ["--train", json.dumps(_TRAIN), "--cnn", json.dumps(_CNN), "--device", "cpu"]
    arguments = ["train", str(tokens), "-o", str(tmp_path / "out"), *options]
    script = f"""
import sys
sys.modules.update(dict.fromkeys({others!r}))
from gpu import published
published.main({[*arguments, "--measure-seconds", "0"]!r})
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'tools'}"},
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert set(_log(tmp_path / "out")[0]["rates"]) == {"convolution", "lookup"}


def test_a_run_that_is_out_of_time_goes_on_to_the_same_weights(
    tokens: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    _train(tokens, whole)
    facts = json.loads((whole / "run.json").read_text())
    (tmp_path / "cut.state").mkdir()
    (tmp_path / "cut.state" / "run.json").write_text(json.dumps(facts))  # no other search by chance
    _train(tokens, cut, "--minutes", "0", "--checkpoint-minutes", "0")
    assert "time is up" in capsys.readouterr().out
    assert (cut / "last.json").exists()
    _train(tokens, cut, "--checkpoint-minutes", "0")
    for name, weights in published.read_weights(whole, "best").items():
        assert np.array_equal(weights, published.read_weights(cut, "best")[name]), name


def test_a_run_begins_with_the_weights_of_another(tokens: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _train(tokens, first)
    still = ["--train", json.dumps({**_TRAIN, "epochs": 1, "learning_rate": 1e-12})]
    _train(tokens, second, "--start", str(first / "best"), *still)
    for name, weights in published.read_weights(first, "best").items():
        assert np.allclose(weights, published.read_weights(second, "best")[name], atol=1e-6), name
    with pytest.raises(MismatchError, match="other options"):
        _train(tokens, second, *still)


def test_weights_of_two_moments_and_other_rows_are_refused(
    table: Path, tokens: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    _train(tokens, out)
    with pytest.raises(MismatchError, match="other rows"):
        published.main(
            ["collect", str(out), str(table), "--where", "split=dev", "-o", str(tmp_path / "m")]
        )
    part = out / "best.00"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(MismatchError, match="do not belong together"):
        published.read_weights(out, "best")


def test_the_time_sets_the_epochs_up_to_those_of_the_settings(tokens: Path) -> None:
    opened = published.Tokens.from_file(str(tokens))
    _, settings, _ = preset("match", train={"crop": 60}, cnn=_CNN)
    rate = 1_000.0
    few = published.epochs_within(10, rate, opened, settings)
    assert 1 < few < settings.epochs
    assert published.epochs_within(20, rate, opened, settings) > 1.5 * few
    assert published.epochs_within(1e9, rate, opened, settings) == 200
    assert published.epochs_within(0, rate, opened, settings) == 1


def test_a_reserve_is_left_out_and_an_encoder_alone_comes_of_it(
    table: Path, tmp_path: Path
) -> None:
    settings = json.dumps({**_TRAIN, "epochs": 1, "reserve": True, "validation_share": 0})
    cnn = ["--cnn", json.dumps(_CNN), "--train", settings, "--threads", "1"]
    fewer, out, model = tmp_path / "tokens.xz", tmp_path / "out", tmp_path / "model"
    published.main(["prepare", str(table), *cnn, "--ask", "-o", str(fewer)])
    assert len(Tokens.from_file(fewer).parts["training"]) < 160
    published.main(["train", str(fewer), *cnn, "--measure-seconds", "0", "-o", str(out)])
    published.main(["collect", str(out), str(table), "-o", str(model), "--threads", "1"])
    assert learned_labs(model) is None
    assert "nan" not in (model / CARD_FILE).read_text(encoding="utf-8")
    compact = tmp_path / "compact"
    (tmp_path / "labs.txt").write_text("Lab 01\nLab 02\n")
    asked = [str(model), str(table), "--labs", str(tmp_path / "labs.txt"), "-o", str(compact)]
    assert run([*asked, "--ask", "split=dev"], group=ship_text_cnn.main, program="the tool") == 0
    assert "split=dev" in (compact / CARD_FILE).read_text(encoding="utf-8")
    assert read_config(compact).features.names == ()
    made = synthetic_plasmids(labs=2, plasmids_per_lab=3, seed=4)
    bare = [replace(plasmid, features=None) for plasmid in made]
    vectors = [load_embedder(folder, views=1).embed(bare) for folder in (model, compact)]
    assert (vectors[0] * vectors[1]).sum(axis=1).min() > 0.99
    index = ["build-index", str(table), "--where", "split=train", "-q", "-m", str(model)]
    assert run([*index, "-i", str(tmp_path / "made.index")]) == 0
