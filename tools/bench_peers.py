"""How well do other ways name the lab, and at what cost? Asked about the same rows as vecattr.

    python tools/bench_peers.py T --labs L -i INDEX --work FOLDER [--rows 500] [-o FILE]

T is a table with a column `split`; its rows `split=train` are what every peer knows. Of each other
split a sample is drawn with the seed. Answers are kept in FOLDER chunk by chunk, the splits in
turn: a run that was stopped goes on when it is started again, and `--report` prints what is there.
Exit code 1 when a peer is not installed or failed; the others are measured all the same.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from dataclasses import asdict
from pathlib import Path

from peers.aligners import ALIGNERS
from peers.answers import CHUNK, Figures, Shelf, figures, strangers
from peers.ranking import answers_of
from peers.rows import Bench, bind
from vecattr.errors import VecattrError
from vecattr.version import __version__

PEERS = {peer.name: peer for peer in ALIGNERS}


def ask_peer(name: str, bench: Bench, splits: list[str], rows: int) -> None:
    """Ask one peer about what it has not answered yet, chunk by chunk, the splits in turn."""
    peer = PEERS[name]
    shelf = Shelf(bench.work / "answers" / name)
    shelf.folder.mkdir(parents=True, exist_ok=True)
    bind(shelf.folder / "peer.json", peer.settings())
    queries = {split: bench.drawn(split)[:rows] for split in splits}
    todo = [
        (split, start)
        for start in range(0, rows, CHUNK)
        for split in splits
        if (wanted := len(queries[split][start : start + CHUNK]))
        and not shelf.has(split, start, queries=wanted)
    ]
    if not todo:
        return
    opened = peer.open(bench)
    for split, start in todo:
        some = queries[split][start : start + CHUNK]
        scores, cost = opened.ask(some)
        labels = [bench.rule.label(one.lab or "") for one in some]
        answers = answers_of(scores, opened.names, ids=[one.id for one in some], labels=labels)
        shelf.put(split, start, answers=answers, cost=cost)
        seconds = cost.cpu / len(some)
        print(f"{name} {split} {start + len(some)}: {seconds:.2f} s CPU a query", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--labs", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--splits", default="dev,pub_dev")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bench = Bench(options.table, options.labs, options.seed, options.work)
    bench.begin()
    for name in options.peers.split(","):
        ask_peer(name, bench, options.splits.split(","), options.rows)


if __name__ == "__main__":
    main()
