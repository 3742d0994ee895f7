"""`vecattr evaluate`: labelled plasmids and an index in, figures out."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.cluster import ClusterOptions, shard_options
from vecattr.cli.options.completions import SOURCES
from vecattr.cli.options.compute import compute_options
from vecattr.cli.options.confidence import confidence_options
from vecattr.cli.options.evaluation import EvaluationOptions, evaluation_options
from vecattr.cli.options.index import PanelOptions, panel_options
from vecattr.cli.options.output import chosen_format, output_options
from vecattr.cli.options.reading import load_labelled_plasmids, reading_options
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.bad_records import bad_object
from vecattr.cli.rendering.format_names import Format
from vecattr.cli.rendering.formats import facts_text
from vecattr.cli.rendering.output import utf8, write_file, write_results
from vecattr.cli.rendering.per_query import per_query_lines
from vecattr.cli.terminal import terminal
from vecattr.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vecattr.indexes.evaluation.true_ranks import TrueRanks
    from vecattr.indexes.index import Panel
    from vecattr.indexes.scoring.confidence import ConfidenceOptions
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions
    from vecattr.readers.records import BadRecord


@click.command("evaluate")
@click.argument("plasmids", type=SOURCES, nargs=-1, required=True, metavar="TABLE...")
@panel_options
@evaluation_options
@confidence_options
@output_options
@reading_options
@compute_options
@shard_options
@verbosity_options
def command(
    plasmids: tuple[str, ...],
    asked: PanelOptions,
    form: Format | None,
    output: Path | None,
    read_options: ReadOptions,
    evaluation: EvaluationOptions,
    confidence: ConfidenceOptions,
    threads: int | None,
    device: str,
    cluster: ClusterOptions,
) -> None:
    """Measure how often labelled plasmids find their lab.

    Ties count at their mean rank. A lab that the index lacks counts as the pooled class when there
    is one, else as never found.
    """
    cluster.check(threads=threads, device=device)
    panel = asked.open(device=device, threads=threads)
    evaluation.check(panel, plasmids)
    read_options = replace(
        evaluation.grouped(read_options), known_features=lambda: panel.feature_names
    )
    bad_records: list[BadRecord] = []
    collection = load_labelled_plasmids(plasmids, read_options, report=bad_records.append)
    dates = _dates(plasmids, read_options, evaluation)
    with cluster.ranking(panel) as rank:
        measured = _measure(rank, collection, evaluation, confidence, title="evaluate")
        facts = _ranking_facts(panel, collection, measured, evaluation, confidence)
        if evaluation.unknown_where:
            known = panel, measured
            facts |= _unknown_facts(known, rank, plasmids, read_options, evaluation, confidence)
    if evaluation.few_shot_where:
        facts |= _few_shot_facts(panel, plasmids, read_options, evaluation)
    facts |= _joint_facts(panel, collection, evaluation, confidence)
    if evaluation.exclude_near_copies:
        facts |= _near_copies_facts(panel, measured)
    facts |= _drift_facts(collection, dates, measured, evaluation)
    facts |= _provenance(panel, read_options)
    if terminal().on_bad_record == "report":
        facts["bad_records"] = list(map(bad_object, bad_records))
    if evaluation.per_query is not None:
        lines = per_query_lines(collection, measured, panel.lab_names)
        with terminal().going_on():
            write_file(evaluation.per_query, utf8("".join(lines)))
    form = chosen_format(form, output)
    write_results(facts_text(facts, form=form, title="Figures"), output, form=form)


def _measure(
    rank: Callable[..., TrueRanks],
    plasmids: Sequence[Plasmid],
    evaluation: EvaluationOptions,
    confidence: ConfidenceOptions,
    *,
    title: str,
) -> TrueRanks:
    """Where the panel ranks the plasmids' labs, with progress under this title."""
    with terminal().progress(title, total=len(plasmids)) as advance:
        return rank(
            plasmids,
            progress=advance,
            exclude_near_copies=evaluation.exclude_near_copies,
            options=confidence,
        )


def _ranking_facts(
    panel: Panel,
    plasmids: Sequence[Plasmid],
    measured: TrueRanks,
    evaluation: EvaluationOptions,
    confidence: ConfidenceOptions,
) -> dict[str, object]:
    """Figures of the ranking and of the probabilities, with intervals over groups of plasmids."""
    from vecattr.indexes.evaluation.facts import confidence_facts, ranking_facts  # start-up
    from vecattr.metrics.bootstrap import group_codes  # start-up

    groups = group_codes([plasmid.group for plasmid in plasmids])
    return {
        **ranking_facts(panel, measured, groups, seed=evaluation.seed),
        **confidence_facts(measured, groups, confidence, seed=evaluation.seed),
    }


def _unknown_facts(
    known: tuple[Panel, TrueRanks],
    rank: Callable[..., TrueRanks],
    sources: Sequence[str],
    read_options: ReadOptions,
    evaluation: EvaluationOptions,
    confidence: ConfidenceOptions,
) -> dict[str, object]:
    """How well the rows of --unknown-where are told from those of labs that the panel names."""
    from vecattr.indexes.evaluation.facts import detection_facts, outside_facts  # start-up
    from vecattr.plasmid import POOLED  # start-up

    panel, measured = known
    named = frozenset(panel.lab_names) - {POOLED}
    unknown_options = replace(read_options, where=evaluation.unknown_where)
    plasmids = load_unknown_plasmids(sources, unknown_options, named=named)
    unknown = _measure(rank, plasmids, evaluation, confidence, title="unknown")
    return {
        **detection_facts(measured, unknown, named=named),
        **outside_facts(measured, unknown, confidence),
    }


