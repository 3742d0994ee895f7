"""Verify: a whole index has no findings; every kind of damage has one, and it names the file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.calibration.calibration_set import HeldOut
from vecattr.encoders.model_folder import HELD_OUT_FILE, RANKER_FILE
from vecattr.errors import ArtifactError, DamagedError, MismatchError, MissingError
from vecattr.files.atomic import sha256_file
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, remove_lab, rollback
from vecattr.indexes.search.map_cache import keep_map, read_map
from vecattr.indexes.storage.index_folder import history_path, read_manifest
from vecattr.indexes.storage.manifest import FileFacts, parse_manifest
from vecattr.vectors import EmbeddingTable


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    """An index with two segments and two generations."""
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    return tmp_path / "i"


def flip(file: Path, place: int) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 0x10
    file.write_bytes(bytes(data))


def errors(path: Path) -> list[str]:
    return [finding.where for finding in verify_index(path).findings if finding.level == "error"]


def test_a_whole_index_has_no_findings(index: Path) -> None:
    report = verify_index(index)
    assert report.ok
    assert report.findings == ()
    assert (report.segments, report.plasmids, report.labs, report.generation) == (2, 9, 3, 2)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.99])
def test_a_flipped_bit_anywhere_in_a_segment_is_found(index: Path, part: float) -> None:
    for file in sorted((index / "segments").glob("*.h5")):
        whole = file.read_bytes()
        flip(file, int(part * len(whole)))
        assert errors(index) == [str(file)]
        file.write_bytes(whole)


@pytest.mark.parametrize("name", ["config.json", "encoder.safetensors"])
def test_a_flipped_bit_in_the_model_is_found(index: Path, name: str) -> None:
    flip(index / "model" / name, 3)
    assert errors(index) == [str(index / "model" / name)]


def test_held_out_plasmids_that_were_written_wrong_are_found(tmp_path: Path, workshop: Any) -> None:
    vectors = np.eye(3, dtype=np.float32)
    errors_of = {}
    for label in (1, 9):
        held_out = HeldOut(
            ids=("p",),
            labels=np.array([label]),
            is_new=np.array([True]),
            full=vectors[:1],
            bare=vectors[:1],
            nearest=np.zeros(1, dtype=np.float32),
            nearest_other=np.zeros(1, dtype=np.float32),
            labs=EmbeddingTable(("Ash", "Birch", "Cedar"), vectors),
        )
        model = workshop.calibrated_model(tmp_path / f"m{label}", cosine=0.0)
        (model / HELD_OUT_FILE).write_bytes(held_out.to_bytes())
        workshop.build(tmp_path / f"i{label}", workshop.plasmids(["Ash"]), model=model)
        errors_of[label] = errors(tmp_path / f"i{label}")
    assert errors_of == {1: [], 9: [str(tmp_path / "i9" / "model" / HELD_OUT_FILE)]}


def test_a_flipped_bit_in_a_cache_is_a_warning(index: Path) -> None:
    file = min((index / "segments").glob("*.faiss"))
    flip(file, 100)
    report = verify_index(index)
    assert report.ok
    assert [(finding.level, finding.where) for finding in report.findings] == [
        ("warning", str(file))
    ]


def test_a_flipped_bit_in_the_history_is_found(index: Path) -> None:
    flip(index / "manifests" / "000001.json", 40)
    assert errors(index) == [str(index / "manifests" / "000001.json")]


def test_a_changed_manifest_is_refused_by_name(index: Path, workshop: Any) -> None:
    text = (index / "manifest.json").read_text()
    (index / "manifest.json").write_text(text.replace('"plasmids": 9', '"plasmids": 8'))
    for ask in (verify_index, workshop.open):
        with pytest.raises(DamagedError, match=r"manifest\.json: checksum"):
            ask(index)


def test_a_newer_index_is_refused(index: Path, workshop: Any) -> None:
    text = (index / "manifest.json").read_text()
    (index / "manifest.json").write_text(text.replace('"version": 3', '"version": 4'))
    with pytest.raises(MismatchError, match="version 4"):
        workshop.open(index)


def test_swapped_segments_are_told_when_the_index_is_opened(index: Path, workshop: Any) -> None:
    first, second = sorted((index / "segments").glob("*.h5"))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises(DamagedError, match="not the segment this index was made of"):
        workshop.open(index)
    assert set(errors(index)) == {str(first), str(second)}


def test_truncated_and_missing_segments_are_told_by_name(index: Path, workshop: Any) -> None:
    file = min((index / "segments").glob("*.h5"))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=file.name):
        workshop.open(index)
    file.unlink()
    with pytest.raises(MissingError, match=file.name):
        workshop.open(index)
    assert errors(index) == [str(file)]


def test_a_segment_of_another_model_is_told(
    index: Path, tmp_path: Path, workshop: Any, other_workshop: Any
) -> None:
    other_workshop.build(tmp_path / "other", workshop.plasmids(["Ash", "Birch"]))
    [foreign] = (tmp_path / "other" / "segments").glob("*.h5")
    file = min((index / "segments").glob("*.h5"))
    shutil.copy(foreign, file)
    with pytest.raises(MismatchError, match="made by model"):
        workshop.open(index)
    assert errors(index) == [str(file)]


def test_damaged_vectors_are_told_when_they_are_read(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash"], each=60, length=20_000)
    workshop.build(tmp_path / "i", plasmids)
    [file] = (tmp_path / "i" / "segments").glob("*.h5")
    vector = workshop.embedder.embed(plasmids[30:31]).tobytes()
    flip(file, file.read_bytes().index(vector))
    with pytest.raises(DamagedError, match=r"block \d+ of \d+ has checksum"):
        workshop.open(tmp_path / "i").query(plasmids[30], neighbors=3)


def test_changed_small_files_of_the_model_are_told_on_opening(index: Path, workshop: Any) -> None:
    flip(index / "model" / "config.json", 3)
    with pytest.raises(DamagedError, match=r"config\.json: SHA-256"):
        workshop.open(index)


def test_a_fusion_that_no_query_could_use_is_found(index: Path) -> None:
    """Of another version, in an index that an older vecattr made: its manifest names it."""
    file = index / "model" / RANKER_FILE
    file.write_bytes(b'{"version": 1}')
    manifest = read_manifest(index)
    facts = FileFacts(sha256_file(file), file.stat().st_size)
    named = tuple(sorted([*manifest.model_files, (RANKER_FILE, facts)]))
    data = replace(manifest, model_files=named).to_json()
    for copy in (index / "manifest.json", history_path(index, manifest.generation)):
        copy.write_bytes(data)
    [error] = [finding for finding in verify_index(index).findings if finding.level == "error"]
    assert error.where == str(file)
    assert error.what.startswith("ranker version 1, this vecattr reads")


def test_stray_files_are_warnings(index: Path) -> None:
    (index / "segments" / "stray.h5").touch()
    (index / "model" / "fusion.json").touch()
    (index / ".vecattr-left").touch()
    report = verify_index(index)
    assert report.ok
    assert len(report.findings) == 3


def test_an_older_manifest_in_the_place_of_the_newest_is_refused(
    index: Path, workshop: Any
) -> None:
    shutil.copy(index / "manifests" / "000001.json", index / "manifest.json")
    with pytest.raises(DamagedError, match=r"manifest\.json: is generation 1, and manifests has 2"):
        workshop.open(index)
    with pytest.raises(DamagedError, match=r"manifest\.json: is generation 1"):
        remove_lab(index, "Ash")
    assert errors(index) == [str(index / "manifest.json")]


def test_a_generation_under_the_name_of_another_is_not_rolled_back_to(
    index: Path, workshop: Any
) -> None:
    remove_lab(index, "Ash")
    shutil.copy(index / "manifests" / "000002.json", index / "manifests" / "000001.json")
    with pytest.raises(DamagedError, match=r"000001\.json: holds generation 2, expected 1"):
        rollback(index, to=1)
    assert errors(index) == [str(index / "manifests" / "000001.json")]


def test_a_missing_copy_is_a_warning(index: Path) -> None:
    (index / "manifests" / "000001.json").unlink()
    report = verify_index(index)
    assert report.ok
    assert [finding.where for finding in report.findings] == [
        str(index / "manifests" / "000001.json")
    ]


def test_a_history_that_cannot_be_rolled_back_to_is_told(index: Path) -> None:
    file = index / "manifests" / "000002.json"
    assert parse_manifest(file.read_bytes(), where="").generation == 2
    shutil.copy(index / "manifests" / "000001.json", file)
    assert errors(index) == [str(file)]


def test_no_index_is_an_error_and_not_a_report(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        verify_index(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError):
        verify_index(tmp_path / "file")


def test_files_of_the_model_that_the_manifest_does_not_name_are_not_used(
    index: Path, tmp_path: Path, workshop: Any
) -> None:
    asked = workshop.plasmids(["Ash"])
    before = [answer.labs for answer in workshop.open(index).query_many(asked)]
    model = workshop.calibrated_model(tmp_path / "m", cosine=0.0)
    shutil.copy(model / "calibration.json", index / "model")
    (index / "model" / "fusion.json").write_bytes(b"{}")
    opened = workshop.open(index)
    assert opened.calibration is None
    assert [answer.labs for answer in opened.query_many(asked)] == before


@pytest.mark.parametrize(
    "name", ["unknown", "Unknown-Engineered", "a\nb", " Ash", "", "\u200b", "\udcff"]
)
def test_a_name_that_no_build_admits_is_found(tmp_path: Path, workshop: Any, name: str) -> None:
    index = tmp_path / "i"
    workshop.build(index, workshop.plasmids(["Ash", "Birch"]))
    manifest = read_manifest(index)
    [entry] = manifest.segments
    other = replace(manifest, segments=(entry.with_names({"Ash": name}),))
    for file in (index / "manifest.json", history_path(index, 1)):
        file.write_bytes(other.to_json())
    report = verify_index(index)
    assert not report.ok
    assert [finding.where for finding in report.findings] == [
        str(index / "segments" / f"{entry.name}.h5")
    ]
    assert "no build admits the name" in report.findings[0].what


def test_names_that_a_build_admits_are_fine(tmp_path: Path, workshop: Any) -> None:
    names = ["../x", "=cmd()", "Müller", "a b", 'O\'Neil "lab"', "数"]
    workshop.build(tmp_path / "i", workshop.plasmids(names))
    assert verify_index(tmp_path / "i").findings == ()


def test_a_damaged_map_is_named_and_harms_nothing(workshop: Any, tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    workshop.build(path, workshop.plasmids(["Ash", "Birch"]))
    keep_map(path, "ab" * 10, np.ones((3, 2)))
    assert verify_index(path).findings == ()
    [file] = (path / "segments").glob("*.map")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    [finding] = verify_index(path).findings
    assert (finding.level, finding.where) == ("warning", str(file))
    assert "checksum" in finding.what
    assert read_map(path, "ab" * 10, points=3) is None
