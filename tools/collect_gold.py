"""How well `vecattr.designers` reads a folder of hand-read records: figures, and no record's name.

The folder holds `gold.csv` (columns `file`, `record_id`, `engineered`, `lab_gold`, `lab_id`,
`also_ok`) and the files below `files/`:

    python tools/collect_gold.py FOLDER [--half 0|1] [--list WRONG.csv]

`--half` takes every other lab, so that rules can be written with one half and tried on the other;
`--list` writes the records that are read otherwise than by hand.
"""

from __future__ import annotations

import argparse
import csv
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from vecattr.designers.designer import Designer, designer_of
from vecattr.designers.lab_names import merge_names
from vecattr.designers.people import plain
from vecattr.designers.public_files import read_public_file
from vecattr.designers.records import AnnotatedRecord
from vecattr.designers.set_aside import set_aside

NONE = "none"


@dataclass(frozen=True)
class Answer:
    """A line of the gold, and what was read: the reason to set the record aside, else its lab."""

    gold: dict[str, str]
    reason: str | None
    designer: Designer
    lab: str | None

    @property
    def is_sbol(self) -> bool:
        """Whether the record is one of an SBOL document."""
        return self.gold["file"].endswith(".xml")

    @property
    def is_engineered(self) -> bool:
        """Whether the record was judged engineered by hand."""
        return self.gold["engineered"] == "yes"

    @property
    def is_right(self) -> bool:
        """Whether the record is kept with a lab that is accepted."""
        accepted = [self.gold["lab_gold"], *self.gold["also_ok"].split("|")]
        return self.reason is None and any(agrees(self.lab, name) for name in accepted if name)


def last_name(lab: str) -> str:
    """The last name, or the company, of a lab as it is written by hand, in plain letters."""
    return letters(re.split(r",| \(", lab)[0])


def letters(text: str) -> str:
    """Letters and digits alone, without accents, in lower case."""
    return re.sub(r"[^a-z0-9]", "", plain(text).lower())


def agrees(lab: str | None, gold: str) -> bool:
    """Whether a lab has the last name or company of the gold; no lab agrees with `none`."""
    if lab is None or gold == NONE:
        return lab is None and gold == NONE
    return letters(re.split(r",| \(", lab)[0]) == last_name(gold)


def read_gold(folder: Path, *, half: int | None = None) -> list[dict[str, str]]:
    """The lines of the gold; of one half, those whose lab (or file, without a lab) falls to it."""
    with (folder / "gold.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))

    def side(row: dict[str, str]) -> int:
        key = row["lab_id"] if row["lab_id"] != NONE else row["file"]
        return zlib.crc32(key.encode()) % 2

    return [row for row in rows if half is None or side(row) == half]


def matched(
    rows: Iterable[dict[str, str]], folder: Path
) -> Iterator[tuple[dict[str, str], AnnotatedRecord]]:
    """Each line of the gold with its record; a line without one is an error."""
    by_file: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_file[row["file"]].append(row)
    for name, lines in by_file.items():
        records = list(read_public_file(folder / "files" / name))
        names = [{part.id, part.accession, part.name} for part in records]
        for line in lines:
            if len(records) == 1:
                yield line, records[0]
                continue
            places = [place for place, known in enumerate(names) if line["record_id"] in known]
            if not places:
                raise SystemExit(f"{name}: no record {line['record_id']!r}")
            yield line, records[places[0]]


def answers_of(rows: list[dict[str, str]], folder: Path) -> list[Answer]:
    """What is read of each line's record, with the names of labs brought together."""
    read = [(row, set_aside(part), designer_of(part)) for row, part in matched(rows, folder)]
    names = merge_names(designer for _, reason, designer in read if reason is None)
    return [
        Answer(row, reason, designer, names.name_of(designer)) for row, reason, designer in read
    ]


def pairwise(answers: list[Answer]) -> tuple[float, float, float]:
    """Precision, recall and F1 of the pairs of records that are said to be of one lab."""
    kept = [part for part in answers if part.is_engineered and part.gold["lab_id"] != NONE]
    counts: Counter[str] = Counter()
    for left, right in combinations(kept, 2):
        said = left.lab is not None and left.lab == right.lab
        is_one = left.gold["lab_id"] == right.gold["lab_id"]
        counts["said"] += said
        counts["is"] += is_one
        counts["both"] += said and is_one
    precision = counts["both"] / max(1, counts["said"])
    recall = counts["both"] / max(1, counts["is"])
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def share(values: Iterable[bool]) -> str:
    """`right of all (percent)`."""
    taken = list(values)
    return f"{sum(taken)} of {len(taken)} ({100 * sum(taken) / max(1, len(taken)):.1f} %)"


def report(answers: list[Answer]) -> str:
    """The figures, one a line."""
    engineered = [part for part in answers if part.is_engineered]
    by_lab: defaultdict[str, list[bool]] = defaultdict(list)
    for part in engineered:
        if part.gold["lab_id"] != NONE:
            by_lab[part.gold["lab_id"]].append(part.is_right)
    macro = sum(sum(right) / len(right) for right in by_lab.values()) / max(1, len(by_lab))
    without = [part for part in engineered if part.gold["lab_id"] == NONE]
    precision, recall, f1 = pairwise(answers)
    lines = {
        "flat records right": share(part.is_right for part in engineered if not part.is_sbol),
        "SBOL records right": share(part.is_right for part in engineered if part.is_sbol),
        "macro over labs": f"{100 * macro:.1f} % of {len(by_lab)}",
        "without a lab, said so": share(part.is_right for part in without),
        "set aside": share(part.reason is not None for part in answers if not part.is_engineered),
        "engineered and kept": share(part.reason is None for part in engineered),
        "pairs": f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}",
    }
    return "\n".join(f"{name:24}{value}" for name, value in lines.items())


def write_wrong(answers: list[Answer], path: Path) -> None:
    """The records that are read otherwise than by hand, as a table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "record_id", "gold", "also_ok", "read", "lab_source", "reason"])
        for part in answers:
            is_right = part.is_right if part.is_engineered else part.reason is not None
            if not is_right:
                row = [part.gold[name] for name in ("file", "record_id", "lab_gold", "also_ok")]
                writer.writerow([*row, part.lab, part.designer.lab_source, part.reason])


def main() -> None:
    """Read the options, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", type=int, choices=(0, 1))
    parser.add_argument("--list", type=Path, dest="wrong")
    options = parser.parse_args()
    answers = answers_of(read_gold(options.folder, half=options.half), options.folder)
    print(report(answers))
    if options.wrong:
        write_wrong(answers, options.wrong)


if __name__ == "__main__":
    main()
