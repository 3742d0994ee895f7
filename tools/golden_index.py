"""Make the golden index of the present format: what every later vecattr must read.

    python tools/golden_index.py tests/contract/golden/index-2-sealed-2.tar.xz

Run it once for each version of the manifest and of sealed files, with a vecattr that writes it, and
never again: the archive it
makes (a small index of made plasmids, and the answers that it gave) is kept as it is.
The vectors are hashed k-mers, made here, so that no encoder need be kept.
"""

from __future__ import annotations

import argparse
import json
import random
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import model_identity
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.editing.edit import add_labs, remove_lab, rename_lab
from vecattr.indexes.index import Index
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
        return unit_rows(np.array([self._one(plasmid.sequence) for plasmid in plasmids]))

    def _one(self, sequence: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        codes = np.frombuffer((sequence + sequence[: K - 1]).encode(), np.uint8).astype(np.int64)
        buckets = np.zeros(max(1, len(codes) - K + 1), dtype=np.int64)
        for shift in range(min(K, len(codes))):
            buckets = buckets * 31 + codes[shift : shift + len(buckets)]
        found: np.ndarray[tuple[int], np.dtype[np.float64]] = (
            np.bincount(buckets % 256, minlength=256) @ self._rows
        )
        return found


def made_plasmids(labs: Sequence[str], *, each: int, seed: int, length: int = 240) -> list[Plasmid]:
    """Some plasmids of each lab, half of whose bases are the lab's own, some with odd letters."""
    made = []
    for lab in labs:
        chance = random.Random(f"{seed} {lab}")
        motif = "".join(chance.choices("ACGT", k=length // 2))
        for number in range(each):
            rest = "".join(chance.choices("ACGTN" if number == 1 else "ACGT", k=length // 2))
            made.append(
                Plasmid(
                    f"{lab} {seed}.{number}",
                    motif + rest,
                    topology="linear" if number == 2 else "circular",
                    features={"amp": number % 2, "kan": 1} if number else None,
                    lab=lab,
                    group=f"paper {seed}" if number else None,
                )
            )
    return made


def make_model(folder: Path) -> Path:
    """A folder with the files that a model must have; nothing reads what is in them."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}\n")
    (folder / "encoder.safetensors").write_bytes(b"made")
    return folder


def answers(index: Path, queries: Sequence[Plasmid]) -> list[dict[str, object]]:
    """What the index says of some plasmids: labs and nearest plasmids with their cosines."""
    opened = Index.open(index, embedder=HashedKmers(model_identity(index / "model")))
    found = opened.query_many(queries, k=10, neighbors=3)
    return [
        {
            "query": answer.query,
            "labs": [[hit.name, hit.cosine] for hit in answer.labs],
            "neighbors": [[near.id, near.lab, near.cosine] for near in answer.neighbors],
        }
        for answer in found
    ]


def main() -> None:
    """Make the archive."""
    parser = argparse.ArgumentParser(description="Make the golden index of this format version.")
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        facts = {"answers": fill(folder / "index", make_model(folder / "model"))}
        (folder / "expected.json").write_text(json.dumps(facts, indent=1) + "\n")
        with tarfile.open(out, "w:xz") as archive:
            for name in ("expected.json", "index"):
                archive.add(folder / name, arcname=name, filter=nobodys)


def fill(index: Path, model: Path) -> list[dict[str, object]]:
    """Make the index, of four generations; its answers."""
    embedder = HashedKmers(model_identity(model))
    first = made_plasmids(["Ash", "Birch", "実験室", "=cmd()"], each=3, seed=1)
    rule = ClassRule(frozenset({"Ash", "Birch", "=cmd()"}))
    build_index(index, first, model=model, rule=rule, embedder=embedder, search="approximate")
    add_labs(index, made_plasmids(["Cedar", "Ash"], each=2, seed=2), embedder=embedder)
    rename_lab(index, "Cedar", "Cedar & Co")
    remove_lab(index, "Birch")
    log = index / "log.jsonl"
    lines = [json.loads(line) | {"user": "golden"} for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return answers(index, [*made_plasmids(["Ash", "Cedar", "nobody"], each=1, seed=3), *first[:3]])


def nobodys(file: tarfile.TarInfo) -> tarfile.TarInfo:
    """The file without owner and time."""
    file.uid = file.gid = file.mtime = 0
    file.uname = file.gname = ""
    return file


if __name__ == "__main__":
    main()
