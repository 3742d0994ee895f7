"""The version in every file that names it: read for the checks of a release, or moved in one go.

    python tools/release_version.py 0.2.0 2026-11-29

It also gives CITATION.cff the date, and what is unreleased in CHANGELOG.md the version and the
date, below a new and empty *Unreleased*.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_WORKFLOWS = "tools/workflows"

#: Files, and what stands before and after the version there.
PLACES = (
    ("vecattr/version.py", '__version__ = "', '"'),
    ("CITATION.cff", "\nversion: ", "\n"),
    (f"{_WORKFLOWS}/bioconda/meta.yaml", '{% set version = "', '"'),
    (f"{_WORKFLOWS}/galaxy/vecattr_query.xml", 'name="Labs of origin" version="', "+galaxy"),
    (f"{_WORKFLOWS}/galaxy/vecattr_query.xml", 'type="package" version="', '">vecattr'),
    (f"{_WORKFLOWS}/nextflow/modules/vecattr/query/environment.yml", "::vecattr=", "\n"),
    (f"{_WORKFLOWS}/snakemake/vecattr-query/environment.yaml", "- vecattr =", "\n"),
)

UNRELEASED = "\n## Unreleased\n"


def stated(root: Path = ROOT) -> Iterator[tuple[str, str | None]]:
    """Each file with the version that it names; None where it names none."""
    for name, before, after in PLACES:
        match = _pattern(before, after).search((root / name).read_text(encoding="utf-8"))
        yield name, match[1] if match else None


def move(version: str, day: date, root: Path = ROOT) -> None:
    """Write another version into every file, and the day of its release where that stands, too.

    ValueError for a file that names no version, and for a changelog without *Unreleased*.
    """
    for name, before, after in PLACES:
        _replace(root / name, _pattern(before, after), f"{before}{version}{after}")
    _replace(
        root / "CITATION.cff",
        re.compile(r"\nversion: .*\n(date-released: .*\n)?"),
        f"\nversion: {version}\ndate-released: {day.isoformat()}\n",
    )
    _replace(
        root / "CHANGELOG.md",
        re.compile(UNRELEASED),
        f"{UNRELEASED}\n## {version} ({day.isoformat()})\n",
    )


def _pattern(before: str, after: str) -> re.Pattern[str]:
    return re.compile(f'{re.escape(before)}([0-9][^"\\s+]*){re.escape(after)}')


def _replace(path: Path, pattern: re.Pattern[str], text: str) -> None:
    changed, count = pattern.subn(lambda _: text, path.read_text(encoding="utf-8"), count=1)
    if not count:
        raise ValueError(f"{path}: there is no {pattern.pattern!r}")
    path.write_text(changed, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Move the version, and tell where."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("version", help="such as 0.2.0")
    parser.add_argument("day", type=date.fromisoformat, help="of the release: YYYY-MM-DD")
    chosen = parser.parse_args(arguments)
    move(chosen.version, chosen.day)
    for name, version in stated():
        print(f"{version}  {name}")


if __name__ == "__main__":
    main()
