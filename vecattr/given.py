"""What somebody has in a notebook in; plasmids out: bases, the path of a file, a Biopython record.

Biopython is not imported: an object of it can only be there when somebody imported it before.
"""

from __future__ import annotations

import sys
from os import PathLike
from os.path import exists
from pathlib import Path
from typing import Any

from vecattr.errors import InputError, UsageError
from vecattr.plasmid import ALPHABET, Plasmid
from vecattr.readers.plasmids import ReadOptions, read_plasmids

#: The id of bases that came without one.
NAME = "query"

#: What may be asked about. Biopython's `SeqRecord` and `Seq` are among it, so a type checker cannot
#: tell what is not.
Given = Any

_LETTERS = frozenset(ALPHABET + "U")


def read(source: str | PathLike[str], options: ReadOptions | None = None) -> list[Plasmid]:
    """The plasmids of a file or a folder; the error of the first record that is bad. To go on after
    bad records, use `read_plasmids`.

    >>> [len(plasmid) for plasmid in read("query.fasta")]
    [3139]
    """
    plasmids = []
    for record in read_plasmids([Path(source)], options):
        if not isinstance(record, Plasmid):
            raise record.error
        plasmids.append(record)
    return plasmids


def as_plasmid(given: Given) -> Plasmid:
    """The plasmid itself, or that of bases, of the path of a file with one record, or of a
    `SeqRecord`, `Seq` or `MutableSeq` of Biopython.

    A text of nucleotide letters alone is bases; any other text is a path. Bases and a `Seq` are
    circular. UsageError for anything else, InputError for what is no plasmid.

    >>> as_plasmid("acgt acgt").sequence, len(as_plasmid("query.fasta"))
    ('ACGTACGT', 3139)
    """
    if isinstance(given, Plasmid):
        return given
    if isinstance(given, str):
        is_bases = not given.strip() or _are_bases(given)
        return Plasmid(NAME, given) if is_bases else _only_plasmid(given)
    if isinstance(given, PathLike):
        return _only_plasmid(given)
    if _is_biopython(given, "Bio.SeqRecord", "SeqRecord"):
        return _of_record(given)
    if _is_biopython(given, "Bio.Seq", "Seq") or _is_biopython(given, "Bio.Seq", "MutableSeq"):
        return Plasmid(NAME, _bases_of(given))
    raise UsageError(
        f"an object of the type {type(given).__name__} is no plasmid",
        hint="give bases, the path of a file, a Plasmid, or a SeqRecord or Seq of Biopython",
    )


def _are_bases(text: str) -> bool:
    """Whether a text holds nucleotide letters alone, in lines or not."""
    letters = "".join(text.split()).upper()
    return bool(letters) and _LETTERS.issuperset(letters)


def _only_plasmid(path: str | PathLike[str]) -> Plasmid:
    """The one record of a file; InputError when there are several, or there is no such file."""
    if len(str(path)) > 200 and "." not in str(path)[-20:]:
        return Plasmid(NAME, str(path))  # whose error names the first letter that is no base
    if isinstance(path, str) and not exists(path):
        hint = "check the path; a text is bases when all its letters are nucleotide letters"
        raise InputError("no such file", where=path, hint=hint)
    plasmids = read(path)
    if len(plasmids) != 1:
        raise InputError(
            f"the file holds {len(plasmids)} records, and one is asked about",
            where=str(path),
            hint="index.query_many(vecattr.read(path)) asks about each of them",
        )
    return plasmids[0]


def _is_biopython(given: object, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(given, getattr(loaded, name))


def _of_record(record: Any) -> Plasmid:
    """The plasmid of a SeqRecord; circular unless its annotations say linear."""
    topology = record.annotations.get("topology", "circular")
    return Plasmid(str(record.id or NAME), _bases_of(record.seq), topology=topology)


def _bases_of(seq: Any) -> str:
    """The letters of a Seq; InputError when it has a length and no letters."""
    try:
        return str(seq)
    except Exception as error:  # UndefinedSequenceError, which only Biopython can name
        raise InputError(
            "the Biopython sequence holds no letters", hint="read the file with its sequence"
        ) from error
