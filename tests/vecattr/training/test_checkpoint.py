"""Checkpoints without pickle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from vecattr.errors import DamagedError, MismatchError
from vecattr.training.checkpoint import read_checkpoint, write_checkpoint


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


@pytest.mark.parametrize("content", [b"", b"junk" * 20])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(DamagedError, match="not a checkpoint"):
        read_checkpoint(tmp_path / "c", fingerprint="a")
