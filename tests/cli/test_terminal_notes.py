"""Claims about notes: each is told once, and a stream of them fills no terminal."""

from __future__ import annotations

import pytest

from vecattr.cli.terminal import MOST_NOTES, Terminal


def test_a_note_is_told_once_when_the_command_ends(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    for text in ("a", "b", "a"):
        terminal.note(text)
    assert not capsys.readouterr().err
    terminal.tell_notes()
    terminal.tell_notes()
    assert capsys.readouterr().err.splitlines() == ["note: a", "note: b"]


def test_of_very_many_notes_the_first_are_told_and_the_others_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal()
    for number in range(MOST_NOTES + 5):
        terminal.note(f"record {number}")
    assert len(terminal.notes) == MOST_NOTES
    terminal.tell_notes()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == MOST_NOTES + 1
    assert lines[-1] == "note: 5 more notes are not shown"
