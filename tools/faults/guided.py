"""The name of a fuzz target, seconds and a seed in; the report of libFuzzer out.

    python -m faults.guided TARGET SECONDS SEED CORPUS KEEP

A process of its own, because libFuzzer takes it over, and because modules must be instrumented when
they are imported. `faults.fuzz` starts it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["vecattr", "Bio.GenBank", "Bio.SeqIO", "csv", "json"]):
    from faults.fuzz import SLOWEST, outcome
    from faults.fuzz_targets import targets


def main() -> None:
    """Fuzz until the time is up; libFuzzer ends the process."""
    name, seconds, seed, corpus, keep = sys.argv[1:]
    target = targets()[name]
    for number, data in enumerate(target.seeds):
        (Path(corpus) / f"seed-{number}").write_bytes(data)

    def try_input(data: bytes) -> None:
        outcome(target, data)

    options = [
        f"-max_total_time={max(1, int(float(seconds)))}",
        f"-seed={int(seed) + 1}",
        f"-timeout={int(SLOWEST)}",
        "-rss_limit_mb=3000",
        "-max_len=65536",
        "-print_final_stats=1",
        f"-artifact_prefix={keep}/{name.replace(' ', '-')}-",
    ]
    atheris.Setup([sys.argv[0], *options, corpus], try_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
