"""Ids of records: the names that files state in; one id for each record, no two the same, out.

An id is the first of these that is no placeholder and that no earlier record has: what the record
calls itself, its other names, for the first record of a file the file's name, that name after its
folder's, and the record's title. When all are taken, the first real name is numbered: `name_2`.
So the ids depend on the records and their order, and on nothing else.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

from vecattr.formats.record import Record
from vecattr.inputs.input_files import STDIN, input_name, input_stem

#: Words that programs and repositories write where a name belongs, …
_NO_NAMES = frozenset({
    "accession", "addgene", "annotated", "dna", "exported", "id", "locus", "na", "name",
    "nameless", "nan", "ngs", "nil", "none", "null", "plasmid", "repository", "seq", "sequence",
    "unknown", "unnamed", "untitled",
})  # fmt: skip

#: … words that go with them (`Full sequence`, `NGS result`), …
_BESIDES = frozenset({
    "complete", "document", "file", "full", "map", "my", "new", "no", "partial", "record",
    "result", "results", "sequencing", "the",
})  # fmt: skip

#: … and those that programs number: `Untitled 3`, `New DNA (2)`.
_NUMBERED = frozenset({"annotated", "exported", "new", "unnamed", "untitled"})

#: How every placeholder begins that holds a letter or a digit.
_BEGINNING = re.compile(rf"[\W_]*(?:{'|'.join(sorted(_NO_NAMES | _BESIDES))})", re.IGNORECASE)

_WORD = re.compile(r"[a-z]+|[0-9]+|[^\W_0-9a-z]+")

#: Longer titles (characters) make no id.
_LONGEST_TITLE = 80

#: How many renamed records a note names.
_EXAMPLES = 3

_EMPTY_SLOTS = 1 << 10


def is_placeholder(name: str) -> bool:
    """Whether a name is one that programs write for want of a name.

    >>> [is_placeholder(name) for name in ("New_DNA", "<unknown id>", ".", "pUC19", "Untitled 2")]
    [True, True, True, False, True]
    """
    if not _BEGINNING.match(name):
        return not any(map(str.isalnum, name))
    words = set(_WORD.findall(name.lower()))
    if words & _NUMBERED:
        words = {word for word in words if not word.isdecimal()}
    return words <= _NO_NAMES | _BESIDES and (bool(words & _NO_NAMES) or len(words) > 1)


def printable(name: str) -> str:
    """The name with an underscore for each character that cannot be printed.

    >>> printable("p1\\x00")
    'p1_'
    """
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else "_" for letter in name)


class NameSet:
    """A set of names in 16 to 32 bytes each, however long they are: a table of their 64-bit hashes
    with open addressing. (Of a million names two are taken for one with a chance of 1 in 30
    million; the second is then numbered without need.)"""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _EMPTY_SLOTS))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return self._slots[self._slot(_hash(name))] != 0

    def add(self, name: str) -> bool:
        """Add a name; whether it is new."""
        key = _hash(name)
        slot = self._slot(key)
        if self._slots[slot]:
            return False
        self._slots[slot] = key
        self._count += 1
        if 2 * self._count > len(self._slots):
            self._grow()
        return True

    def _slot(self, key: int) -> int:
        """The slot that holds the key, or the free one where it belongs."""
        slots, mask = self._slots, len(self._slots) - 1
        slot = key & mask
        while slots[slot] and slots[slot] != key:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        keys = self._slots
        self._slots = array("Q", bytes(16 * len(keys)))
        for key in filter(None, keys):
            self._slots[self._slot(key)] = key


def _hash(name: str) -> int:
    """A hash from 1 to 2^64 - 1; it is the same in every process."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


@dataclass
class RecordNamer:
    """Gives every record of a command an id of its own, and remembers which records repeat the id
    of an earlier one."""

    _taken: NameSet = field(default_factory=NameSet)
    _renamed: int = 0
    _examples: list[str] = field(default_factory=list)

    def named(self, record: Record, *, file_name: str, is_first: bool, has_own_ids: bool) -> Record:
        """The record with its id. `is_first`: of its file, whose name it may have; `has_own_ids`:
        what stands in the place of an id was written by a person, and is no placeholder."""
        stated = record.id
        is_usable = has_own_ids or not is_placeholder(stated)
        if stated and is_usable and stated.isprintable() and self._taken.add(stated):
            return record
        names = [name for name in record.names if not is_placeholder(name)]
        real = [printable(name) for name in ([stated, *names] if stated and is_usable else names)]
        chosen = self._chosen(real, record, file_name=file_name, is_first=is_first)
        if real and chosen != real[0]:
            self._remember(real[0], chosen, file_name)
        return replace(record, id=chosen)

    def _chosen(self, names: list[str], record: Record, *, file_name: str, is_first: bool) -> str:
        stem = printable(input_stem(file_name))
        candidates = [*names]
        if is_first:
            candidates += _file_names(file_name, stem)
        title = "_".join(record.title.split())
        if len(title) <= _LONGEST_TITLE and not is_placeholder(title):
            candidates.append(printable(title))
        for candidate in candidates:
            if self._taken.add(candidate):
                return candidate
        return self._numbered(names[0] if names else stem)

    def _numbered(self, name: str) -> str:
        """The name itself if it is free, else with a free number from 2 on: one after a taken
        one, found in a time that grows with the logarithm of their number."""
        if self._taken.add(name):
            return name
        taken, number = 1, 2
        while f"{name}_{number}" in self._taken:
            taken, number = number, 2 * number
        while number - taken > 1:
            middle = (taken + number) // 2
            if f"{name}_{middle}" in self._taken:
                taken = middle
            else:
                number = middle
        self._taken.add(f"{name}_{number}")
        return f"{name}_{number}"

    def _remember(self, stated: str, chosen: str, file_name: str) -> None:
        self._renamed += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(f"{stated!r} in {file_name} is {chosen!r}")

    def notes(self) -> Iterator[str]:
        """One sentence about the records that repeat the id of another one, if there are any."""
        if not self._renamed:
            return
        more = self._renamed - len(self._examples)
        examples = "; ".join(self._examples) + (f"; and {more} more" if more else "")
        records = "1 record repeats" if self._renamed == 1 else f"{self._renamed} records repeat"
        yield f"{records} the id of an earlier one and got another: {examples}"


def _file_names(file_name: str, stem: str) -> list[str]:
    """The name of a file without suffix, alone and after its folder's; none of standard input."""
    if file_name == input_name(STDIN):
        return []
    folder = printable(Path(file_name).absolute().parent.name)
    return [stem, f"{folder}/{stem}"] if folder else [stem]
