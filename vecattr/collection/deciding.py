"""A work file whose records have labs in; which of them the table holds, and under which id, out.

What is decided stands in the table `decided` of the work file: `lab`, `lab_source` and `lab_sure`
of each record that was not left out when it was read; why it is left out after all (`reason`, in
favor of the record `kept`), or its `id` in the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from vecattr.collection.collected import DUPLICATE, OLDER_VERSION, distinct_id
from vecattr.collection.work_file import WorkFile

_SCHEMA = (
    "DROP TABLE IF EXISTS decided",
    """CREATE TABLE decided (
        number INTEGER PRIMARY KEY, lab TEXT NOT NULL, lab_source TEXT NOT NULL,
        lab_sure TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
        kept INTEGER, id TEXT
    )""",
    "CREATE INDEX IF NOT EXISTS record_keys ON records (key)",
    "CREATE INDEX IF NOT EXISTS record_fingerprints ON records (fingerprint)",
)

#: Records that are still in, with what is decided of them.
_LIVING = "records JOIN decided USING (number) WHERE decided.reason = ''"

#: The first depositor first: by date as far as it is known, then by the order of reading.
_FIRST_DEPOSIT = "CASE deposited WHEN '' THEN '~' ELSE deposited END, number"

#: Whether the table that is updated has the record under its own id.
_NAMED_BEFORE = (
    "EXISTS (SELECT 1 FROM old WHERE old.id = records.id AND old.fingerprint = records.fingerprint)"
)


def begin_deciding(work: WorkFile) -> None:
    """Empty what an interrupted run has decided."""
    for statement in _SCHEMA:
        work.run(statement)


def leave_out_copies(work: WorkFile) -> None:
    """Leave out older versions of a record, then all but the first deposit of a plasmid."""
    _leave_out(work, _older_versions(work), OLDER_VERSION)
    _leave_out(work, _duplicates(work), DUPLICATE)


def _leave_out(work: WorkFile, pairs: Iterable[tuple[int, int]], reason: str) -> None:
    """Leave out records in favor of others: pairs of numbers (kept, left out)."""
    work.run("CREATE TEMP TABLE IF NOT EXISTS copies (kept INTEGER, number INTEGER PRIMARY KEY)")
    work.run("DELETE FROM copies")
    work.run_many("INSERT OR IGNORE INTO copies VALUES (?, ?)", pairs)
    work.run(
        "UPDATE decided SET reason = ?, kept = copies.kept FROM copies "
        "WHERE decided.number = copies.number",
        (reason,),
    )


def _older_versions(work: WorkFile) -> Iterator[tuple[int, int]]:
    rows = work.select(
        f"SELECT key, version, records.number FROM {_LIVING} AND version > 0 "
        "ORDER BY key, version DESC, records.number DESC"
    )
    for _, group in groupby(rows, key=itemgetter(0)):
        (_, newest, kept), *others = group
        yield from ((kept, number) for _, version, number in others if version < newest)


def _duplicates(work: WorkFile) -> Iterator[tuple[int, int]]:
    rows = work.select(
        f"SELECT fingerprint, records.number FROM {_LIVING} ORDER BY fingerprint, {_FIRST_DEPOSIT}"
    )
    for _, group in groupby(rows, key=itemgetter(0)):
        (_, kept), *others = group
        yield from ((kept, number) for _, number in others)


def give_ids(work: WorkFile) -> int:
    """Give each record that is left its id in the table, and tell how many were changed.

    The first record with an id keeps it; another one gets the beginning of its plasmid's
    fingerprint after it (`pUC19~1f3a9c02`), which does not depend on what else is collected.
    """
    changed = 0

    def named() -> Iterator[tuple[str, int]]:
        nonlocal changed
        rows = work.select(
            f"SELECT records.id, fingerprint, records.number FROM {_LIVING} "
            f"ORDER BY records.id, {_NAMED_BEFORE} DESC, records.number"
        )
        for name, group in groupby(rows, key=itemgetter(0)):
            (_, _, first), *others = group
            yield name, first
            for _, molecule, number in others:
                changed += 1
                yield distinct_id(name, molecule), number

    work.run_many("UPDATE decided SET id = ? WHERE number = ?", named())
    return changed
