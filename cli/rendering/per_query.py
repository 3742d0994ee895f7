"""Measured ranks of labelled plasmids in, the CSV lines of `evaluate --per-query` out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vecattr.cli.rendering.formats import Row, csv_line

if TYPE_CHECKING:
    from vecattr.indexes.evaluation.true_ranks import TrueRanks
    from vecattr.plasmid import Plasmid

#: The columns before the names of the first labs, and the one after them.
COLUMNS = ("id", "lab", "counted_as", "rank")
LAST_COLUMN = "source"


def per_query_lines(
    plasmids: Sequence[Plasmid], measured: TrueRanks, lab_names: Sequence[str]
) -> Iterator[str]:
    """One CSV line a record, after a header; the rank is empty when the lab is never found."""
    from vecattr.indexes.evaluation.true_ranks import TOP  # start-up
    from vecattr.metrics.ranking import class_of  # start-up

    classes = frozenset(lab_names)
    yield csv_line((*COLUMNS, *(f"lab{place}" for place in range(1, TOP + 1)), LAST_COLUMN))
    for plasmid, lab, rank, best_columns in zip(
        plasmids,
        measured.true_labs,
        measured.ranks.tolist(),
        measured.best_labs.tolist(),
        strict=True,
    ):
        first_labs: list[str | None] = [lab_names[column] for column in best_columns]
        row: Row = (plasmid.id, lab, class_of(lab, classes), _rank_text(rank), *first_labs)
        yield csv_line((*row, *[None] * (TOP - len(best_columns)), plasmid.source))


def _rank_text(rank: float) -> str | None:
    """Places without decimals, shared ones with a half; None when there is none."""
    return None if rank == float("inf") else f"{rank:.12g}"
