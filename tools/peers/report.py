"""The answers of some peers in; figures for JSON and a Markdown table out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peers.answers import AnswerFiles, figures, paired, unknown_detection

#: A line of the table for each peer and split.
HEADINGS = (
    *("peer", "split", "n", "top-1", "top-10", "never hit"),
    *("CPU s / query", "wall s / query", "peak MB", "AUROC / FPR95 (n)"),
    *("top-1 less ours", "top-10 less ours"),
)


@dataclass(frozen=True)
class Scope:
    """Which of the answers count: the first `rows` of each split."""

    splits: tuple[str, ...]
    unknown: str
    rows: int


def peer_facts(
    name: str, files: AnswerFiles, scope: Scope, *, ours: AnswerFiles, missing: str | None
) -> dict[str, Any]:
    """The figures of one peer, and how far they lie above `ours` on the same rows; `missing` says
    what has to be installed, if anything."""
    facts: dict[str, Any] = {
        "peer": name,
        "settings": json.loads(files.binding.read_text()) if files.binding.exists() else None,
        "not_installed": missing,
        "splits": {},
        "unknown": {},
        "less_ours": {},
    }
    for split in scope.splits:
        measured = figures(files, split, rows=scope.rows)
        facts["splits"][split] = None if measured is None else asdict(measured)
        facts["unknown"][split] = unknown_detection(files, split, scope.unknown, rows=scope.rows)
        facts["less_ours"][split] = paired(files, ours, split, rows=scope.rows)
    return facts


def report_text(peers: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, shares in percent with their standard errors."""
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    for peer in peers:
        for split, measured in peer["splits"].items():
            if measured is None:
                reason = "not installed" if peer["not_installed"] else "not asked yet"
                lines.append((peer["peer"], split, "0", reason, *[""] * (len(HEADINGS) - 4)))
            else:
                cells = _cells(measured, peer["unknown"][split], peer["less_ours"][split])
                lines.append((peer["peer"], split, *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(
    measured: dict[str, Any], unknown: dict[str, Any] | None, difference: dict[str, Any] | None
) -> tuple[str, ...]:
    """The columns after `split`."""
    detection, differences = "", ("", "")
    if difference is not None:
        differences = _shares(difference, sign="+")
    if unknown is not None:
        detection = f"{unknown['auroc']:.3f} / {unknown['fpr95']:.3f} ({unknown['n_unknown']})"
    return (
        str(measured["n"]),
        *_shares(measured),
        str(measured["never_hit"]),
        *(f"{measured[f'{clock}_seconds']:.3f}" for clock in ("cpu", "wall")),
        f"{measured['peak_bytes'] / 1e6:.0f}",
        detection,
        *differences,
    )


def _shares(shares: dict[str, Any], *, sign: str = "") -> tuple[str, str]:
    """Top-1 and top-10 in percent, with their standard errors."""
    top1, top10 = (
        f"{100 * shares[name]:{sign}.1f} ± {100 * shares[f'{name}_se']:.1f}"
        for name in ("top1", "top10")
    )
    return top1, top10


def write_report(path: Path, peers: Sequence[dict[str, Any]], **about: object) -> None:
    """The figures as JSON, after the facts that describe the run."""
    path.write_text(json.dumps({**about, "peers": list(peers)}, indent=2) + "\n")
