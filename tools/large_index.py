"""A number of rows in, an index of so many random vectors out, for which no model is needed.

    python tools/large_index.py large.index --rows 1000000 [--labs 2000]

Vectors lie around those of their labs, as plasmids' do, so that cells and ties are realistic; the
100 bases of a plasmid are not stored. For measuring how opening, querying and adding scale.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import CONFIG_FILE, LABS_FILE, WEIGHTS_FILE, model_identity
from vecattr.files.arrays import write_table
from vecattr.indexes.editing.build import build_index
from vecattr.plasmid import Plasmid
from vecattr.vectors import EmbeddingTable, Vectors, unit_rows

WIDTH = 200
#: How far a plasmid lies from its lab: its cosine with it is about 1 / sqrt(1 + SPREAD^2).
SPREAD = 0.7
_BASES = "ACGTTGCAAC" * 10


class RandomEmbedder:
    """A vector for each id: the lab's plus seeded noise of the plasmid's own."""

    width = WIDTH

    def __init__(self, model: Path, *, labs: int) -> None:
        self.identity = model_identity(model)
        self.labs = lab_vectors(labs)

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        """Unit rows (n, d)."""
        return unit_rows(np.array([self._vector(plasmid.id) for plasmid in plasmids]))

    def _vector(self, name: str) -> Vectors:
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        noise = np.random.Generator(np.random.SFC64(int.from_bytes(digest, "little")))
        lab = int(name.split("-")[1]) % len(self.labs) if "-" in name else 0
        vector: Vectors = self.labs[lab] + noise.normal(size=WIDTH) * SPREAD / WIDTH**0.5
        return vector


def lab_vectors(labs: int) -> Vectors:
    """Unit vectors (labs, d)."""
    return unit_rows(np.random.default_rng(0).normal(size=(labs, WIDTH)))


def lab_name(number: int) -> str:
    return f"made lab {number:05d}"


def random_plasmids(rows: int, *, labs: int) -> Iterator[Plasmid]:
    """So many plasmids, sorted by lab."""
    for row in range(rows):
        lab = row * labs // rows
        yield Plasmid(f"{row}-{lab}", _BASES, lab=lab_name(lab))


def random_model(folder: Path, *, labs: int) -> Path:
    """A model folder for `RandomEmbedder`, with learned vectors of the labs."""
    folder.mkdir(parents=True)
    (folder / CONFIG_FILE).write_text('{"note": "made"}\n', encoding="utf-8")
    (folder / WEIGHTS_FILE).write_bytes(b"made")
    names = tuple(lab_name(number) for number in range(labs))
    (folder / LABS_FILE).write_bytes(write_table(EmbeddingTable(names, lab_vectors(labs))))
    return folder


def build(path: Path, *, rows: int, labs: int) -> RandomEmbedder:
    """Build the index, and its model beside it; returns its embedder."""
    model = random_model(path.with_suffix(".model"), labs=labs)
    embedder = RandomEmbedder(model, labs=labs)
    plasmids = random_plasmids(rows, labs=labs)
    build_index(
        path, plasmids, model=model, rule=ClassRule(None), embedder=embedder, keep_sequences=False
    )
    return embedder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--labs", type=int, default=2000)
    options = parser.parse_args()
    build(options.index, rows=options.rows, labs=min(options.labs, options.rows))


if __name__ == "__main__":
    main()
