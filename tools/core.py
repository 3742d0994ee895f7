"""A virtual environment with vecattr's core alone: what it weighs, and what it does without extras.

    python -m venv core && core/bin/pip install . && core/bin/python tools/core.py

Run it with the interpreter of that environment. It prints one line a step with its seconds, and
ends with 1 when the packages weigh more than the bound, an extra is there, or a step fails.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

#: The most that the core may weigh (bytes), pip and its like included.
MOST_BYTES = 300_000_000

#: What a newcomer does, in a folder of its own; no step may need an extra.
STEPS = (
    "demo -o demo --quiet",
    "build-index demo/plasmids.csv --where split=train -i my.index",
    "query demo/held_out.fasta -i my.index -o answers.tsv",
    "add-lab demo/new_lab.fasta --lab Lab_25 -i my.index",
    "query demo/held_out.fasta -i my.index -k 3 --evidence -o report.html",
    "evaluate demo/plasmids.csv --where split=dev -i my.index -o figures.json",
    "verify -i my.index",
)


def weight(folder: Path) -> int:
    """Bytes on disk of all files below a folder, as `du` counts them."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def seconds_of(arguments: list[str], folder: Path) -> float:
    """How long a command line takes; CalledProcessError when it fails."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "vecattr.cli", *arguments]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> int:
    """Weigh, look for extras, and take the steps."""
    from vecattr.extras import EXTRAS

    size = weight(Path(sysconfig.get_paths()["purelib"]))
    print(
        f"Python {sys.version.split()[0]}: {size / 1e6:.0f} MB, of {MOST_BYTES / 1e6:.0f} allowed"
    )
    present = [library for library in EXTRAS if find_spec(library)]
    if present:
        print(f"this is not the core alone: {', '.join(present)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        for step in STEPS:
            print(f"{seconds_of(step.split(), Path(name)):6.1f} s  vecattr {step}", flush=True)
    return 0 if size <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
