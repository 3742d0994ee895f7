"""Any text in, text that cannot control a terminal or a spreadsheet out."""

from __future__ import annotations

import unicodedata

from vecattr.readers.table import escape_formula
from vecattr.reports.wording import escape_control

__all__ = ["display_width", "escape_control", "escape_formula"]


def display_width(text: str) -> int:
    """How many terminal columns a printable text takes.

    >>> display_width("実験室")
    6
    """
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    combining = sum(unicodedata.combining(letter) > 0 for letter in text)
    return len(text) + wide - combining
