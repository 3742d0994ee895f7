"""Claims about the bench of peers: ranks, resumed answers, programs, and the tool as a whole."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peers.aligners import BLASTN, MINIMAP2, Aligner, hits_by_class, paf_hits, tabular_hits
from peers.answers import AnswerFiles, figures, paired, standard_error, unknown_detection
from peers.costs import Cost, own_cost, run_program
from peers.ranking import NEVER_HIT, Answer, answers_of, best_by_class, rank_of
from peers.rows import Bench, Classes, bind

from vecattr.errors import MismatchError, VecattrError
from vecattr.plasmid import POOLED

TOOL = Path(__file__).resolve().parents[2] / "tools" / "bench_peers.py"
FREE = Cost(0.0, 0.0, 0)


def test_a_rank_is_that_of_a_plain_loop_with_ties_at_their_mean() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores = rng.integers(0, 4, size=8).astype(float)
        scores[rng.random(8) < 0.3] = NEVER_HIT
        truth = int(rng.integers(8))
        above = sum(one > scores[truth] for one in scores)
        tied = sum(one == scores[truth] for one in scores)
        expected = math.inf if scores[truth] == NEVER_HIT else above + (tied + 1) / 2
        assert rank_of(scores, truth) == expected


def test_the_best_plasmid_of_a_lab_speaks_for_it() -> None:
    best = best_by_class(np.array([5.0, 7.0, 6.0]), np.array([0, 0, 2]), classes=3)
    assert best.tolist() == [7.0, NEVER_HIT, 6.0]


def test_a_named_lab_that_is_never_hit_is_not_counted_as_the_pool() -> None:
    scores = np.array([[NEVER_HIT, 2.0, 9.0], [NEVER_HIT, 2.0, 9.0]])
    names = ("A", "B", POOLED)
    hidden, rare = answers_of(scores, names, ids=["x", "y"], labels=["A", POOLED])
    assert hidden == Answer("x", "A", math.inf, 2.0)  # the pool's 9 is no named score
    assert rare == Answer("y", POOLED, 1.0, 2.0)


def test_answers_survive_the_file_with_infinite_ranks(tmp_path: Path) -> None:
    shelf = AnswerFiles(tmp_path)
    answers = [Answer("x", "A", math.inf, -math.inf), Answer("y", "B", 1.5, 3.0)]
    shelf.put("dev", 0, answers=answers, cost=Cost(1.0, 2.0, 3))
    assert list(shelf.chunks("dev", rows=2)) == [(answers, Cost(1.0, 2.0, 3))]
    assert shelf.has("dev", 0, queries=2)
    assert not shelf.has("dev", 0, queries=3)
    assert not shelf.has("dev", 20, queries=1)


def test_figures_are_those_of_the_first_rows_alone(tmp_path: Path) -> None:
    shelf = AnswerFiles(tmp_path)
    ranks = [1.0, 10.0, 10.5, math.inf, 1.0]
    for start in (0, 3):
        answers = [Answer(str(rank), "A", rank, 0.0) for rank in ranks[start : start + 3]]
        shelf.put("dev", start, answers=answers, cost=Cost(6.0, 3.0, start + 1))
    found = figures(shelf, "dev", rows=4)
    assert found is not None
    assert (found.n, found.top1, found.top10, found.never_hit) == (4, 0.25, 0.5, 1)
    assert found.top10_se == standard_error(0.5, n=4) == 0.25
    assert found.cpu_seconds == 12 / 5  # of all that was asked
    assert found.peak_bytes == 4
    assert figures(shelf, "pub_dev", rows=4) is None


def test_strangers_are_told_from_named_labs_alone(tmp_path: Path) -> None:
    shelf = AnswerFiles(tmp_path)
    known = [Answer("a", "A", 1.0, 9.0), Answer("b", POOLED, 1.0, 0.0), Answer("c", "C", 9.0, 5.0)]
    shelf.put("dev", 0, answers=known, cost=FREE)
    assert unknown_detection(shelf, "dev", "new", rows=9) is None
    new = [Answer("n", POOLED, 1.0, -math.inf), Answer("m", POOLED, 1.0, 7.0)]
    shelf.put("new", 0, answers=new, cost=FREE)
    found = unknown_detection(shelf, "dev", "new", rows=9)
    assert found == {"auroc": 0.75, "fpr95": 0.5, "n_known": 2, "n_unknown": 2}


def test_peers_are_compared_on_the_rows_that_both_answered(tmp_path: Path) -> None:
    one, other = AnswerFiles(tmp_path / "one"), AnswerFiles(tmp_path / "other")
    for shelf, ranks in ((one, [1.0, 2.0, 1.0, 1.0]), (other, [11.0, 1.0, math.inf])):
        answers = [Answer(f"row {row}", "A", rank, 0.0) for row, rank in enumerate(ranks)]
        shelf.put("dev", 0, answers=answers, cost=FREE)
    found = paired(one, other, "dev", rows=9)
    assert found is not None
    expected = {"n": 3, "top1": 1 / 3, "top1_se": 2 / 3, "top10": 2 / 3, "top10_se": 1 / 3}
    assert found == pytest.approx(expected)
    assert paired(one, other, "pub_dev", rows=9) is None


def test_answers_made_otherwise_are_not_gone_on_with(tmp_path: Path) -> None:
    bind(tmp_path / "peer.json", {"version": "1"})
    bind(tmp_path / "peer.json", {"version": "1"})
    with pytest.raises(MismatchError, match=r"version is '2'.*'1'"):
        bind(tmp_path / "peer.json", {"version": "2"})


def test_hits_are_read_from_tables_and_from_paf(tmp_path: Path) -> None:
    classes = Classes.from_labels(["B", "A", "B"])
    path = tmp_path / "out"
    path.write_text("1\t0\t8\n1\t2\t9.5\n0\t1\t3\n")
    expected = [[3.0, NEVER_HIT], [NEVER_HIT, 9.5], [NEVER_HIT, NEVER_HIT]]
    assert hits_by_class(tabular_hits(path), classes, queries=3).tolist() == expected
    middle = "9\t0\t9\t+\t{}\t9\t0\t9\t9\t9\t60\ttp:A:P\tAS:i:{}\tcg:Z:9M"
    hits = [("1", 0, 8), ("1", 2, 9), ("0", 1, -3)]
    path.write_text("".join(f"{q}\t{middle.format(p, score)}\n" for q, p, score in hits))
    expected = [[-3.0, NEVER_HIT], [NEVER_HIT, 9.0]]
    assert hits_by_class(paf_hits(path), classes, queries=2).tolist() == expected


@pytest.mark.parametrize("read", [tabular_hits, paf_hits])
def test_no_hit_at_all_is_no_error(tmp_path: Path, read: object) -> None:
    (tmp_path / "out").touch()
    assert callable(read)
    scores = hits_by_class(read(tmp_path / "out"), Classes.from_labels(["A"]), queries=1)
    assert scores.tolist() == [[NEVER_HIT]]


def test_the_peak_of_a_program_is_its_own_and_not_that_of_the_bench(tmp_path: Path) -> None:
    ballast = np.ones(40_000_000)  # 320 MB
    cost = run_program(["echo", "done"], stdout=tmp_path / "out", folder=tmp_path)
    assert (tmp_path / "out").read_text() == "done\n"
    _, mine = own_cost(lambda: ballast.sum())
    assert cost.peak < 100e6 < 300e6 < mine.peak


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(VecattrError, match=r"cat ended with status 1: .*no-such-file"):
        run_program(["cat", "no-such-file"], stdout=tmp_path / "out", folder=tmp_path)


def test_a_database_is_used_again_only_when_it_was_built_in_the_same_way(
    shelf: Any, tmp_path: Path
) -> None:
    labs = tmp_path / "labs.txt"
    labs.write_text("\n".join(sorted({f"{plasmid.lab}" for plasmid in shelf.plasmids})) + "\n")
    bench = Bench(shelf.table, labs, seed=0, work=tmp_path / "work")
    copying = Aligner(
        name="copies",
        program="cp",
        package="coreutils",
        version=("cp", "--version"),
        build=("cp", "FASTA", "DB"),
        search=("cp", "DB", "QUERIES"),
        read=tabular_hits,
    )
    changes: list[dict[str, Any]] = [
        {}, {"closed": True}, {"build": ("cp", "-p", "FASTA", "DB")}, {"version": ("cp", "--help")}
    ]  # fmt: skip
    ways = [replace(copying, **change) for change in changes]
    folders = [way.open(bench).folder for way in ways]
    assert len(set(folders)) == len(ways)
    sizes = [(folder / "db").stat().st_size for folder in folders]
    assert sizes[0] < sizes[1]  # circular plasmids are stored twice in a row
    assert {sizes[0]} == {sizes[2], sizes[3]}
    (folders[0] / "db").write_text("kept")
    assert ways[0].open(bench).folder == folders[0]
    assert (folders[0] / "db").read_text() == "kept"


def arguments(shelf: Any, work: Path, *more: str, rare: int = 1) -> list[str]:
    """The tool's arguments for the made collection; so many labs of it are rare."""
    labs = work.parent / "labs.txt"
    names = sorted({f"{plasmid.lab}" for plasmid in shelf.plasmids})
    labs.write_text("\n".join(names[rare:]) + "\n")
    where = ["--labs", str(labs), "--work", str(work), "--splits", "dev", "--unknown", "dev"]
    return [sys.executable, str(TOOL), str(shelf.table), *where, *more]


