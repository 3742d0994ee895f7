"""vecattr: which lab designed this piece of engineered DNA?

`Plasmid` goes in; `Index.open(path).query(plasmid, k=10)` gives an `Attribution`. The names of
`__all__` are the public interface. Each is imported when it is first used, so that importing this
package loads neither torch, pandas nor faiss.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vecattr.version import __version__

if TYPE_CHECKING:
    from vecattr.attribution import Attribution, Hit, Neighbor
    from vecattr.datasets.classes import ClassRule
    from vecattr.encoders.config import BagConfig, CnnConfig
    from vecattr.encoders.embedder import load_embedder
    from vecattr.encoders.pretrained import shipped_encoder
    from vecattr.errors import VecattrError
    from vecattr.frames import embedding_frame, ranking_frame
    from vecattr.given import read
    from vecattr.indexes.index import Index
    from vecattr.info import LabInfo, PlasmidInfo
    from vecattr.joint_attribution import JointAttribution
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions, read_plasmids
    from vecattr.readers.records import BadRecord
    from vecattr.schemas.output_schemas import output_schema
    from vecattr.training.settings import TrainConfig
    from vecattr.training.train import train_model
    from vecattr.vectors import EmbeddingTable

__all__ = [
    "Attribution",
    "BadRecord",
    "BagConfig",
    "ClassRule",
    "CnnConfig",
    "EmbeddingTable",
    "Hit",
    "Index",
    "JointAttribution",
    "LabInfo",
    "Neighbor",
    "Plasmid",
    "PlasmidInfo",
    "ReadOptions",
    "TrainConfig",
    "VecattrError",
    "__version__",
    "embedding_frame",
    "load_embedder",
    "output_schema",
    "ranking_frame",
    "read",
    "read_plasmids",
    "shipped_encoder",
    "train_model",
]

#: The module of each public name.
_MODULES = {
    "Attribution": "vecattr.attribution",
    "BadRecord": "vecattr.readers.records",
    "BagConfig": "vecattr.encoders.config",
    "ClassRule": "vecattr.datasets.classes",
    "CnnConfig": "vecattr.encoders.config",
    "EmbeddingTable": "vecattr.vectors",
    "Hit": "vecattr.attribution",
    "Index": "vecattr.indexes.index",
    "JointAttribution": "vecattr.joint_attribution",
    "LabInfo": "vecattr.info",
    "Neighbor": "vecattr.attribution",
    "Plasmid": "vecattr.plasmid",
    "PlasmidInfo": "vecattr.info",
    "ReadOptions": "vecattr.readers.plasmids",
    "TrainConfig": "vecattr.training.settings",
    "VecattrError": "vecattr.errors",
    "embedding_frame": "vecattr.frames",
    "load_embedder": "vecattr.encoders.embedder",
    "output_schema": "vecattr.schemas.output_schemas",
    "ranking_frame": "vecattr.frames",
    "read": "vecattr.given",
    "read_plasmids": "vecattr.readers.plasmids",
    "shipped_encoder": "vecattr.encoders.pretrained",
    "train_model": "vecattr.training.train",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_MODULES[name]), name)
    except ModuleNotFoundError as error:
        from vecattr.extras import translated  # start-up

        raise translated(error) or error from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
