"""Files of a command, one open at a time: paths in; open files, those in archives included, out.

One bad file among others is one bad record; a file that is alone raises its error. A file that was
found in a folder or an archive and holds no sequences is skipped, and told in one note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from vecattr.errors import InputError
from vecattr.formats.kinds import ForeignFileError
from vecattr.inputs.archives import Unopened, is_archive, members
from vecattr.inputs.input_files import InputFile, input_name, input_stem, open_input
from vecattr.inputs.limits import Limits
from vecattr.readers.lab_folders import InputPath
from vecattr.readers.records import BadRecord

#: How many skipped files a note names.
_SHOWN = 3


@dataclass(frozen=True)
class OpenedFile:
    """An open file, the lab of its folder, and whether it was found in a folder or an archive, and
    whether it is refused because it is the only one of the command."""

    file: InputFile
    lab: str | None
    is_found: bool
    is_alone: bool


@dataclass
class SkippedFiles:
    """The files that hold no sequences."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, error: ForeignFileError) -> None:
        """Count a file; its error says what it is."""
        self.count += 1
        if len(self.examples) < _SHOWN:
            self.examples.append(f"{error.where} ({error.what.removeprefix('this is ')})")

    def nothing_left(self) -> InputError:
        """The error of a command all of whose files hold no sequences."""
        return InputError(
            f"none of the {self.count:,} files holds sequences",
            where=self.examples[0] if self.examples else None,
            hint="give FASTA, GenBank, SnapGene .dna, another format of plasmids, or a table",
        )

    def notes(self) -> Iterator[str]:
        """One sentence, if there are any."""
        if self.count:
            more = self.count - len(self.examples)
            examples = "; ".join(self.examples) + (f"; and {more} more" if more else "")
            one = self.count == 1
            files = "1 file holds" if one else f"{self.count:,} files hold"
            yield f"{files} no sequences and {'was' if one else 'were'} skipped: {examples}"


def bad_file(name: str, error: InputError) -> BadRecord:
    """The bad record that a file is which cannot be read."""
    placed = type(error)(error.what, where=error.where or name, hint=error.hint)
    return BadRecord(input_stem(name), placed, name)


def opened_files(
    paths: Sequence[InputPath], *, limits: Limits, refuse_alone: bool = True
) -> Iterator[OpenedFile | BadRecord]:
    """Every file, open until the next is asked for; a bad record for one that cannot be opened.

    Raises InputError when it is the only one, unless that is a bad record, too.
    """
    is_alone = refuse_alone and len(paths) == 1
    for path in paths:
        with ExitStack() as stack:
            try:
                path.check_inside()
                file = stack.enter_context(open_input(path.path, limits=limits))
            except InputError as error:
                if is_alone:
                    raise
                yield bad_file(input_name(path.path), error)
                continue
            if is_archive(file.head):
                yield from _of_archive(file, path, is_alone=is_alone)
            else:
                yield OpenedFile(file, path.lab, path.is_found, is_alone)


def _of_archive(
    file: InputFile, path: InputPath, *, is_alone: bool
) -> Iterator[OpenedFile | BadRecord]:
    """The files of an archive; what is damaged is a bad record among those before it."""
    found, count = members(file), 0
    while True:
        try:
            member = next(found, None)
            if member is None and not count:
                raise InputError(
                    "the archive holds no file", where=file.name, hint="pack the sequences again"
                )
        except InputError as error:
            if is_alone and not count:
                raise
            yield bad_file(file.name, error)
            return
        if member is None:
            return
        count += 1
        if isinstance(member, Unopened):
            yield bad_file(member.name, member.error)
        else:
            yield OpenedFile(member, path.lab, is_found=True, is_alone=False)
