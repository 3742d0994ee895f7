"""Indexes of plasmids and labs: built, queried, edited and checked.

An index is a folder: a manifest over immutable segments. The names of `__all__` are the public
interface; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vecattr.indexes.checking.recalibrate import recalibrate
    from vecattr.indexes.checking.repair import repair_index
    from vecattr.indexes.checking.verify import verify_index
    from vecattr.indexes.editing.add import add_labs
    from vecattr.indexes.editing.build import build_index
    from vecattr.indexes.editing.edit import compact, remove_lab, rename_lab, rollback
    from vecattr.indexes.editing.lab_info import set_lab_info
    from vecattr.indexes.editing.remove import remove_plasmids
    from vecattr.indexes.evidence.kmer_overlap import Overlap, best_containments, nearest_overlaps
    from vecattr.indexes.evidence.stretches import StretchFinder
    from vecattr.indexes.index import Index, Panel, open_panel
    from vecattr.indexes.scoring.confidence import ConfidenceOptions

__all__ = [
    "ConfidenceOptions",
    "Index",
    "Overlap",
    "Panel",
    "StretchFinder",
    "add_labs",
    "best_containments",
    "build_index",
    "compact",
    "nearest_overlaps",
    "open_panel",
    "recalibrate",
    "remove_lab",
    "remove_plasmids",
    "rename_lab",
    "repair_index",
    "rollback",
    "set_lab_info",
    "verify_index",
]

#: The module of each public name, below this package.
_MODULES = {
    "ConfidenceOptions": "scoring.confidence",
    "Index": "index",
    "Overlap": "evidence.kmer_overlap",
    "Panel": "index",
    "StretchFinder": "evidence.stretches",
    "add_labs": "editing.add",
    "best_containments": "evidence.kmer_overlap",
    "build_index": "editing.build",
    "compact": "editing.edit",
    "nearest_overlaps": "evidence.kmer_overlap",
    "open_panel": "index",
    "recalibrate": "checking.recalibrate",
    "remove_lab": "editing.edit",
    "remove_plasmids": "editing.remove",
    "rename_lab": "editing.edit",
    "repair_index": "checking.repair",
    "rollback": "editing.edit",
    "set_lab_info": "editing.lab_info",
    "verify_index": "checking.verify",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
