"""Flat files of GenBank and EMBL: an open file in, the text of each entry out.

Both end an entry with a line `//`. What stands before the first entry (the header of a release
file) and after the last `//` belongs to no entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vecattr.errors import InputError
from vecattr.inputs.input_files import InputFile

#: How much text is divided at a time (characters); a chunk ends with a line.
_CHUNK = 1 << 20

_END = re.compile(r"\n//[ \t]*(?=\n|\Z)")

#: Blanks, and what old programs fill a file's last block with.
_NOTHING = " \t\r\n\f\x00\x1a"

_NOT_BASES = b"0123456789 \t\r\n\f\v"

#: A difference below one line of bases that can be an edit by hand (GenBank and EMBL: 60 a line).
_LINE = 60


@dataclass(frozen=True)
class Entry:
    """The text of one entry from its first line on, without `//`, which `is_closed` stands for;
    `is_followed` says that text which is no entry follows this last one."""

    text: str
    is_closed: bool
    is_followed: bool = False


def read_entries(file: InputFile, first_word: str) -> Iterator[Entry]:
    """Every entry of a flat file; each begins with a line of this first word.

    Text that is no entry, such as a release's header, is left out. An entry that another one
    follows without `//` is not closed.
    """
    first_line = re.compile(rf"\n{first_word}[ \t]")
    previous: Entry | None = None
    for text, is_closed in _divided(file):
        starts = [match.start() + 1 for match in first_line.finditer(text)]
        if previous is not None and not starts and not is_closed and text.strip(_NOTHING):
            previous = replace(previous, is_followed=True)
        for number, start in enumerate(starts, start=1):
            if previous is not None:
                yield previous
            end = starts[number] if number < len(starts) else len(text)
            previous = Entry(text[start:end], is_closed and end == len(text))
    if previous is not None:
        yield previous


def _divided(file: InputFile) -> Iterator[tuple[str, bool]]:
    """The text between the lines `//`, each part with a line end before it, and whether a line
    `//` follows."""
    text = file.text(b"\n//", b"\r//")
    pending = ["\n"]
    while chunk := text.read(_CHUNK):
        chunk += text.readline()  # no line is divided between two chunks
        first, *others = _END.split("\n" + chunk)
        pending.append(first[1:])
        for part in others:
            yield "".join(pending), True
            pending = [part]
    yield "".join(pending), False


#: What is said of an entry that other text follows.
FOLLOWED = "what follows the last '//' is no record and was left out"


def bases_in(body: str) -> str:
    """The letters of a body of numbered lines."""
    return body.encode("ascii", "replace").translate(None, _NOT_BASES).decode("ascii")


def check_length(held: int, stated: int | None, *, is_numbered: bool, where: str) -> str | None:
    """A note when the length stated is not the one held, but nothing is missing; else None.

    Programs copy the first line of another entry, and people delete bases by hand. So there are
    two witnesses: the stated length, and the position that each line of bases gives, which is
    told by `is_numbered`. Raises InputError when both disagree with the bases, or when a line of
    bases or more is missing at the end.
    """
    if stated == held or (stated is None and is_numbered):
        return None
    if stated is None:
        raise InputError(
            f"the record states no length, and the numbers of its lines do not fit {held} bases",
            hint="the file is damaged or was edited by hand; export it again",
        )
    if not is_numbered or stated - held >= _LINE:
        raise InputError(
            f"the {where} line states {stated} bases, the record holds {held}",
            hint="the file is damaged or was edited by hand; export it again",
        )
    return (
        f"the {where} line states {stated} bases, the record holds {held}, as the numbers of its "
        "lines say; it was read"
    )
