"""`vecattr embed`: sequences in, their vectors out as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.shared import (
    FOLDER,
    compute_options,
    index_option,
    plasmids_of,
    reading,
    talk_options,
)
from vecattr.cli.rendering.output import check_folder, write_file
from vecattr.cli.rendering.vectors import VectorFormat, embedder_of, in_batches, vector_bytes
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from vecattr.readers.plasmids import ReadOptions

_FORMS: dict[str, VectorFormat] = {".h5": "h5", ".hdf5": "h5", ".npy": "npy", ".tsv": "tsv"}


@click.command("embed")
@click.argument("sequences", nargs=-1, required=True, metavar="SEQUENCES...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    callback=check_folder,
    help="Where the vectors go, all or nothing.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["h5", "npy", "tsv"]),
    show_default="by the suffix of -o",
    help="How vectors are written.",
)
@click.option("-m", "--model", type=FOLDER, help="A model folder; default: the index's model.")
@index_option
@reading
@compute_options
@talk_options
def command(
    sequences: tuple[str, ...],
    output: Path,
    form: VectorFormat | None,
    model: Path | None,
    index: Path,
    reads: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Write a unit vector for each sequence, as features for other models."""
    import numpy as np

    from vecattr.vectors import EmbeddingTable
    from vecattr.version import __version__

    form = form or _form_of(output)
    embedder = embedder_of(model, index, device=device, threads=threads)
    plasmids = plasmids_of(sequences, reads)
    with terminal().progress("embed", total=len(plasmids)) as advance:
        vectors = np.concatenate(list(in_batches(plasmids, embedder, progress=advance)))
    table = EmbeddingTable(tuple(plasmid.id for plasmid in plasmids), vectors)
    facts = {"model": embedder.identity, "tool": __version__}
    write_file(output, vector_bytes(table, form=form, facts=facts))
    terminal().say(f"{output}: {len(table)} vectors of width {table.width}")


def _form_of(output: Path) -> VectorFormat:
    form = _FORMS.get(output.suffix.lower())
    if form is None:
        raise UsageError(
            f"the suffix {output.suffix!r} says nothing of the format",
            hint="give --format h5, npy or tsv",
        )
    return form
