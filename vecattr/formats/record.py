"""A record as a sequence file holds it: raw text and what the file says of it, not yet checked."""

from __future__ import annotations

from dataclasses import dataclass

from vecattr.errors import InputError
from vecattr.info import PlasmidInfo
from vecattr.plasmid import Annotation, Features


@dataclass(frozen=True, slots=True)
class Record:
    """A record as its file holds it, not yet checked.

    `place` is `file:line` or `file, record 'id'`. `id` is what the record calls itself, `names` are
    its other names (a LOCUS name), the best first, and `title` is a whole line about it: the id is
    made of these in `vecattr.readers.ids`. `topology`, `lab`, `group` and `features` are None where
    the file does not say (an empty `lab` is an empty cell); `is_selected` is False for a table's
    row that `where` leaves out; `problem` is an error that the reader met, `note`
    something about a good record that the user should know. `annotations` are what the file says
    of its bases, unchecked, and `info` is what is known of the plasmid beside them.
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
    note: str | None = None
    names: tuple[str, ...] = ()
    title: str = ""
    annotations: tuple[Annotation, ...] = ()
    info: PlasmidInfo | None = None


def id_and_names(*candidates: str) -> tuple[str, tuple[str, ...]]:
    """The `id` and the `names` of a record: candidates with a letter or a digit, words joined.

    >>> id_and_names(".", "my plasmid", "pA")
    ('my_plasmid', ('pA',))
    """
    names = ["_".join(name.split()) for name in candidates if any(map(str.isalnum, name))]
    return (names[0] if names else ""), tuple(names[1:])
