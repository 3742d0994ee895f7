"""The table in; the stored plasmids' classes and each split's rows in random order out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import ClassRule, rule_from_file
from vecattr.errors import MismatchError
from vecattr.files.atomic import atomic_write, sha256_file
from vecattr.plasmid import Plasmid
from vecattr.readers.plasmid_table import table_text
from vecattr.readers.plasmids import ReadOptions, read_plasmids

TRAIN = "train"


@dataclass(frozen=True)
class Bench:
    """The data of a benchmark: the table (with a column `split`), the list of named labs, the seed
    of the order, and the folder that keeps everything between runs."""

    table: Path
    labs: Path
    seed: int
    work: Path

    @cached_property
    def rule(self) -> ClassRule:
        return rule_from_file(self.labs)

    def begin(self) -> None:
        """Bind the folder to the data and the seed; MismatchError when it is bound to others."""
        self.work.mkdir(parents=True, exist_ok=True)
        bound = {
            "table": sha256_file(self.table),
            "labs": sha256_file(self.labs),
            "seed": self.seed,
        }
        bind(self.work / "bench.json", bound)

    def train(self) -> Iterator[Plasmid]:
        """The stored plasmids, bare sequences, in the order of the table."""
        return self.rows(TRAIN)

    def drawn(self, split: str) -> list[Plasmid]:
        """All rows of a split, bare sequences, in the order in which they are queried.

        A longer sample therefore begins with the shorter one, and can continue it."""
        path = self.work / "rows" / f"{split}.csv"
        if not path.exists():
            rows = list(self.rows(split))
            order = np.random.default_rng(self.seed).permutation(len(rows))
            path.parent.mkdir(exist_ok=True)
            atomic_write(path, table_text([rows[row] for row in order]).encode())
        return [row for row in read_plasmids([path]) if isinstance(row, Plasmid)]

    def rows(self, split: str, *, group_by: str | None = None) -> Iterator[Plasmid]:
        """The rows of a split, bare sequences, in the order of the table; `group_by` as in
        ReadOptions."""
        options = ReadOptions(
            where=(("split", split),), group_by=group_by, no_features=True, labelled=True
        )
        for record in read_plasmids([self.table], options):
            if not isinstance(record, Plasmid):
                raise record.error
            yield record


@dataclass(frozen=True)
class Classes:
    """The class of each stored plasmid: `codes` (n,) count into the sorted `names`."""

    names: tuple[str, ...]
    codes: NDArray[np.int64]

    @classmethod
    def from_labels(cls, labels: list[str]) -> Classes:
        """From the class of each plasmid."""
        names, codes = np.unique(np.array(labels), return_inverse=True)
        return cls(tuple(names.tolist()), codes.astype(np.int64))


def bind(path: Path, settings: dict[str, object]) -> None:
    """Write the settings that the answers beside `path` belong to, or compare them with those
    written before; MismatchError when they differ."""
    text = json.dumps(settings, indent=2) + "\n"
    if not path.exists():
        atomic_write(path, text.encode())
        return
    bound = json.loads(path.read_text())
    for name in sorted({*bound, *settings}):
        if bound.get(name) != settings.get(name):
            raise MismatchError(
                f"{name} is {settings.get(name)!r}, the answers there were made with "
                f"{bound.get(name)!r}",
                where=str(path),
                hint=f"remove {path.parent} to ask again, or name another folder with --work",
            )
