"""Plasmids and an embedder in, vectors out in batches; the three files that can hold them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from vecattr.cli.rendering.formats import tsv_line

if TYPE_CHECKING:
    from vecattr.encoders.protocol import SequenceEmbedder
    from vecattr.plasmid import Plasmid
    from vecattr.vectors import EmbeddingTable, Vectors

VectorFormat = Literal["h5", "npy", "tsv"]

#: Plasmids embedded at once; the vectors do not depend on it.
BATCH = 64


def embedder_of(
    model: Path | None, index: Path, *, device: str, threads: int | None
) -> SequenceEmbedder:
    """The embedder of a model folder, or else the one inside an index."""
    if model is None:
        from vecattr.indexes.index import Index

        return Index.open(index, device=device, threads=threads).embedder
    from vecattr.encoders.embedder import load_embedder

    return load_embedder(model, device=device, threads=threads)


def in_batches(
    plasmids: Sequence[Plasmid], embedder: SequenceEmbedder, *, progress: Callable[[int], None]
) -> Iterator[Vectors]:
    """The vectors of the plasmids in order, (at most BATCH, d) at a time."""
    for start in range(0, len(plasmids), BATCH):
        batch = plasmids[start : start + BATCH]
        yield embedder.embed(batch)
        progress(len(batch))


def vector_bytes(table: EmbeddingTable, *, form: VectorFormat, facts: Mapping[str, str]) -> bytes:
    """A table of named vectors as a file's bytes.

    h5: datasets `names` and `vectors` with `facts` as attributes. npy: a structured array with
    the fields `id` and `vector`. tsv: the columns id, v1 to vd. Names travel with the numbers in
    each of them.
    """
    match form:
        case "h5":
            from vecattr.files.arrays import write_table

            return write_table(table, attributes=facts)
        case "npy":
            return _npy_bytes(table)
        case "tsv":
            return "".join(_tsv_lines(table)).encode("utf-8", errors="backslashreplace")


def _npy_bytes(table: EmbeddingTable) -> bytes:
    longest = max((len(name) for name in table.names), default=1)
    fields = [("id", f"U{longest}"), ("vector", "f4", (table.width,))]
    rows = np.empty(len(table), dtype=fields)
    rows["id"] = table.names
    rows["vector"] = table.vectors
    held = io.BytesIO()
    np.save(held, rows, allow_pickle=False)
    return held.getvalue()


def _tsv_lines(table: EmbeddingTable) -> Iterator[str]:
    yield tsv_line(("id", *(f"v{number}" for number in range(1, table.width + 1))))
    for name, vector in zip(table.names, table.vectors, strict=True):
        yield tsv_line((name, *vector.tolist()))
