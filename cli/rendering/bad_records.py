"""Records that could not be read in; their rows, JSON objects and sections out, in their place
among the answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from vecattr.reports.wording import escape_control

if TYPE_CHECKING:
    from vecattr.cli.rendering.formats import Row
    from vecattr.plasmid import Plasmid
    from vecattr.readers.records import BadRecord

#: The columns that --on-bad-record report appends to those of TSV and CSV.
BAD_COLUMNS = ("error", "where")

Answer = TypeVar("Answer")


@dataclass
class BadQueries:
    """The bad records among queries, each with the number of good ones before it, until the answers
    of these are there."""

    good: int = 0
    waiting: deque[tuple[int, BadRecord]] = field(default_factory=deque)

    def counted(self, plasmids: Iterable[Plasmid]) -> Iterator[Plasmid]:
        """The good ones, counted as they come."""
        for plasmid in plasmids:
            self.good += 1
            yield plasmid

    def take(self, record: BadRecord) -> None:
        """Keep a bad record, which follows the good ones counted so far."""
        self.waiting.append((self.good, record))

    def woven(self, answers: Iterable[Answer]) -> Iterator[Answer | BadRecord]:
        """The answers of the good ones, in order, with the bad ones in their places."""
        for number, answer in enumerate(answers):
            yield from self._before(number)
            yield answer
        yield from self._before(self.good)

    def _before(self, number: int) -> Iterator[BadRecord]:
        while self.waiting and self.waiting[0][0] <= number:
            yield self.waiting.popleft()[1]


def bad_row(record: BadRecord, names: Row) -> Row:
    """The row of a bad record, of the kind `bad`, under columns of these names."""
    error = record.error
    what = f"{error.what}; {error.hint}" if error.hint else error.what
    cells = {"query": record.id, "kind": "bad", "source": record.source}
    cells |= {"error": what, "where": error.where}
    return [cells.get(str(name)) for name in names]


def bad_object(record: BadRecord) -> dict[str, object]:
    """The JSON object of a bad record: what `query` and `source` are of an answer, and `error`."""
    error = record.error
    problem = {"what": error.what, "where": error.where, "hint": error.hint}
    return {"query": record.id, "source": record.source, "error": problem}


def bad_block(record: BadRecord) -> str:
    """A bad record as a table's text: a heading, the problem, the next step."""
    error = record.error
    lines = [f"{record.id}  (bad record)", f"  {error.where}: {error.what}"]
    lines += [f"  {error.hint}"] if error.hint else []
    return "".join(escape_control(line) + "\n" for line in lines) + "\n"
