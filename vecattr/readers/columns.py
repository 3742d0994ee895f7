"""Columns by what they hold: a table's header in; where ids, sequences, labs and the rest stand, by
the names that people give them, out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from vecattr.errors import InputError
from vecattr.formats.kinds import SEQUENCE_COLUMNS

Role = Literal["id", "sequence", "lab", "topology", "publication", "year", "source_url"]

#: The names of each column, the best first; letters and digits alone, lower case. The first is the
#: one that vecattr writes.
NAMES: dict[Role, tuple[str, ...]] = {
    "id": (
        "sequenceid", "id", "seqid", "plasmidid", "recordid", "identifier", "accession",
        "accessionversion", "accessionnumber", "name", "sequencename", "seqname", "plasmidname",
        "recordname", "plasmid", "constructid", "constructname", "construct", "clone", "uid",
    ),
    "sequence": SEQUENCE_COLUMNS,
    "lab": (
        "lab", "labname", "laboratory", "pi", "piname", "principalinvestigator", "depositor",
        "depositinglab", "depositinglaboratory", "depositorlab", "depositedby", "labhead", "labpi",
        "pilab", "researchgroup", "designer",
    ),
    "topology": ("topology", "moleculetopology", "plasmidtopology", "dnatopology"),
    "publication": (
        "publication", "publicationid", "paper", "paperid", "article", "articleid", "pubmedid",
        "pubmed", "pmid", "doi",
    ),
    "year": (
        "year", "publicationyear", "yearofpublication", "yearpublished", "pubyear", "paperyear",
        "articleyear",
    ),
    "source_url": (
        "sourceurl", "url", "link", "plasmidurl", "recordurl", "plasmidlink", "weblink", "webpage",
    ),
}  # fmt: skip

#: Columns that state the topology as yes or no, and what yes means.
_YES_MEANS = {
    "circular": "circular",
    "iscircular": "circular",
    "linear": "linear",
    "islinear": "linear",
}

#: Columns that describe a row, those of `collect` among them, and are never features.
_DESCRIPTIONS = frozenset(
    {"split", "year", "source", "sourceurl", "labsource", "labsure", "change"}
)

#: How a cell states a year: alone, as a number of a spreadsheet, or as a date that begins with it.
_YEAR = re.compile(r"([0-9]{4})(?:\.0|[-/.][0-9]{1,2}(?:[-/. T].*)?)?")

_YES = frozenset({"1", "1.0", "true", "t", "yes", "y"})
_NO = frozenset({"0", "0.0", "false", "f", "no", "n"})
_TOPOLOGIES = {
    "circular": "circular", "circ": "circular", "c": "circular", "cyclic": "circular",
    "linear": "linear", "lin": "linear", "l": "linear",
}  # fmt: skip
_OPPOSITE = {"circular": "linear", "linear": "circular"}

#: How people and programs write that a value is missing: those of pandas, and some more.
_MISSING = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    "NAN", "NONE", "none", "Null", "na", "n.a.", "N.A.", "#VALUE!", "#REF!", "#NAME?", "-", "--",
    "?", ".",
})  # fmt: skip

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")

#: How many column names a message shows.
_SHOWN = 8


def is_missing(cell: str) -> bool:
    """Whether a cell without outer blanks says that its value is missing. A lab may be called Nan,
    which is not how programs write it.

    >>> [is_missing(cell) for cell in ("", "NA", "nan", "None", "0", "Nan")]
    [True, True, True, True, False, False]
    """
    return cell in _MISSING


def squeezed(name: str) -> str:
    """A column's name by which it is known: lower case, letters and digits alone, without what
    stands in brackets.

    >>> squeezed("Sequence ID"), squeezed("Sequence (5'-3')"), squeezed("is_circular")
    ('sequenceid', 'sequence', 'iscircular')
    """
    return "".join(filter(str.isalnum, _BRACKETS.sub("", name))).lower()


@dataclass(frozen=True)
class ColumnNames:
    """What the user says of the columns of tables: their names, where vecattr would not find them,
    and which of those of 0 and 1 are `features` (none given: all). `group` names the column that
    ties plasmids together, where that is not the publication. A table has a header when it has a
    column of one of the roles `needed`."""

    id: str | None = None
    sequence: str | None = None
    lab: str | None = None
    topology: str | None = None
    publication: str | None = None
    year: str | None = None
    source_url: str | None = None
    group: str | None = None
    features: tuple[str, ...] = ()
    needed: frozenset[Role] = frozenset({"id", "sequence"})

    def given(self) -> Iterable[tuple[Role, str]]:
        """The names that are given, each with what the column holds."""
        for role in NAMES:
            name: str | None = getattr(self, role)
            if name is not None:
                yield role, name


#: Every column is found by its name.
BY_NAME = ColumnNames()


@dataclass
class ColumnUse:
    """Which features count (None: every column of 0 and 1), asked for when a table has a column of
    0 and 1; and what became of the columns of all tables of a command: `features` are those that
    count, `unused` those that change nothing. So many cells that tell of publications, years or
    pages were `not_kept`, and the `first_fault` says why, of the first."""

    known_features: Callable[[], Collection[str] | None] = lambda: None
    features: dict[str, None] = field(default_factory=dict)
    unused: dict[str, None] = field(default_factory=dict)
    not_kept: int = 0
    first_fault: str = ""

    def leave_out(self, fault: InputError, *, place: str) -> None:
        """Count a cell that is not kept."""
        self.not_kept += 1
        self.first_fault = self.first_fault or f"{place}: {fault.what}"


@dataclass(frozen=True)
class Header:
    """The columns of a table and what they hold; `file` names it in messages."""

    columns: tuple[str, ...]
    file: str
    names: ColumnNames = BY_NAME

    def position(self, column: str) -> int:
        """Where a column stands that is called so, in any case; InputError that lists the columns
        when there is none."""
        if column in self.columns:
            return self.columns.index(column)
        wanted = squeezed(column)
        if wanted:
            for position, name in enumerate(self.columns):
                if squeezed(name) == wanted:
                    return position
        shown = ", ".join(self.columns[:_SHOWN])
        more = len(self.columns) - _SHOWN
        raise InputError(
            f"the table has no column {column!r}",
            where=self.file,
            hint=f"its columns are: {shown}" + (f" and {more} more" if more > 0 else ""),
        )

    def find(self, role: Role) -> int | None:
        """Where the column of a role stands: as the user says, else by its names, the best first;
        None without one. InputError when the table lacks a column that the user names."""
        for given, name in self.names.given():
            if given == role:
                return self.position(name)
        best = NAMES[role][0]
        written = {"sequenceid": "sequence_id", "sourceurl": "source_url"}.get(best, best)
        if written in self.columns:
            return self.columns.index(written)
        return self.first(NAMES[role])

    def first(self, names: Sequence[str]) -> int | None:
        """Where the column with the first of some squeezed names stands; None without one."""
        ranks = {name: rank for rank, name in enumerate(names)}
        ranked = [
            (ranks[name], position)
            for position, name in enumerate(map(squeezed, self.columns))
            if name in ranks
        ]
        return min(ranked)[1] if ranked else None

    def topologies(self) -> list[tuple[int, str]]:
        """The columns that state the topology: where they stand, and what yes means in them."""
        position = self.find("topology")
        names = [squeezed(column) for column in self.columns]
        columns = (
            [] if position is None else [(position, _YES_MEANS.get(names[position], "circular"))]
        )
        if self.names.topology is not None:
            return columns
        others = [
            (place, _YES_MEANS[name]) for place, name in enumerate(names) if name in _YES_MEANS
        ]
        return columns + others

    def group(self) -> int | None:
        """Where the column stands that ties plasmids together: as the user says, else that of
        publications; None without one. InputError as in `find`."""
        named = self.names.group
        return self.find("publication") if named is None else self.position(named)

    def reserved(self) -> set[int]:
        """Where columns stand that are never features, whatever they hold."""
        held = {self.find(role) for role in NAMES} | {place for place, _ in self.topologies()}
        held.add(self.group())
        words = {*_DESCRIPTIONS, *_YES_MEANS, *(NAMES[role][0] for role in NAMES)}
        names = enumerate(map(squeezed, self.columns))
        return {
            *(position for position in held if position is not None),
            *(position for position, name in names if name in words),
        }


def known_columns(columns: Iterable[str], names: ColumnNames = BY_NAME) -> set[Role]:
    """What is held by columns with these names, as far as the names tell; roles that the user
    names count when a column is called so."""
    given = dict(names.given())
    held = {squeezed(column) for column in columns}
    return {
        role
        for role, words in NAMES.items()
        if (squeezed(given[role]) in held if role in given else not held.isdisjoint(words))
    }


def year_of(cell: str) -> int | None:
    """The year that a cell states, None when it states none.

    >>> [year_of(cell) for cell in ("2019", "2019.0", "2019-05-03", "in press")]
    [2019, 2019, 2019, None]
    """
    match = _YEAR.fullmatch(cell)
    return int(match[1]) if match else None


def topology_of(cells: Sequence[str], columns: Sequence[tuple[int, str]]) -> str | None:
    """The topology that a row states, None when it does not; a word that says neither is handed
    on. InputError when two columns contradict each other."""
    stated: dict[str, str] = {}
    for position, yes in columns:
        cell = cells[position].strip()
        if not is_missing(cell):
            stated.setdefault(_topology(cell.lower(), yes=yes), cell)
    if len(stated) > 1:
        words = " and ".join(repr(cell) for cell in stated.values())
        raise InputError(
            f"the columns of the topology contradict each other: {words}",
            hint="correct the row, or name the right one with --topology-column",
        )
    return next(iter(stated), None)


def _topology(word: str, *, yes: str) -> str:
    if word in _TOPOLOGIES:
        return _TOPOLOGIES[word]
    if word in _YES:
        return yes
    return _OPPOSITE[yes] if word in _NO else word
