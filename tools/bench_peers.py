"""How well, and at what cost, do other methods name the lab of the rows that vecattr is asked?

    python tools/bench_peers.py T --labs L -i INDEX --work FOLDER [--rows 500] [-o FILE]

T is a table with a column `split`; its rows `split=train` are what every peer knows, and INDEX is
built from them with the same L. Of each other split a sample is drawn with the seed. Answers are
kept in FOLDER chunk by chunk, the splits in turn: a run that was stopped goes on when it is started
again, and `--report` prints what is there. Exit code 1 when a peer is not installed or fails; the
others are measured all the same.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path

from peers.aligners import ALIGNERS, Aligner
from peers.answers import CHUNK, Shelf
from peers.kmers import KMER_PEERS, KmerPeer
from peers.ranking import answers_of
from peers.report import Scope, report_text, reported, write_report
from peers.rows import Bench, bind
from peers.strata import KINDS, strata, strata_facts, strata_text
from peers.vectors import VecattrPeer

from vecattr.errors import UsageError, VecattrError
from vecattr.version import __version__

Peer = Aligner | KmerPeer | VecattrPeer

#: The default of `--peers`; `blastn-closed` takes twice the time of blastn.
USUAL = "blastn,minimap2,kmer-cosine,kmer-labs,kmer-shared,vecattr"

#: The default of `--unknown-peers`, which are also asked about unknown labs: the quick ones.
QUICK = "kmer-cosine,kmer-labs,kmer-shared,vecattr"


def peer_named(name: str, *, index: Path | None) -> Peer:
    """UsageError for a name that no peer has, and for vecattr without an index."""
    others: tuple[Peer, ...] = (*ALIGNERS, *KMER_PEERS)
    known = {peer.name: peer for peer in others}
    if name == VecattrPeer.name:
        if index is None:
            raise UsageError("vecattr needs an index", hint="name one with -i, or use --peers")
        return VecattrPeer(index)
    if name not in known:
        offered = ", ".join([*known, VecattrPeer.name])
        raise UsageError(f"no peer is called {name!r}", hint=f"choose from {offered}")
    return known[name]


def kinds_named(text: str) -> list[str]:
    """The kinds of query that `--strata` names; UsageError for others."""
    kinds = text.split(",") if text else []
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"no kind is called {kind!r}", hint=f"choose from {', '.join(KINDS)}")
    return kinds


def shelf_of(name: str, bench: Bench) -> Shelf:
    """Where a peer's answers are kept."""
    return Shelf(bench.work / "answers" / name)


def ask_peer(peer: Peer, bench: Bench, splits: Sequence[str], rows: int) -> None:
    """Ask about what is not answered yet, chunk by chunk, the splits in turn, so that they have
    as many answers each whenever this is stopped."""
    shelf = shelf_of(peer.name, bench)
    bind(shelf.binding, peer.settings())
    queries = {split: bench.drawn(split)[:rows] for split in splits}
    chunks = [
        (split, start, queries[split][start : start + CHUNK])
        for start in range(0, rows, CHUNK)
        for split in splits
    ]
    todo = [
        (split, start, some)
        for split, start, some in chunks
        if some and not shelf.has(split, start, queries=len(some))
    ]
    if not todo:
        return
    opened = peer.open(bench)
    for split, start, some in todo:
        scores, cost = opened.ask(some)
        labels = [bench.rule.label(one.lab or "") for one in some]
        answers = answers_of(scores, opened.names, ids=[one.id for one in some], labels=labels)
        shelf.put(split, start, answers=answers, cost=cost)
        seconds = cost.cpu / len(some)
        print(f"{peer.name} {split} {start + len(some)}: {seconds:.3f} s CPU", file=sys.stderr)


def ask_or_exit(peer: Peer, bench: Bench, splits: Sequence[str], rows: int) -> None:
    """The same in a process of its own: an error is told, and is the exit code."""
    shelf = shelf_of(peer.name, bench)
    shelf.folder.mkdir(parents=True, exist_ok=True)
    try:
        with shelf.claimed():
            ask_peer(peer, bench, splits, rows)
    except VecattrError as error:
        print(f"{peer.name}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def ask_all(peers: Sequence[Peer], bench: Bench, scope: Scope, *, unknown: Sequence[str]) -> bool:
    """Whether every peer has answered. Each has a process of its own, whose peak of memory is its
    own then; Ctrl-C ends the asking."""
    succeeded = True
    for peer in peers:
        missing = peer.missing()
        if missing is not None:
            print(f"{peer.name}: not installed: {missing}", file=sys.stderr)
            succeeded = False
            continue
        splits = [*scope.splits, *([scope.unknown] if peer.name in unknown else [])]
        arguments = (peer, bench, splits, scope.rows)
        process = multiprocessing.get_context("spawn").Process(target=ask_or_exit, args=arguments)
        process.start()
        try:
            process.join()
        except KeyboardInterrupt:
            process.join()
            return False
        succeeded &= process.exitcode == 0
    return succeeded


def run(options: argparse.Namespace) -> bool:
    """Ask, print, record; whether every peer has answered."""
    scope = Scope(tuple(options.splits.split(",")), options.unknown, options.rows)
    kinds = kinds_named(options.strata)
    peers = [peer_named(name, index=options.index) for name in options.peers.split(",")]
    bench = Bench(options.table, options.labs, options.seed, options.work)
    bench.begin()
    unknown = options.unknown_peers.split(",")
    succeeded = options.report or ask_all(peers, bench, scope, unknown=unknown)
    ours = shelf_of(VecattrPeer.name, bench)
    found = []
    for peer in peers:
        shelf, missing = shelf_of(peer.name, bench), peer.missing()
        if missing is None and shelf.binding.exists():
            bind(shelf.binding, peer.settings())  # another index's answers are not this one's
        found.append(reported(peer.name, shelf, scope, ours=ours, missing=missing))
    print(report_text(found))
    about: dict[str, object] = {"version": __version__, "rows": scope.rows, "seed": bench.seed}
    if kinds:
        shelves = {peer.name: shelf_of(peer.name, bench) for peer in peers}
        asked = {"splits": scope.splits, "rows": scope.rows, "kinds": kinds}
        by_kind = strata(bench, shelves, **asked, ours=VecattrPeer.name)
        print(f"\n{strata_text(by_kind)}")
        about["strata"] = strata_facts(by_kind)
    if options.output:
        write_report(options.output, found, **about, unknown_split=scope.unknown)
    return bool(succeeded)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--labs", type=Path, required=True, help="the named labs, one a line")
    parser.add_argument("-i", "--index", type=Path, help="vecattr's index of the same rows")
    parser.add_argument("--work", type=Path, required=True, help="what is kept between runs")
    parser.add_argument("--rows", type=int, default=500, help="of each split (500)")
    parser.add_argument("--splits", default="dev,pub_dev")
    parser.add_argument("--peers", default=USUAL)
    parser.add_argument("--unknown", default="newlab_dev", help="the split of unknown labs")
    parser.add_argument("--unknown-peers", default=QUICK, help="who is asked about them, too")
    parser.add_argument("--strata", default="", help=f"also by {', '.join(KINDS)} (commas)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="ask nothing, print what is there")
    parser.add_argument("-o", "--output", type=Path, help="the figures as JSON")
    try:
        return 0 if run(parser.parse_args()) else 1
    except VecattrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
