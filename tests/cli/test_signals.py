"""A process that is told to end says one line, has the right exit code, and leaves nothing half."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pytest

MAIN = "from vecattr.cli.main import main; main()"

#: A command that fills a folder as a build does, says so, and waits.
BUSY = """
import sys, time
from pathlib import Path
import click
from vecattr.cli import main
from vecattr.indexes.storage.lock import unfinished_folder

@click.command("go")
@click.argument("path", type=Path)
@click.option("--lost", is_flag=True)
def go(path, lost):
    class Rude:
        def __del__(self):
            print("busy", flush=True)
            time.sleep(10)
    with unfinished_folder(path) as (folder, _):
        (folder.path / "manifest.json").write_bytes(b"half")
        if lost:
            del [Rude()][:]
        try:
            print("busy", flush=True)
            time.sleep(20)
        except KeyboardInterrupt as error:
            raise ValueError("a library made this of it") from error

main.cli.add_command(go)
main.main()
"""


def started(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "hangup"),
    ],
)
@pytest.mark.parametrize("lost", [(), ("--lost",)])
def test_a_signal_ends_with_one_line_its_code_and_nothing_left(
    tmp_path: Path, number: int, code: int, word: str, lost: Sequence[str]
) -> None:
    process = started(BUSY, "go", str(tmp_path / "i"), *lost)
    assert line_of(process.stdout) == "busy\n"
    assert [one.name[:11] for one in tmp_path.iterdir()] == [".vecattr-i-"]
    process.send_signal(number)
    _, errors = process.communicate(timeout=15)
    assert errors == f"vecattr: error: {word}\n"
    assert process.returncode == code
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_the_caller_has_us_ignore_is_ignored(tmp_path: Path) -> None:
    process = started(
        BUSY,
        "go",
        str(tmp_path / "i"),
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert line_of(process.stdout) == "busy\n"
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 143
    process.communicate()


def test_a_full_disk_under_stdout_is_told_once(shelf: Any) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    for form in ("table", "json"):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-c", MAIN, "list-labs", "-i", shelf.index, "--format", form],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert done.stderr == "vecattr: error: No space left on device\n"
        assert done.returncode == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_stderr_changes_nothing(unbuffered: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    command = [sys.executable, "-c", MAIN, "query", "-k", "0", "x"]
    with open("/dev/full", "w") as full:
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run(command, stderr=full, text=True, env=environment)
    assert done.returncode == 2


def test_too_little_memory_is_one_line_and_no_traceback(shelf: Any, tmp_path: Path) -> None:
    fasta = tmp_path / "q.fa"
    fasta.write_text(">q\n" + "ACGT" * 1_000_000 + "\n")
    limit = 700 << 20

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    command = ["embed", str(fasta), "-m", str(shelf.model), "-o", str(tmp_path / "v.npy")]
    command += ["--threads", "1", "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = started(MAIN, *command, preexec_fn=little, env=environment)
    _, errors = process.communicate()
    assert process.returncode in (0, 1), errors
    assert "Traceback" not in errors
    if process.returncode:
        assert errors.startswith("vecattr: error: ")
        assert len(errors.splitlines()) <= 2
