"""`vecattr embed`: sequences in, their vectors out as a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.cluster import ClusterOptions, cluster_options
from vecattr.cli.options.completions import SOURCES
from vecattr.cli.options.compute import compute_options
from vecattr.cli.options.index import index_option
from vecattr.cli.options.output import refuse_inputs
from vecattr.cli.options.reading import load_plasmids, reading_options
from vecattr.cli.options.types import FILE, MODEL, check_folder
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.output import write_file
from vecattr.cli.rendering.vectors import VectorFormat, vector_bytes
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vecattr.encoders.protocol import SequenceEmbedder
    from vecattr.indexes.cluster.address import ClusterAddress
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions
    from vecattr.vectors import EmbeddingTable

#: Plasmids embedded at once; the vectors do not depend on it.
BATCH = 64

_FORMS: dict[str, VectorFormat] = {".h5": "h5", ".hdf5": "h5", ".npy": "npy", ".tsv": "tsv"}


@click.command("embed")
@click.argument("sequences", type=SOURCES, nargs=-1, required=True, metavar="SEQUENCES...")
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="FILE",
    callback=check_folder,
    help="The file to write, atomically.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["h5", "npy", "tsv"]),
    show_default="by the suffix of -o",
    help="The format of the file.",
)
@click.option(
    "-m", "--model", type=MODEL, help="A model folder, `bag` or `cnn`; default: the index's model."
)
@index_option
@reading_options
@compute_options
@cluster_options
@verbosity_options
def command(
    sequences: tuple[str, ...],
    output: Path,
    form: VectorFormat | None,
    model: Path | None,
    index: Path,
    read_options: ReadOptions,
    threads: int | None,
    device: str,
    cluster: ClusterOptions,
) -> None:
    """Write a unit vector for each sequence, as features for other models."""
    from vecattr.encoders.protocol import features_read  # start-up
    from vecattr.version import __version__  # start-up

    refuse_inputs(output)
    form = form or _form_by_suffix(output)
    cluster.check(threads=threads, device=device)
    embedder = _open_embedder(model, index, device=device, threads=threads)
    read_options = replace(read_options, known_features=lambda: features_read(embedder))
    plasmids = load_plasmids(sequences, read_options)
    with terminal().progress("embed", total=len(plasmids)) as advance:
        if cluster.cluster is None:
            table = _table(plasmids, embedder, progress=advance)
        else:
            source = (index, True) if model is None else (model, False)
            table = _table_by_cluster(
                cluster.cluster, plasmids, embedder.identity, source, output, progress=advance
            )
    facts = {"model": embedder.identity, "tool": __version__}
    with terminal().going_on():
        write_file(output, vector_bytes(table, form=form, facts=facts))
    terminal().say(f"{output}: {len(table)} vectors of width {table.width}")


def _form_by_suffix(output: Path) -> VectorFormat:
    form = _FORMS.get(output.suffix.lower())
    if form is None:
        raise UsageError(
            f"the format of the vectors cannot be told from the suffix {output.suffix!r}",
            hint="give --format h5, npy or tsv",
        )
    return form


def _open_embedder(
    model: Path | None, index: Path, *, device: str, threads: int | None
) -> SequenceEmbedder:
    """The embedder of a model folder, or else the one inside an index."""
    if model is None:
        from vecattr.indexes.scoring.opened_index import OpenedIndex  # start-up

        return OpenedIndex.open(index, device=device, threads=threads).embedder
    from vecattr.encoders.embedder import load_embedder  # start-up

    return load_embedder(model, device=device, threads=threads)


def _table(
    plasmids: Sequence[Plasmid], embedder: SequenceEmbedder, *, progress: Callable[[int], None]
) -> EmbeddingTable:
    """The vectors of the plasmids in order."""
    import numpy as np  # start-up

    from vecattr.vectors import EmbeddingTable  # start-up

    vectors = []
    for start in range(0, len(plasmids), BATCH):
        batch = plasmids[start : start + BATCH]
        vectors.append(embedder.embed(batch))
        progress(len(batch))
    return EmbeddingTable(tuple(plasmid.id for plasmid in plasmids), np.concatenate(vectors))


def _table_by_cluster(
    address: ClusterAddress,
    plasmids: Sequence[Plasmid],
    identity: str,
    source: tuple[Path, bool],
    output: Path,
    *,
    progress: Callable[[int], None],
) -> EmbeddingTable:
    """The same by workers, with the model in a folder; `source` says whether that is an index's."""
    from vecattr.indexes.cluster.cluster import open_cluster  # start-up
    from vecattr.indexes.cluster.embedding import EmbedderRecipe, embed_on_cluster  # start-up

    folder, is_index = source
    recipe = EmbedderRecipe(str(folder.absolute()), is_index, identity)
    parts = output.with_name(f"{output.name}.parts")
    with open_cluster(address) as cluster:
        return embed_on_cluster(cluster, plasmids, recipe, parts=parts, progress=progress)
