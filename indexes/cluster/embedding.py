"""Plasmids embedded by workers: plasmids and a model in, one table of vectors out.

Vectors do not travel. A worker writes those of one batch to a file in a folder that all machines
share, under the name of what was embedded and by which model, and returns that name. So a task that
runs twice writes the same bytes under the same name, and one that is asked for again is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import ArtifactError, MismatchError
from vecattr.files.arrays import read_table, write_table
from vecattr.files.atomic import atomic_write, is_temporary
from vecattr.files.disk import disk
from vecattr.indexes.cluster.cluster import Cluster
from vecattr.indexes.cluster.shared_folder import check_shared
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.plasmid import Plasmid
from vecattr.vectors import EmbeddingTable

#: Plasmids embedded in one task.
BATCH = 512
#: The names of the files that workers write.
_PART = re.compile(r"[0-9a-f]{32}\.h5")


@dataclass(frozen=True)
class EmbedderRecipe:
    """What a worker needs to open the same encoder: the path of a model folder, or of an index,
    the model's identity, and views of a plasmid where they are not the model's own number."""

    path: str
    is_index: bool
    identity: str
    views: int | None = None

    def open(self) -> SequenceEmbedder:
        """The encoder; MismatchError when the folder holds another by now."""
        embedder: SequenceEmbedder = (
            OpenedIndex.open(self.path, device="cpu", threads=1).embedder
            if self.is_index
            else load_embedder(Path(self.path), views=self.views, device="cpu", threads=1)
        )
        if embedder.identity != self.identity:
            raise MismatchError(
                f"the model was changed meanwhile: it is {embedder.identity[:16]}…, expected "
                f"{self.identity[:16]}…",
                where=self.path,
                hint="embed again",
            )
        return embedder


def embed_on_cluster(
    cluster: Cluster,
    plasmids: Sequence[Plasmid],
    recipe: EmbedderRecipe,
    *,
    parts: Path,
    progress: Callable[[int], None],
) -> EmbeddingTable:
    """The vectors of the plasmids in order, features included. `parts` is a folder that all
    machines share; what workers wrote there is deleted at the end, and used by the next run after
    a failure."""
    check_shared(cluster, parts)
    batches = [list(plasmids[start : start + BATCH]) for start in range(0, len(plasmids), BATCH)]
    task = partial(_embed_part, recipe, str(parts.absolute()))
    names, vectors = [], []
    results = cluster.results(task, batches)
    for batch, name in zip(batches, results, strict=True):
        table = read_table(parts / name)
        names += [plasmid.id for plasmid in batch]
        vectors.append(table.vectors)
        progress(len(batch))
    _delete_parts(parts)
    return EmbeddingTable(tuple(names), np.concatenate(vectors))


def _delete_parts(folder: Path) -> None:
    """Delete what workers wrote in the folder, and the folder unless anything else lies there."""
    with suppress(OSError):
        for file in folder.iterdir():
            if _PART.fullmatch(file.name) or is_temporary(file.name):
                disk().unlink(file)
        disk().remove_folder(folder)


@lru_cache(maxsize=1)
def _opened_embedder(recipe: EmbedderRecipe) -> SequenceEmbedder:
    """In a worker: the encoder, opened once."""
    return recipe.open()


def _embed_part(recipe: EmbedderRecipe, folder: str, batch: Sequence[Plasmid]) -> str:
    """In a worker: the name of the file with the vectors of a batch, written unless it is there."""
    name = f"{_digest(recipe.identity, batch)}.h5"
    path = Path(folder) / name
    if not _is_complete(path, batch):
        vectors = _opened_embedder(recipe).embed(batch)
        table = EmbeddingTable(tuple(plasmid.id for plasmid in batch), vectors)
        atomic_write(path, write_table(table))
    return name


def _is_complete(path: Path, batch: Sequence[Plasmid]) -> bool:
    """Whether a worker has written this file, and nothing has damaged it since."""
    if not path.exists():
        return False
    try:
        return len(read_table(path)) == len(batch)
    except ArtifactError:
        return False


def _digest(identity: str, batch: Sequence[Plasmid]) -> str:
    """Hex, of a model and of what vectors depend on."""
    digest = sha256(identity.encode())
    for line in _facts(batch):
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()[:32]


def _facts(batch: Sequence[Plasmid]) -> Iterator[str]:
    for plasmid in batch:
        features = sorted((plasmid.features or {}).items())
        yield repr((plasmid.id, plasmid.topology, features, plasmid.sequence))