def test_the_tool_measures_reports_and_goes_on(shelf: Any, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    command = arguments(shelf, tmp_path / "work", "--peers", "kmer-labs", "-o", str(out))
    first = subprocess.run([*command, "--rows", "5"], capture_output=True, text=True, check=True)
    assert "| kmer-labs | dev | 5 |" in first.stdout
    again = subprocess.run([*command, "--rows", "5"], capture_output=True, text=True, check=True)
    assert (again.stdout, again.stderr) == (first.stdout, "")  # nothing was asked
    subprocess.run([*command, "--rows", "99"], capture_output=True, check=True)
    (found,) = json.loads(out.read_text())["peers"]
    assert found["splits"]["dev"]["n"] == 12
    assert found["splits"]["dev"]["top1"] > 0.7
    other = subprocess.run([*command, "--seed", "1"], capture_output=True, text=True, check=False)
    assert other.returncode == 4
    assert "seed is 1" in other.stderr


def test_vecattr_is_asked_as_evaluate_asks_it(shelf: Any, tmp_path: Path) -> None:
    from vecattr.cli.main import run

    out, mine = tmp_path / "found.json", tmp_path / "evaluated.json"
    peers = ["--peers", "vecattr", "-i", str(shelf.index), "-o", str(out)]
    command = arguments(shelf, tmp_path / "work", *peers, rare=0)
    subprocess.run(command, capture_output=True, check=True)
    (found,) = json.loads(out.read_text())["peers"]
    where = ["--where", "split=dev", "--no-features", "-q"]
    assert run(["evaluate", str(shelf.table), "-i", str(shelf.index), *where, "-o", str(mine)]) == 0
    expected = json.loads(mine.read_text())
    got = found["splits"]["dev"]
    for name in ("n", "top1", "top10"):
        assert got[name] == pytest.approx(expected[name], abs=1e-6)
    assert got["cpu_seconds"] > 0
    kept = tmp_path / "work" / "answers" / "vecattr" / "peer.json"
    kept.write_text(kept.read_text().replace(f"{expected['index']}", "another"))
    other = subprocess.run([*command, "--report"], capture_output=True, text=True, check=False)
    assert other.returncode == 4
    assert "made with 'another'" in other.stderr


def test_an_index_of_other_classes_is_refused(shelf: Any, tmp_path: Path) -> None:
    peers = ["--peers", "vecattr", "-i", str(shelf.index)]  # made without a list of labs
    command = arguments(shelf, tmp_path / "work", *peers, rare=1)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the index and the rows split=train differ in 2 classes" in done.stderr


def test_a_missing_program_is_told_and_shows_in_the_exit_code(shelf: Any, tmp_path: Path) -> None:
    command = arguments(shelf, tmp_path / "work", "--peers", "blastn,kmer-shared", "--rows", "5")
    nowhere = {"PATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=nowhere)
    assert done.returncode == 1
    assert "blastn: not installed: " in done.stderr
    assert "apt-get install ncbi-blast+" in done.stderr
    assert "| blastn | dev | 0 | not installed |" in done.stdout
    assert "| kmer-shared | dev | 5 |" in done.stdout


@pytest.mark.parametrize("aligner", [BLASTN, MINIMAP2], ids=lambda one: one.name)
def test_an_aligner_finds_the_labs_of_copies(aligner: Aligner, shelf: Any, tmp_path: Path) -> None:
    if aligner.missing():
        pytest.skip(f"{aligner.program} is not installed")
    command = arguments(shelf, tmp_path / "work", "--peers", aligner.name, "--splits", "train")
    done = subprocess.run([*command, "--rows", "10"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"| {aligner.name} | train | 10 | 100.0 ± 0.0 |" in done.stdout
