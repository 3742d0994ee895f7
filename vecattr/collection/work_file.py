"""The work file of a collection: records in, in the order they are read; all of them out again.

It is an SQLite database beside the table that is being made. It keeps memory bounded, whatever is
collected, and an interrupted run goes on with it. It is deleted when the table is there. (SQLite
writes to the disk by itself: nothing depends on this file but how soon the next run is done.)
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from vecattr.collection.collected import Collected, id_key, scope_of
from vecattr.errors import ArtifactError, LockedError, UsageError, VecattrError
from vecattr.files.disk import disk

#: What the name of a work file ends with, after the table's.
SUFFIX = ".part"

#: Marks a database as a work file of vecattr (`PRAGMA application_id`): "vcol".
_APPLICATION = 0x76636F6C

#: The most memory for pages of the database (KiB).
_CACHE = 32 << 10

_BASES_LEVEL = 1  # of zlib: a quarter of the size, at little cost

_FIELDS = tuple(field.name for field in fields(Collected))
_SEQUENCE = _FIELDS.index("sequence")

#: The columns of a table of records, after `number`, in which they are read.
_COLUMNS = ("source_number", "key", "version", "scope", *_FIELDS)

_TYPES = {
    "source_number": "INTEGER",
    "version": "INTEGER",
    "fingerprint": "BLOB",
    "sequence": "BLOB",
}
_TABLE = ", ".join(f"{name} {_TYPES.get(name, 'TEXT')} NOT NULL" for name in _COLUMNS)

#: `records` are those that were read, `old` those of the table that is updated.
_SCHEMA = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE sources (source INTEGER PRIMARY KEY, seen INTEGER NOT NULL, "
    "is_done INTEGER NOT NULL)",
    f"CREATE TABLE records (number INTEGER PRIMARY KEY, {_TABLE})",
    f"CREATE TABLE old (number INTEGER PRIMARY KEY, {_TABLE})",
    "CREATE UNIQUE INDEX old_ids ON old (id)",
)

Row = tuple[Any, ...]


class WorkFile:
    """An open work file; use it as a context manager. One process has it at a time.

    `was_there` says whether it goes on with an interrupted run of the same `plan` (a text that
    says what is collected, and how); a work file of another plan is emptied first. LockedError when
    another process has it; UsageError when the file is something else; ArtifactError when the disk
    refuses.
    """

    def __init__(self, path: Path, *, plan: str) -> None:
        self.path = path
        self.was_there = False
        _check_is_work_file(path)
        with self._translated():
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
            try:
                self._open(plan)
            except BaseException:
                self._database.close()
                raise

    def _open(self, plan: str) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        tables = [name for (name,) in run("SELECT name FROM sqlite_master WHERE type = 'table'")]
        (application,) = run("PRAGMA application_id").fetchone()
        if tables and application != _APPLICATION:
            raise _foreign(self.path)
        run(f"PRAGMA cache_size = -{_CACHE}")
        run("PRAGMA journal_mode = WAL")  # a killed process, or computer, leaves whole records
        run("PRAGMA synchronous = NORMAL")
        run("BEGIN EXCLUSIVE")
        if tables:
            earlier = run("SELECT value FROM facts WHERE name = 'plan'").fetchone()
            self.was_there = earlier == (plan,)
        if not self.was_there:
            for name in tables:
                run(f"DROP TABLE {name}")
            for statement in _SCHEMA:
                run(statement)
            run(f"PRAGMA application_id = {_APPLICATION}")
            run("INSERT INTO facts VALUES ('plan', ?)", (plan,))
        run("COMMIT")

    def __enter__(self) -> WorkFile:
        return self

    def __exit__(self, *_: object) -> None:
        with self._translated():
            self._database.close()

    def delete(self) -> None:
        """Close the work file and delete it: the table is there."""
        with self._translated():
            self._database.close()
        for name in (self.path.name, f"{self.path.name}-wal", f"{self.path.name}-journal"):
            with contextlib.suppress(OSError):
                disk().unlink(self.path.with_name(name))

    def seen(self, source: int) -> tuple[int, bool]:
        """How many records of a source were read, and whether these are all."""
        with self._translated():
            row = self._database.execute(
                "SELECT seen, is_done FROM sources WHERE source = ?", (source,)
            ).fetchone()
        return (int(row[0]), bool(row[1])) if row else (0, False)

    def add(
        self, source: int, records: Sequence[Collected], *, seen: int, is_done: bool = False
    ) -> None:
        """Keep these records of a source, and how many of it are read; all of it or nothing."""
        with self.transaction():
            self.insert("records", source, records)
            self.note_seen(source, seen, is_done=is_done)

    def insert(self, table: str, source: int, records: Iterable[Collected]) -> None:
        """Put records of a source into the table `records` or `old`, within a transaction."""
        places = ", ".join("?" * len(_COLUMNS))
        with self._translated():
            self._database.executemany(
                f"INSERT INTO {table} ({', '.join(_COLUMNS)}) VALUES ({places})",
                ((source, *_stored(record)) for record in records),
            )

    def note_seen(self, source: int, seen: int, *, is_done: bool) -> None:
        """Keep how many records of a source are read, within a transaction."""
        self.run("INSERT OR REPLACE INTO sources VALUES (?, ?, ?)", (source, seen, is_done))

    def copy_old(self, source: int, condition: str, values: Sequence[object] = ()) -> None:
        """Add the records of the table `old` that meet a condition of SQL to the `records`, as
        those of a source, within a transaction."""
        others = ", ".join(_COLUMNS[1:])
        self.run(
            f"INSERT INTO records (source_number, {others}) "
            f"SELECT {source:d}, {others} FROM old WHERE {condition} ORDER BY number",
            values,
        )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What happens inside happens wholly or not at all."""
        with self._translated():
            self._database.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def run(self, statement: str, values: Sequence[object] = ()) -> None:
        """Run a statement of SQL that gives nothing."""
        with self._translated():
            self._database.execute(statement, values)

    def run_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for each row of values, in one transaction; rows may be selected while
        they are used."""
        with self.transaction():
            self._database.executemany(statement, rows)

    def select(self, statement: str, values: Sequence[object] = ()) -> Iterator[Row]:
        """The rows that a statement of SQL gives, one at a time."""
        with self._translated():
            yield from self._database.execute(statement, values)

    def value(self, statement: str, values: Sequence[object] = ()) -> Any:
        """The first value of the first row; None without a row."""
        row = next(self.select(statement, values), None)
        return row[0] if row else None

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _error_of(error, self.path) from error


def packed(sequence: str) -> bytes:
    """Bases as the work file keeps them."""
    return zlib.compress(sequence.encode("ascii"), _BASES_LEVEL)


def unpacked(data: bytes) -> str:
    """The bases that were packed."""
    return zlib.decompress(data).decode("ascii")


def _stored(record: Collected) -> tuple[Any, ...]:
    values = list(astuple(record))
    values[_SEQUENCE] = packed(record.sequence) if record.sequence else b""
    return *id_key(record.id), scope_of(record.source, record.source_url), *values


def _check_is_work_file(path: Path) -> None:
    """UsageError when something else is at the path, or a link, which may lead anywhere."""
    if path.is_symlink():
        raise _foreign(path)
    if not path.exists():
        return
    head = b"?"
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(72)
    is_empty = not head
    is_ours = head.startswith(b"SQLite format 3\0") and head[68:72] in (
        _APPLICATION.to_bytes(4, "big"),
        bytes(4),  # killed before the first commit reached the file
    )
    if not (is_empty or is_ours):
        raise _foreign(path)


def _foreign(path: Path) -> UsageError:
    return UsageError(
        "this is not a work file of vecattr, and it stands where one must be",
        where=str(path),
        hint="move it away, or name another table with -o",
    )


def _error_of(error: sqlite3.Error, path: Path) -> VecattrError:
    if "locked" in str(error):
        return LockedError(
            "another process is collecting into the same table",
            where=str(path),
            hint="wait for it, or name another table with -o",
        )
    hint = "delete it to begin again" if "malformed" in str(error) else None
    return ArtifactError(f"the work file: {error}", where=str(path), hint=hint)
