"""Claims about --log-file and about progress where there is no terminal."""

from __future__ import annotations

import errno
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from vecattr.cli.main import run
from vecattr.cli.progress_lines import ProgressLines
from vecattr.cli.terminal import Terminal
from vecattr.files.disk import Disk, Name, using
from vecattr.schemas.output_schemas import output_schema

Capture = pytest.CaptureFixture[str]


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON log, each of which fits the schema."""
    values = [json.loads(line) for line in path.read_text().splitlines()]
    for value in values:
        Draft202012Validator({**output_schema("log"), "additionalProperties": False}).validate(
            value
        )
        datetime.fromisoformat(value["time"])
    return values


def test_a_log_has_the_first_line_the_messages_and_the_last(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    queries = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:2])
    log = tmp_path / "run.jsonl"
    arguments = ["query", str(queries), "-i", str(shelf.index), "-q"]
    assert run([*arguments, "--log-file", str(log), "--log-format", "json"]) == 0
    assert capsys.readouterr().err == ""
    first, *told, last = lines(log)
    assert first["message"].endswith("starts")
    assert any("state no topology" in value["message"] for value in told)
    assert last["exit_code"] == 0
    assert last["seconds"] >= 0
    assert {value["command"] for value in (first, *told, last)} == {"query"}


def test_a_log_tells_errors_with_their_parts_and_no_bases(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    bases = shelf.plasmids[0].sequence
    queries = tmp_path / "q.fa"
    queries.write_text(f">good\n{bases}\n>bad\n{bases}!\n")
    log = tmp_path / "run.jsonl"
    arguments = ["query", str(queries), "-i", str(shelf.index), "-v", "--debug"]
    assert run([*arguments, "--log-file", str(log), "--log-format", "json"]) == 3
    [error] = [value for value in lines(log) if "what" in value]
    assert error["level"] == "error"
    assert error["where"] == f"{queries}, record 'bad'"
    assert lines(log)[-1]["exit_code"] == 3
    assert bases[:30] not in log.read_text()


def test_runs_follow_each_other_as_lines_for_people(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    log = tmp_path / "run.log"
    for _ in range(2):
        assert run(["info", "-i", str(shelf.index), "-v", "--log-file", str(log)]) == 0
        assert run(["info", "-i", str(tmp_path / "no"), "--log-file", str(log)]) == 4
    text = log.read_text()
    assert text.count(" ERROR info: ends with exit code 4 ") == 2
    assert "there is no index here" in text


def test_a_log_that_cannot_be_made_is_refused_first(tmp_path: Path, capsys: Capture) -> None:
    assert run(["info", "--log-file", str(tmp_path / "no" / "run.log")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_message_in_a_log_is_one_line_that_drives_no_terminal(tmp_path: Path) -> None:
    terminal = Terminal(quiet=True)
    terminal.log_to(tmp_path / "run.log", form="text", command="go")
    assert not (tmp_path / "run.log").exists()
    terminal.say("\x1b[2J\nsecond")
    assert all(line.isprintable() for line in (tmp_path / "run.log").read_text().splitlines())
    assert len((tmp_path / "run.log").read_text().splitlines()) == 2
    assert terminal.run_log is not None
    terminal.run_log.close(0)


def test_without_a_terminal_progress_is_lines_with_counts_and_seconds(capsys: Capture) -> None:
    with Terminal(progress_seconds=0).progress("embed", total=1200) as advance:
        advance(1000)
        advance(200)
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == [
        "embed: 1,000 of 1,200 plasmids, 0 s",
        "embed: 1,200 of 1,200 plasmids, 0 s",
    ]


def test_training_tells_its_stages_without_a_terminal(capsys: Capture) -> None:
    from vecattr.cli.commands.training_progress import TrainingProgress

    with TrainingProgress(Terminal(progress_seconds=0)) as watcher:
        watcher.starts("epoch 1", 50)
        watcher.advances(20, loss=0.5)
        watcher.starts("epoch 2", 50)
    told = capsys.readouterr().err.splitlines()
    assert told == ["epoch 1: 20 of 50, 0 s"] * 2


def test_a_short_command_tells_no_progress(capsys: Capture) -> None:
    for terminal in (Terminal(), Terminal(quiet=True, progress_seconds=0)):
        with terminal.progress("embed") as advance:
            advance(1)
    assert capsys.readouterr().err == ""


def test_progress_is_told_every_so_many_seconds() -> None:
    told: list[int] = []
    steps = ProgressLines(
        "x", total=None, unit="", every=1e9, tell=lambda sentence, done, seconds: told.append(done)
    )
    steps.advance(5)
    steps.close()
    assert told == []


class FullDisk(Disk):
    """A disk that makes no file."""

    def open(self, path: Name, flags: int, mode: int = 0o666, *, dir_fd: int | None = None) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))


def test_a_log_that_cannot_be_opened_is_told_once(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    queries = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:1])
    arguments = ["query", str(queries), "-i", str(shelf.index), "--log-file", str(tmp_path / "log")]
    with using(FullDisk()):
        assert run(arguments) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"vecattr: error: {tmp_path / 'log'}: No space left on device\n"
