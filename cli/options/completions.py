"""The beginning of a word in, what the shell offers for it out: files, indexes, names of labs.

A shell asks while somebody types, so whatever goes wrong here gives no offer and no message.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: The file that makes a folder an index.
_MANIFEST = "manifest.json"

#: More names than anybody reads.
_MOST = 200


class IndexFolder(click.Path):
    """A path of an index; indexes are offered, else folders, to look for one in them."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Index folders whose path begins so."""
        indexes = _indexes(incomplete)
        return indexes or [_item(incomplete, type="dir")]


class SourceText(click.types.StringParamType):
    """Text that names a file, a folder or `-`; files are offered."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The shell's own list of files."""
        return [_item(incomplete, type="file")]


#: Types of arguments and options.
INDEX = IndexFolder(file_okay=True, path_type=Path)
SOURCES = SourceText()


def lab_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of labs that begin so, of the index that the command line names."""
    with suppress(Exception):
        from vecattr.plasmid import composed  # start-up

        wanted = composed(incomplete).casefold()
        names = [name for name in _labs(_index_of(ctx)) if name.casefold().startswith(wanted)]
        return [_item(name) for name in names[:_MOST]]
    return []


def _item(text: str, **kind: str) -> CompletionItem:
    from click.shell_completion import CompletionItem  # start-up

    return CompletionItem(text, **kind)


def _indexes(incomplete: str) -> list[CompletionItem]:
    with suppress(OSError):
        folder, begun = os.path.split(incomplete)
        place = Path(os.path.expanduser(folder) or ".")
        names = sorted(
            path.name
            for path in place.iterdir()
            if path.name.startswith(begun) and (path / _MANIFEST).is_file()
        )
        return [_item(os.path.join(folder, name)) for name in names[:_MOST]]
    return []


def _index_of(ctx: click.Context) -> Path:
    """The index given so far, else the usual one of the option."""
    given: Any = ctx.params.get("index") or ctx.params["indexes"][0]
    return Path(os.path.expanduser(given))


def _labs(path: Path) -> list[str]:
    from vecattr.indexes.storage.live_segment import class_sizes  # start-up
    from vecattr.indexes.storage.snapshot import open_snapshot  # start-up
    from vecattr.plasmid import POOLED  # start-up

    return sorted(name for name in class_sizes(open_snapshot(path).segments) if name != POOLED)
