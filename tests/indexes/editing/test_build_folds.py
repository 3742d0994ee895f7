"""Folds: several models of one collection, several indexes asked as one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.cli.main import run
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.config import BagConfig
from vecattr.encoders.model_folder import learned_labs, model_identity
from vecattr.errors import DamagedError, InputError, MismatchError, MissingError, UsageError
from vecattr.files.fold_folder import FOLDS_FILE, Folds, fold_path, read_folds
from vecattr.indexes.index import open_panel
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.cross_validation import train_folds
from vecattr.training.progress import Epoch
from vecattr.training.report import TrainReport
from vecattr.training.settings import TrainConfig

_CORPUS = synthetic_plasmids(labs=6, plasmids_per_lab=12, seed=3)
_BAG = BagConfig(width=16, token_width=8, scaled=4)
_SHORT = TrainConfig(
    loss="cosface", epochs=2, batch_size=32, learning_rate=1e-2, validation_share=0.3
)


def _train(
    out: Path,
    config: TrainConfig = _SHORT,
    *,
    plasmids: Sequence[Plasmid] = _CORPUS,
    **options: Any,
) -> tuple[TrainReport, ...]:
    fold_options = {"folds": 3, **options}
    return train_folds(
        plasmids, out, rule=ClassRule(None), encoder=_BAG, train=config, **fold_options
    )


class Interrupted:
    """A watcher that stops the run after some epochs, as a person would."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.stages: list[str] = []

    def notes(self, text: str) -> None: ...

    def starts(self, stage: str, total: int) -> None:
        self.stages.append(stage)

    def advances(self, units: int, **facts: float) -> None: ...

    def ends_epoch(self, epoch: Epoch) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[TrainReport, ...]]:
    out = tmp_path_factory.mktemp("folds") / "model"
    return out, _train(out)


def test_every_fold_learns_from_the_others_and_all_are_calibrated_on_common_rows(
    trained: tuple[Path, tuple[TrainReport, ...]],
) -> None:
    out, reports = trained
    assert [report.model for report in reports] == [fold_path(out, n) for n in (1, 2, 3)]
    calibration_rows = reports[0].split.calibration
    watched = np.stack([report.split.validation for report in reports])
    assert np.all(watched.sum(axis=1) > 8)
    assert watched.sum(axis=0).max() == 1
    for report in reports:
        assert np.array_equal(report.split.calibration, calibration_rows)
        parts = [report.split.training, report.split.validation, calibration_rows]
        assert np.all(np.sum(parts, axis=0) == 1)  # each row has one part in a fold
        assert report.calibration is not None
        assert report.calibration.rows == calibration_rows.sum()
        assert report.best is not None
        table = learned_labs(report.model)
        assert table is not None
        assert table.names == tuple(f"Lab {n:02}" for n in range(1, 7))
        assert "out of every fold" in (report.model / "MODEL_CARD.md").read_text()
    assert read_folds(out).held_out == tuple(
        _CORPUS[row].id for row in np.flatnonzero(calibration_rows)
    )
    assert len({model_identity(report.model) for report in reports}) == 3


def test_no_group_is_on_both_sides(trained: tuple[Path, tuple[TrainReport, ...]]) -> None:
    for report in trained[1]:
        sides = [
            {_CORPUS[row].group for row in np.flatnonzero(mask)}
            for mask in (report.split.training, report.split.validation, report.split.new_work)
        ]
        assert sum(len(side) for side in sides) == len(set.union(*sides))


def test_interrupted_folds_resume_to_the_same_models(
    tmp_path: Path, trained: tuple[Path, tuple[TrainReport, ...]]
) -> None:
    out = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        _train(out, watcher=Interrupted(after=3), checkpoint_minutes=0)
    with pytest.raises(UsageError, match="--resume"):
        _train(out)
    watcher = Interrupted(after=99)
    reports = _train(out, resume=True, watcher=watcher)
    assert [report.model.name for report in reports] == ["fold-2", "fold-3"]
    assert watcher.stages[0] == "fold 2 of 3: reading plasmids"
    for number in (1, 2, 3):
        whole = model_identity(fold_path(trained[0], number))
        assert model_identity(fold_path(out, number)) == whole
    assert _train(out, resume=True) == ()


def test_folds_of_another_run_are_not_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        _train(out, watcher=Interrupted(after=1))
    other_group = [replace(_CORPUS[0], group="elsewhere"), *_CORPUS[1:]]
    changes: list[tuple[TrainConfig, dict[str, Any]]] = [
        (replace(_SHORT, epochs=3), {}),
        (_SHORT, {"plasmids": _CORPUS[1:]}),
        (_SHORT, {"plasmids": other_group}),
        (_SHORT, {"folds": 2}),
        (_SHORT, {"rotations": 2}),
    ]
    for config, options in changes:
        with pytest.raises(MismatchError, match="other data or options"):
            _train(out, config, resume=True, **options)


def test_folds_are_not_refitted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not trained again"):
        _train(tmp_path / "m", replace(_SHORT, refit=True))
    assert not (tmp_path / "m").exists()


