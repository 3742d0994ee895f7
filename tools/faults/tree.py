"""Proof 8, a stranger's folder: a seed in, the outcomes of commands out, on folders in which an
entry is a link, a pipe, a socket, a device, something else than it was, unreadable, or missing.

Every place of an index folder is tried, those where a file may come to be as well, and those of a
folder of folds and of a model. A command must end in time with a documented exit code, name what it
refuses, touch nothing outside, delete nothing that vecattr did not write, and answer rightly or not
at all. What `verify` calls whole can be asked.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from toy_index import toy_model, toy_plasmids

from faults import fixtures
from faults.tree_worker import COMMANDS, MAP, Outcome, Worker, answers_of
from vecattr.cli.main import run
from vecattr.files.fold_folder import FOLDS_FILE, Folds
from vecattr.indexes.editing.edit import add_labs, remove_lab, rename_lab
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.indexes.search.map_cache import keep_map
from vecattr.indexes.storage.index_folder import MANIFEST_FILE
from vecattr.info import LabInfo

_PRECIOUS = b"precious\n"
#: Names of files that vecattr makes and deletes: caches, unlisted segments, unfinished files.
_OWN_NAME = re.compile(
    r"[0-9a-f]{20}\.(h5|faiss|cells|kmers|labs|map)|(calibration|heldout)-[0-9a-f]{20}\.(json|h5)"
    r"|\.vecattr-[a-z0-9_]{8}"
)


#: Places where nothing lies, and something may.
_EMPTY_PLACES = {
    "index": (
        "notes",
        "quarantine",
        "quarantine/001-notes",
        ".vecattr-abcd_f12",
        "manifests/000099.json",
        "manifests/notes",
        "segments/notes.h5",
        f"segments/{'0' * 20}.h5",
        f"segments/{'0' * 20}.labs",
        "segments/*.cells",
        "segments/*.kmers",
        f"model/calibration-{'0' * 20}.json",
        "model/notes",
        "model/tables.h5",
        "model/calibration.json",
    ),
    "folds": ("notes", "fold-3"),
    "model": ("notes", "labs.h5", "MODEL_CARD.md"),
}


def _link(target: str) -> Callable[[Path, Path], None]:
    return lambda place, outside: place.symlink_to(target.format(outside=outside, name=place.name))


def _link_to_content(place: Path, outside: Path) -> None:
    """A link to what lay here, which lies outside now."""
    place.symlink_to(outside / "moved" if (outside / "moved").exists() else outside / "file")


def _socket(place: Path, outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(outside / "s"))  # names of sockets are short
    (outside / "s").rename(place)


def _device(minor: int) -> Callable[[Path, Path], None]:
    return lambda place, _: os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, minor))


def _folder(place: Path, _: Path) -> None:
    place.mkdir()
    (place / "notes").write_bytes(_PRECIOUS)


#: What is put in a place. Those of the first group belong in no folder of vecattr.
SPECIAL: dict[str, Callable[[Path, Path], None]] = {
    "link to its content": _link_to_content,
    "link to a file outside": _link("{outside}/file"),
    "link to a folder outside": _link("{outside}/folder"),
    "link to nowhere": _link("{outside}/new"),
    "link to itself": _link("{name}"),
    "link to the folder above": _link(".."),
    "link to a device": _link("/dev/zero"),
    "pipe": lambda place, _: os.mkfifo(place),
    "socket": _socket,
    "device that is empty": _device(3),
    "device without end": _device(5),
}
OTHER: dict[str, Callable[[Path, Path], None]] = {
    "nothing": lambda place, _: None,
    "empty file": lambda place, _: place.touch(),
    "other file": lambda place, _: place.write_bytes(_PRECIOUS) and None,
    "file with another name outside": lambda place, outside: os.link(outside / "file", place),
    "folder": _folder,
}
_UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Case:
    """A folder of a kind, a place in it, what is put there, and what is done."""

    kind: str
    place: str
    change: str
    command: str


def cases(folders: dict[str, Path]) -> Iterator[Case]:
    """All of them."""
    for kind, folder in folders.items():
        inside = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        if kind == "folds":
            inside = [name for name in inside if "/" not in name]
        for place in dict.fromkeys((*inside, *_EMPTY_PLACES[kind])):
            for change in (*SPECIAL, *OTHER, _UNREADABLE):
                if change == _UNREADABLE and not (folder / place).exists():
                    continue
                for command in COMMANDS[kind]:
                    yield Case(kind, place, change, command)


def make_folders(scratch: Path) -> dict[str, Path]:
    """A folder of each kind. The index has two segments, a history, and a file in quarantine."""
    model = toy_model(scratch / "model")
    plasmids = toy_plasmids(fixtures.FIRST_LABS, each=2, seed=0)
    index, folds = scratch / "index", scratch / "folds"
    fixtures.build(index, model, plasmids)
    add_labs(index, toy_plasmids(["Elder"], each=2, seed=1), embedder=fixtures.embedder_of(model))
    rename_lab(index, "Birch", "Elm")
    set_lab_info(index, {"Ash": LabInfo("Ash & daughters"), "Elm": LabInfo(contact="e@lm.org")})
    (index / "segments" / "stray.txt").write_bytes(b"stray")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert run(["verify", "--repair", "-i", str(index), "-q"]) == 0
    keep_map(index, MAP, np.zeros((2, 2)))
    folds.mkdir()
    (folds / FOLDS_FILE).write_bytes(Folds(2, "0" * 64, ()).to_json())
    for number in (1, 2):
        fixtures.build(folds / f"fold-{number}", model, plasmids)
    remove_lab(folds / "fold-2", "Cedar")
    return {"index": index, "folds": folds, "model": model}


def prove(rounds: int, *, seed: int) -> dict[str, Any]:
    """All cases, or so many of them by chance (0: all)."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        folders = make_folders(Path(scratch))
        expected = {
            kind: answers_of(folders[kind], folders["model"]) for kind in ("index", "folds")
        }
        everything = list(cases(folders))
        if rounds:
            everything = fixtures.seeded_random(seed, "tree").sample(everything, rounds)
        worker = Worker()
        for tried, case in enumerate(everything):
            fixtures.progress(tried, every=500)
            outcome, wrong = _outcome(case, folders, Path(scratch) / "case", expected, worker)
            counts[f"{case.command}: {outcome}"] += 1
            failures += [{"what": problem, "of": vars(case)} for problem in wrong]
        worker.stop()
    counted = dict(sorted(counts.items()))
    return {"rounds": len(everything), "outcomes": counted, "failures": failures}


