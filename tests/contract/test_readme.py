"""The README is short, has the two commands that must work, and shows a session that is real."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: What a terminal shows as a table, a pipe gets as tsv.
_TABLES = re.compile(r"vecattr (?:query|evaluate)\b(?!.*--format)[^|>]*")

#: Fits of the calibration differ in their last digits between processors, and identities with them.
_IDENTITY = re.compile(r"(?<=identity )[0-9a-f]{16}\b")


def text_of(name: str) -> str:
    path = ROOT / name
    if not path.exists():
        pytest.skip("not in a checkout")
    return path.read_text(encoding="utf-8")


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").encode()) <= 8_000


def test_the_readme_has_its_two_commands() -> None:
    text = text_of("README.md")
    assert "pip install . && vecattr demo" in text
    assert "pip install -e '.[test]' && pytest" in text


def session(text: str) -> Iterator[tuple[str, str]]:
    """Every command of the `console` blocks, with what is shown below it."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for shown in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = shown.partition("\n")
            yield command, output


def printed(command: str, folder: Path) -> str:
    """What a command prints on a terminal, stdout and stderr, when it succeeds."""
    tools = folder / "bin"
    if not tools.exists():
        tools.mkdir()
        script = tools / "vecattr"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vecattr.cli "$@"\n')
        script.chmod(0o755)
    tables = _TABLES.sub(lambda match: f"{match[0].rstrip()} --format table ", command)
    package = Path(sys.modules["vecattr"].__file__ or "").parents[1]
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    environment["PYTHONPATH"] = str(package)
    result = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {tables}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}"
    return result.stdout


def is_shown(output: str, shown: str) -> bool:
    """Whether an output is what a page shows, `...` and identities aside."""
    want, got = (_IDENTITY.sub("0" * 16, text.rstrip()) + "\n" for text in (shown, output))
    return doctest.OutputChecker().check_output(want, got, doctest.ELLIPSIS)


@pytest.mark.proof
@pytest.mark.parametrize("name", ["README.md", "docs/tutorial/first-session.md"])
def test_every_shown_session_prints_what_is_shown(name: str, tmp_path: Path) -> None:
    folder = tmp_path
    if name != "README.md":  # which keeps the collection of the demo itself
        printed("vecattr demo -o demo --quiet", folder)
        folder = folder / "demo"
    steps = list(session(text_of(name)))
    assert steps
    for command, shown in steps:
        output = printed(command, folder)
        assert is_shown(output, shown), f"$ {command}\n{output}"
