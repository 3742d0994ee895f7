"""Replies in, result pages that can be opened for a while out.

In memory, and without the query's bases, for some minutes; on disk, with them, for some days when
that was asked for. Whoever knows the number of a result can open it, and nobody can guess one.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vecattr.cli.serving.question import WITH_BASES, Reply
from vecattr.cli.serving.settings import Keeping
from vecattr.errors import ArtifactError, VecattrError
from vecattr.files.atomic import atomic_write, is_temporary, read_file
from vecattr.files.disk import disk, make_folders
from vecattr.files.json_files import parse_json

#: All results in memory together take no more than this (bytes); the oldest go first.
MOST_BYTES = 64_000_000

_NUMBER = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_DAY = 86_400


@dataclass(frozen=True)
class Result:
    """The documents of a reply, by form, and what the user was told."""

    documents: Mapping[str, str]
    told: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return sum(map(len, self.documents.values()))


@dataclass
class Results:
    """The results that can be opened now."""

    keeping: Keeping
    most_bytes: int = MOST_BYTES
    _held: OrderedDict[str, tuple[float, Result]] = field(default_factory=OrderedDict)
    _bytes: int = 0

    @property
    def keeps(self) -> bool:
        """Are results kept on disk, with their bases?"""
        return self.keeping.folder is not None

    def put(self, reply: Reply) -> str:
        """Hold a reply, and keep it on disk if that was asked for; the number of its result."""
        number = secrets.token_urlsafe(16)
        told = (*reply.bad, *reply.notes)
        if self.keeping.folder is not None:
            self._keep(number, Result(reply.documents, told), self.keeping.folder)
            return number
        documents = {form: text for form, text in reply.documents.items() if form not in WITH_BASES}
        result = Result(documents, told)
        self._held[number] = (time.monotonic() + 60 * self.keeping.minutes, result)
        self._bytes += result.size
        self.forget_old()
        return number

    def get(self, number: str) -> Result | None:
        """The result of this number; None when there is none, or no longer."""
        if _NUMBER.fullmatch(number) is None:
            return None
        self.forget_old()
        if number in self._held:
            return self._held[number][1]
        return self._kept(number, self.keeping.folder) if self.keeping.folder else None

    def forget(self, number: str) -> None:
        """Forget a result now, on disk too."""
        if _NUMBER.fullmatch(number) is None:
            return
        if number in self._held:
            self._bytes -= self._held.pop(number)[1].size
        folder = self.keeping.folder
        if folder is not None and self._kept(number, folder) is not None:
            with contextlib.suppress(OSError):
                disk().unlink(folder / f"{number}.json")

    def forget_old(self) -> None:
        """Forget what is past its time, and the oldest when all take too much memory."""
        now = time.monotonic()
        while self._held:
            number, (until, result) = next(iter(self._held.items()))
            if until > now and self._bytes <= self.most_bytes:
                return
            del self._held[number]
            self._bytes -= result.size

    def _keep(self, number: str, result: Result, folder: Path) -> None:
        data = json.dumps({"documents": dict(result.documents), "told": result.told}).encode()
        with contextlib.suppress(FileExistsError):
            make_folders(folder.parent)
            disk().make_folder(folder, 0o700)
        atomic_write(folder / f"{number}.json", data)

    def _kept(self, number: str, folder: Path) -> Result | None:
        try:
            stored = parse_json(read_file(folder / f"{number}.json"))
            return Result(dict(stored["documents"]), tuple(stored["told"]))
        except (ArtifactError, ValueError, KeyError, TypeError):
            return None

    def delete_old_files(self) -> int:
        """Delete kept results that are older than the days for which they are kept, and what a
        killed service left of one; how many."""
        folder, days = self.keeping.folder, self.keeping.days
        if folder is None or days is None:
            return 0
        deleted = 0
        with contextlib.suppress(OSError):
            for path in list(folder.iterdir()):
                with contextlib.suppress(OSError):
                    is_old = time.time() - path.stat().st_mtime > days * _DAY
                    if is_old and (is_temporary(path.name) or self._is_kept(path)):
                        disk().unlink(path)
                        deleted += 1
        return deleted

    def _is_kept(self, path: Path) -> bool:
        """Whether a file is a kept result: somebody's file may have such a name, too."""
        is_named = _NUMBER.fullmatch(path.stem) is not None and path.suffix == ".json"
        return is_named and self._kept(path.stem, path.parent) is not None


class NotKeptError(VecattrError):
    """There is no such result, or no longer."""