def _outcome(
    case: Case,
    folders: dict[str, Path],
    scratch: Path,
    expected: dict[str, str],
    worker: Worker,
) -> tuple[str, list[str]]:
    """The outcome of a case, and what is wrong with it."""
    shutil.rmtree(scratch, ignore_errors=True)
    path, outside = scratch / case.kind, scratch / "outside"
    shutil.copytree(folders[case.kind], path)
    (outside / "folder").mkdir(parents=True)
    for name in ("file", "folder/file"):
        (outside / name).write_bytes(_PRECIOUS)
    place = _place(path, case.place)
    try:
        _put(case.change, place, outside)
    except OSError as error:
        return f"not made here ({error.strerror})", []

    def ask(command: str) -> Outcome:
        as_owner_only = case.change == _UNREADABLE
        return worker.run(case.kind, command, path, folders["model"], as_owner_only=as_owner_only)

    before, state = _contents(outside), _state(path)
    code, message, answer = ask(case.command)
    wrong = _faults_of_message(case, place, code, message)
    if _contents(outside) != before:
        wrong.append("something outside was changed")
    if code and "--repair" not in case.command and _state(path) != state:
        wrong.append("failed, and changed the index")
    if code == 0 and case.command == "query" and answer != expected[case.kind]:
        wrong.append("another answer")
    is_own = _OWN_NAME.fullmatch(place.name) and case.change != "folder"
    if case.change in ("other file", "folder") and not is_own and not _is_kept(path):
        wrong.append("what vecattr did not write was deleted")
    if case.command == "verify" and code == 0:
        asked, words, answer = ask("query")
        if asked or answer != expected[case.kind]:
            wrong.append(f"called whole, and asked in vain: {words}")
    return f"exit code {code}", wrong


def _faults_of_message(case: Case, place: Path, code: int | str, message: str) -> list[str]:
    """What is wrong with an exit code and what was said."""
    wrong = [] if code in (0, 2, 3, 4, 5) else [f"ended by {code}: {message[-300:]}"]
    if "unexpected" in message:
        wrong.append(message)
    is_unread = (case.kind, case.place) == ("model", "notes")  # a model folder is the user's own
    if case.change in SPECIAL and not is_unread and (code != 4 or str(place) not in message):
        wrong.append(f"exit code {code} without a word on {place}: {message}")
    return wrong


def _state(path: Path) -> bytes | None:
    """The bytes of the manifest, where it is a file."""
    file = path / MANIFEST_FILE
    return file.read_bytes() if file.is_file() and not file.is_symlink() else None


def _place(path: Path, name: str) -> Path:
    """The place of a name; `*.cells` and its like are beside the first segment."""
    if "*" not in name:
        return path / name
    folder, _, pattern = name.rpartition("/")
    return next(iter(sorted((path / folder).glob("*.h5")))).with_suffix(Path(pattern).suffix)


def _put(change: str, place: Path, outside: Path) -> None:
    """Put something in a place; what lies there is moved out first."""
    if change == _UNREADABLE:
        place.chmod(0)
        return
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(outside / "moved")
    {**SPECIAL, **OTHER}[change](place, outside)


def _contents(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Mode and bytes of all that lies in a folder."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else None,
        )
        for path in sorted(folder.rglob("*"))
    }


def _is_kept(path: Path) -> bool:
    """Whether the foreign content is anywhere in the folder."""
    files = [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    return any(_PRECIOUS in file.read_bytes() for file in files)
