"""Any text in, text that cannot control a terminal or a spreadsheet out."""

from __future__ import annotations

import re
import unicodedata

from vecattr.reports.wording import escape_control

__all__ = ["display_width", "escape_control", "escape_formula"]

#: A cell that starts with one of these is run as a formula by spreadsheet programs; the full-width
#: forms by those of some languages. Where a list separator is a semicolon, they split cells there.
_FORMULA = re.compile(r"""(^|;[\s"]*)(?=[=+\-@＝＋－＠])""")


def escape_formula(text: str) -> str:
    """A = + - @ at the start or after a semicolon gets an apostrophe before it, so that a
    spreadsheet shows it as text.

    >>> escape_formula("=cmd()")
    "'=cmd()"
    """
    return _FORMULA.sub(r"\1'", text)


def display_width(text: str) -> int:
    """How many terminal columns a printable text takes.

    >>> display_width("実験室")
    6
    """
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    combining = sum(unicodedata.combining(letter) > 0 for letter in text)
    return len(text) + wide - combining
