"""An index of every format version is read, answers as it did, and goes on from there."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from golden_index import answers
from toy_index import HashedKmers, toy_plasmids

from vecattr.files.arrays import ArrayFile
from vecattr.files.sealed import seal
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, rollback
from vecattr.indexes.index import Index
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.manifest import READABLE, VERSION
from vecattr.indexes.storage.segment import OLDEST_VERSION, SEGMENT_FORMAT, SEGMENT_VERSION

GOLDEN = Path(__file__).parent / "golden"

#: Python knows filters from 3.11.4 on.
_FILTER: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}

QUERIES = [
    *toy_plasmids(["Ash", "Cedar", "nobody"], each=1, seed=3),
    *toy_plasmids(["Ash"], each=3, seed=1),
]


#: Each archive with its versions of the manifest, of sealed files and of segments.
ARCHIVES = {
    "index-1": (1, 1, 1),
    "index-2": (2, 1, 1),
    "index-2-sealed-2": (2, 2, 1),
    "index-3": (3, 2, 1),
    "index-3-segment-2": (3, 2, 2),
}


@pytest.fixture(params=ARCHIVES)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a golden index, and of what it answered."""
    with tarfile.open(GOLDEN / f"{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path, **_FILTER)
    manifest, sealed, segment = ARCHIVES[request.param]
    assert json.loads((tmp_path / "index" / "manifest.json").read_bytes())["version"] == manifest
    for file in (tmp_path / "index" / "segments").glob("*.h5"):
        assert file.read_bytes().startswith(b"vecattr-sealed %d\n" % sealed)
        opened = ArrayFile(file, format=SEGMENT_FORMAT, version=SEGMENT_VERSION, oldest=1)
        assert opened.attributes["version"] == segment
    return tmp_path


def test_every_version_that_is_read_has_a_golden_index() -> None:
    assert {manifest for manifest, _, _ in ARCHIVES.values()} == set(READABLE)
    segments = {segment for _, _, segment in ARCHIVES.values()}
    assert segments == set(range(OLDEST_VERSION, SEGMENT_VERSION + 1))
    assert {f"{name}.tar.xz" for name in ARCHIVES} == {file.name for file in GOLDEN.iterdir()}
    assert seal(b"").startswith(
        b"vecattr-sealed %d\n" % max(sealed for _, sealed, _ in ARCHIVES.values())
    )


def expected(golden: Path) -> Any:
    return json.loads((golden / "expected.json").read_bytes())["answers"]


def check(found: list[dict[str, Any]], truth: list[dict[str, Any]]) -> None:
    """The same names in the same order, with the same cosines, and what was known of them."""
    for mine, theirs in zip(found, truth, strict=True):
        for known in ("lab_info", "plasmid_info"):
            assert mine[known] == theirs.get(known, mine[known])
        for kind in ("labs", "neighbors"):
            assert [hit[:-1] for hit in mine[kind]] == [hit[:-1] for hit in theirs[kind]]
            cosines = [hit[-1] for hit in theirs[kind]]
            assert [hit[-1] for hit in mine[kind]] == pytest.approx(cosines, abs=1e-6)


def test_a_golden_index_answers_as_it_did_and_is_whole(golden: Path) -> None:
    before = {file: file.read_bytes() for file in golden.rglob("*") if file.is_file()}
    check(answers(golden / "index", QUERIES), expected(golden))
    assert [one for one in verify_index(golden / "index").findings if one.level == "error"] == []
    assert {file: file.read_bytes() for file in golden.rglob("*") if file.is_file()} == before


def test_info_names_the_version_that_lies_there(golden: Path) -> None:
    index = golden / "index"
    written = json.loads((index / "manifest.json").read_bytes())["version"]
    assert Index.open(index).info()["version"] == written
    compact(index)
    assert Index.open(index).info()["version"] == VERSION


def test_a_golden_index_is_migrated_by_its_next_edit(golden: Path) -> None:
    index, truth = golden / "index", expected(golden)
    generation = read_manifest(index).generation
    compact(index)
    assert json.loads((index / "manifest.json").read_bytes())["version"] == VERSION
    check(answers(index, QUERIES), truth)
    embedder = HashedKmers(read_manifest(index).model)
    add_labs(index, toy_plasmids(["Fir"], each=2, seed=4), embedder=embedder)
    rollback(index, to=generation)  # whose manifest is of the golden version
    check(answers(index, QUERIES), truth)
    assert verify_index(index).ok
    assert rollback(index, to=1).labs == 4  # with Birch again, and without Cedar
