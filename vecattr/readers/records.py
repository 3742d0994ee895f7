"""Records of sequence files before they are checked: raw text in, a Plasmid or a BadRecord out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.plasmid import Plasmid, Topology

TopologyOption = Literal["auto", "circular", "linear"]

#: The letter between two records that are joined into one plasmid; no k-mer spans it.
JOINT = "N"


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be a plasmid; `error.where` is `file:line` or `file, record 'id'`, and
    `source` the file, as `Plasmid.source` is.

    >>> from pathlib import Path
    >>> from vecattr import read_plasmids
    >>> _ = Path("bad.fasta").write_text(">p1\\nACGT!\\n")
    >>> [record] = read_plasmids(["bad.fasta"])
    >>> record.id, record.error.exit_code
    ('p1', 3)
    """

    id: str
    error: InputError
    source: str | None = field(default=None, compare=False)


def plasmid_of(
    record: Record, topology: TopologyOption = "auto", *, source: str | None = None
) -> Plasmid | BadRecord:
    """The checked plasmid, read from the file `source`; `auto` means what the file says, else
    circular."""
    chosen = record.topology or "circular" if topology == "auto" else topology
    try:
        if record.problem is not None:
            raise record.problem
        _check_id(record.id)
        return Plasmid(
            record.id,
            record.sequence,
            topology=cast(Topology, chosen),  # Plasmid rejects other words
            features=record.features,
            lab=record.lab or None,
            group=record.group,
            source=source,
            annotations=record.annotations,
            info=record.info,
        )
    except InputError as error:
        placed = InputError(error.what, where=record.place, hint=error.hint)
        return BadRecord(record.id or "(no id)", placed, source)


def _check_id(name: str) -> None:
    if not name.isprintable():
        raise InputError(
            f"the id {name!r} holds a control character", hint="use printable text for ids"
        )


def joined(records: Iterable[Record]) -> Iterator[Record]:
    """All records of one file as one record with the id of the first; none when there are none.

    Sequences are joined by one `N`. The order of the pieces and their ends are not known, so two
    or more pieces are linear unless the topology option says otherwise.
    """
    pieces = list(records)
    if len(pieces) < 2:
        yield from pieces
        return
    first = pieces[0]
    problems = (piece.problem for piece in pieces if piece.problem is not None)
    yield Record(
        first.id,
        first.place,
        JOINT.join(piece.sequence for piece in pieces),
        topology="linear",
        lab=first.lab,
        group=first.group,
        problem=next(problems, None),
        names=first.names,
        title=first.title,
        info=first.info,
    )
