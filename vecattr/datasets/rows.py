"""Labelled plasmids as lines of JSON: a plasmid in, a line with what an index stores of it out, and
back."""

from __future__ import annotations

import json

from vecattr.info import PlasmidInfo
from vecattr.plasmid import Plasmid

_INFO = ("publication", "year", "source_url")


def row_line(plasmid: Plasmid) -> bytes:
    """A plasmid with what a segment stores of it, as a line."""
    row = {
        "id": plasmid.id,
        "sequence": plasmid.sequence,
        "topology": plasmid.topology,
        "features": None if plasmid.features is None else dict(plasmid.features),
        "lab": plasmid.lab,
        "group": plasmid.group,
    }
    info = plasmid.info or PlasmidInfo()
    row |= {name: getattr(info, name) for name in _INFO}
    return json.dumps(row, sort_keys=True).encode("ascii") + b"\n"


def row_plasmid(line: bytes) -> Plasmid:
    """The plasmid of a line that `row_line` made."""
    row = json.loads(line)
    info = PlasmidInfo(*(row.pop(key) for key in _INFO))
    return Plasmid(**row, info=info if info else None)