def test_too_many_folds_for_the_groups_are_refused(tmp_path: Path) -> None:
    few = [
        replace(plasmid, group=f"{plasmid.lab} {row % 2}") for row, plasmid in enumerate(_CORPUS)
    ]
    with pytest.raises(InputError, match="would hold out no plasmid"):
        _train(tmp_path / "m", replace(_SHORT, validation_share=0), plasmids=few[:24], folds=5)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty"):
        _train(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "vecattr-folds", "version": 2}', '{"count": 2}']
)
def test_a_damaged_list_of_folds_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FOLDS_FILE).write_text(content)
    with pytest.raises(DamagedError, match=FOLDS_FILE):
        read_folds(tmp_path)


def test_a_list_of_folds_is_read_as_written(tmp_path: Path) -> None:
    folds = Folds(4, "abc", ("p1", "p\u00e4"))
    (tmp_path / FOLDS_FILE).write_bytes(folds.to_json())
    assert read_folds(tmp_path) == folds


_TORCHRUN_SCRIPT = """
import sys
from pathlib import Path
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.config import BagConfig
from vecattr.training.settings import TrainConfig
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.cross_validation import train_folds

train_folds(
    synthetic_plasmids(labs=6, plasmids_per_lab=12, seed=3), Path(sys.argv[1]),
    rule=ClassRule(None),
    folds=3, encoder={encoder!r}, train={train!r}, resume=len(sys.argv) > 2,
)
"""


@pytest.mark.proof
def test_two_processes_train_all_folds(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(_TORCHRUN_SCRIPT.format(encoder=_BAG, train=_SHORT))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for more in ([], ["resume"]):
        done = subprocess.run(
            [*command, str(tmp_path / "m"), *more], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr[-3_000:]
        assert len({model_identity(fold_path(tmp_path / "m", n)) for n in (1, 2, 3)}) == 3
        shutil.rmtree(fold_path(tmp_path / "m", 2))  # for the second turn


@pytest.fixture(scope="module")
def folded(shelf: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model and an index of two folds, made by the command line."""
    folder = tmp_path_factory.mktemp("folded")
    chosen = [str(shelf.table), "--where", "split=train", "-q"]
    small = "--encoder bag --loss cosface --width 16 --token-width 8 --epochs 2 --threads 1"
    train = ["train", *chosen, "-o", str(folder / "m"), "--folds", "2", *small.split()]
    assert run(train) == 0
    assert run(["build-index", *chosen, "-m", str(folder / "m"), "-i", str(folder / "i")]) == 0
    return folder / "m", folder / "i"


def test_a_folder_of_folds_is_asked_as_its_indexes_are(
    shelf: Any, folded: tuple[Path, Path]
) -> None:
    _, index = folded
    panel = open_panel([index])
    several = open_panel([fold_path(index, 1), fold_path(index, 2)])
    assert len(panel.indexes) == 2
    queries = shelf.newcomers[:4]
    assert list(panel.query_many(queries)) == list(several.query_many(queries))


def test_query_and_evaluate_take_a_folder_of_folds(
    shelf: Any, folded: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, index = folded
    chosen = [str(shelf.table), "--where", "split=dev", "--format", "json"]
    shown = []
    for named in (["-i", str(index)], ["-i", str(index / "fold-1"), "-i", str(index / "fold-2")]):
        capsys.readouterr()
        assert run(["query", *chosen, *named]) == 0
        assert run(["evaluate", *chosen, *named]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert "fused from 2 indexes" in shown[0]


def test_a_missing_fold_is_named(folded: tuple[Path, Path], tmp_path: Path) -> None:
    model, index = (shutil.copytree(path, tmp_path / path.name) for path in folded)
    shutil.rmtree(fold_path(index, 2))
    with pytest.raises(MissingError, match="fold 2 of 2 is missing"):
        open_panel([index])
    (fold_path(model, 1) / "config.json").unlink()
    assert run(["build-index", "x.csv", "-m", str(model), "-i", str(tmp_path / "new")]) == 4


def test_a_damaged_fold_is_named(
    shelf: Any, folded: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = shutil.copytree(folded[1], tmp_path / "i")
    (index / "fold-2" / "manifest.json").write_text("{}")
    capsys.readouterr()
    assert run(["query", str(shelf.table), "-i", str(index)]) == 4
    assert str(index / "fold-2") in capsys.readouterr().err


def test_commands_on_one_index_say_that_there_are_several(
    shelf: Any, folded: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, index = folded
    output = ["-o", str(tmp_path / "v.npy")]
    for arguments in (
        ["add-lab", str(shelf.table), "-i", str(index)],
        ["info", "-i", str(index)],
        ["embed", str(shelf.table), "-i", str(index), *output],
        ["embed", str(shelf.table), "-m", str(model), *output],
    ):
        capsys.readouterr()
        assert run(arguments) == 4
        assert "fold-1" in capsys.readouterr().err


def test_indexes_of_folds_are_replaced_on_demand_alone(
    shelf: Any, folded: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, old = folded
    index = shutil.copytree(old, tmp_path / "i")
    build = ["build-index", str(shelf.table), "-m", str(model), "-q"]
    assert run([*build, "-i", str(index)]) == 2
    assert "--replace" in capsys.readouterr().err
    assert run([*build, "-i", str(index), "--replace"]) == 0
    facts = [json.loads((index / f"fold-{n}" / "manifest.json").read_text()) for n in (1, 2)]
    assert [fact["counts"]["plasmids"] for fact in facts] == [60, 60]  # not only split=train
    single = shutil.copytree(shelf.index, tmp_path / "single")
    assert run([*build, "-i", str(single), "--replace"]) == 2
    assert "single index" in capsys.readouterr().err
    assert open_panel([single]).is_one_index
