"""Folders of lab folders: a file or a folder in; the files to read, each with its lab, out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vecattr.errors import InputError
from vecattr.inputs.input_files import STDIN
from vecattr.plasmid import check_lab_name


@dataclass(frozen=True, slots=True)
class InputPath:
    """One file (or `-`) and the lab whose folder it lies in, if any."""

    path: str | Path
    lab: str | None = None


def input_paths(source: str | Path) -> list[InputPath]:
    """The file itself, or every file below a folder of lab folders, sorted by lab and path.

    A sub-folder's name is the lab; files may lie deeper. Names that begin with a dot are left
    out. Raises InputError for a path that is not there, a folder without sub-folders, a file
    that lies beside the lab folders, and a lab folder without files.
    """
    path = Path(source)
    if str(source) == STDIN:
        return [InputPath(source)]
    if not path.is_dir():
        if not path.exists():
            raise InputError("no such file", where=str(path), hint="check the path")
        return [InputPath(source)]
    folders = _lab_folders(path)
    return [InputPath(file, lab) for lab, folder in folders for file in _files(folder)]


def _lab_folders(top: Path) -> list[tuple[str, Path]]:
    entries = [entry for entry in sorted(top.iterdir()) if not entry.name.startswith(".")]
    folders = [entry for entry in entries if entry.is_dir()]
    if not folders:
        raise InputError(
            "the folder has no sub-folders",
            where=str(top),
            hint="make one sub-folder per lab, or name the files themselves",
        )
    loose = [entry for entry in entries if not entry.is_dir()]
    if loose:
        raise InputError(
            "the file lies beside the lab folders, in none of them",
            where=str(loose[0]),
            hint="move it into its lab's folder, or elsewhere",
        )
    return [(check_lab_name(folder.name, where=str(folder)), folder) for folder in folders]


def _files(folder: Path) -> list[Path]:
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not files:
        raise InputError(
            "the lab's folder holds no file", where=str(folder), hint="add its sequences"
        )
    return files
