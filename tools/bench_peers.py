"""How well, and at what cost, do other methods name the lab of the rows that vecattr is asked?

    python tools/bench_peers.py T --labs L -i INDEX --work FOLDER [--rows 500] [-o FILE]

T is a table with a column `split`; its rows `split=train` are what every peer knows, and INDEX is
built from them with the same L. Of each other split a sample is drawn with the seed. Answers are
kept in FOLDER chunk by chunk, the splits in turn: a run that was stopped continues when it is
started again, and `--report` prints the results so far. Exit code 1 when a peer is not installed or
fails; the others are measured all the same.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path

from peers.aligners import ALIGNERS, Aligner
from peers.answers import CHUNK, AnswerFiles
from peers.kmers import KMER_PEERS, KmerPeer
from peers.ranking import answers_of
from peers.report import Scope, peer_facts, report_text, write_report
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


def answer_files_of(name: str, bench: Bench) -> AnswerFiles:
    """The files that keep a peer's answers."""
    return AnswerFiles(bench.work / "answers" / name)


def ask_peer(peer: Peer, bench: Bench, splits: Sequence[str], rows: int) -> None:
    """Query what is not answered yet, chunk by chunk, the splits in turn, so that they have the
    same number of answers whenever this is stopped."""
    files = answer_files_of(peer.name, bench)
    bind(files.binding, peer.settings())
    queries = {split: bench.drawn(split)[:rows] for split in splits}
    chunks = [
        (split, start, queries[split][start : start + CHUNK])
        for start in range(0, rows, CHUNK)
        for split in splits
    ]
    todo = [
        (split, start, chunk)
        for split, start, chunk in chunks
        if chunk and not files.has(split, start, queries=len(chunk))
    ]
    if not todo:
        return
    opened = peer.open(bench)
    for split, start, chunk in todo:
        scores, cost = opened.ask(chunk)
        labels = [bench.rule.label(query.lab or "") for query in chunk]
        ids = [query.id for query in chunk]
        answers = answers_of(scores, opened.names, ids=ids, labels=labels)
        files.put(split, start, answers=answers, cost=cost)
        seconds = cost.cpu / len(chunk)
        print(f"{peer.name} {split} {start + len(chunk)}: {seconds:.3f} s CPU", file=sys.stderr)


def ask_or_exit(peer: Peer, bench: Bench, splits: Sequence[str], rows: int) -> None:
    """The same as a process of its own: an error is printed and gives the exit code."""
    files = answer_files_of(peer.name, bench)
    files.folder.mkdir(parents=True, exist_ok=True)
    try:
        with files.claimed():
            ask_peer(peer, bench, splits, rows)
    except VecattrError as error:
        print(f"{peer.name}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def ask_all(peers: Sequence[Peer], bench: Bench, scope: Scope, *, unknown: Sequence[str]) -> bool:
    """Whether every peer has answered. Each runs in a process of its own, whose peak memory is its
    own; Ctrl-C ends the run."""
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
    """Query, print, record; whether every peer has answered."""
    scope = Scope(tuple(options.splits.split(",")), options.unknown, options.rows)
    kinds = kinds_named(options.strata)
    peers = [peer_named(name, index=options.index) for name in options.peers.split(",")]
    bench = Bench(options.table, options.labs, options.seed, options.work)
    bench.begin()
    unknown = options.unknown_peers.split(",")
    succeeded = options.report or ask_all(peers, bench, scope, unknown=unknown)
    ours = answer_files_of(VecattrPeer.name, bench)
    facts = []
    for peer in peers:
        files, missing = answer_files_of(peer.name, bench), peer.missing()
        if missing is None and files.binding.exists():
            bind(files.binding, peer.settings())  # another index's answers are not this one's
        facts.append(peer_facts(peer.name, files, scope, ours=ours, missing=missing))
    print(report_text(facts))
    about: dict[str, object] = {"version": __version__, "rows": scope.rows, "seed": bench.seed}
    if kinds:
        by_kind = strata(
            bench,
            {peer.name: answer_files_of(peer.name, bench) for peer in peers},
            splits=scope.splits,
            rows=scope.rows,
            kinds=kinds,
            ours=VecattrPeer.name,
        )
        print(f"\n{strata_text(by_kind)}")
        about["strata"] = strata_facts(by_kind)
    if options.output:
        write_report(options.output, facts, **about, unknown_split=scope.unknown)
    return bool(succeeded)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--labs", type=Path, required=True, help="the named labs, one a line")
    parser.add_argument("-i", "--index", type=Path, help="vecattr's index of the same rows")
    parser.add_argument("--work", type=Path, required=True, help="folder that is kept between runs")
    parser.add_argument("--rows", type=int, default=500, help="of each split (500)")
    parser.add_argument("--splits", default="dev,pub_dev")
    parser.add_argument("--peers", default=USUAL)
    parser.add_argument("--unknown", default="newlab_dev", help="the split of unknown labs")
    parser.add_argument(
        "--unknown-peers", default=QUICK, help="the peers that are queried with them, too"
    )
    parser.add_argument("--strata", default="", help=f"also by {', '.join(KINDS)} (commas)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--report", action="store_true", help="query nothing, print the results so far"
    )
    parser.add_argument("-o", "--output", type=Path, help="the figures as JSON")
    try:
        return 0 if run(parser.parse_args()) else 1
    except VecattrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
