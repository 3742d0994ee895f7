"""Claims about the tables of other domains: what is stored and what is asked about."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from other_domain import LONGEST, SHORTEST, by_publication, by_row

from vecattr.plasmid import Plasmid

TOOL = Path(__file__).resolve().parents[2] / "tools" / "other_domain.py"


def plasmids(works: dict[str, dict[str | None, int]]) -> list[Plasmid]:
    """So many of each publication of each lab."""
    return [
        Plasmid(f"{lab}-{group}-{number}", "ACGT", lab=lab, group=group)
        for lab, groups in works.items()
        for group, count in groups.items()
        for number in range(count)
    ]


def test_whole_publications_are_asked_about_and_every_lab_keeps_one() -> None:
    works: dict[str, dict[str | None, int]] = {
        "A": {"1": 3, "2": 2},
        "B": {"3": 2},
        "C": {"3": 1, "4": 1},  # "3" is all that B has
        "D": {f"{number}": 2 for number in range(5, 14)} | {None: 2},
    }
    for seed in range(20):
        stored, asked = by_publication(plasmids(works), rng=np.random.default_rng(seed))
        assert not {one.group for one in stored} & {one.group for one in asked}
        assert {one.lab for one in stored} == set(works)
        groups = defaultdict(set)
        for one in asked:
            groups[one.lab].add(one.group)
        assert {lab: len(mine) for lab, mine in groups.items()} == {"A": 1, "C": 1, "D": 3}
        assert None not in groups["D"]


def test_three_in_ten_rows_are_asked_about_and_every_label_keeps_one() -> None:
    works: dict[str, dict[str | None, int]] = {"A": {"1": 1}, "B": {"2": 2}, "C": {"3": 20}}
    stored, asked = by_row(plasmids(works), rng=np.random.default_rng(0))
    count = {lab: sum(one.lab == lab for one in asked) for lab in works}
    assert count == {"A": 0, "B": 1, "C": 6}
    assert len({one.id for one in [*stored, *asked]}) == 23


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tool writes of a small table."""
    folder = tmp_path_factory.mktemp("other")
    rng = np.random.default_rng(0)
    lines = []
    for number in range(60):
        split = ("train", "dev", "newlab_dev")[number % 3]
        lab = f"{'N' if split == 'newlab_dev' else 'L'}{number % 4}"
        bases = "".join(rng.choice(list("ACGT"), 200 if number == 2 else 4000))
        topology = "linear" if number % 2 else "circular"
        lines.append(
            (f"p{number}", lab, split, topology, f"{number // 9}", f"{2000 + number % 5}", bases)
        )
    heads = ("sequence_id", "lab", "split", "topology", "publication", "year", "sequence")
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([heads, *lines])
    command = [sys.executable, str(TOOL), str(folder / "t.csv"), "-o", str(folder / "made")]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def rows(made: Path, name: str) -> list[dict[str, str]]:
    with (made / "made" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_fragments_are_linear_stretches_of_rows_that_no_encoder_saw(made: Path) -> None:
    with (made / "t.csv").open(newline="") as file:
        whole = {row["sequence_id"]: row for row in csv.DictReader(file)}
    found = rows(made, "fragments")
    assert len(found) == 19  # of 20 one is too short
    for row in found:
        source = whole[row["sequence_id"]]
        assert source["split"] == "newlab_dev"
        assert row["topology"] == "linear"
        assert SHORTEST <= len(row["sequence"]) <= LONGEST
        assert row["sequence"] in source["sequence"] * 2
    assert {row["split"] for row in found} == {"train", "test"}


def test_years_take_the_place_of_labs(made: Path) -> None:
    assert {row["lab"] for row in rows(made, "years")} == {f"year {2000 + n}" for n in range(5)}


def test_linear_rows_of_train_are_stored_and_those_of_dev_asked_about(made: Path) -> None:
    with (made / "t.csv").open(newline="") as file:
        splits = {row["sequence_id"]: row["split"] for row in csv.DictReader(file)}
    found = rows(made, "linear")
    stored = {row["lab"] for row in found if row["split"] == "train"}
    for row in found:
        assert row["topology"] == "linear"
        assert splits[row["sequence_id"]] == ("train" if row["split"] == "train" else "dev")
        assert row["lab"] in stored
    assert {row["split"] for row in found} == {"train", "test"}


def test_the_labels_stand_beside_the_table(made: Path) -> None:
    for name in ("papers", "fragments", "years", "linear"):
        labels = (made / "made" / f"{name}.labs.txt").read_text().splitlines()
        found = {row["lab"] for row in rows(made, name)}
        assert found == set(labels)
