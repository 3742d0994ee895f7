"""Repair: what the index itself holds twice comes back; what is lost is said, and never guessed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.cli.main import run
from vecattr.errors import ArtifactError, DamagedError, MismatchError, MissingError
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.files.atomic import sha256_bytes
from vecattr.indexes.checking.repair import RepairReport, repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rollback
from vecattr.indexes.index import Index
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.manifest import FileFacts

Damage = Callable[[Path], object]


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    """An index with two segments and two generations."""
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    return tmp_path / "i"


def spoil(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


def unexpected(report: RepairReport) -> list[str]:
    """Findings beside the earlier generations that are lost."""
    return [
        finding.what
        for finding in report.after.findings
        if "generation is lost" not in finding.what
    ]


def newest_segment(path: Path) -> Path:
    """The file of the last segment."""
    return path / "segments" / f"{read_manifest(path).segments[-1].name}.h5"


def bytes_of(path: Path) -> dict[bytes, int]:
    """How often each content occurs below a folder."""
    counts: dict[bytes, int] = {}
    for file in path.rglob("*"):
        if file.is_file():
            counts[file.read_bytes()] = counts.get(file.read_bytes(), 0) + 1
    return counts


def test_a_whole_index_is_left_as_it_is(index: Path) -> None:
    before = {file: file.read_bytes() for file in index.rglob("*") if file.is_file()}
    report = repair_index(index)
    assert report.repairs == ()
    assert report.after.findings == ()
    assert {file: file.read_bytes() for file in index.rglob("*") if file.is_file()} == before


MENDABLE: list[Damage] = [
    lambda index: spoil(index / "manifest.json"),
    lambda index: (index / "manifest.json").unlink(),
    lambda index: (index / "manifest.json").write_bytes(b""),
    lambda index: spoil(index / "manifests" / "000002.json"),
    lambda index: (index / "manifests" / "000002.json").unlink(),
    lambda index: spoil(index / "manifests" / "000001.json"),
    lambda index: spoil(min((index / "segments").glob("*.faiss"))),
    lambda index: min((index / "segments").glob("*.faiss")).unlink(),
    lambda index: (index / "segments" / "stray.h5").write_bytes(b"stray"),
    lambda index: (index / "model" / "fusion.json").write_bytes(b"{}"),
    lambda index: (index / ".vecattr-left").write_bytes(b"left"),
    lambda index: shutil.copy(index / "manifest.json", index / "manifests" / "000003.json"),
    lambda index: shutil.copy(index / "manifests" / "000001.json", index / "manifest.json"),
    lambda index: shutil.copy(index / "manifests" / "000002.json", index / "manifests/000001.json"),
]


@pytest.mark.parametrize("damage", MENDABLE)
def test_what_is_held_twice_comes_back_and_nothing_is_deleted(index: Path, damage: Damage) -> None:
    identity = read_manifest(index).identity
    damage(index)
    before = bytes_of(index)
    report = repair_index(index)
    assert report.repairs
    assert unexpected(report) == []
    assert read_manifest(index).identity == identity
    kept = bytes_of(index)
    caches = [content for content in before if content[:4] == b"IxFI" and content not in kept]
    assert len(caches) <= 1  # only a cache that was wrong is replaced
    assert all(content in kept for content in before if content not in caches)


def test_a_lost_segment_brings_back_the_newest_whole_generation(index: Path, workshop: Any) -> None:
    old = json.loads((index / "manifests" / "000001.json").read_text())["identity"]
    spoil(newest_segment(index))
    report = repair_index(index)
    assert any("generation 1 is the present one again" in repair for repair in report.repairs)
    assert unexpected(report) == []
    assert workshop.open(index).identity == old
    assert workshop.open(index).lab_names == ("Ash", "Birch")
    assert len(list((index / "quarantine").glob("*.h5"))) == 1
    assert read_manifest(index).generation == 3


def test_a_lost_merged_segment_comes_back_as_its_pieces(index: Path, workshop: Any) -> None:
    before = workshop.open(index)
    asked = workshop.plasmids(["Ash"])[0]
    answer = before.query(asked).labs
    compact(index)
    spoil(newest_segment(index))
    assert repair_index(index).after.ok
    assert workshop.open(index).query(asked).labs == answer


def test_when_nothing_whole_is_left_the_index_goes_on_being_refused(
    tmp_path: Path, workshop: Any
) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]))
    [file] = (tmp_path / "i" / "segments").glob("*.h5")
    whole = file.read_bytes()
    spoil(file)
    report = repair_index(tmp_path / "i")
    assert not report.after.ok
    with pytest.raises(MissingError, match=file.name):
        workshop.open(tmp_path / "i")
    file.write_bytes(whole)  # from the user's copy
    assert repair_index(tmp_path / "i").after.findings == ()
    assert workshop.open(tmp_path / "i").lab_names == ("Ash",)


def test_nothing_in_quarantine_is_written_over(index: Path) -> None:
    for content in (b"1", b"2", b"3"):
        (index / "segments" / "stray.h5").write_bytes(content)
        repair_index(index)
    assert [file.read_bytes() for file in sorted((index / "quarantine").iterdir())] == [
        b"1",
        b"2",
        b"3",
    ]
    remove_lab(index, "Ash")  # a later writer's sweep leaves it alone
    assert len(list((index / "quarantine").iterdir())) == 3
    assert verify_index(index).findings == ()


def test_a_damaged_model_is_told_and_not_guessed(index: Path) -> None:
    spoil(index / "model" / "encoder.safetensors")
    report = repair_index(index)
    assert report.repairs == ()
    assert [finding.where for finding in report.after.findings] == [
        str(index / "model" / "encoder.safetensors")
    ]


@pytest.mark.parametrize("kind", ["bag", "cnn"])
def test_files_of_the_shipped_encoders_come_back(kind: Any, tmp_path: Path) -> None:
    from vecattr.datasets.classes import ClassRule
    from vecattr.encoders.pretrained import shipped_encoder
    from vecattr.indexes.editing.build import build_index
    from vecattr.sequences.synthetic import synthetic_plasmids

    path = tmp_path / "i"
    plasmids = synthetic_plasmids(labs=2, plasmids_per_lab=3, seed=0)
    build_index(path, plasmids, model=shipped_encoder(kind), rule=ClassRule(None))
    spoil(path / "model" / "config.json")
    (path / "model" / "encoder.safetensors").unlink()
    report = repair_index(path)
    assert len([repair for repair in report.repairs if "came back" in repair]) == 2
    assert report.after.findings == ()


@pytest.fixture
def with_tables(tmp_path: Path, shelf: Any) -> Path:
    """An index whose encoder has tables."""
    path = tmp_path / "i"
    shutil.copytree(shelf.index, path)
    assert (path / "model" / "tables.h5").is_file()
    return path


@pytest.mark.parametrize("damage", [spoil, Path.unlink])
def test_tables_are_made_again_of_the_weights(with_tables: Path, damage: Damage) -> None:
    file = with_tables / "model" / "tables.h5"
    whole, identity = file.read_bytes(), read_manifest(with_tables).identity
    damage(file)
    assert str(file) in [finding.where for finding in verify_index(with_tables).findings]
    report = repair_index(with_tables)
    assert f"{file}: made again from the weights" in report.repairs
    assert report.after.findings == ()
    assert file.read_bytes() == whole
    assert read_manifest(with_tables).identity == identity


def test_tables_that_come_out_otherwise_are_those_of_all_generations(
    with_tables: Path, shelf: Any
) -> None:
    file = with_tables / "model" / "tables.h5"
    was = read_manifest(with_tables)
    rounded = {**dict(was.model_files), "tables.h5": FileFacts("0" * 64, 9)}  # another machine's
    changed = replace(was, model_files=tuple(sorted(rounded.items())))
    for name in ("manifest.json", "manifests/000001.json"):
        (with_tables / name).write_bytes(changed.to_json())
    remove_lab(with_tables, shelf.plasmids[0].lab)
    assert repair_index(with_tables).after.ok
    assert read_manifest(with_tables).model_files == was.model_files
    rollback(with_tables, to=1)
    assert verify_index(with_tables).ok
    assert Index.open(with_tables).embedder.identity == was.model
    assert file.is_file()


def test_tables_of_lost_weights_are_not_guessed(with_tables: Path) -> None:
    for name in ("tables.h5", "encoder.safetensors"):
        spoil(with_tables / "model" / name)
    report = repair_index(with_tables)
    assert report.repairs == ()
    assert not report.after.ok


def test_tables_that_lie_are_found(with_tables: Path) -> None:
    file = with_tables / "model" / "tables.h5"
    tables = ArrayFile(file, format="vecattr-tables", version=1)
    names = ("hashes", "rows", "features", "bias", "steps")
    arrays = {name: np.array(tables.array(name)) for name in names if name in tables}
    arrays["rows"] = arrays["rows"][:-1]
    data = write_arrays(arrays, tables.attributes)
    file.write_bytes(data)
    manifest = read_manifest(with_tables)
    facts = {**dict(manifest.model_files), "tables.h5": FileFacts(sha256_bytes(data), len(data))}
    changed = replace(manifest, model_files=tuple(sorted(facts.items())))
    for name in ("manifest.json", "manifests/000001.json"):
        (with_tables / name).write_bytes(changed.to_json())
    [finding] = verify_index(with_tables).findings
    assert (finding.level, finding.where) == ("error", str(file))
    with pytest.raises(DamagedError, match=r"rows is .* expected"):
        _ = Index.open(with_tables).embedder


def test_what_cannot_be_repaired_is_an_error(tmp_path: Path, index: Path) -> None:
    with pytest.raises(MissingError, match="no index"):
        repair_index(tmp_path)
    text = (index / "manifest.json").read_text()
    (index / "manifest.json").write_text(text.replace('"version": 3', '"version": 4'))
    with pytest.raises(MismatchError):
        repair_index(index)
    for file in [*(index / "manifests").iterdir(), index / "manifest.json"]:
        file.write_bytes(b"{}")
    with pytest.raises(DamagedError):
        repair_index(index)


def test_the_command_tells_what_it_did_and_whether_it_helped(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (index / "manifest.json").unlink()
    assert run(["verify", "-i", str(index)]) == ArtifactError.exit_code
    assert "verify --repair" in capsys.readouterr().err
    assert run(["verify", "-i", str(index), "--repair", "--format", "json"]) == 0
    output = capsys.readouterr()
    assert "came back from" in output.err
    assert json.loads(output.out)["ok"] is True
    spoil(index / "model" / "config.json")
    assert run(["verify", "-i", str(index), "--repair"]) == ArtifactError.exit_code
