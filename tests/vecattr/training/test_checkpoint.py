"""Checkpoints without pickle."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from vecattr.datasets.classes import ClassRule, labelled_set
from vecattr.encoders.config import BagConfig
from vecattr.errors import DamagedError, MismatchError
from vecattr.plasmid import Plasmid
from vecattr.training.checkpoint import read_checkpoint, run_fingerprint, write_checkpoint
from vecattr.training.settings import TrainConfig


def test_nested_state_survives_with_the_types_of_its_keys(tmp_path: Path) -> None:
    state = {
        "optimizer": {
            "state": {0: {"step": torch.tensor(3.0)}},
            "groups": [{"lr": 0.1, "x": None}],
        },
        "steps": 7,
        "empty": {},
    }
    path = tmp_path / "checkpoint"
    write_checkpoint(path, state, fingerprint="a")
    restored = read_checkpoint(path, fingerprint="a")
    assert torch.equal(restored["optimizer"]["state"][0]["step"], torch.tensor(3.0))
    del restored["optimizer"]["state"], state["optimizer"]["state"]  # type: ignore[index, attr-defined]
    assert restored == state


def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", {"steps": 1}, fingerprint="a")
    with pytest.raises(MismatchError, match="other data or options"):
        read_checkpoint(tmp_path / "c", fingerprint="b")


def test_a_checkpoint_of_an_older_version_is_refused(tmp_path: Path) -> None:
    old = {"fingerprint": "a", "state": '{"pairs": [["steps", 1]]}'}
    (tmp_path / "c").write_bytes(save({"weight": torch.zeros(1)}, metadata=old))
    with pytest.raises(MismatchError, match="version 1, this vecattr goes on from 2") as refusal:
        read_checkpoint(tmp_path / "c", fingerprint="a")
    assert refusal.value.hint is not None
    assert "remove the checkpoint" in refusal.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"id": "q"},
        {"sequence": "ACGTTCGA" * 20},
        {"topology": "linear"},
        {"features": {"amp": 0}},
        {"features": None},
        {"group": "another paper"},
    ],
    ids=str,
)
def test_a_run_with_a_changed_plasmid_is_another_run(change: dict[str, Any]) -> None:
    plasmid = Plasmid("p", "ACGTACGA" * 20, features={"amp": 1}, lab="Ash", group="paper")
    other = Plasmid("o", "GGGTACGA" * 20, lab="Birch")
    encoder = BagConfig()
    settings = TrainConfig().resolved(encoder, rows=2)

    def fingerprint(first: Plasmid) -> str:
        return run_fingerprint(encoder, settings, labelled_set([first, other], ClassRule(None)))

    assert fingerprint(plasmid) == fingerprint(replace(plasmid))
    assert fingerprint(replace(plasmid, **change)) != fingerprint(plasmid)


def test_bases_that_move_between_plasmids_make_another_run() -> None:
    encoder = BagConfig()
    settings = TrainConfig().resolved(encoder, rows=2)
    runs = {
        run_fingerprint(
            encoder,
            settings,
            labelled_set(
                [Plasmid("p", first, lab="Ash"), Plasmid("q", second, lab="Birch")], ClassRule(None)
            ),
        )
        for first, second in (("ACGT" * 9, "GGCC" * 8), ("GGCC" * 8, "ACGT" * 9))
    }
    assert len(runs) == 2


@pytest.mark.parametrize("content", [b"", b"junk" * 20])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(DamagedError, match="not a checkpoint"):
        read_checkpoint(tmp_path / "c", fingerprint="a")


def test_a_pipe_is_no_checkpoint(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c")
    with pytest.raises(DamagedError, match="not a checkpoint"):
        read_checkpoint(tmp_path / "c", fingerprint="a")
