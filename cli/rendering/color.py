"""A table as text in, the same with colours for a terminal out; whether a stream takes colours.

Only what vecattr itself writes has escape sequences: those in names and files were escaped before.
"""

from __future__ import annotations

import os
from typing import TextIO

_BOLD, _RED, _GREEN, _YELLOW, _DIM = "1", "31", "32", "33", "2"

#: The style of a line of an answer, by how it begins.
_LINES = {
    "  verdict: known ": _GREEN,
    "  verdict: unknown ": _YELLOW,
    "  note: ": _YELLOW,
    "  rank  ": _DIM,
}
_VERDICT = "  verdict: "

#: The style of a message's first words, by its kind.
_KINDS = {"error": f"{_BOLD};{_RED}", "warning": f"{_BOLD};{_YELLOW}"}


def takes_colors(stream: TextIO) -> bool:
    """Whether what is written there may be coloured: on a terminal that is not `dumb`, or where
    FORCE_COLOR is set; never where NO_COLOR is (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def colored_table(block: str) -> str:
    """A table, or the block of one answer: its first line bold, the answer's sentence too.

    >>> colored_table("name  value\\nlabs  3\\n")
    '\\x1b[1mname  value\\x1b[0m\\nlabs  3\\n'
    """
    first, *others = block.split("\n")
    is_answer = any(line.startswith(_VERDICT) for line in others[:2])
    lines = [_styled(first, _BOLD)]
    for number, line in enumerate(others):
        is_sentence = is_answer and number == 0 and not line.startswith(_VERDICT)
        lines.append(_styled(line, _BOLD if is_sentence else _style_of(line)))
    return "\n".join(lines)


def colored_kind(kind: str) -> str:
    """The kind of a message: `error` in red, `warning` in yellow."""
    return _styled(kind, _KINDS.get(kind))


def _style_of(line: str) -> str | None:
    return next((style for start, style in _LINES.items() if line.startswith(start)), None)


def _styled(text: str, style: str | None) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text
