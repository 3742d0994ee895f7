"""The proofs of docs/results/reliability.md: a proof, rounds or seconds and a seed in, a summary
out.

    python tools/soak.py kill --rounds 500
    python tools/soak.py disk-full
    python tools/soak.py concurrency --rounds 200
    python tools/soak.py corruption --rounds 1000
    python tools/soak.py model --rounds 300
    python tools/soak.py fuzz --seconds 1800 [--engine mutation|atheris]
    python tools/soak.py disk-faults [--rounds 500]
    python tools/soak.py crash [--rounds 500]
    python tools/soak.py pairs [--rounds 500]
    python tools/soak.py cost [--engine lines|instructions]
    python tools/soak.py load --rounds 100000 --processes 1000
    python tools/soak.py tree
    python tools/soak.py cluster --rounds 50
    python tools/soak.py service [--rounds 100]

The summary is JSON: what was tried, how often, with which outcomes, and every failure. The exit
code is 1 when there is a failure. Tests run the same proofs with fewer rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from vecattr.version import __version__

#: The module of each proof, and the rounds that the proof asks for.
PROOFS = {
    "kill": ("kill", 500),
    "disk-full": ("disk_full", 0),
    "concurrency": ("concurrency", 200),
    "corruption": ("corruption", 1000),
    "model": ("model_based", 300),
    "fuzz": ("fuzz", 0),
    "disk-faults": ("disk_faults", 0),
    "crash": ("crashes", 0),
    "pairs": ("pairs", 0),
    "cost": ("cost", 0),
    "load": ("load", 100_000),
    "tree": ("tree", 0),
    "cluster": ("cluster_kills", 50),
    "service": ("service_faults", 0),
}


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Prove that an index can be trusted.")
    proofs = parser.add_subparsers(dest="proof", required=True)
    for name, (_, rounds) in PROOFS.items():
        proof = proofs.add_parser(name)
        proof.add_argument("--rounds", type=int, default=rounds)
        proof.add_argument("--seed", type=int, default=0)
        proof.add_argument("-o", "--output", type=Path, help="also write the summary here")
        if name == "fuzz":
            proof.add_argument("--seconds", type=float, default=1800)
            proof.add_argument("--engine", choices=["mutation", "atheris"], default="mutation")
            proof.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
        if name == "cost":
            proof.add_argument("--engine", choices=["lines", "instructions"], default="lines")
        if name == "corruption":
            proof.add_argument("--every", type=int, default=1, help="try every n-th damage only")
        if name == "load":
            proof.add_argument("--processes", type=int, default=1000)
    return parser.parse_args(arguments)


def run_proof(options: argparse.Namespace) -> dict[str, Any]:
    """The summary of one proof."""
    module = import_module(f"faults.{PROOFS[options.proof][0]}")
    began = time.monotonic()
    if options.proof == "fuzz":
        engine = {"mutation": module.fuzz_by_mutation, "atheris": module.fuzz_by_coverage}
        results = engine[options.engine](options.seconds, seed=options.seed, keep=options.keep)
    elif options.proof == "load":
        results = module.prove(options.rounds, seed=options.seed, processes=options.processes)
    else:
        more: dict[str, Any] = {}
        if options.proof == "corruption":
            more = {"every": options.every}
        if options.proof == "cost":
            more = {"engine": options.engine}
        results = module.prove(options.rounds, seed=options.seed, **more)
    facts = {"proof": options.proof, "version": __version__, "seed": options.seed}
    return {**facts, **results, "minutes": round((time.monotonic() - began) / 60, 1)}


def main() -> int:
    """Prove, print, and say by the exit code whether there was a failure."""
    options = parse_options()
    summary = run_proof(options)
    text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    sys.stdout.write(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    return 1 if summary["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
