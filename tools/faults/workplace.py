"""A folder with everything that commands need, and the commands that change something: a folder in,
command lines and what they must leave out.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vecattr.cli.main import run
from vecattr.encoders.model_folder import TABLES_FILE
from vecattr.errors import VecattrError
from vecattr.files.atomic import TEMPORARY, sha256_bytes
from vecattr.files.fold_folder import FOLDS_FILE, Folds, is_folds
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.search.map_cache import keep_map, map_name
from vecattr.indexes.storage.index_folder import (
    MANIFEST_FILE,
    MAP_SUFFIX,
    MODEL_FOLDER,
    SEGMENTS_FOLDER,
    read_manifest,
    segment_path,
)
from vecattr.indexes.storage.log import LOG_FILE
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids

TRAIN, FIRST, NEW, NEXT, MORE = "train.csv", "first.csv", "new.csv", "next.csv", "more.csv"
ONE, MANY, CHANGES = "one.csv", "many.csv", "changes.csv"
FIRST_LABS, LABS = "first_labs.csv", "labs.csv"
#: The folder of a copy of a workplace, which answers name as the source of queries.
_COPY = re.compile(rb"/[^\t\n\"]*/copies/\d+/")
_TRAIN = "--encoder bag --loss cosface --width 16 --token-width 16 --epochs 1 --device cpu"


@dataclass(frozen=True)
class Outcome:
    """The exit code of a command, and what it said on stderr."""

    code: int
    said: str


@dataclass(frozen=True)
class Command:
    """A command line that changes the index, or the file, of this name; `{}` is the workplace."""

    name: str
    line: str
    target: str

    def run(self, folder: Path) -> Outcome:
        """Run it in a workplace."""
        return ran([part.format(folder) for part in shlex.split(self.line)])

    @property
    def is_repair(self) -> bool:
        """Whether its index is damaged before it."""
        return "--repair" in self.line

    @property
    def is_index(self) -> bool:
        """Whether its target is an index, or several, and not a file."""
        return self.target.endswith(".index")


COMMANDS = (
    Command("build", "build-index {}/first.csv -m {}/model -i {}/a/b/new.index", "a/b/new.index"),
    Command(
        "build --replace",
        "build-index {}/next.csv -m {}/model -i {}/kept.index --replace",
        "kept.index",
    ),
    Command(
        "build of means",
        "build-index {}/first.csv -m {}/model --lab-vectors mean -i {}/means.index",
        "means.index",
    ),
    Command("build of folds", "build-index {}/next.csv -m {}/folds -i {}/f.index", "f.index"),
    Command("add-lab", "add-lab {}/next.csv -i {}/kept.index", "kept.index"),
    Command("remove-lab", "remove-lab New -i {}/kept.index", "kept.index"),
    Command("rename-lab", "rename-lab New Newer -i {}/kept.index", "kept.index"),
    Command("compact", "compact -i {}/kept.index", "kept.index"),
    Command("rollback", "rollback -i {}/kept.index", "kept.index"),
    Command("repair of caches", "verify --repair -i {}/caches.index", "caches.index"),
    Command("repair of a loss", "verify --repair -i {}/lost.index", "lost.index"),
    Command("lab-info", "lab-info {}/labs.csv -i {}/kept.index", "kept.index"),
    Command("lab-info again", "lab-info {}/labs.csv --replace -i {}/told.index", "told.index"),
    Command(
        "build with lab info",
        "build-index {}/first.csv -m {}/model --lab-info {}/labs.csv -i {}/new.index",
        "new.index",
    ),
    Command(
        "add-lab with lab info",
        "add-lab {}/next.csv --lab-info {}/labs.csv -i {}/told.index",
        "told.index",
    ),
    Command("remove-lab of a known one", "remove-lab New -i {}/told.index", "told.index"),
    Command("rename-lab of a known one", "rename-lab New Newer -i {}/told.index", "told.index"),
    Command(
        "remove plasmids",
        "remove-lab --from-changes {}/changes.csv -i {}/told.index",
        "told.index",
    ),
    Command("rollback of lab info", "rollback -i {}/told.index", "told.index"),
    Command("recalibrate", "recalibrate -i {}/many.index", "many.index"),
    Command(
        "rename-lab of a calibrated one",
        "rename-lab 'Lab 03' Newer -i {}/many.index",
        "many.index",
    ),
    Command("repair of lab info", "verify --repair -i {}/untold.index", "untold.index"),
    Command("map", "map -i {}/kept.index --perplexity 2 -o {}/map.svg", "map.svg"),
    Command("embed", "embed {}/new.csv -m {}/model -o {}/new.tsv", "new.tsv"),
    Command("embed over", "embed {}/new.csv -m {}/model -o {}/old.tsv", "old.tsv"),
    Command("query", "query {}/new.csv -i {}/kept.index -o {}/new.jsonl", "new.jsonl"),
    Command("query over", "query {}/new.csv -i {}/kept.index -o {}/old.tsv", "old.tsv"),
    Command("query page", "query {}/new.csv -i {}/told.index -o {}/new.html", "new.html"),
    Command("query picture", "query {}/one.csv -i {}/told.index -o {}/new.svg", "new.svg"),
    Command("query GenBank", "query {}/new.csv -i {}/told.index -o {}/new.gb", "new.gb"),
    Command(
        "query with a log",
        "query {}/new.csv -i {}/kept.index -o {}/new.jsonl --log-file {}/run.log",
        "new.jsonl",
    ),
)


def ran(arguments: Sequence[str]) -> Outcome:
    """Run a command line in this process."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = run([*arguments, "-q"])
    return Outcome(code, said.getvalue())


