"""A decided work file in; the table, and the report of what was left out and why, out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from vecattr.collection.collected import COLUMNS
from vecattr.collection.settled import lab_from_text
from vecattr.collection.table_file import table_writer
from vecattr.collection.work_file import Row, WorkFile, unpacked
from vecattr.designers.designer import Designer
from vecattr.errors import InputError
from vecattr.info import LabInfo
from vecattr.readers.info import read_lab_info

#: The columns of the report, in order.
REPORT_COLUMNS = (
    "sequence_id",
    "reason",
    "detail",
    "kept_id",
    "lab",
    "lab_source",
    "source",
    "source_url",
    "place",
)

#: The rows of the table, by number, in its order: those of the table that is updated as they stand
#: there, then the others in the order of reading.
_ORDER = (
    "DROP TABLE IF EXISTS ordered",
    "CREATE TABLE ordered (position INTEGER PRIMARY KEY, number INTEGER NOT NULL)",
    """INSERT INTO ordered (number)
        SELECT decided.number FROM decided LEFT JOIN matches USING (number) WHERE reason = ''
        ORDER BY matches.row IS NULL, matches.row, decided.number""",
)

_ROWS = """
SELECT decided.id, sequence, topology, lab, lab_source, lab_sure, publication, year, source,
       CASE decided.id WHEN records.id THEN source_url ELSE '' END
FROM ordered JOIN records USING (number) JOIN decided USING (number) ORDER BY position
"""

_LEFT_OUT = """
SELECT records.id,
       CASE records.reason WHEN '' THEN decided.reason ELSE records.reason END,
       CASE records.reason WHEN '' THEN decided.detail ELSE records.detail END,
       (SELECT COALESCE(id, '') FROM decided AS other WHERE other.number = decided.kept),
       lab, lab_source, source, source_url, place
FROM records LEFT JOIN decided USING (number)
WHERE records.reason <> '' OR decided.reason <> ''
ORDER BY records.number
"""


#: The columns of what is known of labs, which build-index reads with --lab-info.
LAB_INFO_COLUMNS = ("lab", "print_name", "institution", "url", "contact")

_DESIGNERS = """
SELECT lab, designer FROM decided JOIN records USING (number)
WHERE decided.reason = '' ORDER BY number
"""


def order_rows(work: WorkFile) -> None:
    """Decide the order of the table's rows."""
    for statement in _ORDER:
        work.run(statement)


def table_rows(work: WorkFile) -> Iterator[Row]:
    """The rows of the table, with the cells of `COLUMNS`."""
    for name, sequence, *rest in work.select(_ROWS):
        yield (name, unpacked(sequence), *rest)


def write_collection(work: WorkFile, path: Path) -> int:
    """Write the table, and tell how many rows it has."""
    count = 0
    with table_writer(path, COLUMNS) as write:
        for row in table_rows(work):
            write(row)
            count += 1
    return count


def write_report(work: WorkFile, path: Path) -> None:
    """Write what was left out and why, in the order of reading; `kept_id` is the record that stands
    for a duplicate or an older version."""
    with table_writer(path, REPORT_COLUMNS) as write:
        for row in work.select(_LEFT_OUT):
            write(["" if cell is None else cell for cell in row])


def write_lab_info(work: WorkFile, path: Path, known: Mapping[str, LabInfo]) -> None:
    """Write what is known of the labs of the table, by name, and else the institution that most of
    a lab's records name. What a file at `path` says already stays, of labs that the table lacks,
    too."""
    written = read_lab_info(path) if path.exists() else {}
    institutions = _institutions(work)
    with table_writer(path, LAB_INFO_COLUMNS) as write:
        for lab in sorted(written.keys() | institutions.keys()):
            infos = written.get(lab, LabInfo()), known.get(lab, LabInfo())
            told = LabInfo(institution=institutions.get(lab))
            cells = [
                next((value for info in (*infos, told) if (value := getattr(info, column))), "")
                for column in LAB_INFO_COLUMNS[1:]
            ]
            write([lab, *cells])


def _institutions(work: WorkFile) -> dict[str, str | None]:
    """The institution of each lab of the table; None where no record tells one."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for lab, text in work.select(_DESIGNERS):
        designer = lab_from_text(text)
        institute = designer.institute if isinstance(designer, Designer) else ""
        with suppress(InputError):  # too long, or with letters that are not seen
            counts[lab][LabInfo(institution=institute).institution or ""] += 1
    return {lab: _commonest(counts[lab]) for lab in counts}


def _commonest(institutions: Counter[str]) -> str | None:
    """The one that most records name, ties by name."""
    named = [(-count, name) for name, count in institutions.items() if name]
    return min(named)[1] if named else None


def left_out_counts(work: WorkFile) -> dict[str, int]:
    """How many records were left out for each reason, the commonest first."""
    rows = work.select(
        "SELECT CASE records.reason WHEN '' THEN decided.reason ELSE records.reason END AS why, "
        "COUNT(*) FROM records LEFT JOIN decided USING (number) WHERE why <> '' "
        "GROUP BY why ORDER BY COUNT(*) DESC, why"
    )
    return {str(reason): int(count) for reason, count in rows}
