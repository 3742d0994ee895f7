"""`vecattr build-index`: labelled plasmids in, and a model or none; an index out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.editing.add_lab import warn_unread
from vecattr.cli.options.shared import (
    FOLDER,
    class_rule,
    compute_options,
    index_option,
    labelled_plasmids,
    reading,
    rule_options,
    talk_options,
    wait_option,
)
from vecattr.cli.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from vecattr.encoders.protocol import SequenceEmbedder
    from vecattr.indexes.editing.build import BuildReport
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions


@click.command("build-index")
@click.argument("plasmids", nargs=-1, required=True, metavar="PLASMIDS...")
@click.option(
    "-m",
    "--model",
    type=FOLDER,
    show_default="the encoder that comes with vecattr",
    help="A model folder that `train` wrote.",
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
@click.option("--no-sequences", is_flag=True, help="Store no bases and no k-mers, only vectors.")
@click.option(
    "--search",
    type=click.Choice(["auto", "approximate", "exact"]),
    default="auto",
    show_default=True,
    help="Nearest plasmids in large segments; auto: approximately, if 99 % of them are found.",
)
@click.option("--replace", is_flag=True, help="Replace an index that is there.")
@wait_option
@reading
@compute_options
@talk_options
def command(
    plasmids: tuple[str, ...],
    model: Path | None,
    index: Path,
    labs_file: Path | None,
    min_plasmids: int | None,
    lab_vectors: Literal["learned", "mean"],
    views: int | None,
    no_sequences: bool,
    search: Literal["auto", "approximate", "exact"],
    replace: bool,
    wait: float,
    reads: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Embed labelled plasmids and their labs, and build the index that `query` asks.

    Nothing is trained: labs without a learned vector get one made of their plasmids. Without
    --no-sequences the index holds every sequence, so it discloses them. Of a folder of
    folds that `train --folds` wrote, an index a fold is built, which `query` asks as one.
    """
    from vecattr.encoders.embedder import load_embedder
    from vecattr.encoders.pretrained import shipped_encoder

    model = shipped_encoder() if model is None else model
    models = _models(model, index, replace=replace)
    embedders = [load_embedder(one, views=views, device=device, threads=threads) for one in models]
    collection = labelled_plasmids(plasmids, reads)
    rule = class_rule(collection, labs_file=labs_file, min_plasmids=min_plasmids)
    with terminal().progress("embed", total=len(collection) * len(models)) as advance:
        reports = _build(
            index,
            collection,
            embedders,
            model=model,
            rule=rule,
            views=views,
            keep_sequences=not no_sequences,
            replace=replace,
            search=search,
            wait=wait,
            lab_vectors=lab_vectors,
            progress=advance,
        )
    for one, report in zip(models, reports, strict=True):
        terminal().say(f"{index if one == model else index / one.name}: {report}")
        warn_unread(report.unread, report.plasmids)


def _models(model: Path, index: Path, *, replace: bool) -> tuple[Path, ...]:
    """The model, or those of its folds, once it is sure that the index has a place."""
    from vecattr.files.fold_folder import is_folds
    from vecattr.indexes.editing.build import check_place
    from vecattr.indexes.editing.build_folds import check_folds_place
    from vecattr.indexes.storage.fold_indexes import model_folds

    if is_folds(model):
        check_folds_place(index, replace=replace)
        return model_folds(model)
    check_place(index, replace=replace)
    return (model,)


def _build(
    index: Path,
    plasmids: Sequence[Plasmid],
    embedders: Sequence[SequenceEmbedder],
    **options: Any,
) -> tuple[BuildReport, ...]:
    """One index, or an index a fold, with the options of `build_index`."""
    from vecattr.indexes.editing.build import build_index
    from vecattr.indexes.editing.build_folds import build_folds

    if len(embedders) == 1:
        return (build_index(index, plasmids, embedder=embedders[0], **options),)
    return build_folds(index, plasmids, embedders=embedders, **options)