def make_workplace(folder: Path, *, model: Path | None = None) -> Path:
    """Fill an empty folder: a trained model (None: train one), tables, a whole index of three
    generations and two damaged ones, and an old file."""
    for name, text in _collections().items():
        (folder / name).write_text(text)
    if model is None:
        _must([*f"train {folder}/{TRAIN} -o {folder}/model".split(), *_TRAIN.split()])
    else:
        shutil.copytree(model, folder / "model")
    _make_folds(folder)
    kept = folder / "kept.index"
    _must(["build-index", f"{folder}/{FIRST}", "-m", f"{folder}/model", "-i", str(kept)])
    _must(["add-lab", f"{folder}/{NEW}", "-i", str(kept)])
    for name in ("caches.index", "lost.index", "told.index"):
        shutil.copytree(kept, folder / name)
    _damage_caches(folder / "caches.index")
    _damage_segment(folder / "lost.index")
    _must(["lab-info", f"{folder}/{FIRST_LABS}", "-i", f"{folder}/told.index"])
    shutil.copytree(folder / "told.index", folder / "untold.index")
    _damage_lab_info(folder / "untold.index")
    _keep_map(folder / "told.index")
    _make_many(folder)
    (folder / "old.tsv").write_text("old\n")
    return folder


def _collections() -> dict[str, str]:
    """Tables of three labs, and of a few plasmids of one more lab each."""
    plasmids = list(synthetic_plasmids(labs=5, plasmids_per_lab=15, seed=3))
    return {
        TRAIN: _table(plasmids[:45]),
        FIRST: _table([*plasmids[:4], *plasmids[15:19], *plasmids[30:34]]),
        NEW: _table(plasmids[45:48], lab="New"),
        ONE: _table(plasmids[45:46], lab="New"),
        NEXT: _table(plasmids[60:63], lab="Next"),
        MORE: _table(plasmids[63:66], lab="More"),
        MANY: _table(list(synthetic_plasmids(labs=8, plasmids_per_lab=40, seed=4)), prefix="x"),
        FIRST_LABS: f"lab,print_name\nNew,A new lab\n{plasmids[0].lab},Where it began\n",
        LABS: f"lab,print_name,contact\nNew,The new lab,new@lab.org\nNext,Next lab,\n"
        f"{plasmids[15].lab},,second@lab.org\n",
        CHANGES: f"change,old_id,sequence_id\nwithdrawn,{plasmids[45].id},\n"
        f"withdrawn,{plasmids[0].id},\n",
    }


