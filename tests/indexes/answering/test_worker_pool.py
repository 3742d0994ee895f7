"""Several processes give the answers of one, in order; an index that changes is not mixed."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import ArtifactError, InputError, UsageError, VecattrError
from vecattr.indexes.answering.answers import FEW, PanelRecipe
from vecattr.indexes.answering.worker_pool import results_in_order
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.index import Panel, open_panel
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids

PLASMIDS = synthetic_plasmids(labs=4, plasmids_per_lab=5, seed=1)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "i"
    build_index(path, PLASMIDS, model=shipped_encoder(), rule=ClassRule(None))
    return path


def some_queries(count: int) -> list[Plasmid]:
    """Linear pieces of stored plasmids."""
    chance = random.Random(3)
    made = []
    for number in range(count):
        bases = chance.choice(PLASMIDS).sequence
        start = chance.randrange(len(bases) - 400)
        made.append(Plasmid(f"q{number}", bases[start : start + 400], topology="linear"))
    return made


def test_two_processes_answer_as_one_in_order(index: Path) -> None:
    panel, asked = open_panel([index]), some_queries(FEW + 40)
    alone = list(panel.query_many(asked, k=3))
    before = dict(os.environ)
    together = list(panel.query_many(iter(asked), k=3, processes=2, batch_size=32))
    assert [answer.query for answer in together] == [one.id for one in asked]
    assert together == alone
    assert dict(os.environ) == before


def test_few_plasmids_start_no_process(index: Path) -> None:
    panel, asked = open_panel([index]), some_queries(5)
    assert list(panel.query_many(asked, processes=8)) == list(panel.query_many(asked))


def test_input_is_read_only_as_answers_are_taken(index: Path) -> None:
    panel, read = open_panel([index]), 0

    def endless() -> object:
        nonlocal read
        for one in some_queries(50) * 1000:
            read += 1
            yield one

    answers = panel.query_many(endless(), processes=2, batch_size=16)  # type: ignore[arg-type]
    assert len(list(islice(answers, 20))) == 20
    assert read <= FEW + 16 * 10
    answers.close()  # type: ignore[attr-defined]


def test_an_index_that_changed_meanwhile_is_not_mixed(index: Path) -> None:
    panel = open_panel([index])
    recipe = PanelRecipe.from_panel(panel)
    new = replace(some_queries(1)[0], id="new", lab="New lab")
    add_labs(index, [new], embedder=panel.indexes[0].embedder)
    with pytest.raises(ArtifactError, match="changed while it was asked"):
        list(results_in_order(recipe.open, getattr, ["identity"], processes=1))


def test_the_pool_works_on_any_state_and_keeps_the_order() -> None:
    sums = results_in_order(int, int.__add__, range(50), processes=2)  # int() is 0
    assert list(sums) == list(range(50))


def test_wrong_numbers_are_told_at_once(index: Path) -> None:
    panel: Panel = open_panel([index])
    with pytest.raises(UsageError, match="processes is 0"):
        panel.query_many([], processes=0)


#: Asks two processes for more than they can answer at once.
COMMAND = "from vecattr.cli.main import main; main()"


def asking(index: Path, **options: Any) -> subprocess.Popen[str]:
    """A query of many plasmids by two processes, in a group of its own."""
    fasta = index.parent / "many.fa"
    made = (f">{n}\n{one.sequence}\n" for n, one in enumerate(some_queries(40) * 100))
    fasta.write_text("".join(made))
    command = [sys.executable, "-c", COMMAND, "query", str(fasta), "-i", str(index)]
    return subprocess.Popen(
        [*command, "--threads", "2", "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def workers_of(process: subprocess.Popen[str], *, least: int = 2) -> list[int]:
    """The ids of its children that answer."""
    for _ in range(1000):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        found = [int(one) for one in children if b"spawn_main" in cmdline(int(one))]
        if len(found) >= least:
            return found
        time.sleep(0.01)
    raise AssertionError("it started none")


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def assert_gone(pids: list[int]) -> None:
    for _ in range(500):
        if not any(b"spawn_main" in cmdline(pid) for pid in pids):
            return
        time.sleep(0.02)
    raise AssertionError("left behind")


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@on_linux
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_to_all_processes_is_told_once_and_leaves_none(
    index: Path, number: int, code: int, word: str, waits: bool
) -> None:
    process = asking(index)
    workers = workers_of(process)
    if waits:  # else they are only starting
        assert process.stdout is not None
        assert process.stdout.readline()
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=120)
    assert errors == f"vecattr: error: {word}\n"
    assert process.returncode == code
    assert_gone(workers)


@on_linux
def test_a_killed_process_leaves_none_that_answer_it(index: Path) -> None:
    process = asking(index)
    workers = workers_of(process)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.kill()
    process.communicate(timeout=120)
    assert_gone(workers)


@on_linux
def test_the_death_of_one_that_answers_is_told(index: Path) -> None:
    process = asking(index)
    workers = workers_of(process)
    os.kill(workers[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert errors.startswith("vecattr: error: a worker process was killed")
    assert process.returncode == VecattrError.exit_code
    assert_gone(workers)


#: The first process is killed while the second one starts: the pool is broken before it knows of
#: the second.
KILLED_WHILE_STARTING = """
import os, signal, time
from multiprocessing.context import SpawnProcess
from vecattr.errors import VecattrError
from vecattr.indexes.answering.worker_pool import results_in_order

start, started = SpawnProcess.start, []

def start_slowly(process):
    start(process)
    started.append(process)
    if len(started) == 2:
        os.kill(started[0].pid, signal.SIGKILL)
        time.sleep(1)

if __name__ == "__main__":
    SpawnProcess.start = start_slowly
    try:
        list(results_in_order(int, int.__add__, range(50), processes=2))
    except VecattrError as error:
        print(error)
    assert len(started) == 2 and not any(one.is_alive() for one in started)
"""


def test_the_death_of_one_while_another_starts_is_told(tmp_path: Path) -> None:
    script = tmp_path / "ask.py"
    script.write_text(KILLED_WHILE_STARTING)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("a worker process was killed"), done.stderr
    assert done.returncode == 0


@on_linux
def test_a_reader_that_closes_its_pipe_leaves_none(index: Path) -> None:
    process = asking(index)
    workers = workers_of(process)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=120) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    assert_gone(workers)


@pytest.mark.parametrize("kind", [VecattrError, InputError, ArtifactError])
def test_errors_travel_between_processes(kind: type[VecattrError]) -> None:
    error = kind("what", where="where", hint="hint")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.what, again.where, again.hint) == ("what", "where", "hint")
