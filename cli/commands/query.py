"""`vecattr query`: sequences in, ranked labs out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.cluster import ClusterOptions, shard_options
from vecattr.cli.options.completions import SOURCES
from vecattr.cli.options.compute import compute_options
from vecattr.cli.options.confidence import confidence_options
from vecattr.cli.options.index import PanelOptions, near_copies_option, panel_options
from vecattr.cli.options.joint import JointOptions, Request, joint_options
from vecattr.cli.options.output import answer_output_options, chosen_format
from vecattr.cli.options.reading import reading_options
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.bad_records import BadQueries
from vecattr.cli.rendering.format_names import DRAWN, MARKED, NEIGHBORS, Format
from vecattr.cli.rendering.output import write_results
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vecattr.attribution import Attribution
    from vecattr.indexes.index import Panel
    from vecattr.indexes.scoring.confidence import ConfidenceOptions
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions


#: Labs that are ranked by default.
LABS = 10


@click.command("query")
@click.argument("sequences", type=SOURCES, nargs=-1, required=True, metavar="SEQUENCES...")
@panel_options
@click.option("-k", "k", type=click.IntRange(min=1), help="Labs to rank. [default: 10]")
@click.option(
    "--neighbors",
    type=click.IntRange(min=0),
    metavar="N",
    help="Also list the N nearest stored plasmids. [default: 0; with --format html: 5]",
)
@click.option(
    "--evidence",
    is_flag=True,
    help="Also show which stretches speak for the first lab, which are common property of many "
    "labs, and the whole query part by part, with the labs of each part.",
)
@click.option(
    "--evidence-for",
    "evidence_for",
    multiple=True,
    metavar="LAB",
    help="Also show which stretches speak for this lab; may be repeated. Implies --evidence.",
)
@click.option(
    "--common-labs",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --evidence: a stretch that more than N labs have is common property. [default: 20]",
)
@joint_options
@near_copies_option
@click.option(
    "--exact",
    is_flag=True,
    help="Search all stored plasmids, also where the index would search only the nearest cells.",
)
@confidence_options
@answer_output_options
@reading_options
@compute_options
@shard_options
@verbosity_options
def command(
    sequences: tuple[str, ...],
    asked: PanelOptions,
    k: int | None,
    neighbors: int | None,
    evidence: bool,
    evidence_for: tuple[str, ...],
    common_labs: int | None,
    joint: JointOptions,
    exclude_near_copies: bool,
    exact: bool,
    confidence: ConfidenceOptions,
    form: Format | None,
    output: Path | None,
    read_options: ReadOptions,
    threads: int | None,
    device: str,
    cluster: ClusterOptions,
) -> None:
    """Rank the labs most likely to have designed each sequence.

    SEQUENCES are files (FASTA, GenBank, SnapGene, tables; compressed or not), folders, or - for
    standard input. Each record gets one answer; a bad record is reported, the others are
    answered, and the exit code is 3. Several indexes (-i A -i B) give one common ranking.
    """
    written = chosen_format(form, output)
    evidence = evidence or bool(evidence_for) or written in MARKED
    cluster.check(threads=threads, device=device)
    _check(k, confidence, joint, cluster, common_labs if not evidence else None)
    panel = asked.open(device=device, threads=threads, exact=exact)
    evidence = evidence or (written in DRAWN and panel.has_evidence)
    read_options = replace(joint.grouped(read_options), known_features=lambda: panel.feature_names)
    bad_queries = BadQueries()
    with terminal().progress("query") as advance:
        queries = _queries(sequences, read_options, bad_queries, advance)
        request: Request = {
            "k": k or LABS,
            "neighbors": NEIGHBORS.get(written, 0) if neighbors is None else neighbors,
            "exclude_near_copies": exclude_near_copies,
            "options": confidence,
            "evidence": _common_labs(common_labs) if evidence else None,
            "evidence_for": evidence_for,
        }
        with cluster.answering(panel, threads=threads, device=device) as answer:
            texts = _texts(panel, answer, queries, request, joint, bad_queries, written)
            write_results(texts, output, form=written)


def _check(
    k: int | None,
    confidence: ConfidenceOptions,
    joint: JointOptions,
    cluster: ClusterOptions,
    common_labs: int | None,
) -> None:
    """UsageError for options that exclude each other; `common_labs` without evidence."""
    if common_labs is not None:
        raise UsageError("--common-labs without --evidence", hint="add --evidence")
    if k is not None and confidence.coverage is not None:
        raise UsageError("-k and --coverage both say how many labs to name", hint="give one")
    if cluster.cluster is not None and (joint.is_together or joint.linked):
        raise UsageError(
            "records that help each other out are answered by one process",
            hint="leave out --cluster",
        )


def _texts(
    panel: Panel,
    answer: Callable[..., Iterator[Attribution]],
    queries: Iterable[Plasmid],
    request: Request,
    joint: JointOptions,
    bad_queries: BadQueries,
    form: Format,
) -> Iterator[str]:
    """The answers in this format, and with them the bad records that are to be reported."""
    from vecattr.cli.rendering.answers import render  # start-up
    from vecattr.cli.rendering.joint import render_joint  # start-up

    tells_bad = terminal().on_bad_record == "report"
    if joint.is_together:
        joints = joint.answers(panel, queries, request)
        return render_joint(joints, bad_queries, form=form, tells_bad=tells_bad)
    answers = panel.query_linked(queries, **request) if joint.linked else answer(queries, **request)
    return render(bad_queries.woven(answers), form=form, tells_bad=tells_bad)


def _common_labs(number: int | None) -> int:
    """The number of --common-labs, or the default."""
    from vecattr.indexes.evidence.stretches import COMMON_LABS  # start-up

    return number or COMMON_LABS


def _queries(
    sequences: Sequence[str],
    read_options: ReadOptions,
    bad_queries: BadQueries,
    advance: Callable[[int], None],
) -> Iterator[Plasmid]:
    """The good records; bad ones that are to be reported wait in `bad_queries`."""
    from vecattr.readers.plasmids import read_plasmids  # start-up

    records = read_plasmids(sequences, read_options)
    for plasmid in bad_queries.counted(terminal().good_records(records, report=bad_queries.take)):
        yield plasmid
        advance(1)