def _table(plasmids: Sequence[Plasmid], *, lab: str | None = None, prefix: str = "") -> str:
    rows = [
        f"{prefix}{plasmid.id},{plasmid.sequence[:500]},{lab or plasmid.lab}"
        for plasmid in plasmids
    ]
    return "\n".join(["sequence_id,sequence,lab", *rows]) + "\n"


def _must(arguments: Sequence[str]) -> None:
    outcome = ran(arguments)
    assert outcome.code == 0, outcome.said


def _make_folds(folder: Path) -> None:
    for number in (1, 2):
        shutil.copytree(folder / "model", folder / "folds" / f"fold-{number}")
    (folder / "folds" / FOLDS_FILE).write_bytes(Folds(2, "run", ()).to_json())


def _damage_caches(path: Path) -> None:
    """A damaged cache, a lost manifest, a lost table of the model, and a file of a stranger."""
    for file in (path / "segments").glob("*.faiss"):
        file.write_bytes(b"damaged")
    (path / "segments" / "notes.txt").write_text("not of vecattr")
    (path / MODEL_FOLDER / TABLES_FILE).write_bytes(b"damaged")
    (path / MANIFEST_FILE).unlink()


def _damage_lab_info(path: Path) -> None:
    """What is known of labs damaged, and the manifests of the generations without it kept."""
    [file] = (path / SEGMENTS_FOLDER).glob("*.labs")
    file.write_bytes(b"damaged")


def _keep_map(path: Path) -> None:
    """A map that was drawn, which the next edit deletes."""
    keep_map(path, map_name(read_manifest(path).identity, made="here"), np.zeros((2, 2)))


def _make_many(folder: Path) -> None:
    """An index that was added to since it was calibrated; its plasmids are enough to be again."""
    many = folder / "many.index"
    build = f"build-index {folder}/{MANY} -m {folder}/model --lab-vectors mean -i {many}"
    _must(build.split())
    _must(["add-lab", f"{folder}/{NEW}", "-i", str(many)])


def _damage_segment(path: Path) -> None:
    """The last segment damaged."""
    file = segment_path(path, read_manifest(path).segments[-1].name)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes(bytes(data))


def state_of(target: Path) -> object:
    """What an index or a file is: None when it is not there, or an empty folder; its bytes; its
    generation and identity, or those of each fold, when it is whole; what is wrong otherwise."""
    if target.is_file():
        return _COPY.sub(b"", target.read_bytes())
    if not target.exists() or not any(target.iterdir()):
        return None
    if is_folds(target):
        return tuple(state_of(path) for path in sorted(target.glob("fold-*")))
    try:
        report = verify_index(target)
    except VecattrError as error:
        return f"{error.what} ({Path(error.where or '').name})"
    errors = [
        f"{finding.what} ({Path(finding.where).name})"
        for finding in report.findings
        if finding.level == "error"
    ]
    return errors[0] if errors else (report.generation, report.identity)


def is_whole(state: object) -> bool:
    """Whether this is the state of a whole index, or of none."""
    if isinstance(state, tuple) and not isinstance(state[0], int):
        return all(map(is_whole, state))
    return state is None or isinstance(state, tuple)


def contents(folder: Path) -> set[str]:
    """The hashes of all files in a folder but its log, to which each edit adds a line, and maps,
    which each edit deletes."""
    return {
        sha256_bytes(file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != LOG_FILE and file.suffix != MAP_SUFFIX
    }


def leftovers(folder: Path) -> list[str]:
    """Temporary files and folders below a folder."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob(f"{TEMPORARY}*"))
