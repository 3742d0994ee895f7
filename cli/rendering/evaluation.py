"""The figures of `vecattr evaluate`: a panel and what it measured in, facts by name out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from vecattr.cli.options.shared import labelled_plasmids
from vecattr.cli.rendering.formats import Row, csv_line
from vecattr.cli.terminal import terminal
from vecattr.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vecattr.cli.options.evaluation import Measures
    from vecattr.indexes.evaluation.true_ranks import TrueRanks
    from vecattr.indexes.index import Panel
    from vecattr.indexes.scoring.confidence import ConfidenceOptions
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions


def ranking_facts(
    panel: Panel, found: TrueRanks, groups: NDArray[np.intp], *, seed: int
) -> dict[str, object]:
    """The figures of the ranking, their intervals, and accuracy by stored plasmids; `groups` (q,)
    are the numbers of `vecattr.metrics.bootstrap.group_codes`."""
    import numpy as np

    from vecattr.metrics.bootstrap import share_intervals
    from vecattr.metrics.ranking import ranking_figures, shares_by_size
    from vecattr.plasmid import POOLED

    hits = np.stack([found.ranks <= k for k in (1, 10)], axis=1)  # (q, 2)
    intervals = share_intervals(hits, groups, rng=np.random.default_rng(seed))
    sizes = {name: size for name, size in panel.plasmid_counts.items() if name != POOLED}
    return {
        **ranking_figures(found.ranks, found.truths, panel.lab_names).as_dict(),
        "groups": int(groups.max()) + 1,
        "interval": {"top1": intervals[0], "top10": intervals[1]},
        "by_plasmids": shares_by_size(found.ranks, [sizes.get(lab) for lab in found.truths]),
    }


def strangers(
    sources: Sequence[str], reads: ReadOptions, *, named: frozenset[str]
) -> list[Plasmid]:
    """The rows that `--unknown-where` selects; InputError for one of a lab among those `named`."""
    plasmids = labelled_plasmids(sources, reads)
    for plasmid in plasmids:
        if plasmid.lab in named:
            raise InputError(
                f"the index knows the lab {plasmid.lab!r}, so the row is not unknown",
                where=f"record {plasmid.id!r}",
                hint="let --unknown-where select labs that the index lacks",
            )
    return plasmids


def unknown_facts(
    panel: Panel,
    sources: Sequence[str],
    reads: ReadOptions,
    found: TrueRanks,
    measures: Measures,
    options: ConfidenceOptions,
) -> dict[str, object]:
    """Detection of the rows of `unknown_where` among `found`'s of named labs, and, apart, of
    `found`'s rows whose lab has no class of its own; and what the verdict calls unknown."""
    import numpy as np

    from vecattr.indexes.evaluation.true_ranks import true_ranks
    from vecattr.metrics.detection import detection
    from vecattr.plasmid import POOLED

    named = frozenset(panel.lab_names) - {POOLED}
    unknown = strangers(sources, replace(reads, where=measures.unknown_where), named=named)
    with terminal().progress("unknown", total=len(unknown)) as advance:
        exclude = measures.exclude_near_copies
        other = true_ranks(
            panel, unknown, progress=advance, exclude_near_copies=exclude, options=options
        )
    is_named = np.array([lab in named for lab in found.truths])
    known = found.confidences[is_named]
    is_right = found.ranks[is_named] <= 1
    pooled = found.confidences[~is_named]
    return {
        "unknown": detection(known, other.confidences, is_right=is_right).as_dict(),
        "unknown_pooled": detection(known, pooled, is_right=is_right).as_dict(),
        "called_unknown": {
            "known": _called_unknown(found.margins[is_named]),
            "unknown": _called_unknown(other.margins),
            "pooled": _called_unknown(found.margins[~is_named]),
        },
    }


def _called_unknown(margins: NDArray[np.float64]) -> float | None:
    """The share below the threshold; None without any margin, or without a threshold."""
    import numpy as np

    return None if np.isnan(margins).any() or not len(margins) else float(np.mean(margins < 0))


def confidence_facts(
    found: TrueRanks, groups: NDArray[np.intp], options: ConfidenceOptions, *, seed: int
) -> dict[str, object]:
    """Calibration of the first lab's probability and, when asked for, coverage and size of the
    candidate sets; nothing of an uncalibrated index."""
    import numpy as np

    from vecattr.metrics.calibration_error import reliability

    if found.stated is None:
        return {}
    is_right = found.ranks <= 1
    rng = np.random.default_rng(seed)
    facts: dict[str, object] = {
        "work": options.work,
        "calibration": reliability(found.stated, is_right, groups, rng=rng).as_dict(),
    }
    if found.sizes is not None:
        facts["candidate_sets"] = {
            "coverage": options.coverage,
            "held_the_truth": float(np.mean(found.ranks <= found.sizes)),
            "mean_size": float(found.sizes.mean()),
            "median_size": float(np.median(found.sizes)),
        }
    return facts


def copies_facts(panel: Panel, found: TrueRanks) -> dict[str, object]:
    """How many queries had near copies that were left out, and how many labs keep what their
    vectors learned of such plasmids; says so when there are any."""
    import numpy as np

    learned = panel.learned_labs
    if learned:
        terminal().say(
            f"the vectors of {len(learned)} labs were learned in training and keep what they "
            "learned of near copies; build-index --lab-vectors mean makes them of plasmids"
        )
    held = int(np.count_nonzero(found.copies))
    return {"near_copies": {"queries": held, "learned_labs": len(learned)}}


def few_shot_facts(
    panel: Panel, sources: Sequence[str], reads: ReadOptions, measures: Measures
) -> dict[str, object]:
    """Accuracy on new labs by shots, supports at random and from other groups."""
    from vecattr.indexes.evaluation.few_shot import few_shot_accuracy

    plasmids = labelled_plasmids(sources, replace(reads, where=measures.few_shot_where))
    with terminal().progress("few-shot", total=len(plasmids)) as advance:
        found = few_shot_accuracy(
            panel.indexes[0],
            plasmids,
            shots=measures.shots,
            repeats=measures.repeats,
            seed=measures.seed,
            progress=advance,
        )
    return {
        name: {str(shots): asdict(figures) for shots, figures in by_shots.items()}
        for name, by_shots in found.items()
    }


#: The columns of `--per-query`, before the names of the first labs.
PER_QUERY = ("id", "lab", "counted_as", "rank")


def per_query_lines(panel: Panel, plasmids: Sequence[Plasmid], found: TrueRanks) -> Iterator[str]:
    """One CSV line a record, after a header; the rank is empty when the lab is never found."""
    from vecattr.indexes.evaluation.true_ranks import TOP
    from vecattr.metrics.ranking import class_of

    names = panel.lab_names
    known = frozenset(names)
    yield csv_line((*PER_QUERY, *(f"lab{place}" for place in range(1, TOP + 1))))
    for plasmid, lab, rank, best in zip(
        plasmids, found.truths, found.ranks.tolist(), found.best.tolist(), strict=True
    ):
        first: list[str | None] = [names[column] for column in best]
        row: Row = (plasmid.id, lab, class_of(lab, known), _rank_text(rank), *first)
        yield csv_line((*row, *[None] * (TOP - len(best))))


def _rank_text(rank: float) -> str | None:
    """Places without decimals, shared ones with a half; None when there is none."""
    return None if rank == float("inf") else f"{rank:.12g}"
