"""The table of an earlier run and a work file in; what is new, changed and withdrawn since, out.

A row is withdrawn when its record was looked for and is not there: the sources hold records of the
same site (or file), but not this one. Rows of other sites, of sources that are only a part, and of
records that could not be read this time, are carried over as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vecattr.collection.collected import COLUMNS, UNREADABLE, fingerprint
from vecattr.collection.earlier_table import is_collected, read_collected
from vecattr.collection.settled import Settled
from vecattr.collection.table_file import table_writer
from vecattr.collection.work_file import WorkFile, unpacked
from vecattr.errors import InputError
from vecattr.inputs.input_files import open_input
from vecattr.inputs.limits import Limits

#: The columns of the list of changes: what happened and why, the id that the index may have, then
#: those of the table.
CHANGES_COLUMNS = ("change", "why", "old_id", *COLUMNS)

#: The columns whose change an index notices.
_NOTICED = ("sequence_id", "sequence", "topology", "lab", "publication")

#: Whether a row of the old table was not looked for.
_IS_CARRIED = """CASE
    WHEN EXISTS (SELECT 1 FROM records WHERE records.key = old.key AND reason <> ?
                 AND (records.scope = old.scope OR records.version > 0)) THEN 0
    WHEN EXISTS (SELECT 1 FROM records WHERE records.key = old.key AND reason = ?) THEN 1
    WHEN ? THEN scope NOT IN (SELECT scope FROM scopes)
    ELSE 1 END"""

#: Which record of the table (`number`) is which row of the old one: that of its id, else
#: the one that it is a new version of.
_MATCHES = (
    "DROP TABLE IF EXISTS matches",
    "CREATE TABLE matches (number INTEGER PRIMARY KEY, row INTEGER NOT NULL UNIQUE)",
    """INSERT INTO matches
        SELECT decided.number, old.number FROM decided JOIN old ON old.id = decided.id
        WHERE decided.reason = ''""",
    """INSERT OR IGNORE INTO matches
        SELECT decided.number, old.number
        FROM decided JOIN records USING (number) JOIN old ON old.key = records.key
        WHERE decided.reason = '' AND records.version > 0
          AND decided.number NOT IN (SELECT number FROM matches)
          AND old.number NOT IN (SELECT row FROM matches)
        ORDER BY decided.number""",
)

_PAIRS = """
SELECT old.id, old.sequence, old.topology, old.designer, old.publication, old.year, old.source,
       old.source_url, decided.id, records.sequence, records.topology, lab, lab_source, lab_sure,
       records.publication, records.year, records.source, records.source_url
FROM ordered JOIN records USING (number) JOIN decided USING (number)
     LEFT JOIN matches USING (number) LEFT JOIN old ON old.number = matches.row
ORDER BY position
"""

_WITHDRAWN = """
SELECT id, topology, designer, publication, year, source, source_url,
       (SELECT CASE records.reason WHEN '' THEN decided.reason ELSE records.reason END
               || CASE WHEN kept IS NULL THEN ''
                  ELSE ' of ' || (SELECT id FROM decided AS other WHERE other.number = decided.kept)
                  END
        FROM records LEFT JOIN decided USING (number) WHERE records.key = old.key
        ORDER BY records.number DESC LIMIT 1)
FROM old WHERE number NOT IN (SELECT row FROM matches) ORDER BY number
"""

#: The date of deposit of a row that is carried over: what the table has stays.
FIRST_OF_ALL = "0"

GONE = "no longer in the sources"


def load_old(work: WorkFile, path: Path | None, *, limits: Limits) -> None:
    """Keep the rows of the table that is updated, if they are not there yet; InputError for a row
    that is damaged, or an id that occurs twice."""
    if path is None or work.value("SELECT 1 FROM facts WHERE name = 'old'"):
        return
    with open_input(path, limits=limits) as file, work.transaction():
        if not is_collected(file.head):
            raise InputError(
                "this is no table that collect wrote",
                where=str(path),
                hint="name one with --update",
            )
        for record in read_collected(file):
            what = record.detail
            if work.value("SELECT 1 FROM old WHERE id = ?", (record.id,)):
                what = f"the id {record.id!r} occurs twice"
            if what:
                raise InputError(what, where=record.place, hint="give the table as it was written")
            molecule = fingerprint(record.sequence)
            first = replace(record, fingerprint=molecule, deposited=FIRST_OF_ALL)
            work.insert("old", 0, [first])
        work.run("INSERT INTO facts VALUES ('old', 'read')")


def carry_over(work: WorkFile, *, source: int, is_complete: bool) -> int:
    """Add the rows of the old table that were not looked for as records of source number `source`,
    and tell how many; `is_complete`: the sources are the whole of their sites and files."""
    work.run("CREATE INDEX IF NOT EXISTS record_keys ON records (key)")
    work.run("DROP TABLE IF EXISTS scopes")
    with work.transaction():
        work.run("DELETE FROM records WHERE source_number = ?", (source,))
        work.run("CREATE TABLE scopes AS SELECT DISTINCT scope FROM records")
        work.copy_old(source, _IS_CARRIED, (UNREADABLE, UNREADABLE, is_complete))
    return int(work.value("SELECT COUNT(*) FROM records WHERE source_number = ?", (source,)))


def match_old(work: WorkFile) -> None:
    """Find for each row of the table the row of the old one that it stands for."""
    for statement in _MATCHES:
        work.run(statement)


def changes(work: WorkFile) -> Iterator[tuple[str, ...]]:
    """The rows of the list of changes, with the cells of `CHANGES_COLUMNS`: what is withdrawn in
    the order of the old table, then what is changed or added in the order of the new one."""
    for name, topology, designer, publication, year, source, url, why in work.select(_WITHDRAWN):
        lab = Settled.from_text(designer)
        row = (name, "", topology, lab.lab, lab.source, lab.sure, publication, year, source, url)
        yield "withdrawn", why or GONE, name, *row
    width = len(COLUMNS) - 2  # the lab of an old row is one text
    for row in work.select(_PAIRS):
        new = _with_bases(row[width:])
        if row[0] is None:
            yield "added", "", "", *new
            continue
        lab = Settled.from_text(row[3])
        old = _with_bases((*row[:3], lab.lab, lab.source, lab.sure, *row[4:width]))
        differing = [
            column
            for column, before, now in zip(COLUMNS, old, new, strict=True)
            if column in _NOTICED and before != now
        ]
        if differing:
            yield "changed", " ".join(differing), old[0], *new


def _with_bases(row: Sequence[Any]) -> tuple[str, ...]:
    """The row with its bases as text."""
    return (row[0], unpacked(row[1]), *row[2:])


def write_changes(work: WorkFile, path: Path | None) -> Counter[str]:
    """Write the list of changes, if it has a path, and count them by kind."""
    if path is None:
        return Counter(row[0] for row in changes(work))
    counts: Counter[str] = Counter()
    with table_writer(path, CHANGES_COLUMNS) as write:
        for row in changes(work):
            counts[row[0]] += 1
            write(row)
    return counts
