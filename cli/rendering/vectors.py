"""A table of named vectors in, the bytes of an HDF5, NumPy or TSV file out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from vecattr.cli.rendering.formats import tsv_line

if TYPE_CHECKING:
    from vecattr.vectors import EmbeddingTable

VectorFormat = Literal["h5", "npy", "tsv"]


def vector_bytes(table: EmbeddingTable, *, form: VectorFormat, facts: Mapping[str, str]) -> bytes:
    """A table of named vectors as a file's bytes.

    h5: datasets `names` and `vectors` with `facts` as attributes. npy: a structured array with
    the fields `id` and `vector`. tsv: the columns id, v1 to vd. Names travel with the numbers in
    each of them.
    """
    match form:
        case "h5":
            from vecattr.files.arrays import write_table  # start-up

            return write_table(table, attributes=facts)
        case "npy":
            return _npy_bytes(table)
        case "tsv":
            return "".join(_tsv_lines(table)).encode("utf-8", errors="backslashreplace")


def _npy_bytes(table: EmbeddingTable) -> bytes:
    import numpy as np  # start-up

    longest = max((len(name) for name in table.names), default=1)
    fields = [("id", f"U{longest}"), ("vector", "f4", (table.width,))]
    rows = np.empty(len(table), dtype=fields)
    rows["id"] = table.names
    rows["vector"] = table.vectors
    buffer = io.BytesIO()
    np.save(buffer, rows, allow_pickle=False)
    return buffer.getvalue()


def _tsv_lines(table: EmbeddingTable) -> Iterator[str]:
    yield tsv_line(("id", *(f"v{number}" for number in range(1, table.width + 1))))
    for name, vector in zip(table.names, table.vectors, strict=True):
        yield tsv_line((name, *vector.tolist()))
