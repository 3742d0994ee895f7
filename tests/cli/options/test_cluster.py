"""Claims about `--cluster` and `--shards`: what does not fit is refused before anything is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vecattr.cli.main import run
from vecattr.indexes.index import Index
from vecattr.sequences.synthetic import synthetic_plasmids

BUILD = ["build-index", "t.csv", "-i", "new.index"]
QUERY = ["query", "t.csv", "-i", "new.index"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*QUERY, "--cluster", "everywhere"], "'everywhere' is no address of a cluster"),
        ([*QUERY, "--cluster", "local:0"], "how many workers"),
        ([*QUERY, "--cluster", "slurm:memory=8GB"], "how many workers"),
        ([*QUERY, "--cluster", "local:2", "--threads", "2"], "--threads with --cluster"),
        ([*QUERY, "--cluster", "local:2", "--device", "cuda"], "--device cuda with --cluster"),
        ([*QUERY, "--shards", "2"], "--shards without --cluster"),
        ([*QUERY, "--cluster", "local:2", "--linked"], "answered by one process"),
        ([*QUERY, "--cluster", "local:2", "--together"], "answered by one process"),
        ([*BUILD, "--cluster", "local:2", "--threads", "2"], "--threads with --cluster"),
        (["embed", "t.csv", "-o", "v.npy", "--cluster", "local:x"], "how many workers"),
        (["evaluate", "t.csv", "--shards", "2"], "--shards without --cluster"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_does_not_fit_is_refused(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("sequence_id,sequence,lab\np,ACGT,A\n")
    assert run(arguments) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_without_dask_the_command_that_installs_it_is_told(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from vecattr.cli.main import run\n"
        "sys.exit(run(['query', 'q.fasta', '-i', 'x.index', '--cluster', 'local:2']))"
    )
    (tmp_path / "q.fasta").write_text(">q\nACGT\n")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'vecattr[cluster]'" in done.stderr


@pytest.mark.proof
def test_a_cluster_of_this_machine_builds_asks_and_embeds_what_one_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vecattr.cli.commands.demo import encoder_lexicon

    monkeypatch.chdir(tmp_path)
    plasmids = synthetic_plasmids(labs=8, plasmids_per_lab=5, seed=5, lexicon=encoder_lexicon())
    rows = [f"{plasmid.id},{plasmid.sequence},{plasmid.lab}\n" for plasmid in plasmids]
    Path("t.csv").write_text("sequence_id,sequence,lab\n" + "".join(rows))
    local = ["--cluster", "local:1"]
    built = ["build-index", "t.csv", "--min-plasmids", "1", "--shards", "2"]
    assert run([*built, "-i", "one.index"]) == 0
    assert run([*built, "-i", "several.index", *local]) == 0
    assert Index.open("several.index").identity == Index.open("one.index").identity
    asked = ["query", "t.csv", "-i", "one.index", "--format", "jsonl"]
    assert run([*asked, "-o", "one.jsonl"]) == 0
    assert run([*asked, "-o", "whole.jsonl", *local]) == 0
    assert run([*asked, "-o", "shards.jsonl", *local, "--shards", "2"]) == 0
    expected = Path("one.jsonl").read_bytes()
    assert Path("whole.jsonl").read_bytes() == expected
    assert Path("shards.jsonl").read_bytes() == expected
    embedded = ["embed", "t.csv", "-i", "one.index"]
    (tmp_path / "several.npy.parts").mkdir()
    (tmp_path / "several.npy.parts" / "mine.txt").write_text("of the user")
    assert run([*embedded, "-o", "one.npy"]) == 0
    assert run([*embedded, "-o", "several.npy", *local]) == 0
    assert Path("several.npy").read_bytes() == Path("one.npy").read_bytes()
    assert [path.name for path in (tmp_path / "several.npy.parts").iterdir()] == ["mine.txt"]
