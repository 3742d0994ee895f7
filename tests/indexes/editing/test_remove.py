"""Taking single plasmids out of an index: what goes, and what stays bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.errors import ArtifactError, InputError
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback
from vecattr.indexes.editing.remove import remove_plasmids
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.stored_plasmids import exported_plasmids, stored_plasmids
from vecattr.plasmid import POOLED

LABS = ("Ash", "Birch", "Cedar", "Elder")


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    """An index of three named labs and a pool that holds Elder."""
    rule = ClassRule(frozenset(LABS[:3]))
    workshop.build(tmp_path / "i", workshop.plasmids(LABS), rule=rule)
    return tmp_path / "i"


def vectors(path: Path, workshop: Any) -> dict[str, bytes]:
    """The vector of every class."""
    table = workshop.open(path).lab_table()
    return {name: row.tobytes() for name, row in zip(table.names, table.vectors, strict=True)}


def ids(path: Path, workshop: Any) -> set[str]:
    return set(stored_plasmids(workshop.open(path).segments).ids)


def test_the_plasmids_go_and_all_others_stay(index: Path, workshop: Any) -> None:
    before = ids(index, workshop)
    report = remove_plasmids(index, ["Ash-0-1", "Elder-0-0", "nobody"])
    assert (report.plasmids, report.labs, report.gone_labs) == (2, ("Ash", "Elder"), ())
    assert report.unknown_ids == ("nobody",)
    assert ids(index, workshop) == before - {"Ash-0-1", "Elder-0-0"}
    assert verify_index(index).findings == ()
    assert read_manifest(index).plasmids == len(before) - 2


def test_only_the_labs_that_lose_plasmids_get_another_vector(index: Path, workshop: Any) -> None:
    before = vectors(index, workshop)
    remove_plasmids(index, ["Ash-0-1"])
    after = vectors(index, workshop)
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == {"Ash"}


def test_a_mean_is_that_of_the_plasmids_that_are_left(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "all", plasmids)
    remove_plasmids(tmp_path / "all", ["Ash-0-1"])
    left = [part for segment in workshop.open(tmp_path / "all").segments for part in segment.parts]
    [ash] = [part for part in left if part.name == "Ash"]
    rows = workshop.embedder.embed([plasmids[0], plasmids[2]])
    mean = rows.sum(axis=0) / np.linalg.norm(rows.sum(axis=0))
    np.testing.assert_allclose(ash.vector, mean, atol=1e-6)


def test_the_pool_keeps_its_vector(index: Path, workshop: Any) -> None:
    before = vectors(index, workshop)[POOLED]
    remove_plasmids(index, ["Elder-0-0"])
    assert vectors(index, workshop)[POOLED] == before


def test_a_lab_goes_with_its_last_plasmid(index: Path, workshop: Any) -> None:
    report = remove_plasmids(index, [f"Birch-0-{number}" for number in range(3)])
    assert report.gone_labs == ("Birch",)
    assert "Birch" not in workshop.open(index).lab_names
    assert read_manifest(index).labs == 3
    assert verify_index(index).findings == ()


def test_unknown_ids_alone_change_nothing(index: Path) -> None:
    before = read_manifest(index)
    assert remove_plasmids(index, ["nobody"]).unknown_ids == ("nobody",)
    assert read_manifest(index) == before
    with pytest.raises(InputError):
        remove_plasmids(index, [])


def test_it_is_undone_by_rollback(index: Path, workshop: Any) -> None:
    before = read_manifest(index).identity
    remove_plasmids(index, ["Ash-0-1", "Cedar-0-2"])
    rollback(index)
    assert read_manifest(index).identity == before


def test_it_follows_other_edits_and_others_follow_it(index: Path, workshop: Any) -> None:
    add_labs(index, workshop.plasmids(["Ash", "Fir"], seed=1), embedder=workshop.embedder)
    rename_lab(index, "Ash", "Alder")
    report = remove_plasmids(index, ["Ash-1-0", "Ash-0-0", "Fir-1-2"])
    assert report.labs == ("Alder", "Fir")
    back = [plasmid for plasmid in workshop.plasmids(["Ash"]) if plasmid.id == "Ash-0-0"]
    add_labs(index, back, embedder=workshop.embedder)
    remove_lab(index, "Cedar")
    kept = ids(index, workshop)
    assert {"Ash-0-0", "Ash-0-1", "Ash-1-1"} <= kept
    assert not kept & {"Ash-1-0", "Fir-1-2"}
    compact(index)
    assert ids(index, workshop) == kept
    assert verify_index(index).findings == ()


def test_a_learned_vector_stays(tmp_path: Path, workshop: Any) -> None:
    model = workshop.calibrated_model(tmp_path / "m", cosine=0.5)
    plasmids = [*workshop.plasmids(["nobody"]), *workshop.plasmids(["Ash"])]
    workshop.build(tmp_path / "i", plasmids, model=model)
    remove_plasmids(tmp_path / "i", ["nobody-0-0"])
    parts = [part for segment in workshop.open(tmp_path / "i").segments for part in segment.parts]
    [learned] = [part for part in parts if part.name == "nobody"]
    assert (learned.origin, learned.weight) == ("learned", 2.0)
    np.testing.assert_array_equal(learned.vector, np.eye(1, workshop.embedder.width)[0])


def test_an_export_gives_the_plasmids_back(index: Path, workshop: Any) -> None:
    remove_plasmids(index, ["Ash-0-1"])
    exported = list(exported_plasmids(index, workshop.open(index).segments))
    given = [plasmid for plasmid in workshop.plasmids(LABS) if plasmid.id != "Ash-0-1"]
    assert sorted(exported, key=lambda plasmid: plasmid.id) == sorted(
        given, key=lambda plasmid: plasmid.id
    )
    rest = list(exported_plasmids(index, workshop.open(index).segments, start=4))
    assert rest == exported[4:]


def test_no_export_without_sequences(tmp_path: Path, workshop: Any) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]), keep_sequences=False)
    with pytest.raises(ArtifactError, match="keeps no sequences"):
        list(exported_plasmids(tmp_path / "i", workshop.open(tmp_path / "i").segments))
    remove_plasmids(tmp_path / "i", ["Ash-0-0"])
    assert len(stored_plasmids(workshop.open(tmp_path / "i").segments)) == 2
