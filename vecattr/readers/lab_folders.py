"""Folders of files and of lab folders: a path in; the files to read, each with its lab, out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vecattr.errors import InputError
from vecattr.inputs.input_files import STDIN, HeldFile
from vecattr.plasmid import check_lab_name


@dataclass(frozen=True, slots=True)
class InputPath:
    """One file (on disk, in memory, or `-`), the lab whose folder it lies in, if any, whether it
    was named itself or found in a folder, and which folder that is, as its real path."""

    path: str | Path | HeldFile
    lab: str | None = None
    is_found: bool = field(default=False, compare=False)
    top: Path | None = field(default=None, compare=False)

    def check_inside(self) -> None:
        """InputError when it is a link to a place outside of the folder that it was found in (a
        stranger's folder does not choose which files of this machine are read), or a pipe or a
        device there, which may keep whoever reads it for ever."""
        if self.top is None or isinstance(self.path, HeldFile):
            return
        target = Path(self.path).resolve()
        if not target.is_relative_to(self.top):
            raise InputError(
                f"is a link out of its folder, to {target}",
                where=str(self.path),
                hint="copy what it points to into the folder, or name that itself",
            )
        if _is_special(target):
            raise InputError(
                "is a pipe, a socket or a device, and no file",
                where=str(self.path),
                hint="move it out of the folder, or name it itself",
            )


def input_paths(source: str | Path | HeldFile) -> list[InputPath]:
    """The file itself, or every file below a folder: first those of the folder, sorted, then those
    of its sub-folders, sorted by their path.

    A sub-folder's name is the lab of its files, which may lie deeper; files beside the sub-folders
    are of no lab. Names that begin with a dot are left out. Raises InputError for a path that is
    not there, a folder without files, and a sub-folder without files. A link to a place outside
    of the folder is not walked through (`InputPath.check_inside`).
    """
    if isinstance(source, HeldFile) or str(source) == STDIN:
        return [InputPath(source)]
    path = Path(source)
    if not path.is_dir():
        if not path.exists():
            raise InputError("no such file", where=str(path), hint="check the path")
        return [InputPath(source)]
    entries = [entry for entry in sorted(path.iterdir()) if not entry.name.startswith(".")]
    top = path.resolve()
    found = [InputPath(entry, is_found=True, top=top) for entry in entries if _is_input(entry)]
    for folder in (entry for entry in entries if entry.is_dir()):
        lab = check_lab_name(folder.name, where=str(folder))
        files = _files(folder) if folder.resolve().is_relative_to(top) else [folder]
        found += [InputPath(file, lab, is_found=True, top=top) for file in files]
    if not found:
        raise InputError("the folder holds no file", where=str(path), hint="check the path")
    return found


def _is_input(path: Path) -> bool:
    """Whether it is a file, or something that is told to be none."""
    return path.is_file() or _is_special(path)


def _is_special(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device."""
    return path.is_fifo() or path.is_socket() or path.is_char_device() or path.is_block_device()


def _files(folder: Path) -> list[Path]:
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if _is_input(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not files:
        raise InputError(
            "the lab's folder holds no file", where=str(folder), hint="add its sequences"
        )
    return files
