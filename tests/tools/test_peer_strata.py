"""Claims about figures by kind of query: bins, common rows, errors between publications."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from bench_peers import kinds_named
from peers.answers import AnswerFiles
from peers.costs import Cost
from peers.ranking import Answer
from peers.rows import Bench
from peers.strata import KINDS, Share, Stratum, strata, strata_facts, strata_text

from vecattr.errors import UsageError

FREE = Cost(0.0, 0.0, 0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Ten rows of dev: five long circles of A, three reads of B, two of C, which is pooled."""
    heads = ("sequence_id", "lab", "split", "topology", "publication", "year", "sequence")
    table = [("a", "A", "train", "circular", "0", "2001", "ACGT")] * 6
    table = [(f"t{place}", *row[1:]) for place, row in enumerate(table)]
    table += [("b", "B", "train", "linear", "1", "2001", "ACGT")]
    table += [("c", "C", "train", "linear", "2", "2001", "ACGT")]
    for place in range(10):
        lab = "AAAAABBBCC"[place]
        kind = ("circular", "ACGTA" * 1001) if lab == "A" else ("linear", "ACGT" * 250)
        year = "" if place == 0 else "2009" if lab == "A" else "2020"
        table.append((f"q{place}", lab, "dev", kind[0], f"g{place // 2}", year, kind[1]))
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([heads, *table])
    (tmp_path / "labs.txt").write_text("A\nB\n")
    made = Bench(tmp_path / "t.csv", tmp_path / "labs.txt", seed=0, work=tmp_path / "work")
    made.begin()
    return made


def shelf(path: Path, ranks: dict[str, float]) -> AnswerFiles:
    made = AnswerFiles(path)
    made.put("dev", 0, answers=[Answer(i, "A", r, 0.0) for i, r in ranks.items()], cost=FREE)
    return made


def found_in(bench: Bench, tmp_path: Path, *, kinds: list[str]) -> list[Stratum]:
    """Ours is right but for q5; the other peer has not answered q9, and is right about reads."""
    ours = {f"q{place}": 11.0 if place == 5 else 1.0 for place in range(10)}
    other = {f"q{place}": math.inf if place < 5 else 2.0 for place in range(9)}
    shelves = {"other": shelf(tmp_path / "x", other), "ours": shelf(tmp_path / "y", ours)}
    return strata(bench, shelves, splits=("dev",), rows=99, kinds=kinds, ours="ours")


def test_rows_are_told_apart_by_every_kind(bench: Bench, tmp_path: Path) -> None:
    found = {one.kind: one.n for one in found_in(bench, tmp_path, kinds=list(KINDS))}
    assert found == {
        "all": 9,
        "circular": 5,
        "linear": 4,
        "1,000 to 5,000": 4,  # 1,000 bases: not fewer
        "more than 5,000": 5,
        "named lab": 8,
        "pooled lab": 1,
        "1 to 5 stored": 3,  # the pool has no place here
        "6 to 20": 5,
        "to 2009": 4,  # one has no year
        "from 2020": 4,
    }


def test_peers_are_compared_on_the_rows_that_all_answered(bench: Bench, tmp_path: Path) -> None:
    everything, circular, linear = found_in(bench, tmp_path, kinds=["topology"])
    assert everything.n == 9
    assert [one.value for one in everything.shares["ours"]] == [8 / 9, 8 / 9]
    assert [one.value for one in linear.shares["other"]] == [0, 1]
    assert circular.ahead["ours"] is None
    assert [one.value for one in linear.ahead["other"] or ()] == [-0.75, 0.25]


def test_the_table_says_where_a_peer_is_ahead(bench: Bench, tmp_path: Path) -> None:
    found = found_in(bench, tmp_path, kinds=["topology"])
    shares, behind = strata_text(found).split("\n\n")
    assert len(shares.splitlines()) == 2 + 3
    *_, line = behind.splitlines()
    assert len(behind.splitlines()) == 2 + 1
    assert line.startswith("| dev | linear | 4 | other | -75.0 ± ")
    assert "| +25.0 ± " in line
    assert strata_facts(found)[2]["peers"]["ours"]["top1"] == 0.75


def test_an_error_between_groups_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.random(30), rng.integers(0, 7, 30)
    total = 0.0
    for group in range(7):
        total += (
            sum(v - values.mean() for v, g in zip(values, groups, strict=True) if g == group) ** 2
        )
    share = Share.from_values(values, groups)
    assert share.error == pytest.approx(math.sqrt(total) / 30)
    alone = Share.from_values(values, np.arange(30))
    assert alone.error == pytest.approx(values.std() / math.sqrt(30))


def test_a_kind_that_nobody_knows_is_refused() -> None:
    assert kinds_named("") == []
    assert kinds_named("topology,year") == ["topology", "year"]
    with pytest.raises(UsageError, match="no kind is called 'colour'"):
        kinds_named("topology,colour")
