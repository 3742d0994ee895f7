"""`vecattr query`: sequences in, ranked labs out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.confidence import asking
from vecattr.cli.options.shared import (
    compute_options,
    copies_option,
    indexes_option,
    processors,
    reading,
    talk_options,
)
from vecattr.cli.rendering.answers import render
from vecattr.cli.rendering.formats import Format
from vecattr.cli.rendering.output import chosen_format, output_options, write_results
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vecattr.indexes.scoring.confidence import ConfidenceOptions
    from vecattr.plasmid import Plasmid
    from vecattr.ranking.rank_fusion import Fusion
    from vecattr.readers.plasmids import ReadOptions


#: How many are named unless said otherwise.
LABS = 10


@click.command("query")
@click.argument("sequences", nargs=-1, required=True, metavar="SEQUENCES...")
@indexes_option
@click.option("-k", "k", type=click.IntRange(min=1), help="Labs to rank. [default: 10]")
@click.option(
    "--neighbors",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Also list the N nearest stored plasmids.",
)
@click.option(
    "--evidence",
    is_flag=True,
    help="Also show which stretches speak for the first lab, and which are common property.",
)
@click.option(
    "--common-labs",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --evidence: what more labs share is common property. [default: 20]",
)
@copies_option
@click.option(
    "--exact",
    is_flag=True,
    help="Find nearest plasmids exactly where the index would look into some cells alone.",
)
@asking
@output_options
@reading
@compute_options
@talk_options
def command(
    sequences: tuple[str, ...],
    indexes: tuple[Path, ...],
    fusion: Fusion,
    k: int | None,
    neighbors: int,
    evidence: bool,
    common_labs: int | None,
    exclude_near_copies: bool,
    exact: bool,
    confidence: ConfidenceOptions,
    form: Format | None,
    output: Path | None,
    reads: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Rank the labs most likely to have designed each sequence.

    SEQUENCES are files (FASTA, GenBank, SnapGene, tables; compressed or not), folders, or - for
    standard input. One answer a record; a bad record is reported, the rest are answered, and the
    exit code is 3. Several indexes (-i A -i B) answer as one.
    """
    if k is not None and confidence.coverage is not None:
        raise UsageError("-k and --coverage both say how many labs to name", hint="give one")
    if common_labs is not None and not evidence:
        raise UsageError("--common-labs without --evidence", hint="add --evidence")
    from vecattr.indexes.index import open_panel
    from vecattr.readers.plasmids import read_plasmids

    opened = open_panel(indexes, fusion=fusion, device=device, threads=threads, exact=exact)
    records = terminal().good_records(read_plasmids(sequences, reads))
    with terminal().progress("query") as advance:
        answers = opened.query_many(
            _counted(records, advance),
            k=k or LABS,
            neighbors=neighbors,
            exclude_near_copies=exclude_near_copies,
            options=confidence,
            processes=1 if device == "cuda" else threads or processors(),
            evidence=_common_labs(common_labs) if evidence else None,
        )
        write_results(render(answers, form=chosen_format(form, output)), output)


def _common_labs(given: int | None) -> int:
    from vecattr.indexes.evidence.stretches import COMMON_LABS

    return given or COMMON_LABS


def _counted(plasmids: Iterable[Plasmid], advance: Callable[[int], None]) -> Iterator[Plasmid]:
    for plasmid in plasmids:
        yield plasmid
        advance(1)
