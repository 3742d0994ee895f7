"""One command line in, one exit code out; an error is one or two lines on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from vecattr.cli.main import COMMANDS, cli, run
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal
from vecattr.errors import (
    DamagedError,
    InputError,
    LockedError,
    MismatchError,
    MissingError,
    UsageError,
    VecattrError,
)


def raising(error: BaseException) -> click.Group:
    """A group whose one command `go` raises this error."""

    def go() -> None:
        raise error

    command = click.command("go")(verbosity_options(go))
    return click.Group(commands=[command])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (VecattrError("x"), 1),
        (ValueError("x"), 1),
        (OSError(28, "No space left on device"), 1),
        (UsageError("x"), 2),
        (click.BadParameter("x"), 2),
        (InputError("x"), 3),
        (FileNotFoundError(2, "No such file", "x.fa"), 3),
        (MissingError("x"), 4),
        (DamagedError("x"), 4),
        (MismatchError("x"), 4),
        (LockedError("x"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_has_its_exit_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["go"], group=raising(error)) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("vecattr: error: ")
    assert len(captured.err.splitlines()) <= 2


def test_an_error_says_where_what_and_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    error = InputError("'!' is not a letter", where="a.fa:2", hint="mend it")
    run(["go"], group=raising(error))
    assert capsys.readouterr().err == "vecattr: error: a.fa:2: '!' is not a letter\n  mend it\n"


def test_an_error_cannot_drive_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run(["go"], group=raising(InputError("\x1b[2J", where="\x07", hint="\x9b")))
    assert capsys.readouterr().err.replace("\n", "").isprintable()


@pytest.mark.parametrize("kind", [ValueError, InputError, KeyError])
def test_a_traceback_holds_no_control_character(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    run(["go", "--debug"], group=raising(kind("\x1b[2Jgone\r\u202e\x9b")))
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.replace("\n", "").isprintable()


def test_a_traceback_is_shown_only_with_debug(capsys: pytest.CaptureFixture[str]) -> None:
    run(["go"], group=raising(ValueError("x")))
    assert "Traceback" not in capsys.readouterr().err
    run(["go", "--debug"], group=raising(ValueError("x")))
    assert "Traceback" in capsys.readouterr().err


def test_bad_records_give_exit_code_3_after_the_good_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from vecattr.plasmid import Plasmid
    from vecattr.readers.records import BadRecord

    bad = BadRecord("b", InputError("junk", where="x.fa:3"))

    @click.command("go")
    def go() -> None:
        for plasmid in terminal().good_records([Plasmid("a", "A"), bad, Plasmid("c", "C")]):
            click.echo(plasmid.id)

    assert run(["go"], group=click.Group(commands=[go])) == 3
    captured = capsys.readouterr()
    assert captured.out == "a\nc\n"
    assert "x.fa:3: junk" in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["query"],
        ["query", "-k", "0", "x.fa"],
        ["query", "-k", "many", "x.fa"],
        ["query", "--neighbors", "-1", "x.fa"],
        ["query", "--format", "xml", "x.fa"],
        ["query", "--where", "novalue", "x.fa"],
        ["query", "--where", "=x", "x.fa"],
        ["query", "-o", "no/such/folder/out.tsv", "x.fa"],
        ["train", "x.csv"],
        ["train", "x.csv", "-o", "m", "--kernels", "a-b"],
        ["train", "x.csv", "-o", "m", "--validation-share", "0.9"],
        ["build-index"],
        ["embed", "x.fa"],
        ["rename-lab", "only one"],
        ["rollback", "--to", "0"],
        [],
    ],
)
def test_wrong_usage_has_exit_code_2_and_names_the_help(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "--help" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("command", ["query", "embed"])
def test_an_output_folder_that_cannot_be_written_to_is_told_first(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o555)
    assert run([command, "x.fa", "-o", str(tmp_path / "out.tsv")]) == 2
    assert "cannot be written to" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_help(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert f"Usage: cli {name}" in result.output


def test_an_option_of_another_encoder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "x.csv", "-o", "m", "--encoder", "bag", "--kernels", "1-3"]
    assert run(arguments) == 2
    assert "--kernels does not apply to --encoder bag" in capsys.readouterr().err


@pytest.mark.parametrize(
    "module", [["-m", "vecattr.cli"], ["-c", "from vecattr.cli.main import main; main()"]]
)
def test_the_process_has_the_exit_code_too(module: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *module, "query", "-k", "0", "x"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("vecattr: error: ")


def test_a_closed_pipe_is_quiet() -> None:
    code = "from vecattr.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "query", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "closed", "code"),
    [("list-labs", ">&-", 0), ("list-labs", "2>&-", 0), ("query -", "<&-", 3)],
)
def test_streams_that_the_caller_closed_are_no_fault(
    shelf: Any, arguments: str, closed: str, code: int
) -> None:
    line = f'"{sys.executable}" -m vecattr.cli {arguments} -i "{shelf.index}" {closed}'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    assert done.returncode == code
    assert "unexpected" not in done.stderr
