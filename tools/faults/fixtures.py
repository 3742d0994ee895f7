"""What several proofs need: a toy index, its content as plain values, and child processes.

Children are started by a clean server process (forkserver) that has imported everything and used
nothing else, so that a round costs milliseconds; they inherit no lock, thread or handle.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from toy_index import HashedKmers, toy_model, toy_plasmids

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import model_identity
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.index import Index
from vecattr.indexes.storage.index_folder import history_path, read_manifest
from vecattr.indexes.storage.live_segment import open_segments
from vecattr.indexes.storage.manifest import Manifest, parse_manifest
from vecattr.plasmid import Plasmid

#: What an index holds: the ids of the plasmids of each lab.
Content = dict[str, frozenset[str]]

FIRST_LABS = ("Ash", "Birch", "Cedar")


def server(*modules: str) -> ForkServerContext:
    """A context whose children start with these modules imported."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faults.fixtures", *modules])
    return context


def embedder_of(model: Path) -> HashedKmers:
    """The embedder of a toy model, or of the model inside an index."""
    return HashedKmers(model_identity(model))


def build(path: Path, model: Path, plasmids: list[Plasmid], **options: Any) -> None:
    """Build an index of toy plasmids; the options of `build_index`."""
    rule = options.pop("rule", ClassRule(None))
    embedder = embedder_of(model)
    build_index(path, plasmids, model=model, rule=rule, embedder=embedder, **options)


def build_toy_index(folder: Path, *, each: int = 3) -> Path:
    """A small index in an empty folder, beside its model."""
    model = toy_model(folder / "model")
    build(folder / "index", model, toy_plasmids(FIRST_LABS, each=each, seed=0))
    return folder / "index"


def opened(path: Path) -> Index:
    """The index, with its toy embedder."""
    return Index.open(path, embedder=embedder_of(path / "model"))


def content(path: Path) -> Content:
    """What the index holds."""
    return _content(path, read_manifest(path))


def content_of(path: Path, generation: int) -> Content:
    """What the index held in an earlier generation."""
    file = history_path(path, generation)
    return _content(path, parse_manifest(file.read_bytes(), where=str(file)))


def _content(path: Path, manifest: Manifest) -> Content:
    ids_by_lab: dict[str, set[str]] = {}
    for segment in open_segments(path, manifest):
        for row in segment.rows().tolist():
            [plasmid_id] = segment.stored.ids([row])
            ids_by_lab.setdefault(segment.lab(row), set()).add(plasmid_id)
    return {lab: frozenset(ids) for lab, ids in ids_by_lab.items()}


def plasmids_of(lab: str, number: int, *, each: int = 2) -> list[Plasmid]:
    """New plasmids of a lab, with ids that no other number has."""
    return toy_plasmids([lab], each=each, seed=number)


def answer_hash(index: Index, queries: list[Plasmid]) -> str:
    """A hash of the names, order and cosines of the answers."""
    answers = [
        [[hit.name, round(hit.cosine, 9)] for hit in answer.labs]
        + [[plasmid.id, plasmid.lab, round(plasmid.cosine, 9)] for plasmid in answer.neighbors]
        for answer in index.query_many(queries, k=10, neighbors=3)
    ]
    return hashlib.sha256(json.dumps(answers).encode()).hexdigest()


def progress(done: int, *, every: int = 50) -> None:
    """A line on stderr every so many rounds of a long proof."""
    if done and done % every == 0:
        print(f"{done} rounds", file=sys.stderr, flush=True)


def seeded_random(seed: int, *parts: object) -> random.Random:
    """The random numbers of one part of a proof."""
    return random.Random(f"{seed} {parts}")
