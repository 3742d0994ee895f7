"""Proof 4, corruption: a number of bit flips and a seed in, the outcomes of damaged files out.

Every file of an index is truncated, flipped, swapped, and replaced. Each time a child opens the
index and queries everything. The answer must be the right one, or an error that names the file; and
`verify` must name every file that was changed.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from toy_index import toy_model, toy_plasmids

from faults import fixtures
from vecattr.cli.rendering.answers import as_object
from vecattr.encoders.model_folder import RANKER_FILE
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import VecattrError
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, remove_lab
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.indexes.joining import join_writer
from vecattr.indexes.search.map_cache import keep_map
from vecattr.indexes.storage.index_folder import MAP_SUFFIX
from vecattr.indexes.storage.lock import LOCK_FILE
from vecattr.indexes.storage.log import LOG_FILE
from vecattr.info import LabInfo

#: Files that no answer and no edit depends on, and that `verify` does not report.
UNCHECKED = (LOCK_FILE, LOG_FILE)
#: How many lengths a file is cut to.
CUTS = 24
_LABS = tuple(f"Lab {number:02d}" for number in range(12))


@dataclass(frozen=True)
class Damage:
    """A file of an index, by its path inside, and its new content (None: it is deleted)."""

    kind: str
    file: str
    data: bytes | None


def made_index(folder: Path, *, seed: int = 0) -> Path:
    """An index with every optional part: means with a calibration and held-out plasmids, an
    evidence ranker, k-mers, cells, three segments, joined k-mers of two, what is known of labs, a
    removed lab, four generations, a map."""
    model = toy_model(folder / "model")
    shutil.copy(shipped_encoder() / RANKER_FILE, model / RANKER_FILE)
    plasmids = toy_plasmids(_LABS, each=16, seed=seed, length=200)
    with patch.object(join_writer, "SMALL_SEGMENT", 1):
        fixtures.build(folder / "index", model, plasmids, search="approximate", segment_rows=96)
    new = toy_plasmids(["Elder", "Fir"], each=3, seed=seed + 1)
    add_labs(folder / "index", new, embedder=fixtures.embedder_of(model))
    infos = {"Elder": LabInfo("Elder lab"), "Fir": LabInfo("Fir lab")}
    set_lab_info(folder / "index", infos)
    remove_lab(folder / "index", "Fir")
    keep_map(folder / "index", "ab" * 10, np.zeros((2, 2)))
    return folder / "index"


def full_answers(path: Path) -> str:
    """Everything that an index answers about some plasmids, as text."""
    queries = toy_plasmids(["Lab 03", "Elder", "nobody"], each=2, seed=0, length=200)
    answers = fixtures.opened(path).query_many(queries, k=9, neighbors=4, evidence=5)
    others = fixtures.opened(path).query_many(queries[:2], k=3, exclude_near_copies=True)
    return json.dumps([as_object(answer) for answer in [*answers, *others]])


def damages(path: Path, other: Path, flips: int, chance: random.Random) -> Iterator[Damage]:
    """Every damage of the proof; `other` is another index made with the same model."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    contents = {str(file.relative_to(path)): file.read_bytes() for file in files}
    for name, data in contents.items():
        yield Damage("gone", name, None)
        yield Damage("text", name, b"not what you think\n")
        yield Damage("zeros", name, bytes(len(data) or 9))
        yield Damage("gzip", name, gzip.compress(data, mtime=0))
        yield Damage("doubled", name, data + data)
        yield Damage("one byte more", name, data + b"\0")
        lengths = {0, 1, len(data) - 1, *(len(data) * n // CUTS for n in range(1, CUTS))}
        for length in sorted(n for n in lengths if 0 <= n < len(data)):
            yield Damage("cut", name, data[:length])
    for name, data in _foreign(contents, other):
        yield Damage("swapped", name, data)
    names, sizes = zip(*((name, len(data) + 1) for name, data in contents.items()), strict=True)
    for number in range(flips):
        # Half by size, so that every byte of a large file is as likely; half by file.
        name = chance.choices(names, sizes if number % 2 else None)[0]
        flipped = bytearray(contents[name] or b"\0")
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        yield Damage("bit flip", name, bytes(flipped))


def _foreign(contents: dict[str, bytes], other: Path) -> Iterator[tuple[str, bytes]]:
    """Each file with the content of others of its suffix, in this index and in the other one."""
    other_files = [file for file in sorted(other.rglob("*")) if file.is_file()]
    for name, data in contents.items():
        suffix = Path(name).suffix
        candidates = [
            content
            for own_name, content in contents.items()
            if own_name != name and Path(own_name).suffix == suffix
        ]
        candidates += [file.read_bytes() for file in other_files if file.suffix == suffix]
        yield from ((name, content) for content in candidates if content != data)


def try_damages(path: Path, jobs: list[Damage], truth: str, pipe: Connection) -> None:
    """A child: it does and undoes each damage in turn, and reports before and after."""
    for number, damage in enumerate(jobs):
        file = path / damage.file
        original = file.read_bytes()
        pipe.send((number, None))
        file.unlink()  # a new file, so that nothing that is mapped changes under a reader
        if damage.data is not None:
            file.write_bytes(damage.data)
        pipe.send((number, outcome(path, damage, original, truth)))
        file.unlink(missing_ok=True)
        file.write_bytes(original)
    pipe.send(None)


def outcome(path: Path, damage: Damage, original: bytes, truth: str) -> tuple[str, str | None]:
    """How the damage was noticed, and what is wrong with that, if anything."""
    file, wrong = path / damage.file, None
    try:
        result = "right answer" if full_answers(path) == truth else "WRONG ANSWER"
        wrong = None if result == "right answer" else "another answer"
    except VecattrError as error:
        result = "refused"
        if file.name not in f"{error.where} {error.what} {error.hint}":
            wrong = f"the error does not name the file: {error}"
    except Exception as error:
        result, wrong = "unexpected error", f"{type(error).__name__}: {error}"
    is_optional = damage.data is None and file.suffix in (".cells", ".kmers", MAP_SUFFIX)
    is_unchecked = file.name in UNCHECKED or is_optional
    if damage.data != original and not is_unchecked and not _verify_names(path, file):
        wrong = wrong or "verify does not name the file"
    return result, wrong


def _verify_names(path: Path, file: Path) -> bool:
    try:
        report = verify_index(path)
    except VecattrError as error:
        return file.name in f"{error.where}"
    return any(Path(finding.where) == file for finding in report.findings)


def prove(rounds: int, *, seed: int, every: int = 1) -> dict[str, Any]:
    """Every damage, with so many bit flips; or every second, third, ... of all of them."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("one", "other"):
            (folder / name).mkdir()
        path, other = made_index(folder / "one"), made_index(folder / "other", seed=5)
        chance = fixtures.seeded_random(seed, "corruption")
        jobs = list(damages(path, other, rounds, chance))[::every]
        results = _in_children(path, jobs, full_answers(path))
    for damage, (result, wrong) in zip(jobs, results, strict=True):
        counts[f"{damage.kind}: {result}"] += 1
        if wrong:
            failure = {"kind": damage.kind, "file": damage.file, "said": result, "what": wrong}
            failures.append(failure)
    counted = dict(sorted(counts.items()))
    return {"rounds": len(jobs), "outcomes": counted, "failures": failures[:50]}


def _in_children(path: Path, jobs: list[Damage], truth: str) -> list[tuple[str, str | None]]:
    """The outcome of each damage; a child that dies is a failure, and another one continues."""
    context = fixtures.server("faults.corruption")
    results: list[tuple[str, str | None]] = []
    spare = Path(shutil.copytree(path, path.with_name("spare")))
    while len(results) < len(jobs):
        parent, child = context.Pipe()
        remaining = jobs[len(results) :]
        process = context.Process(target=try_damages, args=(path, remaining, truth, child))
        process.start()
        child.close()
        try:
            while (report := parent.recv()) is not None:
                if report[1] is not None:
                    results.append(report[1])
                    fixtures.progress(len(results))
        except EOFError:
            process.join()
            results.append(("CRASH", f"the process ended by {process.exitcode}"))
            shutil.rmtree(path)
            shutil.copytree(spare, path)
        process.join()
    return results
