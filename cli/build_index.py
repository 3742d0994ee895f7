"""`vecattr build-index`: labelled plasmids and a model in, an index out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.add_lab import warn_unread
from vecattr.cli.options import (
    FOLDER,
    class_rule,
    compute_options,
    index_option,
    labelled_plasmids,
    reading,
    rule_options,
    talk_options,
)
from vecattr.cli.terminal import terminal

if TYPE_CHECKING:
    from typing import Literal

    from vecattr.readers import ReadOptions


@click.command("build-index")
@click.argument("plasmids", nargs=-1, required=True, metavar="PLASMIDS...")
@click.option(
    "-m", "--model", type=FOLDER, required=True, help="The model folder that `train` wrote."
)
@index_option
@rule_options
@click.option(
    "--lab-vectors",
    type=click.Choice(["learned", "mean"]),
    default="learned",
    show_default=True,
    help="learned: the model's, where it has one; mean: of the lab's plasmids.",
)
@click.option(
    "--views",
    type=click.IntRange(min=1),
    metavar="N",
    help="Views of a plasmid that its vector is the mean of; default: the model's.",
)
@click.option("--no-sequences", is_flag=True, help="Store no bases, only vectors.")
@click.option("--replace", is_flag=True, help="Replace an index that is there.")
@reading
@compute_options
@talk_options
def command(
    plasmids: tuple[str, ...],
    model: Path,
    index: Path,
    labs_file: Path | None,
    min_plasmids: int | None,
    lab_vectors: Literal["learned", "mean"],
    views: int | None,
    no_sequences: bool,
    replace: bool,
    reads: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Embed labelled plasmids and their labs, and build the index that `query` asks.

    Without --no-sequences the index holds every sequence, so it discloses them.
    """
    from vecattr.embedder import load_embedder
    from vecattr.indexes.build import build_index, check_place

    check_place(index, replace=replace)
    embedder = load_embedder(model, views=views, device=device, threads=threads)
    collection = labelled_plasmids(plasmids, reads)
    rule = class_rule(collection, labs_file=labs_file, min_plasmids=min_plasmids)
    with terminal().progress("embed", total=len(collection)) as advance:
        report = build_index(
            index,
            collection,
            model=model,
            rule=rule,
            embedder=embedder,
            views=views,
            keep_sequences=not no_sequences,
            replace=replace,
            lab_vectors=lab_vectors,
            progress=advance,
        )
    terminal().say(f"{index}: {report}")
    warn_unread(report.unread, report.plasmids)
