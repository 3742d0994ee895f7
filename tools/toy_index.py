"""Small random plasmids, the embedder and the model folder that toy indexes are built with.

Proofs and golden indexes use them: the same bytes on every machine, and no encoder is loaded.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vecattr.plasmid import Plasmid
from vecattr.vectors import Vectors, unit_rows

WIDTH, K = 16, 6


class HashedKmers:
    """Counts of hashed k-mers through a fixed projection of whole numbers: the same vectors on
    every machine and with every version of NumPy."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.width = WIDTH
        places = np.arange(256 * WIDTH, dtype=np.uint64).reshape(256, WIDTH)
        mixed = (places * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(44)
        self._rows = mixed.astype(np.float64) - 2**19

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        """Unit rows (n, d)."""
        return unit_rows(np.array([self._counts(plasmid.sequence) for plasmid in plasmids]))

    def _counts(self, sequence: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        codes = np.frombuffer((sequence + sequence[: K - 1]).encode(), np.uint8).astype(np.int64)
        buckets = np.zeros(max(1, len(codes) - K + 1), dtype=np.int64)
        for shift in range(min(K, len(codes))):
            buckets = buckets * 31 + codes[shift : shift + len(buckets)]
        projected: np.ndarray[tuple[int], np.dtype[np.float64]] = (
            np.bincount(buckets % 256, minlength=256) @ self._rows
        )
        return projected


def toy_plasmids(labs: Sequence[str], *, each: int, seed: int, length: int = 240) -> list[Plasmid]:
    """So many plasmids of each lab: half of the bases are the lab's own, some letters are N."""
    plasmids = []
    for lab in labs:
        chance = random.Random(f"{seed} {lab}")
        motif = "".join(chance.choices("ACGT", k=length // 2))
        for number in range(each):
            rest = "".join(chance.choices("ACGTN" if number == 1 else "ACGT", k=length // 2))
            plasmids.append(
                Plasmid(
                    f"{lab} {seed}.{number}",
                    motif + rest,
                    topology="linear" if number == 2 else "circular",
                    features={"amp": number % 2, "kan": 1} if number else None,
                    lab=lab,
                    group=f"paper {seed}" if number else None,
                )
            )
    return plasmids


def toy_model(folder: Path) -> Path:
    """A folder with the files that a model must have; their content is never read."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}\n")
    (folder / "encoder.safetensors").write_bytes(b"made")
    return folder
