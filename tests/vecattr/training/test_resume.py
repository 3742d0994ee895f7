"""A run that is killed at any step goes on to the same bytes; and says what slows it down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.config import BagConfig, CnnConfig
from vecattr.encoders.model_folder import model_identity
from vecattr.errors import MismatchError
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.progress import SilentWatcher
from vecattr.training.settings import TrainConfig
from vecattr.training.train import train_model

_CNN = CnnConfig(
    width=8, pieces=40, token_width=4, kernels=(1, 3), filters=4, dropout=0.3, dropout_of="tokens"
)
_BAG = BagConfig(width=8, token_width=8, scaled=16)
_SHORT = TrainConfig(
    loss="triplet", epochs=3, batch_size=16, crop=60, one_cycle="epoch", oversampling=0.5
)
_CORPUS = synthetic_plasmids(labs=5, plasmids_per_lab=12, seed=3)

#: Trains whole, then again in children that are killed by SIGKILL after every second step, so that
#: each goes on from a checkpoint inside an epoch and finishes one step. Without numba.
_SCRIPT = """
import json, os, signal, sys
from pathlib import Path
sys.modules["numba"] = None
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.config import BagConfig, CnnConfig
from vecattr.encoders.model_folder import model_identity
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.progress import SilentWatcher
from vecattr.training.settings import TrainConfig
from vecattr.training.train import train_model

folder = Path(sys.argv[1])

class Watcher(SilentWatcher):
    lines = []
    steps = 0
    last = None

    def notes(self, text):
        self.lines.append(text)

    def advances(self, units, **figures):
        self.steps += bool(figures)
        if self.steps == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

def train(out, watcher, resume=False):
    report = train_model(
        synthetic_plasmids(labs=5, plasmids_per_lab=12, seed=3), out, rule=ClassRule(None),
        encoder={encoder!r}, train={train!r}, watcher=watcher, resume=resume, checkpoint_minutes=0,
    )
    return report

whole = Watcher()
report = train(folder / "whole", whole)
kills = 0
while not (folder / "cut" / "config.json").exists():
    child = os.fork()
    if not child:
        watcher = Watcher()
        watcher.last = 1 if kills == 0 else 2
        train(folder / "cut", watcher, resume=kills > 0)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    kills += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert kills <= report.history[-1].steps and (os.WIFSIGNALED(status) or status == 0), status
print(json.dumps({{
    "notes": whole.lines, "steps": report.history[-1].steps, "kills": kills,
    "identities": [model_identity(folder / name) for name in ("whole", "cut")],
    "histories": [
        [line.split(",")[:-2] for line in (folder / name / "history.csv").read_text().split()]
        for name in ("whole", "cut")
    ],
}}))
"""


def _killed(
    folder: Path, encoder: CnnConfig | BagConfig, train: TrainConfig = _SHORT
) -> dict[str, Any]:
    script = folder / "run.py"
    script.write_text(_SCRIPT.format(encoder=encoder, train=train))
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


@pytest.fixture(scope="module")
def killed_cnn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _killed(tmp_path_factory.mktemp("killed"), _CNN)


def test_a_run_that_is_killed_at_every_step_ends_with_the_same_bytes(
    killed_cnn: dict[str, Any],
) -> None:
    assert killed_cnn["kills"] == killed_cnn["steps"] > 6
    assert len(set(killed_cnn["identities"])) == 1
    whole, cut = killed_cnn["histories"]
    assert whole == cut  # but for speed and seconds


def test_a_killed_bag_ends_with_the_same_bytes(tmp_path: Path) -> None:
    facts = _killed(tmp_path, _BAG, replace(_SHORT, epochs=2, batch_size=24))
    assert facts["kills"] == facts["steps"]
    assert len(set(facts["identities"])) == 1


def test_without_numba_a_run_says_how_to_get_faster(killed_cnn: dict[str, Any]) -> None:
    [note] = killed_cnn["notes"]
    assert "without compiled code" in note
    assert "numba" in note.partition("(")[2]
    assert "pip install 'vecattr[train]'" in note


class Stopped(SilentWatcher):
    """Stops the run after some steps; keeps its notes."""

    def __init__(self, after: int | None = None) -> None:
        self.lines: list[str] = []
        self.left = after

    def notes(self, text: str) -> None:
        self.lines.append(text)

    def advances(self, units: int, **figures: float) -> None:
        if figures and self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt


def _train(out: Path, config: TrainConfig = _SHORT, **options: Any) -> Path:
    rule = ClassRule(None)
    return train_model(
        _CORPUS, out, rule=rule, encoder=_CNN, train=config, checkpoint_minutes=0, **options
    ).model


def test_with_compiled_look_up_a_run_resumes_inside_an_epoch_to_the_same_bytes(
    tmp_path: Path,
) -> None:
    watcher = Stopped()
    whole = _train(tmp_path / "whole", watcher=watcher)
    assert watcher.lines == ["training looks responses up in code compiled by numba"]
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "cut", watcher=Stopped(after=6))
    resumed = _train(tmp_path / "cut", resume=True)
    assert model_identity(resumed) == model_identity(whole)


@pytest.mark.parametrize("change", [{"hard_negatives": "push"}, {"one_cycle": "step"}])
def test_a_run_with_another_option_does_not_go_on(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "cut", watcher=Stopped(after=3))
    with pytest.raises(MismatchError, match="other data or options"):
        _train(tmp_path / "cut", replace(_SHORT, **change), resume=True)