def load_unknown_plasmids(
    sources: Sequence[str], read_options: ReadOptions, *, named: frozenset[str]
) -> list[Plasmid]:
    """The rows that --unknown-where selects; InputError for one of a lab among those `named`."""
    plasmids = load_labelled_plasmids(sources, read_options)
    for plasmid in plasmids:
        if plasmid.lab in named:
            raise InputError(
                f"the index knows the lab {plasmid.lab!r}, so the row is not unknown",
                where=f"record {plasmid.id!r}",
                hint="let --unknown-where select labs that the index lacks",
            )
    return plasmids


def _few_shot_facts(
    panel: Panel,
    sources: Sequence[str],
    read_options: ReadOptions,
    evaluation: EvaluationOptions,
) -> dict[str, object]:
    """Accuracy on new labs by shots, supports at random and from other groups."""
    from vecattr.indexes.evaluation.few_shot import few_shot_accuracy  # start-up

    few_shot_options = replace(read_options, where=evaluation.few_shot_where)
    plasmids = load_labelled_plasmids(sources, few_shot_options)
    with terminal().progress("few-shot", total=len(plasmids)) as advance:
        figures_by_protocol = few_shot_accuracy(
            panel.indexes[0],
            plasmids,
            shots=evaluation.shots,
            repeats=evaluation.repeats,
            seed=evaluation.seed,
            progress=advance,
        )
    return {
        protocol: {str(shots): asdict(figures) for shots, figures in by_shots.items()}
        for protocol, by_shots in figures_by_protocol.items()
    }


def _joint_facts(
    panel: Panel,
    plasmids: Sequence[Plasmid],
    evaluation: EvaluationOptions,
    confidence: ConfidenceOptions,
) -> dict[str, object]:
    """Accuracy of rows that are asked about together, and of linked ones, as asked for."""
    from vecattr.indexes.evaluation.joint_ranks import (  # start-up
        Measuring,
        linked_facts,
        together_facts,
    )
    from vecattr.metrics.bootstrap import group_codes  # start-up

    measuring = Measuring(panel, confidence, evaluation.exclude_near_copies)
    facts: dict[str, object] = {}
    if evaluation.together_by is not None:
        groups = group_codes([plasmid.group for plasmid in plasmids])
        with terminal().progress("together", total=len(plasmids)) as advance:
            facts["together"] = together_facts(measuring, plasmids, groups, progress=advance)
    if evaluation.linked:
        with terminal().progress("linked", total=len(plasmids)) as advance:
            facts["linked"] = linked_facts(measuring, plasmids, progress=advance)
    return facts


def _dates(
    sources: Sequence[str], read_options: ReadOptions, evaluation: EvaluationOptions
) -> dict[str, str | None]:
    """The date of each plasmid by its id, for which the sources are read again; none when nobody
    asks for the newest. InputError, before anything is measured, without a column of dates."""
    from vecattr.plasmid import Plasmid  # start-up
    from vecattr.readers.plasmids import read_plasmids  # start-up

    if evaluation.newest is None:
        return {}
    dated = replace(read_options, group_by=evaluation.newest_by, note=lambda text: None)
    try:
        return {
            record.id: record.group
            for record in read_plasmids(sources, dated)
            if isinstance(record, Plasmid)
        }
    except InputError as error:
        hint = f"--newest-by names a column of years or dates; {error.hint}"
        raise InputError(error.what, where=error.where, hint=hint) from error


def _drift_facts(
    plasmids: Sequence[Plasmid],
    dates: Mapping[str, str | None],
    measured: TrueRanks,
    evaluation: EvaluationOptions,
) -> dict[str, object]:
    """The newest publications beside earlier ones; nothing when nobody asks for them."""
    from vecattr.indexes.evaluation.drift import DatedPlasmids, drift_facts  # start-up

    if evaluation.newest is None:
        return {}
    rows = DatedPlasmids(
        [plasmid.group for plasmid in plasmids], [dates.get(plasmid.id) for plasmid in plasmids]
    )
    return {"drift": drift_facts(measured, rows, newest=evaluation.newest, seed=evaluation.seed)}


def _near_copies_facts(panel: Panel, measured: TrueRanks) -> dict[str, object]:
    """How many queries had near copies that were left out, and how many labs keep what their
    vectors learned of such plasmids; says so when there are any."""
    learned = panel.learned_labs
    if learned:
        terminal().say(
            f"the vectors of {len(learned)} labs were learned in training and keep what they "
            "learned of near copies; build-index --lab-vectors mean makes them of plasmids"
        )
    queries = sum(count > 0 for count in measured.copy_counts.tolist())
    return {"near_copies": {"queries": queries, "learned_labs": len(learned)}}


def _provenance(panel: Panel, read_options: ReadOptions) -> dict[str, object]:
    """What was measured, and with which version, model and index."""
    from vecattr.version import __version__  # start-up

    return {
        "features": not read_options.no_features,
        "version": __version__,
        "model": panel.model_identity,
        "index": panel.identity,
        **({} if panel.is_one_index else {"fusion": panel.fusion}),
        **({"weights": panel.weights} if panel.weights else {}),
    }
