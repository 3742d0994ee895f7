"""FASTA: an open file in, its records out; also its kin of old, and with comments.

Beside `>name` and bases there are: comment lines (`;`, `#`, `!`), records whose header begins with
`;` (Pearson's first FASTA, IntelliGenetics), and headers such as `>DL;name` with a title below them
(NBRF/PIR). Only their first letters tell them apart, so one reader takes them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TextIO

from vecattr.formats.record import Record
from vecattr.formats.topology import topology_in
from vecattr.inputs.input_files import InputFile, input_stem

#: How much text is divided at a time (characters); a chunk ends with a line.
_CHUNK = 1 << 20

_INDENTED = re.compile(r"\n[ \t]+(?=[>;#!])")
_COMMENT_MARKS = (";", "#", "!")
_COMMENT = re.compile(r"\n[;#!][^\n]*")
_PIR = re.compile(r"(?P<kind>P1|F1|DL|DC|RL|RC|N1|N3|XX);\s{0,3}(?P<name>\S.*)")
_PIR_TOPOLOGY = {"DL": "linear", "DC": "circular", "RL": "linear", "RC": "circular"}
#: IntelliGenetics: the last line of bases ends with 1 (linear) or 2 (circular).
_IG_END = re.compile(r"\A[A-Za-z]*([12])\Z")


class Entry(NamedTuple):
    """A header without its first letter, the bases with blanks, and the topology if it is told
    elsewhere than in the header."""

    header: str
    sequence: str
    topology: str | None = None


def read_fasta(file: InputFile) -> Iterator[Record]:
    """One record per `>`; its id is the first word of the header, empty when there is none, and its
    title the whole header."""
    yield from records_of(file.text(b"\n>", b"\r>"), file.name)


def records_of(text: TextIO, file_name: str, *, begun: str = "") -> Iterator[Record]:
    """The records of text in FASTA; `begun` is what of it was read before, some whole lines."""
    for number, entry in enumerate(_entries(text, file_name, begun), start=1):
        words = entry.header.split(maxsplit=1)
        name = words[0] if words else ""
        shown = repr(name) if name else f"number {number}"
        yield Record(
            name,
            f"{file_name}, record {shown}",
            entry.sequence,
            topology=entry.topology or topology_in(entry.header),
            title=entry.header,
        )


def _entries(text: TextIO, file_name: str, begun: str) -> Iterator[Entry]:
    parts = _parts(text, begun)
    yield from _entries_of_old(next(parts), file_name)
    for part in parts:
        header, _, body = part.partition("\n")
        if ";" in body or "#" in body or "!" in body:
            body = _COMMENT.sub("", "\n" + body)[1:]
        if header[2:3] == ";" and (pir := _PIR.match(header)):
            bases = body.partition("\n")[2].rstrip().removesuffix("*")
            yield Entry(pir["name"], bases.replace("\n", ""), _PIR_TOPOLOGY.get(pir["kind"]))
        else:
            yield Entry(header, body.replace("\n", ""))


def _parts(text: TextIO, begun: str) -> Iterator[str]:
    """What stands before the first `>` at the beginning of a line (each line with its end before
    it), then the text between each of them and the next."""
    pending: list[str] = []
    while chunk := begun + text.read(_CHUNK):
        chunk += text.readline()  # no line is divided between two chunks
        begun = ""
        lines = "\n" + chunk.removesuffix("\n")
        if "\n " in lines or "\n\t" in lines:
            lines = _INDENTED.sub("\n", lines)
        first, *others = lines.split("\n>")
        pending.append(first)
        for part in others:
            yield "".join(pending)
            pending = [part]
    yield "".join(pending)


def _entries_of_old(preface: str, file_name: str) -> Iterator[Entry]:
    """The records whose header begins with `;`; without bases below them, they are comments."""
    header, body = "", list[str]()
    for line in [*map(str.strip, preface.split("\n")), ";"]:
        if line.startswith(";"):
            if body:
                yield _old_entry(header or input_stem(file_name), body)
                header, body = "", []
            header = header or line[1:].strip()
        elif line and not line.startswith(_COMMENT_MARKS):
            body.append(line)


def _old_entry(header: str, body: list[str]) -> Entry:
    ended = _IG_END.match(body[-1]) if len(body) > 1 else None
    if ended is None:
        return Entry(header, "".join(body))
    topology = "circular" if ended[1] == "2" else "linear"
    return Entry(body[0], "".join(body[1:])[:-1], topology)
