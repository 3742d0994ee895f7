"""`vecattr build-index`: labelled plasmids and a model in, an index out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.editing.add_lab import warn_unread
from vecattr.cli.editing.lab_info import LabTable, lab_info_option
from vecattr.cli.options.classes import check_class_options, class_options, class_rule
from vecattr.cli.options.cluster import ClusterOptions, cluster_options
from vecattr.cli.options.completions import SOURCES
from vecattr.cli.options.compute import compute_options, processes_of
from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.output import refuse_in_index
from vecattr.cli.options.reading import kept_collection, labelled_reading_options
from vecattr.cli.options.types import MODEL
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal

    from vecattr.datasets.plasmid_file import PlasmidFile
    from vecattr.encoders.protocol import SequenceEmbedder
    from vecattr.encoders.vocabulary import Disclosure
    from vecattr.files.place import Place
    from vecattr.indexes.editing.build import BuildReport
    from vecattr.readers.plasmids import ReadOptions

#: Processes that build unless --threads says so: each takes up to 160 MB.
_MOST_PROCESSES = 16


@click.command("build-index")
@click.argument("plasmids", type=SOURCES, nargs=-1, required=True, metavar="PLASMIDS...")
@click.option(
    "-m",
    "--model",
    type=MODEL,
    show_default="bag",
    help="A model folder that `train` wrote, or `bag` or `cnn`, the encoders that come with "
    "vecattr.",
)
@index_option
@class_options
@click.option(
    "--lab-vectors",
    type=click.Choice(["learned", "mean"]),
    default="learned",
    show_default=True,
    help="learned: the model's vector of a lab, where it has one; mean: the mean of the lab's "
    "plasmids.",
)
@click.option(
    "--views",
    type=click.IntRange(min=1),
    metavar="N",
    help="Views of a plasmid whose mean is its vector; default: the model's number.",
)
@click.option("--no-sequences", is_flag=True, help="Store no bases and no k-mers, only vectors.")
@click.option(
    "--disclose-model-kmers",
    is_flag=True,
    help="With --no-sequences: take a k-mer bag that `train` made all the same. Whoever has the "
    "index can read 21-mers of the plasmids that it was trained on.",
)
@click.option(
    "--search",
    type=click.Choice(["auto", "approximate", "exact"]),
    default="auto",
    show_default=True,
    help="How nearest plasmids are found in large segments; auto: approximately, if that finds "
    "99 % of them.",
)
@click.option(
    "--shards",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Let each segment hold labs of one of N shards alone, for `query --shards N`. "
    "[default: segments in the order of the input]",
)
@lab_info_option
@click.option("--replace", is_flag=True, help="Replace an existing index.")
@wait_option
@labelled_reading_options
@compute_options
@cluster_options
@verbosity_options
def command(
    plasmids: tuple[str, ...],
    model: Path | None,
    index: Path,
    labs_file: Path | None,
    min_plasmids: int | None,
    lab_vectors: Literal["learned", "mean"],
    views: int | None,
    no_sequences: bool,
    disclose_model_kmers: bool,
    search: Literal["auto", "approximate", "exact"],
    shards: int,
    lab_info: LabTable,
    replace: bool,
    wait: float,
    read_options: ReadOptions,
    threads: int | None,
    device: str,
    cluster: ClusterOptions,
) -> None:
    """Embed labelled plasmids and their labs, and build the index that `query` searches.

    Nothing is trained: a lab without a learned vector gets one made of its plasmids. Without
    --no-sequences the index contains, and so discloses, every sequence; with it, a k-mer bag of
    `train` is refused, because it discloses those it was trained on. With a model folder of
    `train --folds`, one index is built for each fold; `query` combines them.
    """
    _check_options(cluster, labs_file, min_plasmids, threads=threads, device=device)
    place, model, models = _checked(model or _shipped(), index, replace=replace)
    with kept_collection(plasmids, read_options, beside=index) as collection:
        reports = _build(
            index,
            collection,
            _embedders(models, views=views, device=device, threads=threads),
            cluster,
            processes=processes_of(threads, device=device, most=_MOST_PROCESSES),
            wait=wait,
            model=model,
            rule=class_rule(collection.labs, labs_file=labs_file, min_plasmids=min_plasmids),
            views=views,
            keep_sequences=not no_sequences,
            disclose_kmers=disclose_model_kmers,
            replace=replace,
            place=place,
            search=search,
            shards=shards,
            lab_vectors=lab_vectors,
            lab_info=lab_info.infos,
        )
    _say_reports(dict(zip(_paths(index, models), reports, strict=True)), collection.labs, lab_info)


def _check_options(
    cluster: ClusterOptions, labs_file: Path | None, min_plasmids: int | None, **compute: Any
) -> None:
    """UsageError for options that exclude each other."""
    check_class_options(labs_file, min_plasmids)
    cluster.check(**compute)


def _paths(index: Path, models: Sequence[Path]) -> list[Path]:
    """Where the index of each model is."""
    return [index] if len(models) == 1 else [index / model.name for model in models]


def _say_reports(
    reports: Mapping[Path, BuildReport], lab_names: Iterable[str | None], lab_info: LabTable
) -> None:
    """Say what each index holds, and of which labs of the table nothing is stored."""
    labs = sorted(filter(None, lab_names))
    for path, report in reports.items():
        terminal().say(f"{path}: {report}")
        warn_unread(report.unread, report.plasmids)
        _warn_disclosed(path, report.disclosure)
    lab_info.note_unknown(labs)


def _warn_disclosed(path: Path, disclosure: Disclosure | None) -> None:
    """Warn that an index without sequences is not private."""
    if disclosure:
        terminal().say(
            f"warning: {path} is NOT private: its model holds {disclosure}, and whoever has the "
            "index can turn them back into bases"
        )


def _shipped() -> Path:
    from vecattr.encoders.pretrained import shipped_encoder  # start-up

    return shipped_encoder()


def _checked(model: Path, index: Path, *, replace: bool) -> tuple[Place, Path, tuple[Path, ...]]:
    """What is at the index's path, after a check that it may be replaced, the model, and this, or
    those of its folds."""
    from vecattr.files.fold_folder import is_folds  # start-up
    from vecattr.indexes.editing.build_folds import check_folds_place  # start-up
    from vecattr.indexes.editing.index_place import check_place, index_place  # start-up
    from vecattr.indexes.storage.index_folder import model_folds  # start-up

    refuse_in_index(index)
    place = index_place(index)
    if is_folds(model):
        check_folds_place(index, replace=replace)
        return place, model, model_folds(model)
    check_place(index, replace=replace)
    return place, model, (model,)


def _embedders(models: Sequence[Path], **options: Any) -> list[SequenceEmbedder]:
    from vecattr.encoders.embedder import load_embedder  # start-up

    return [load_embedder(path, **options) for path in models]


def _build(
    index: Path,
    plasmids: PlasmidFile,
    embedders: Sequence[SequenceEmbedder],
    cluster: ClusterOptions,
    *,
    wait: float,
    **options: Any,
) -> tuple[BuildReport, ...]:
    """One index, or one for each fold, with the options of `build_index`."""
    from vecattr.indexes.editing.build import build_index  # start-up
    from vecattr.indexes.editing.build_folds import build_folds  # start-up

    with (
        cluster.filling(index, wait=wait) as filling,
        terminal().progress("embed", total=len(plasmids) * len(embedders)) as advance,
    ):
        options |= {"filling": filling, "wait": wait, "progress": advance}
        options["step"] = terminal().commit_at("move")
        if len(embedders) == 1:
            return (build_index(index, plasmids, embedder=embedders[0], **options),)
        return build_folds(index, plasmids, embedders=embedders, **options)
