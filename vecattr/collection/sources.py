"""Where records come from: paths in; sources, each a stream of records of one file, out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from vecattr.collection.collected import FOREIGN, Collected
from vecattr.designers.records import AnnotatedRecord
from vecattr.errors import InputError
from vecattr.formats.kinds import TABLES, ForeignFileError, format_of
from vecattr.inputs.input_files import STDIN, InputFile, open_input
from vecattr.inputs.limits import Limits
from vecattr.plasmid import Plasmid
from vecattr.readers.lab_folders import InputPath
from vecattr.readers.records import BadRecord, plasmid_of

#: What a source gives: a public record, a plasmid of a file without such facts, or a bad record.
Item = AnnotatedRecord | Collected | Plasmid | BadRecord


class Source(Protocol):
    """Records in a fixed order. `name` tells people, and the column `source`, where a record is
    from; `state` is a text that differs when the content does, as far as can be told without
    reading it. `lab` is what the folder says; `is_named`: a person named it, and not its folder."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def state(self) -> str:
        """For comparison with an earlier run."""

    @property
    def lab(self) -> str:
        """The folder that it lies in, below the one that was named; empty when there is none."""

    @property
    def is_named(self) -> bool:
        """Whether a person named it."""

    def items(self, start: int) -> Iterator[Item]:
        """The records from number `start`; InputError when the rest cannot be read."""


@dataclass(frozen=True)
class FileSource:
    """One file of any kind that vecattr reads, or standard input; `top` is the folder that it was
    found in, as its real path."""

    path: str | Path
    name: str
    limits: Limits
    lab: str = ""
    is_named: bool = True
    top: Path | None = None

    @property
    def state(self) -> str:
        """Path, size and time of the last change; of a link that is found in a folder and leads
        nowhere its own."""
        if str(self.path) == STDIN:
            return f"{STDIN} {os.urandom(8).hex()}"
        try:
            facts = os.stat(self.path)
        except OSError:
            if self.is_named:
                raise
            facts = os.lstat(self.path)
        return f"{os.path.abspath(self.path)} {facts.st_size} {facts.st_mtime_ns}"

    def items(self, start: int) -> Iterator[Item]:
        """The records of the file, or of the files of an archive; those before `start` are read and
        dropped. InputError for a file that was found in a folder, and is a link out of it, or no
        file."""
        InputPath(self.path, is_found=not self.is_named, top=self.top).check_inside()
        with open_input(self.path, limits=self.limits) as file:
            yield from islice(self._items(file), start, None)

    def _items(self, file: InputFile) -> Iterator[Item]:
        from vecattr.inputs.archives import Unopened, opened  # start-up

        for member in opened(file):
            if isinstance(member, Unopened):
                yield BadRecord(member.name, member.error)
            elif member is file:
                yield from self._of_file(file)
            else:
                yield from _of_member(member)

    def _of_file(self, file: InputFile) -> Iterator[Item]:
        reader = annotated_reader(file)
        if reader is not None:
            yield from reader(file)
            return
        format_of(file, is_found=not self.is_named)
        if str(self.path) == STDIN:
            raise InputError(
                "standard input is read as GenBank, EMBL, SBOL or a collected table",
                where=self.name,
                hint="name the file",
            )
        from vecattr.readers.plasmids import ReadOptions, read_plasmids  # start-up

        yield from read_plasmids([self.path], ReadOptions(limits=self.limits))


def _of_member(member: InputFile) -> Iterator[Item]:
    """The records of a file of an archive; one that cannot be read is one bad record."""
    try:
        reader = annotated_reader(member)
        if reader is not None:
            yield from reader(member)
        else:
            kind = format_of(member, is_found=True)
            if kind in TABLES:
                raise InputError("a table in an archive", where=member.name, hint="unpack it")
            yield from (plasmid_of(record) for record in kind.reader()(member))
    except ForeignFileError as error:
        place = error.where or member.name
        yield Collected(member.name, place, member.name, reason=FOREIGN, detail=error.what)
    except InputError as error:
        yield BadRecord(member.name, error)


def annotated_reader(file: InputFile) -> Callable[[InputFile], Iterator[Item]] | None:
    """The reader of public records, or of an earlier table, for a file of this kind; None for other
    files."""
    from vecattr.collection.earlier_table import is_collected, read_collected  # start-up
    from vecattr.designers.public_files import is_flat, read_annotated  # start-up
    from vecattr.designers.sbol import is_sbol  # start-up

    if is_sbol(file.head) or is_flat(file.head):
        return read_annotated
    return read_collected if is_collected(file.head) else None


def file_sources(paths: Sequence[str | Path], *, limits: Limits) -> list[FileSource]:
    """A source for each file, and for each file below a folder, sorted by its name there. Names
    that begin with a dot are left out, and a file that is named twice is read once. InputError for
    a path that is not there, and for a folder without files."""
    sources: list[FileSource] = []
    for path in paths:
        sources += _below(Path(path), limits) if Path(path).is_dir() else [_lone(path, limits)]
    places = [os.path.realpath(source.path) for source in sources]
    return list(dict(zip(reversed(places), reversed(sources), strict=True)).values())[::-1]


def _lone(path: str | Path, limits: Limits) -> FileSource:
    if str(path) != STDIN and not Path(path).exists():
        raise InputError("no such file", where=str(path), hint="check the path")
    name = "<stdin>" if str(path) == STDIN else Path(path).name
    return FileSource(path, name, limits)


def _below(folder: Path, limits: Limits) -> list[FileSource]:
    files = []
    for inner, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(inner, name) for name in names if not name.startswith(".")]
    if not files:
        raise InputError("the folder holds no file", where=str(folder), hint="check the path")
    within = sorted((path.relative_to(folder).as_posix(), path) for path in files)
    top = folder.resolve()
    return [
        FileSource(path, f"{top.name}/{name}", limits, _first_folder(name), False, top)
        for name, path in within
    ]


def _first_folder(name: str) -> str:
    """The first folder of a relative path; empty without one."""
    folder, slash, _ = name.partition("/")
    return folder if slash else ""
