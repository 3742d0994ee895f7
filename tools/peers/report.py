"""The answers of some peers in; figures for JSON and a Markdown table out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peers.answers import Shelf, figures, paired, strangers

#: A line of the table for each peer and split.
HEADINGS = (
    *("peer", "split", "n", "top-1", "top-10", "never hit"),
    *("CPU s / query", "wall s / query", "peak MB", "AUROC / FPR95 (n)"),
    *("top-1 less ours", "top-10 less ours"),
)


@dataclass(frozen=True)
class Scope:
    """Which of the answers count: so many of the first rows of each split."""

    splits: tuple[str, ...]
    unknown: str
    rows: int


def reported(
    name: str, shelf: Shelf, scope: Scope, *, ours: Shelf, missing: str | None
) -> dict[str, Any]:
    """The figures of one peer, and how far they lie above `ours` on the same rows; `missing` says
    what the peer lacks, if it could not be asked now."""
    found: dict[str, Any] = {
        "peer": name,
        "settings": json.loads(shelf.binding.read_text()) if shelf.binding.exists() else None,
        "not_installed": missing,
        "splits": {},
        "unknown": {},
        "less_ours": {},
    }
    for split in scope.splits:
        measured = figures(shelf, split, rows=scope.rows)
        found["splits"][split] = None if measured is None else asdict(measured)
        found["unknown"][split] = strangers(shelf, split, scope.unknown, rows=scope.rows)
        found["less_ours"][split] = paired(shelf, ours, split, rows=scope.rows)
    return found


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
    measured: dict[str, Any], unknown: dict[str, Any] | None, less: dict[str, Any] | None
) -> tuple[str, ...]:
    """The columns after the split's."""
    told, more = "", ("", "")
    if less is not None:
        more = _shares(less, sign="+")
    if unknown is not None:
        told = f"{unknown['auroc']:.3f} / {unknown['fpr95']:.3f} ({unknown['n_unknown']})"
    return (
        str(measured["n"]),
        *_shares(measured),
        str(measured["never_hit"]),
        *(f"{measured[f'{clock}_seconds']:.3f}" for clock in ("cpu", "wall")),
        f"{measured['peak_bytes'] / 1e6:.0f}",
        told,
        *more,
    )


def _shares(found: dict[str, Any], *, sign: str = "") -> tuple[str, str]:
    """Top-1 and top-10 in percent, with their standard errors."""
    top1, top10 = (
        f"{100 * found[name]:{sign}.1f} ± {100 * found[f'{name}_se']:.1f}"
        for name in ("top1", "top10")
    )
    return top1, top10


def write_report(path: Path, peers: Sequence[dict[str, Any]], **about: object) -> None:
    """The figures as JSON, after what they are about."""
    path.write_text(json.dumps({**about, "peers": list(peers)}, indent=2) + "\n")
