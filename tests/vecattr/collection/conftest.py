"""Made records of archives, as text."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest

RecordText = Callable[..., str]


@pytest.fixture
def record_text() -> RecordText:
    """A GenBank record of a made plasmid, which the last of its authors submitted."""

    def made(
        accession: str,
        bases: str,
        *,
        authors: str = "Helper,A. and Lomnor,B.C.",
        day: str = "05-MAR-2004",
        topology: str = "circular",
        division: str = "SYN",
        definition: str = "Cloning vector, complete sequence",
        institute: str = "University of Nowhere",
    ) -> str:
        lines = "".join(
            f"{start + 1:>9} {bases[start : start + 60].lower()}\n"
            for start in range(0, len(bases), 60)
        )
        submission = (
            f"REFERENCE   1  (bases 1 to {len(bases)})\n  AUTHORS   {authors}\n"
            f"  TITLE     Direct Submission\n"
            f"  JOURNAL   Submitted ({day}) Department of Making, {institute}, Made Street 1\n"
        )
        name = accession.split(".")[0]
        return (
            f"LOCUS       {name} {len(bases)} bp DNA {topology} {division} {day}\n"
            f"DEFINITION  {definition}.\nACCESSION   {name}\n"
            f"VERSION     {accession}\n{submission if authors else ''}ORIGIN\n{lines}//\n"
        )

    return made


def made_bases(seed: int, size: int = 1500) -> str:
    """Random bases."""
    return "".join(random.Random(seed).choices("ACGT", k=size))


@pytest.fixture
def bases() -> Callable[..., str]:
    """A maker of random bases from a seed."""
    return made_bases


@pytest.fixture
def rows() -> Callable[[Path], list[dict[str, str]]]:
    """A reader of tables, packed or not."""

    def read(path: Path) -> list[dict[str, str]]:
        from xopen import xopen

        csv.field_size_limit(2**31 - 1)
        with xopen(path, "rt", threads=0) as file:
            return list(csv.DictReader(file))

    return read
