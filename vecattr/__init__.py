"""vecattr: which lab designed this piece of engineered DNA?

`Plasmid` goes in; `Index.open(path).query(plasmid, k=10)` gives an `Attribution`. Importing this
package loads neither torch, pandas nor faiss: `Index` is fetched when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecattr.plasmid import Plasmid
from vecattr.version import __version__

if TYPE_CHECKING:
    from vecattr.indexes.scoring.opened_index import Index

__all__ = ["Index", "Plasmid", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Index":
        from vecattr.indexes.scoring.opened_index import Index

        return Index
    raise AttributeError(f"module 'vecattr' has no attribute {name!r}")
