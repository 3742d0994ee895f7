"""Does adding a lab cost the same on a large index as on a small one?

    python tools/bench_add_lab.py SMALL_INDEX LARGE_INDEX PLASMIDS [--repeats 7] [-o FILE]

PLASMIDS is any file `vecattr add-lab --lab NAME` reads, with ids that neither index holds. Each
round copies both indexes (by hard links: their files are never edited), runs the whole command
on each copy in turn, and throws the copies away. Prints and records whole-process seconds and
the ratio large / small round by round.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vecattr.version import __version__


def seconds_to_add(index: Path, plasmids: Path, scratch: Path) -> float:
    """Wall seconds of `vecattr add-lab` on a fresh copy of the index, embedding included."""
    copy = scratch / "copy.index"
    shutil.copytree(index, copy, copy_function=os.link)
    command = [sys.executable, "-m", "vecattr.cli", "add-lab", str(plasmids)]
    began = time.perf_counter()
    subprocess.run(
        [*command, "--lab", "a lab made for the bench", "-i", str(copy), "-q"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    elapsed = time.perf_counter() - began
    shutil.rmtree(copy)
    return elapsed


def measure(small: Path, large: Path, plasmids: Path, *, repeats: int) -> dict[str, object]:
    """Medians over `repeats` paired rounds, after one round that is not counted."""
    pairs = []
    with tempfile.TemporaryDirectory(dir=large.parent) as folder:
        for _ in range(repeats + 1):
            pairs.append(
                tuple(seconds_to_add(index, plasmids, Path(folder)) for index in (small, large))
            )
    pairs = pairs[1:]
    ratios = [after / before for before, after in pairs]
    return {
        "version": __version__,
        "small_seconds": statistics.median(before for before, _ in pairs),
        "large_seconds": statistics.median(after for _, after in pairs),
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "rounds": repeats,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path)
    parser.add_argument("plasmids", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    figures = measure(options.small, options.large, options.plasmids, repeats=options.repeats)
    text = json.dumps(figures, indent=2)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
