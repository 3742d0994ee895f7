"""Classes of labelled plasmids: labs and a rule in; the class of each (itself or the pool) out."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import InputError, UsageError
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import POOLED, Plasmid, check_lab_name, composed


@dataclass(frozen=True)
class ClassRule:
    """Which labs are classes of their own, their names in composed form; `named` None means every
    lab is one.

    >>> ClassRule(frozenset({"Lab 01"})).label("Lab 02")
    'unknown-engineered'
    """

    named: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.named is not None:
            object.__setattr__(self, "named", frozenset(map(composed, self.named)))

    def label(self, lab: str) -> str:
        """The class of a lab: its own name, or the pool's."""
        return lab if self.named is None or lab in self.named else POOLED


def rule_from_file(path: str | Path) -> ClassRule:
    """The rule that names the labs of a text file, one a line.

    Blank lines and lines that begin with `#` are skipped. Raises InputError when the file
    names no lab, a name is reserved or the text is not UTF-8.
    """
    named = set()
    with open_input(path) as opened:
        try:
            for line, text in enumerate(io.TextIOWrapper(opened.stream, "utf-8"), start=1):
                if text.strip() and not text.lstrip().startswith("#"):
                    named.add(check_lab_name(text, where=f"{opened.name}:{line}"))
        except UnicodeDecodeError as error:
            raise InputError("the text is not UTF-8", where=opened.name) from error
        if not named:
            raise InputError("the file names no lab", where=opened.name, hint="give one lab a line")
    return ClassRule(frozenset(named))


def rule_by_count(labs: Iterable[str], *, minimum: int) -> ClassRule:
    """The rule that names every lab which occurs at least `minimum` times in `labs`, or is counted
    so often there.

    Raises UsageError when `minimum` is below 1, InputError when no lab occurs as often.
    """
    if minimum < 1:
        raise UsageError(f"the minimum of plasmids a lab is {minimum}, expected 1 or more")
    counts = Counter(labs)
    named = frozenset(lab for lab, count in counts.items() if count >= minimum)
    if not named:
        largest = max(counts.values(), default=0)
        raise InputError(
            f"no lab has {minimum} plasmids; the largest has {largest}", hint="lower the minimum"
        )
    return ClassRule(named)


@dataclass(frozen=True)
class LabelledSet:
    """n plasmids and the class of each."""

    plasmids: tuple[Plasmid, ...]
    labels: tuple[str, ...]

    def where(self, mask: NDArray[np.bool_]) -> LabelledSet:
        """The rows for which the mask (n,) is true."""
        rows = np.flatnonzero(mask)
        return LabelledSet(
            tuple(self.plasmids[row] for row in rows), tuple(self.labels[row] for row in rows)
        )


def labelled_set(plasmids: Sequence[Plasmid], rule: ClassRule) -> LabelledSet:
    """The plasmids with their classes; InputError when one has no lab, or all have the same."""
    labels = []
    for plasmid in plasmids:
        if plasmid.lab is None:
            raise InputError(
                "the record has no lab",
                where=f"record {plasmid.id!r}",
                hint="train on a table with a lab column, or a folder per lab",
            )
        labels.append(rule.label(plasmid.lab))
    if len(set(labels)) < 2:
        raise InputError(
            f"{len(plasmids)} plasmids of {len(set(labels))} labs", hint="give two labs or more"
        )
    return LabelledSet(tuple(plasmids), tuple(labels))
