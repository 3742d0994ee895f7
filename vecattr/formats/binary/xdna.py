"""Serial Cloner and DNA Strider (`.xdna`): an open file in; its one record, with topology, out.

The head of 112 bytes is that of DNA Strider (Marck 1988), as Biopython's `XdnaIO` describes it. The
bases follow, then a comment and features, which are not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile, input_stem

#: Version, kind, topology, number of letters, letters before the origin, length of the comment.
_HEAD = struct.Struct(">BBB25xII60xI11xB")
_LAST = 0xFF
_PROTEIN = 4
_KINDS = range(5)
_TOPOLOGIES = {0: "linear", 1: "circular"}
_LETTERS = frozenset(b"ABCDEFGHIKLMNOPQRSTUVWXYZabcdefghiklmnopqrstuvwxyz*-")


def is_xdna(head: bytes) -> bool:
    """Whether a file that begins so was written by Serial Cloner or DNA Strider."""
    if len(head) <= _HEAD.size:
        return False
    version, kind, topology, length, _, _, last = _HEAD.unpack_from(head)
    letters = head[_HEAD.size : _HEAD.size + min(length, 64)]
    return (
        version == 0
        and kind in _KINDS
        and topology in _TOPOLOGIES
        and last == _LAST
        and length > 0
        and _LETTERS.issuperset(letters)
    )


def read_xdna(file: InputFile) -> Iterator[Record]:
    """The one record of the file; its id is the file's name without suffix.

    A file of protein, or one that is cut within the bases, is a record that carries its problem.
    """
    name = input_stem(file.name)
    place = f"{file.name}, record {name!r}"
    content = file.limited().read()
    _, kind, topology, length, _, comment, _ = _HEAD.unpack_from(content)
    problem = None
    if kind == _PROTEIN:
        problem = InputError("this is a protein file", hint="vecattr reads nucleotide sequences")
    elif _HEAD.size + length + comment > len(content):
        problem = InputError(
            f"the file states {length} bases and ends too early",
            hint="it is probably cut short; copy it again, or export it as GenBank",
        )
    bases = content[_HEAD.size : _HEAD.size + length].decode("latin-1")
    yield Record(
        name,
        place,
        "" if problem else bases,
        topology=_TOPOLOGIES[topology],
        problem=problem,
    )
