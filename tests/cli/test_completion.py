"""Claims about completion: each shell completes a command line, names with blanks included."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.commands import info
from vecattr.cli.installation.completion import SHELLS
from vecattr.cli.main import COMMANDS, run


@pytest.fixture
def place(shelf: Any, tmp_path: Path) -> Path:
    """A folder with an index, a folder, a file and a program `vecattr`."""
    shutil.copytree(shelf.index, tmp_path / "made.index")
    (tmp_path / "more").mkdir()
    (tmp_path / "made.fasta").write_text(">q\nACGT\n", encoding="utf-8")
    program = tmp_path / "bin" / "vecattr"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vecattr.cli "$@"\n')
    program.chmod(0o755)
    return tmp_path


def output_of(command: Sequence[str], folder: Path) -> str:
    root = Path(sys.modules["vecattr"].__file__ or "").parents[1]
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    environment |= {"PYTHONPATH": str(root)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.stdout


def offers(shell: str, line: str, folder: Path) -> list[str]:
    """What a shell offers at the end of a line."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    if shell == "fish":
        code = f"vecattr completion fish | source; complete -C '{line}'"
        lines = output_of(["fish", "--no-config", "-c", code], folder).splitlines()
        return [text.split("\t")[0] for text in lines]
    words = line.split(" ")
    array = " ".join(f"'{word}'" for word in words)
    code = (
        f'compopt() {{ echo "compopt $*" >&3; }}; eval "$(vecattr completion bash)"\n'
        f"COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}\n"
        "_vecattr_completion vecattr 3>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    return output_of(["bash", "--norc", "-c", code], folder).splitlines()


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("vecattr ren", ["rename-lab"]),
        ("vecattr query --neigh", ["--neighbors"]),
        ("vecattr info -i m", ["made.index"]),
        ("vecattr remove-lab -i made.index lab", [f"Lab {n:02}" for n in range(1, 5)]),
        ("vecattr query made.fasta -i made.index --format js", ["json", "jsonl"]),
        ("vecattr remove-lab -i no.index L", []),
    ],
)
def test_a_shell_offers_what_fits(shell: str, line: str, expected: list[str], place: Path) -> None:
    found = [name for name in offers(shell, line, place) if name]
    if "Lab" in "".join(expected):
        assert set(expected) & set(found)
        assert all(name.startswith("Lab ") for name in found)
    else:
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_VECATTR_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_a_mistyped_command_is_told_which_one_was_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "query.fasta").touch()
    for word, meant in {
        "qury": "Did you mean query?",
        "build": "Did you mean build-index?",
        "query.fasta": "To ask about a file: vecattr query query.fasta",
        "xyzzy": "No such command 'xyzzy'.\n",
    }.items():
        assert run([word]) == 2
        assert meant in capsys.readouterr().err


def test_flags_stand_before_or_after_the_command(
    shelf: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    new = shelf.fasta(shelf.folder.parent / "new.fasta", shelf.newcomers[:1])
    usual = ["add-lab", str(new), "--lab", "New", "-i", str(shelf.index), "--dry-run"]
    said = []
    for arguments in (usual, ["-q", *usual], [*usual, "-q"]):
        assert run(arguments) == 0
        said.append(capsys.readouterr().err)
    assert "would add" in said[0]
    assert said[1:] == ["", ""]
    assert info.command.name in COMMANDS


def test_a_suffix_that_names_no_format_is_refused_with_those_that_do(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labs.xlsx"
    assert run(["list-labs", "-i", str(shelf.index), "-o", str(path)]) == 2
    assert ".csv, .htm, .html, .json, .jsonl, .tsv, .txt" in capsys.readouterr().err
    assert not path.exists()
    for order in (["--format", "csv", "-o", str(path)], ["-o", str(path), "--format", "csv"]):
        assert run(["list-labs", "-i", str(shelf.index), *order]) == 0
        assert path.read_text(encoding="utf-8").startswith("lab,")
        path.unlink()
    plain = tmp_path / "labs"
    assert run(["list-labs", "-i", str(shelf.index), "-o", str(plain)]) == 0
    assert plain.read_text(encoding="utf-8").startswith("lab\t")
