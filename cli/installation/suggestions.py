"""A word that is no command in, a sentence that says what may have been meant out."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path


def unknown_command(word: str, commands: Collection[str]) -> str:
    """What may have been meant by a word: a command of about this name, or to ask about a file.

    >>> unknown_command("qury", ["query", "info"])
    "No such command 'qury'. Did you mean query?"
    """
    message = f"No such command {word!r}."
    if Path(word).exists():
        return f"{message} To ask about a file: vecattr query {word}"
    near = [name for name in commands if name.startswith(word) and word]
    near = near or get_close_matches(word, commands, n=3)
    return f"{message} Did you mean {' or '.join(near)}?" if near else message
