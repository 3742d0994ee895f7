"""Indexes of any size without a model: a number of rows in, an index folder of made vectors out.

    python tools/made_index.py made.index --rows 1000000 [--labs 2000]

Vectors lie about those of labs as plasmids' do, so that cells and ties mean something; plasmids
have 100 made bases, which are not stored. For measuring how opening, asking and adding scale.
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


class MadeEmbedder:
    """A vector for each id: the lab's, moved by chance in a direction of the plasmid's own."""

    width = WIDTH

    def __init__(self, model: Path, *, labs: int) -> None:
        self.identity = model_identity(model)
        self.labs = lab_vectors(labs)

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        return unit_rows(np.array([self._one(plasmid.id) for plasmid in plasmids]))

    def _one(self, name: str) -> Vectors:
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        noise = np.random.Generator(np.random.SFC64(int.from_bytes(digest, "little")))
        lab = int(name.split("-")[1]) % len(self.labs) if "-" in name else 0
        moved: Vectors = self.labs[lab] + noise.normal(size=WIDTH) * SPREAD / WIDTH**0.5
        return moved


def lab_vectors(labs: int) -> Vectors:
    """Unit vectors (labs, d)."""
    return unit_rows(np.random.default_rng(0).normal(size=(labs, WIDTH)))


def lab_name(number: int) -> str:
    return f"made lab {number:05d}"


def made_plasmids(rows: int, *, labs: int) -> Iterator[Plasmid]:
    """So many, sorted by lab."""
    for row in range(rows):
        lab = row * labs // rows
        yield Plasmid(f"{row}-{lab}", _BASES, lab=lab_name(lab))


def made_model(folder: Path, *, labs: int) -> Path:
    """A model folder that only `MadeEmbedder` can stand for, with learned vectors of the labs."""
    folder.mkdir(parents=True)
    (folder / CONFIG_FILE).write_text('{"note": "made"}\n', encoding="utf-8")
    (folder / WEIGHTS_FILE).write_bytes(b"made")
    names = tuple(lab_name(number) for number in range(labs))
    (folder / LABS_FILE).write_bytes(write_table(EmbeddingTable(names, lab_vectors(labs))))
    return folder


def build(path: Path, *, rows: int, labs: int) -> MadeEmbedder:
    """The index, and what embeds for it; its model lies beside it."""
    model = made_model(path.with_suffix(".model"), labs=labs)
    embedder = MadeEmbedder(model, labs=labs)
    plasmids = made_plasmids(rows, labs=labs)
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
