"""Bare sequences (`.seq`, `.txt`): an open file in; its one record, named like the file, out.

Three kinds: bases and nothing else, with or without line numbers; DNASTAR's SeqMan and EditSeq,
which end a comment with a line `^^`; and GCG, which ends its head with a line that ends in `..`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile, input_stem

_BASES = frozenset(b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv")
_COMMON = frozenset(b"ACGTUNacgtun")
_PROTEIN = frozenset(b"ACDEFGHIKLMNPQRSTVWXYacdefghiklmnpqrstvwxy*")
_BLANKS = b" \t\r\n\f\v"
_DIGITS = b"0123456789"

#: How many letters make a sequence of what else is a word.
_FEWEST = 10

_DNASTAR = re.compile(rb"(?:^|[\r\n])\^\^[ \t]*[\r\n]")
_GCG = re.compile(rb"Length:\s{0,9}(\d{1,12})[^\r\n]{0,200}\.\.[ \t]*[\r\n]")
_NUMBER = re.compile(r"^[ \t]*\d+(?=[ \t])|(?<=[ \t])\d+[ \t]*$", re.M)


def is_bare(head: bytes) -> bool:
    """Whether a file that begins so is a bare sequence of bases."""
    if b"\x00" in head:
        return False
    if _DNASTAR.search(head) or _GCG.search(head):
        return True
    letters = _letters(head)
    common = sum(letter in _COMMON for letter in letters)
    return len(letters) >= _FEWEST and _BASES.issuperset(letters) and 5 * common >= 4 * len(letters)


def is_bare_protein(head: bytes) -> bool:
    """Whether a file that begins so is a bare sequence of amino acids."""
    letters = _letters(head)
    return len(letters) >= _FEWEST and _PROTEIN.issuperset(letters) and b" " not in head.strip()


def _letters(head: bytes) -> bytes:
    """What is no blank and no number of a line."""
    return head.translate(None, _BLANKS + _DIGITS)


def read_bare(file: InputFile) -> Iterator[Record]:
    """The one record of a bare sequence; its id is the name of the file without suffix."""
    with file.text() as lines:
        text = lines.read()
    head = file.head
    stated: int | None = None
    if _DNASTAR.search(head):
        text = re.split(r"^\^\^[ \t]*$", text, maxsplit=1, flags=re.M)[1]
    elif (gcg := _GCG.search(head)) is not None:
        text, stated = re.split(r"\.\.[ \t]*$", text, maxsplit=1, flags=re.M)[1], int(gcg[1])
    bases = "".join(_NUMBER.sub("", text).split())
    place = f"{file.name}, record {input_stem(file.name)!r}"
    problem = None
    if stated not in (None, len(bases)):
        problem = InputError(
            f"the head states {stated} bases, the file holds {len(bases)}",
            hint="the file is damaged or was edited by hand; export it again",
        )
    yield Record(input_stem(file.name), place, bases, problem=problem)
