"""Claims about a terminal: bars, results and messages never mix, and colours are where they belong.

Each command runs in a pseudo-terminal, and what is checked is the screen that a person sees.
"""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import subprocess
import sys
from collections.abc import Mapping
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Any

import pyte
import pytest

COLUMNS, LINES = 200, 300


def shown(arguments: list[str], folder: Path, **variables: str) -> tuple[str, bytes]:
    """The screen after a command, and the bytes that made it."""
    leader, follower = pty.openpty()
    ioctl(follower, TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    environment.pop("NO_COLOR", None) if "NO_COLOR" not in variables else None
    process = subprocess.Popen(
        arguments, cwd=folder, env=environment, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    received = b""
    while True:
        readable, _, _ = select.select([leader], [], [], 60)
        try:
            chunk = os.read(leader, 65536) if readable else b""
        except OSError:  # how Linux says that nobody has the other end open
            chunk = b""
        if not chunk:
            break
        received += chunk
    assert process.wait() == 0, received
    os.close(leader)
    screen = pyte.Screen(COLUMNS, LINES)
    pyte.ByteStream(screen).feed(received)
    return "\n".join(line.rstrip() for line in screen.display).rstrip() + "\n", received


def vecattr(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vecattr.cli", *arguments]


def without_bar(text: str) -> str:
    """Text without what is told of the time at the end."""
    return re.sub(r"^query: .* in \d+ s\n", "", text, flags=re.MULTILINE)


def piped(arguments: list[str], folder: Path, **variables: str) -> Any:
    environment: Mapping[str, str] = {**os.environ, **variables}
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )


def test_a_terminal_shows_what_a_pipe_gets_and_nothing_of_the_bar(
    shelf: Any, tmp_path: Path
) -> None:
    query = shelf.fasta(tmp_path / "q.fasta", shelf.plasmids[:12])
    arguments = vecattr("query", query.name, "-i", str(shelf.index), "-k", "2", "--format", "table")
    screen, received = shown(arguments, tmp_path)
    assert b"plasmids/s" in received  # a bar was drawn
    expected = piped(arguments, tmp_path)
    assert without_bar(screen) == expected.stdout + expected.stderr


def test_the_first_line_and_the_sentence_are_bold_and_a_name_colors_nothing(
    shelf: Any, tmp_path: Path
) -> None:
    query = shelf.fasta(tmp_path / "q\x1b[31m.fasta", shelf.plasmids[:1])
    arguments = vecattr("query", str(query), "-i", str(shelf.index), "-k", "1")
    _, received = shown(arguments, tmp_path)
    bold = re.findall(rb"\x1b\[1m(.*?)\x1b\[0m", received)
    assert bold[0].startswith(shelf.plasmids[0].id.encode())
    assert len(bold) == 2
    assert rb"q\x1b[31m.fasta" in bold[0]
    assert b"\x1b[31m" not in received


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colors_gets_none(
    shelf: Any, tmp_path: Path, variables: dict[str, str]
) -> None:
    _, received = shown(vecattr("list-labs", "-i", str(shelf.index)), tmp_path, **variables)
    assert b"\x1b[" not in received


def test_colors_go_to_a_pipe_only_if_they_are_forced(shelf: Any, tmp_path: Path) -> None:
    arguments = vecattr("list-labs", "-i", str(shelf.index), "--format", "table")
    plain = piped(arguments, tmp_path).stdout
    assert "\x1b" not in plain
    colored = piped(arguments, tmp_path, FORCE_COLOR="1").stdout
    assert colored.startswith("\x1b[1mlab ")
    assert re.sub(r"\x1b\[\d+m", "", colored) == plain
    assert piped(arguments, tmp_path, FORCE_COLOR="1", NO_COLOR="1").stdout == plain
    table = tmp_path / "labs.txt"
    piped([*arguments, "-o", str(table)], tmp_path, FORCE_COLOR="1")
    assert table.read_text(encoding="utf-8") == plain


def test_an_unfinished_line_is_not_overwritten_by_the_bar(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from vecattr.cli.progress_bar import ProgressBar\n"
        "bar = ProgressBar('steps', total=9, unit=' steps', is_drawn=True)\n"
        "bar.advance(3)\n"
        "print('one', end=' '); print('line')\n"
        "print('and a message', file=sys.stderr)\n"
        "bar.close()\n"
        "print('the end')\n"
    )
    screen, received = shown([sys.executable, "-c", code], tmp_path)
    assert screen == "one line\nand a message\nthe end\n"
    assert b"3/9" in received
