"""Changing an index: what an edit changes, what it leaves alone, and how it is undone."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vecattr.datasets.classes import ClassRule
from vecattr.errors import (
    DamagedError,
    InputError,
    LockedError,
    MismatchError,
    MissingError,
    UsageError,
)
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback
from vecattr.indexes.editing.publish import KEPT_GENERATIONS
from vecattr.indexes.editing.segment_sink import MOST_SMALL
from vecattr.indexes.storage.index_folder import history_path, read_manifest
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.log import read_log
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.discriminant import SHRINKAGE
from vecattr.vectors import Vectors

LABS = ("Ash", "Birch", "Cedar", "Elder")


def stored_vectors(path: Path, workshop: Any) -> Vectors:
    """The vectors of all plasmids of an index, removed ones included."""
    return np.concatenate([segment.stored.vectors for segment in workshop.open(path).segments])


def direction(vectors: Vectors, *, built: Vectors) -> NDArray[np.float64]:
    """What sets plasmids with these vectors apart from those the index was built from."""
    total = vectors.sum(axis=0, dtype=np.float64)
    covariance = np.cov(built.T.astype(np.float64), bias=True)
    share = min(1.0, SHRINKAGE + built.shape[1] / built.shape[0])
    variance = np.trace(covariance) / len(covariance)
    shrunk = (1 - share) * covariance / variance + share * np.eye(len(covariance))
    apart = np.linalg.solve(shrunk, total / np.linalg.norm(total) - built.mean(axis=0))
    return apart / np.linalg.norm(apart)


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    """An index of three named labs and a pool that holds Elder."""
    rule = ClassRule(frozenset(LABS[:3]))
    workshop.build(tmp_path / "i", workshop.plasmids(LABS), rule=rule)
    return tmp_path / "i"


def snapshot(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def cosines(path: Path, workshop: Any) -> dict[str, float]:
    """The cosine of one query with every lab."""
    [query] = workshop.plasmids(["query"], each=1)
    return {hit.name: hit.cosine for hit in workshop.open(path).query(query, k=100).labs}


def sizes(path: Path, workshop: Any) -> dict[str, int]:
    return {lab.name: lab.plasmids for lab in workshop.open(path).labs()}


def test_adding_a_lab_changes_no_cosine_of_another(index: Path, workshop: Any) -> None:
    before = cosines(index, workshop)
    report = add_labs(index, workshop.plasmids(["Fir", "Ash"], seed=1), embedder=workshop.embedder)
    assert (report.new_labs, report.extended_labs) == (("Fir",), ("Ash",))
    assert (report.plasmids, report.generation) == (6, 2)
    after = cosines(index, workshop)
    assert {name: after[name] for name in before if name != "Ash"} == {
        name: before[name] for name in before if name != "Ash"
    }
    assert after["Ash"] != before["Ash"]
    assert sizes(index, workshop)["Ash"] == 6


def test_plasmids_one_at_a_time_are_the_same_as_all_at_once(
    index: Path, workshop: Any, tmp_path: Path
) -> None:
    shutil.copytree(index, tmp_path / "slow")
    plasmids = workshop.plasmids(["Fir", "Ash"], seed=1)
    add_labs(index, plasmids, embedder=workshop.embedder)
    for plasmid in plasmids:
        add_labs(tmp_path / "slow", [plasmid], embedder=workshop.embedder)
    slow, fast = cosines(tmp_path / "slow", workshop), cosines(index, workshop)
    assert slow == pytest.approx(fast, abs=1e-6)


def test_many_plasmids_fill_several_segments(index: Path, workshop: Any, tmp_path: Path) -> None:
    shutil.copytree(index, tmp_path / "many")
    plasmids = workshop.plasmids(["Fir", "Ash"], seed=1)
    single = add_labs(index, plasmids, embedder=workshop.embedder)
    many = add_labs(tmp_path / "many", plasmids, embedder=workshop.embedder, segment_rows=4)
    assert (many.new_labs, many.plasmids) == (single.new_labs, single.plasmids)
    assert len(workshop.open(tmp_path / "many").manifest.segments) == 3
    assert cosines(tmp_path / "many", workshop) == pytest.approx(cosines(index, workshop), abs=1e-6)
    assert verify_index(tmp_path / "many").findings == ()


def test_a_lab_of_the_pool_that_is_added_becomes_a_class(index: Path, workshop: Any) -> None:
    report = add_labs(index, workshop.plasmids(["Elder"], seed=1), embedder=workshop.embedder)
    assert report.new_labs == ("Elder",)
    assert sizes(index, workshop) == {"Ash": 3, "Birch": 3, "Cedar": 3, "Elder": 3, POOLED: 3}


def test_a_dry_run_tells_the_same_and_changes_nothing(index: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Fir", "Ash"], seed=1)
    before = snapshot(index)
    dry = add_labs(index, iter(plasmids), dry_run=True)
    assert snapshot(index) == before
    wet = add_labs(index, plasmids, embedder=workshop.embedder)
    assert (dry.new_labs, dry.extended_labs, dry.plasmids) == (
        wet.new_labs,
        wet.extended_labs,
        wet.plasmids,
    )
    assert (dry.dry_run, dry.generation) == (True, 1)


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_cannot_be_added_changes_nothing(index: Path, workshop: Any, dry_run: bool) -> None:
    before = snapshot(index)
    stored = workshop.plasmids(["Ash"])
    for plasmids, message in [
        ([], "no plasmids"),
        (stored, "Ash-0-0.*in the index already"),
        ([*workshop.plasmids(["Fir"], seed=1)] * 2, "given twice"),
    ]:
        with pytest.raises(InputError, match=message):
            add_labs(index, plasmids, embedder=workshop.embedder, dry_run=dry_run)
    assert snapshot(index) == before


def test_another_model_cannot_add(index: Path, workshop: Any, other_workshop: Any) -> None:
    with pytest.raises(MismatchError, match=other_workshop.embedder.identity[:16]):
        add_labs(index, workshop.plasmids(["Fir"]), embedder=other_workshop.embedder)


def test_a_removed_lab_is_in_no_answer(index: Path, workshop: Any) -> None:
    before = cosines(index, workshop)
    report = remove_lab(index, "Ash")
    assert (report.changed, report.plasmids, report.labs) == (3, 9, 3)
    after = cosines(index, workshop)
    assert after == {name: cosine for name, cosine in before.items() if name != "Ash"}
    answer = workshop.open(index).query(workshop.plasmids(["Ash"])[0], neighbors=20)
    assert len(answer.neighbors) == 9
    assert "Ash" not in {neighbor.lab for neighbor in answer.neighbors}


def test_a_lab_can_be_removed_from_the_pool(index: Path, workshop: Any) -> None:
    before = cosines(index, workshop)
    assert remove_lab(index, "Elder").changed == 3
    answer = workshop.open(index).query(workshop.plasmids(["Elder"])[0], neighbors=20)
    assert "Elder" not in {neighbor.lab for neighbor in answer.neighbors}
    assert cosines(index, workshop) == before  # the pool's vector stays


def test_a_removed_lab_can_be_added_again_with_the_same_plasmids(
    index: Path, workshop: Any
) -> None:
    before = cosines(index, workshop)
    remove_lab(index, "Ash")
    add_labs(index, workshop.plasmids(["Ash"]), embedder=workshop.embedder)
    assert cosines(index, workshop) == before
    compact(index)
    assert cosines(index, workshop) == before
    assert verify_index(index).findings == ()
    remove_lab(index, "Ash")
    assert "Ash" not in sizes(index, workshop)


def test_a_lab_that_comes_back_needs_its_segment_only_once(index: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Fir"], seed=1)
    for _ in range(3):
        add_labs(index, plasmids, embedder=workshop.embedder)
        remove_lab(index, "Fir")
    add_labs(index, plasmids, embedder=workshop.embedder)
    segments = [entry.name for entry in workshop.open(index).manifest.segments]
    assert len(segments) == len(set(segments)) == 2
    assert sizes(index, workshop)["Fir"] == 3
    assert verify_index(index).findings == ()


@pytest.mark.parametrize("hidden", ["Fir", "no such lab"])
def test_two_entries_of_one_segment_may_not_show_the_same_lab(
    index: Path, workshop: Any, hidden: str
) -> None:
    add_labs(index, workshop.plasmids(["Fir", "Oak"], seed=1), embedder=workshop.embedder)
    manifest = read_manifest(index)
    again = manifest.segments[-1].without(frozenset({hidden}))
    forged = replace(manifest, segments=(*manifest.segments, again))
    for file in (index / "manifest.json", history_path(index, manifest.generation)):
        file.write_bytes(forged.to_json())
    with pytest.raises(DamagedError, match="is named twice, both times with the lab"):
        workshop.open(index)
    assert not verify_index(index).ok


def test_renaming_changes_the_name_and_nothing_else(index: Path, workshop: Any) -> None:
    before = cosines(index, workshop)
    assert rename_lab(index, "Ash", "../Oak").changed == 3
    after = cosines(index, workshop)
    assert after == {("../Oak" if name == "Ash" else name): c for name, c in before.items()}
    [neighbor] = workshop.open(index).query(workshop.plasmids(["Ash"])[0], neighbors=1).neighbors
    assert (neighbor.lab, neighbor.label) == ("../Oak", "../Oak")


def test_renaming_to_a_known_lab_merges_the_two(index: Path, workshop: Any) -> None:
    vectors = workshop.embedder.embed(workshop.plasmids(["Ash", "Birch"]))
    report = rename_lab(index, "Ash", "Birch")
    assert (report.changed, report.labs, report.plasmids) == (3, 3, 12)
    assert sizes(index, workshop)["Birch"] == 6
    table = workshop.open(index).lab_table()
    expected = direction(vectors, built=stored_vectors(index, workshop))
    np.testing.assert_allclose(table.vectors[table.names.index("Birch")], expected, atol=1e-5)
    remove_lab(index, "Birch")  # takes what was called Ash with it
    assert set(sizes(index, workshop)) == {"Cedar", POOLED}


def test_a_renamed_lab_leaves_its_old_name_free(index: Path, workshop: Any) -> None:
    rename_lab(index, "Ash", "Oak")
    report = add_labs(index, workshop.plasmids(["Ash"], seed=1), embedder=workshop.embedder)
    assert report.new_labs == ("Ash",)
    rename_lab(index, "Oak", "Yew")
    assert sizes(index, workshop) == {"Ash": 3, "Yew": 3, "Birch": 3, "Cedar": 3, POOLED: 3}


def test_names_that_cannot_be_are_refused(index: Path) -> None:
    for edit, message in [
        (lambda: remove_lab(index, "Nobody"), "no lab is called 'Nobody'"),
        (lambda: rename_lab(index, "Nobody", "x"), "no lab is called 'Nobody'"),
        (lambda: rename_lab(index, "Ash", "unknown"), "reserved"),
        (lambda: rename_lab(index, "Ash", POOLED), "reserved"),
        (lambda: rename_lab(index, "Ash", " "), "empty"),
    ]:
        with pytest.raises(InputError, match=message):
            edit()
    for edit in (lambda: remove_lab(index, POOLED), lambda: rename_lab(index, "Ash", "Ash")):
        with pytest.raises(UsageError):
            edit()


def test_rollback_brings_the_identity_of_the_content_back(index: Path, workshop: Any) -> None:
    first = workshop.open(index).identity
    add_labs(index, workshop.plasmids(["Fir"]), embedder=workshop.embedder)
    second = workshop.open(index).identity
    remove_lab(index, "Ash")
    assert (rollback(index).identity, rollback(index).identity) == (second, first)
    with pytest.raises(InputError, match="before the first generation is not kept"):
        rollback(index)
    assert rollback(index, to=2).identity == second
    assert workshop.open(index).generation == 6


def test_rollback_to_what_never_was_names_what_is_kept(index: Path) -> None:
    remove_lab(index, "Ash")
    with pytest.raises(InputError, match="generation 7 is not kept; kept are: 1"):
        rollback(index, to=7)


def test_old_generations_and_their_segments_are_let_go(index: Path, workshop: Any) -> None:
    add_labs(index, workshop.plasmids(["Fir"]), embedder=workshop.embedder)
    compact(index)
    assert len(list((index / "segments").glob("*.h5"))) == 3
    for number in range(KEPT_GENERATIONS):
        rename_lab(index, f"Ash{number}" if number else "Ash", f"Ash{number + 1}")
    kept = sorted(int(file.stem) for file in (index / "manifests").iterdir())
    assert kept == list(range(3, 4 + KEPT_GENERATIONS))
    assert len(list((index / "segments").glob("*.h5"))) == 1
    assert verify_index(index).findings == ()


def test_compacting_changes_no_cosine_and_no_count(index: Path, workshop: Any) -> None:
    add_labs(index, workshop.plasmids(["Fir", "Ash"], seed=1), embedder=workshop.embedder)
    remove_lab(index, "Birch")
    rename_lab(index, "Fir", "Ash")
    before, counts = cosines(index, workshop), sizes(index, workshop)
    query = workshop.plasmids(["Cedar"])[0]
    neighbors = workshop.open(index).query(query, neighbors=30).neighbors
    compact(index)
    assert cosines(index, workshop) == pytest.approx(before, abs=1e-6)
    assert sizes(index, workshop) == counts
    assert workshop.open(index).query(query, neighbors=30).neighbors == neighbors
    [segment] = workshop.open(index).manifest.segments
    assert (segment.removed, segment.renamed) == ((), ())
    assert compact(index).generation == workshop.open(index).generation  # nothing to do


def test_compacting_away_everything_leaves_an_empty_index(tmp_path: Path, workshop: Any) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]))
    remove_lab(tmp_path / "i", "Ash")
    compact(tmp_path / "i")
    answer = workshop.open(tmp_path / "i").query(workshop.plasmids(["Ash"])[0], neighbors=3)
    assert (answer.labs, answer.neighbors) == ((), ())
    add_labs(tmp_path / "i", workshop.plasmids(["Ash"]), embedder=workshop.embedder)
    assert sizes(tmp_path / "i", workshop) == {"Ash": 3}


def test_small_segments_stay_few_and_merging_changes_no_cosine(index: Path, workshop: Any) -> None:
    before = cosines(index, workshop)
    built = stored_vectors(index, workshop)
    for seed in range(MOST_SMALL + 2):
        plasmids = workshop.plasmids(["Fir"], each=1, seed=seed)
        add_labs(index, plasmids, embedder=workshop.embedder)
    assert len(workshop.open(index).manifest.segments) <= MOST_SMALL
    after = cosines(index, workshop)
    assert {name: after[name] for name in before} == before
    vectors = workshop.embedder.embed(
        [p for seed in range(MOST_SMALL + 2) for p in workshop.plasmids(["Fir"], each=1, seed=seed)]
    )
    table = workshop.open(index).lab_table()
    expected = direction(vectors, built=built)
    np.testing.assert_allclose(table.vectors[table.names.index("Fir")], expected, atol=1e-5)
    assert verify_index(index).findings == ()


def test_a_second_writer_is_refused_and_readers_are_not(index: Path, workshop: Any) -> None:
    with writing(index):
        for edit in (lambda: remove_lab(index, "Ash"), lambda: compact(index)):
            with pytest.raises(LockedError, match="another process"):
                edit()
        assert sizes(index, workshop)["Ash"] == 3
        assert verify_index(index).ok
    remove_lab(index, "Ash")


def test_an_opened_index_keeps_answering_while_writers_publish(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    query = workshop.plasmids(["Ash"])[0]
    before = opened.query(query, neighbors=5)
    remove_lab(index, "Ash")
    compact(index)
    for number in range(KEPT_GENERATIONS):  # until its segment is deleted
        rename_lab(index, f"Birch{number}" if number else "Birch", f"Birch{number + 1}")
    assert opened.query(query, neighbors=5) == before


def test_edits_of_no_index_make_none(tmp_path: Path, workshop: Any) -> None:
    for edit in (
        lambda: add_labs(tmp_path / "i", workshop.plasmids(["Ash"])),
        lambda: remove_lab(tmp_path / "i", "Ash"),
        lambda: rollback(tmp_path / "i"),
        lambda: compact(tmp_path / "i"),
    ):
        with pytest.raises(MissingError, match="vecattr build-index"):
            edit()
    assert not (tmp_path / "i").exists()


def test_the_log_tells_what_was_done(index: Path, workshop: Any) -> None:
    remove_lab(index, "Ash")
    rollback(index)
    log = read_log(index, generation=3)
    assert [entry["action"] for entry in log] == ["build", "remove-lab", "rollback"]
    assert [entry["identity"] for entry in log][2] == workshop.open(index).identity


edits = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "rename", "compact", "rollback"]),
        st.sampled_from(["A", "B", "C"]),
        st.sampled_from(["A", "B", "C", "D"]),
    ),
    max_size=7,
)


@settings(deadline=None, max_examples=25)
@given(edits)
def test_any_sequence_of_edits_leaves_what_a_plain_list_would(
    tmp_path_factory: pytest.TempPathFactory, workshop: Any, steps: list[tuple[str, str, str]]
) -> None:
    """The oracle is a list of (plasmid, lab) for each generation."""
    path = tmp_path_factory.mktemp("edits") / "i"
    start = workshop.plasmids(["A", "B"], each=2)
    workshop.build(path, start)
    built = stored_vectors(path, workshop)
    states = [[(plasmid, plasmid.lab) for plasmid in start]]
    undo = [0]  # the state whose content each generation shows
    for number, (edit, lab, new_name) in enumerate(steps, start=1):
        now = states[undo[-1]]
        labs = {name for _, name in now}
        if edit == "add":
            new = workshop.plasmids([lab], each=2, seed=number)
            add_labs(path, new, embedder=workshop.embedder)
            states.append(now + [(plasmid, lab) for plasmid in new])
        elif edit == "remove" and lab in labs:
            remove_lab(path, lab)
            states.append([(p, name) for p, name in now if name != lab])
        elif edit == "rename" and lab in labs and lab != new_name:
            rename_lab(path, lab, new_name)
            states.append([(p, new_name if name == lab else name) for p, name in now])
        elif edit == "compact" and compact(path).generation > len(undo):
            states.append(list(now))
        elif edit == "rollback" and undo[-1] > 0:
            rollback(path)
            undo.append(undo[undo[-1] - 1])
            states.append([])  # keeps states and generations in step
            continue
        else:
            continue
        undo.append(len(states) - 1)
    expected = states[undo[-1]]
    assert sizes(path, workshop) == dict(Counter(name for _, name in expected))
    table = workshop.open(path).lab_table()
    for name, vector in zip(table.names, table.vectors, strict=True):
        rows = workshop.embedder.embed([p for p, lab in expected if lab == name])
        np.testing.assert_allclose(vector, direction(rows, built=built), atol=1e-5)
    assert verify_index(path).findings == ()


def test_plasmids_that_the_model_cannot_read_are_counted(index: Path, workshop: Any) -> None:
    blank = Plasmid("blank", "N", lab="Nobody's")
    report = add_labs(index, [blank, *workshop.plasmids(["Fir"])], embedder=workshop.embedder)
    assert (report.plasmids, report.unread) == (4, 1)
