"""Answers to chunks of queries in; files that a stopped run is resumed from, and figures, out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from peers.costs import Cost
from peers.ranking import Answer
from vecattr.errors import LockedError
from vecattr.files.atomic import atomic_write
from vecattr.metrics.detection import auroc, false_positive_rate
from vecattr.metrics.ranking import top_share
from vecattr.plasmid import POOLED

#: Queries asked at once, and so the most that are lost when a run is stopped.
CHUNK = 20


@dataclass(frozen=True)
class AnswerFiles:
    """The answers of one peer: a file for each chunk of each split."""

    folder: Path

    @property
    def binding(self) -> Path:
        """What the answers depend on: the file that `peers.rows.bind` writes and compares."""
        return self.folder / "peer.json"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Lock the files while answers are added; LockedError when another process has them."""
        lock = FileLock(self.folder / "LOCK", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise LockedError(
                "another process is asking this peer",
                where=str(self.folder),
                hint="wait for it; --report prints the answers so far",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def path(self, split: str, start: int) -> Path:
        return self.folder / split / f"{start:05d}.json"

    def has(self, split: str, start: int, *, queries: int) -> bool:
        """Whether the chunk that begins at `start` exists with so many queries or more."""
        path = self.path(split, start)
        return path.exists() and len(json.loads(path.read_text())["answers"]) >= queries

    def put(self, split: str, start: int, *, answers: Sequence[Answer], cost: Cost) -> None:
        path = self.path(split, start)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            {**asdict(answer), "rank": finite(answer.rank), "best": finite(answer.best)}
            for answer in answers
        ]
        text = json.dumps({"cost": asdict(cost), "answers": lines}, indent=1)
        atomic_write(path, text.encode() + b"\n")

    def chunks(self, split: str, *, rows: int) -> Iterator[tuple[list[Answer], Cost]]:
        """The chunks that exist, of the first `rows` queries."""
        for path in sorted((self.folder / split).glob("*.json")):
            if int(path.stem) < rows:
                chunk = json.loads(path.read_text())
                answers = [_answer(line) for line in chunk["answers"]]
                yield answers, Cost(**chunk["cost"])


def finite(value: float) -> float | None:
    """The number, or None for an infinite one, which JSON lacks."""
    return value if math.isfinite(value) else None


def _answer(line: dict[str, str | float | None]) -> Answer:
    rank, best = line["rank"], line["best"]
    return Answer(
        id=str(line["id"]),
        truth=str(line["truth"]),
        rank=math.inf if rank is None else float(rank),
        best=-math.inf if best is None else float(best),
    )


@dataclass(frozen=True)
class Figures:
    """Of one peer on one split: shares in [0, 1] with their binomial standard errors, seconds a
    query, and peak memory in bytes."""

    n: int
    top1: float
    top1_se: float
    top10: float
    top10_se: float
    never_hit: int
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


def figures(files: AnswerFiles, split: str, *, rows: int) -> Figures | None:
    """The figures of the answers to the first `rows` queries; None without any."""
    chunks = list(files.chunks(split, rows=rows))
    count = sum(len(answers) for answers, _ in chunks)
    if not count:
        return None
    ranks = np.array([answer.rank for answer in _first(chunks, rows)])
    top1, top10 = top_share(ranks, k=1), top_share(ranks, k=10)
    return Figures(
        n=len(ranks),
        top1=top1,
        top1_se=standard_error(top1, n=len(ranks)),
        top10=top10,
        top10_se=standard_error(top10, n=len(ranks)),
        never_hit=int(np.isinf(ranks).sum()),
        cpu_seconds=sum(cost.cpu for _, cost in chunks) / count,
        wall_seconds=sum(cost.wall for _, cost in chunks) / count,
        peak_bytes=max(cost.peak for _, cost in chunks),
    )


def standard_error(share: float, *, n: int) -> float:
    """Of a share of n independent answers: the binomial sqrt(p (1 - p) / n)."""
    return math.sqrt(share * (1 - share) / n)


def paired(
    files: AnswerFiles, other: AnswerFiles, split: str, *, rows: int
) -> dict[str, float | int] | None:
    """How much larger this peer's shares are than the other's on the rows that both answered,
    with the standard errors of the mean difference; None without two such rows."""
    ranks_by_id, other_ranks_by_id = (
        {answer.id: answer.rank for answer in _first(peer.chunks(split, rows=rows), rows)}
        for peer in (files, other)
    )
    both = sorted(ranks_by_id.keys() & other_ranks_by_id.keys())
    if len(both) < 2:
        return None
    ranks = np.array([(ranks_by_id[row], other_ranks_by_id[row]) for row in both])  # (n, 2)
    differences: dict[str, float | int] = {"n": len(both)}
    for k in (1, 10):
        difference = (ranks[:, 0] <= k).astype(float) - (ranks[:, 1] <= k)
        differences[f"top{k}"] = float(difference.mean())
        differences[f"top{k}_se"] = float(difference.std(ddof=1) / math.sqrt(len(both)))
    return differences


def unknown_detection(
    files: AnswerFiles, split: str, unknown: str, *, rows: int
) -> dict[str, float | int] | None:
    """AUROC and FPR at 95 % recall of the best named score, with the rows of `unknown` as the
    positives and those of named labs in `split` as the negatives; None without both."""
    answers = _first(files.chunks(split, rows=rows), rows)
    unknown_answers = _first(files.chunks(unknown, rows=rows), rows)
    negatives = np.array([answer.best for answer in answers if answer.truth != POOLED])
    positives = np.array([answer.best for answer in unknown_answers])
    if not len(negatives) or not len(positives):
        return None
    return {
        "auroc": auroc(negatives, positives),
        "fpr95": false_positive_rate(negatives, positives, recall=0.95),
        "n_known": len(negatives),
        "n_unknown": len(positives),
    }


def _first(
    chunks: Iterator[tuple[list[Answer], Cost]] | list[tuple[list[Answer], Cost]], rows: int
) -> list[Answer]:
    """The first answers in order. The last chunk may hold more than were asked for this time."""
    return [answer for answers, _ in chunks for answer in answers][:rows]
