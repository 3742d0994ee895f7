"""`vecattr evaluate`: labelled plasmids and an index in, figures out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.confidence import asking
from vecattr.cli.options.evaluation import Measures, measuring
from vecattr.cli.options.shared import (
    compute_options,
    indexes_option,
    labelled_plasmids,
    reading,
    talk_options,
)
from vecattr.cli.rendering.evaluation import (
    confidence_facts,
    copies_facts,
    few_shot_facts,
    per_query_lines,
    ranking_facts,
    unknown_facts,
)
from vecattr.cli.rendering.formats import Format, facts_text
from vecattr.cli.rendering.output import chosen_format, output_options, write_file, write_results
from vecattr.cli.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vecattr.indexes.scoring.confidence import ConfidenceOptions
    from vecattr.ranking.rank_fusion import Fusion
    from vecattr.readers.plasmids import ReadOptions


@click.command("evaluate")
@click.argument("plasmids", nargs=-1, required=True, metavar="TABLE...")
@indexes_option
@measuring
@asking
@output_options
@reading
@compute_options
@talk_options
def command(
    plasmids: tuple[str, ...],
    indexes: tuple[Path, ...],
    fusion: Fusion,
    form: Format | None,
    output: Path | None,
    reads: ReadOptions,
    measures: Measures,
    confidence: ConfidenceOptions,
    threads: int | None,
    device: str,
) -> None:
    """Measure how often labelled plasmids find their lab.

    Ties count at their mean rank. A lab that the index lacks counts as the pooled class when there
    is one, else as never found.
    """
    from vecattr.indexes.evaluation.true_ranks import true_ranks
    from vecattr.indexes.index import open_panel
    from vecattr.metrics.bootstrap import group_codes
    from vecattr.version import __version__

    panel = open_panel(indexes, fusion=fusion, device=device, threads=threads)
    measures.check(panel, plasmids)
    collection = labelled_plasmids(plasmids, reads)
    with terminal().progress("evaluate", total=len(collection)) as advance:
        exclude = measures.exclude_near_copies
        found = true_ranks(
            panel, collection, progress=advance, exclude_near_copies=exclude, options=confidence
        )
    groups = group_codes([plasmid.group for plasmid in collection])
    facts = ranking_facts(panel, found, groups, seed=measures.seed)
    facts |= confidence_facts(found, groups, confidence, seed=measures.seed)
    if measures.unknown_where:
        facts |= unknown_facts(panel, plasmids, reads, found, measures, confidence)
    if measures.few_shot_where:
        facts |= few_shot_facts(panel, plasmids, reads, measures)
    if exclude:
        facts |= copies_facts(panel, found)
    facts |= {
        "features": not reads.no_features,
        "version": __version__,
        "model": panel.model_identity,
        "index": panel.identity,
        **({} if panel.is_one_index else {"fusion": fusion}),
    }
    if measures.per_query is not None:
        write_file(measures.per_query, _encoded(per_query_lines(panel, collection, found)))
    write_results(facts_text(facts, form=chosen_format(form, output), title="Figures"), output)


def _encoded(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode("utf-8", errors="backslashreplace")
