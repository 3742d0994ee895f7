"""A record as a sequence file holds it: raw text and what the file says of it, not yet checked."""

from __future__ import annotations

from dataclasses import dataclass

from vecattr.errors import InputError
from vecattr.plasmid import Features


@dataclass(frozen=True, slots=True)
class Record:
    """A record as its file holds it, not yet checked.

    `place` is `file:line` or `file, record 'id'`. `topology`, `lab`, `group` and `features` are
    None where the file does not say (an empty `lab` is an empty cell); `is_selected` is False for
    a table's row that `where` leaves out; `problem` is an error that the reader met.
    """

    id: str
    place: str
    sequence: str
    topology: str | None = None
    lab: str | None = None
    group: str | None = None
    features: Features | None = None
    is_selected: bool = True
    problem: InputError | None = None
