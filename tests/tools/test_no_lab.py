"""The tool that tells what is said of DNA that no lab designed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from no_lab import GENOME, inserted, main

from vecattr.cli.main import run
from vecattr.errors import InputError
from vecattr.plasmid import Plasmid

Capture = pytest.CaptureFixture[str]


def natural(folder: Path) -> Path:
    chance = random.Random(1)
    path = folder / "natural.fasta"
    lengths = (3_000, GENOME)
    path.write_text(
        "".join(f">n{size}\n{''.join(chance.choices('ACGT', k=size))}\n" for size in lengths)
    )
    return path


def test_every_kind_of_query_has_its_figures(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    output = tmp_path / "told.json"
    arguments = [natural(tmp_path), "-i", shelf.index, "--table", shelf.table, "--rows", "dev:4"]
    arguments += ["--unknown", "train:3", "--parts", "2", "--inserted", "2", "-o", output]
    assert run([*map(str, arguments)], group=main, program="the tool") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(output.read_text())
    assert told["natural"]["queries"] == told["inserted"]["queries"] == 2
    assert (told["dev:4"]["queries"], told["train:3"]["queries"]) == (4, 3)
    assert 0 <= told["dev:4"]["auroc_of_outside"] <= 1
    assert told["inserted"]["right"] <= 2


def test_plasmids_are_put_whole_into_long_sequences_alone() -> None:
    genome, short = Plasmid("g", "ACGT" * GENOME), Plasmid("s", "ACGTT" * 100)
    [made] = inserted([short], [short, genome])
    assert len(made) == len(genome) + len(short)
    assert short.sequence in made.sequence
    with pytest.raises(InputError, match="no natural sequence"):
        inserted([short], [short])
