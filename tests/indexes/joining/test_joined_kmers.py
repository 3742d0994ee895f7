"""Claims about joined k-mers: they tell what the segments tell, whatever edits follow; damage and
lies in their file are found; without the file nothing is missing but time."""

from __future__ import annotations

import errno
import random
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.errors import ArtifactError, DamagedError, MismatchError
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.files.disk import Disk, using
from vecattr.files.folder import OpenFolder
from vecattr.indexes.checking.repair import repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing import segment_writer
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.edit import compact, rename_lab
from vecattr.indexes.editing.segment_sink import MOST_SMALL
from vecattr.indexes.joining import join_writer, kmer_merging
from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.joining.class_vectors import ClassVectors
from vecattr.indexes.joining.join_writer import join_kmers
from vecattr.indexes.joining.joined_kmers import (
    JOINED_FORMAT,
    JOINED_VERSION,
    JoinedKmers,
    labs_of_all,
    open_joined,
)
from vecattr.indexes.scoring.lab_features import LabFeatures, QueryKmers
from vecattr.indexes.search.lab_matrix import LabMatrix
from vecattr.indexes.storage.index_folder import joined_path, read_manifest
from vecattr.indexes.storage.kmer_schema import FINE_MOST_LABS, FINE_SCALED
from vecattr.indexes.storage.live_segment import open_segments
from vecattr.indexes.storage.segment_kmers import KmerTable
from vecattr.plasmid import Plasmid

LABS = ("Ash", "Birch", "Cedar")
Pairs = dict[int, tuple[int, list[int]]]


@pytest.fixture(autouse=True)
def small_segments_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_writer, "SMALL_SEGMENT", 1)


def collection(seed: int, *, count: int = 12, labs: int = 3) -> list[Plasmid]:
    """Plasmids of few shared parts; the labs and groups of any two segments are mixed."""
    chance = random.Random(seed)
    parts = ["".join(chance.choices("ACGT", k=chance.randint(30, 120))) for _ in range(5)]
    return [
        Plasmid(
            f"p{number}",
            "".join(chance.choice(parts) for _ in range(chance.randint(1, 4)))
            + "".join(chance.choices("ACGT", k=40)),
            lab=f"{chance.choice(LABS)} {chance.randrange(labs)}",
            group=chance.choice([None, "one paper", "another"]),
        )
        for number in range(count)
    ]


def joined_file(index: Path) -> Path:
    return joined_path(index, read_manifest(index).segments[0].name)


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    path = tmp_path / "i"
    workshop.build(path, collection(1), segment_rows=4)
    assert joined_file(path).is_file()
    return path


def table_pairs(table: KmerTable, start: int = 0) -> Pairs:
    """How many labs have each k-mer of a table, and which rows."""
    places = np.arange(len(table))
    postings = table.postings(places)
    rows = defaultdict(list)
    for kmer, row in zip(postings.kmer_of_each.tolist(), postings.rows.tolist(), strict=True):
        rows[kmer].append(start + row)
    counts = table.lab_counts(places).tolist()
    return {
        value: (count, rows[place])
        for place, (value, count) in enumerate(zip(table.hashes.tolist(), counts, strict=True))
    }


@pytest.mark.parametrize("at_once", [1 << 22, 3])
@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=15, deadline=None)
def test_tables_hold_what_plain_loops_over_segments_find(
    tmp_path_factory: pytest.TempPathFactory, workshop: Any, at_once: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("joined") / "i"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kmer_merging, "_AT_ONCE", at_once)
        patch.setattr(join_writer, "SMALL_SEGMENT", 1)
        patch.setattr(join_writer, "MOST_LABS", 2)
        workshop.build(path, collection(seed), segment_rows=5)
        assert verify_index(path).ok
    joined = JoinedKmers(joined_file(path))
    segments = open_segments(path, read_manifest(path))
    assert joined.segments == tuple(segment.entry.name for segment in segments)
    starts = [0, *np.cumsum([segment.stored.rows for segment in segments]).tolist()]
    for table, of, most in (
        (joined.kmers, lambda kmers: kmers, 2),
        (joined.fine, lambda kmers: kmers.fine, FINE_MOST_LABS),
    ):
        expected: dict[int, tuple[int, list[int]]] = {}
        for start, segment in zip(starts, segments, strict=False):
            for value, (count, rows) in table_pairs(of(segment.stored.kmers), start).items():
                before = expected.get(value, (0, []))
                expected[value] = before[0] + count, before[1] + rows
        found = table_pairs(table)
        assert list(found) == sorted(expected)
        for value, (count, rows) in found.items():
            assert count == expected[value][0]
            assert sorted(rows) == (sorted(expected[value][1]) if count <= most else [])


def answers(index: Path, query: Plasmid) -> list[Any]:
    """Everything that k-mers of the index say of a query, with its joined k-mers and without."""
    segments = open_segments(index, read_manifest(index))
    names = sorted({name for segment in segments for name in segment.lab_sizes()})
    catalogue = Catalogue.from_segments(segments, names)
    distinct = QueryKmers.from_plasmid(query, scaled=FINE_SCALED).distinct
    found = []
    for joined in (open_joined(index, segments), ()):
        shared, counts = LabFeatures(catalogue, segments, joined).shared_and_counts(distinct)
        postings = shared.postings
        rows = sorted(zip(postings.kmer_of_each.tolist(), postings.rows.tolist(), strict=True))
        arrays = (counts.stored, counts.living, shared.lab_counts, shared.weights)
        pairs = (shared.pair_kmers, shared.pair_labs, shared.pair_publications)
        triples = sorted(zip(*(column.tolist() for column in pairs), strict=True))
        found.append((len(joined), [array.tolist() for array in arrays], triples, rows))
    return found


def two_renamings(path: Path, edits: dict[str, Callable[..., object]]) -> None:
    """Of which the second gives a lab the name of another."""
    edits["rename"]()
    present = sorted(segment_labs(path))
    rename_lab(path, present[0], f"zz {present[0]}")
    rename_lab(path, present[1], f"zz {present[0]}")


def segment_labs(path: Path) -> set[str]:
    segments = open_segments(path, read_manifest(path))
    return {name for segment in segments for name in segment.lab_sizes()}


def built_and_edited(path: Path, workshop: Any, edit: str) -> list[Plasmid]:
    """The plasmids of an index of several segments, which was edited once, or twice."""
    stored = [*workshop.plasmids(["Ash", "Birch"]), *collection(4, count=20)]
    random.Random(2).shuffle(stored)
    workshop.build(path, stored, segment_rows=5)
    edits = workshop.edits(path)
    if edit == "rollback":
        edits["add"]()
    if edit == "renames":
        two_renamings(path, edits)
    elif edit == "back":
        name = min(segment_labs(path))
        rename_lab(path, name, f"zz {name}")
        rename_lab(path, f"zz {name}", name)
    elif edit != "none":
        edits[edit]()
    return stored


@pytest.mark.parametrize("edit", ["none", "add", "remove", "rename", "rollback", "renames"])
@pytest.mark.parametrize(("most", "files"), [(32, 1), (3, 2)])
def test_an_edited_index_tells_the_same_with_joined_kmers_and_without(
    tmp_path: Path,
    workshop: Any,
    monkeypatch: pytest.MonkeyPatch,
    edit: str,
    most: int,
    files: int,
) -> None:
    monkeypatch.setattr(join_writer, "MOST_JOINED", most)
    path = tmp_path / "i"
    stored = built_and_edited(path, workshop, edit)
    for query in stored[:8]:
        with_joined, without = answers(path, query)
        assert (with_joined[0], without[0]) == (files, 0)
        assert with_joined[1:] == without[1:]
    assert verify_index(path).ok


def test_merged_segments_are_joined_anew(index: Path, workshop: Any) -> None:
    before = joined_file(index)
    workshop.edits(index)["add"]()
    compact(index)  # into one segment, which needs no joining
    assert len(read_manifest(index).segments) == 1
    assert before.is_file()  # of a generation that is kept
    assert not joined_file(index).exists()
    with_joined, without = answers(index, collection(1)[0])
    assert with_joined == without


def test_compacting_full_segments_joins_their_kmers_alone(
    tmp_path: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_writer, "MOST_BYTES", 150)
    path = tmp_path / "i"
    workshop.build(path, collection(1, count=30))
    manifest, data = read_manifest(path), joined_file(path).read_bytes()
    assert len(manifest.segments) > 3
    joined_file(path).unlink()
    assert compact(path).generation == manifest.generation
    assert read_manifest(path) == manifest
    assert joined_file(path).read_bytes() == data
    workshop.edits(path)["add"]()
    assert compact(path).generation > manifest.generation
    assert verify_index(path).ok
    assert compact(path).generation == read_manifest(path).generation


def test_a_file_of_fewer_segments_is_written_anew(
    tmp_path: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_writer, "MOST_BYTES", 150)
    path = tmp_path / "i"
    workshop.build(path, collection(1, count=30))
    segments = open_segments(path, read_manifest(path))
    joined_file(path).unlink()
    with OpenFolder(path) as folder:
        join_kmers(folder.root, segments[:-1])
        assert len(open_joined(folder.root, segments)[0].joined) == len(segments) - 1
        join_kmers(folder.root, segments)
    of_all(path, joined=True)
    assert verify_index(path).ok


def test_joined_kmers_count_only_where_their_segments_follow_each_other(
    index: Path, workshop: Any
) -> None:
    for number in range(MOST_SMALL):  # then the small segments are merged, all of them
        new = workshop.plasmids([f"New {number}"], seed=number)
        add_labs(index, new, embedder=workshop.embedder)
    with_joined, without = answers(index, collection(1)[0])
    assert with_joined == without
    assert with_joined[0] == 0


def of_all(index: Path, *, joined: bool) -> tuple[Any, ...]:
    """The classes and the catalogue of an index, of its joined k-mers or of its segments."""
    segments = open_segments(index, read_manifest(index))
    labs = labs_of_all(open_joined(index, segments), segments)
    assert (labs is not None) == joined
    matrix = LabMatrix.from_segments(segments, width=segments[0].stored.width)
    classes = ClassVectors(matrix.names, matrix.vectors, matrix.learned)
    catalogue = Catalogue.from_segments(segments, matrix.names)
    if labs is not None:
        classes, catalogue = labs.classes, labs.catalogue(segments, matrix.names)
    arrays = (
        classes.vectors,
        classes.learned,
        catalogue.labs,
        catalogue.groups,
        catalogue.class_of_lab,
        catalogue.lab_of_publication,
        catalogue.publication_of_row,
        catalogue.plasmids,
        catalogue.publications,
        catalogue.are_pooled,
    )
    told = [(array.dtype.str, array.shape, array.tobytes()) for array in arrays]
    return classes.names, catalogue.lab_names, catalogue.class_names, catalogue.starts, told


@pytest.mark.parametrize("edit", ["none", "add", "remove", "rename", "rollback", "back"])
def test_labs_of_all_segments_are_what_the_segments_say(
    tmp_path: Path, workshop: Any, edit: str
) -> None:
    path = tmp_path / "i"
    built_and_edited(path, workshop, edit)
    found = of_all(path, joined=edit in ("none", "rollback", "back"))
    joined_file(path).unlink()
    assert of_all(path, joined=False) == found


def test_a_file_of_an_older_version_counts_for_nothing_and_is_written_anew(index: Path) -> None:
    file = joined_file(index)
    data = file.read_bytes()
    old = ArrayFile(data, format=JOINED_FORMAT, version=JOINED_VERSION)
    kmers = [name for name in old.names if name.startswith(("kmers/", "fine_kmers/"))]
    arrays = {name: np.array(old.array(name)) for name in kmers if not name.endswith("list")}
    for sample, table in (
        ("kmers", JoinedKmers(file).kmers),
        ("fine_kmers", JoinedKmers(file).fine),
    ):
        postings = table.postings(np.arange(len(table)))
        dtype = arrays[f"{sample}/posting/offsets"].dtype
        arrays[f"{sample}/posting/offsets"] = np.cumsum([0, *postings.sizes]).astype(dtype)
        arrays[f"{sample}/posting/row"] = postings.rows.astype(np.uint32)
    file.write_bytes(write_arrays(arrays, {**old.attributes, "version": 1}))
    with_joined, without = answers(index, collection(1)[0])
    assert with_joined == without
    assert verify_index(index).findings == ()
    found = of_all(index, joined=False)
    with OpenFolder(index) as folder:
        join_kmers(folder.root, open_segments(index, read_manifest(index)))
    assert file.read_bytes() == data
    assert of_all(index, joined=True) == found


def test_damaged_joined_kmers_are_told_and_deleted_ones_not_missed(
    index: Path, workshop: Any
) -> None:
    file, query = joined_file(index), collection(1)[0]
    expected = answers(index, query)[1]
    data = bytearray(file.read_bytes())
    data[-5000] ^= 1
    file.write_bytes(bytes(data))
    assert [finding.where for finding in verify_index(index).findings] == [str(file)]
    with pytest.raises(DamagedError):
        JoinedKmers(file).file.check_all()
    moved, made = repair_index(index).repairs
    assert f"{file}: moved to" in moved
    assert f"{file}: made again" in made
    assert answers(index, query) == [(1, *expected[1:]), expected]
    file.unlink()
    assert answers(index, query) == [expected, expected]
    assert verify_index(index).ok
    assert len(repair_index(index).repairs) == 1
    assert repair_index(index).repairs == ()


def rewritten(file: Path, **changes: Any) -> None:
    """The file with other arrays or attributes, and right checksums."""
    old = ArrayFile(file.read_bytes(), format=JOINED_FORMAT, version=JOINED_VERSION)
    arrays = {name: np.array(old.array(name)) for name in old.names}
    attributes = dict(old.attributes)
    for name, value in changes.items():
        column = name.replace("__", "/")
        if column in arrays:
            arrays[column] = value(arrays[column])
        else:
            attributes[column] = value
    file.write_bytes(write_arrays(arrays, attributes))


LIES: list[tuple[dict[str, Any], str]] = [
    ({"segments": 7}, "does not say what it is made of"),
    ({"rows": "many"}, "does not say what it is made of"),
    ({"rows": -1}, "does not say what it is made of"),
    ({"rows": 1}, "says that its segments have 1 rows"),
    ({"fine_kmers__posting__list": lambda lists: lists + 99}, "posting/list is not what"),
    ({"kmers__posting__list": lambda lists: lists.astype(float)}, "list is of type float64"),
    ({"kmers__posting__offsets": lambda offsets: offsets[:0]}, "offsets is of shape"),
    ({"kmers__labs": lambda labs: labs + 1}, "kmers/labs is not what the segments give"),
    ({"kmers__labs": lambda labs: labs[1:]}, "kmers/labs is not of length"),
    ({"fine_kmers__posting__row": lambda rows: rows[::-1].copy()}, "not what the segments give"),
    ({"fine_kmers__bucket": lambda starts: starts[:1]}, "bucket is not of length"),
    ({"kmer_k": 20}, "k-mers made with"),
    ({"rows__lab": lambda labs: labs + 9}, "rows/lab leaves the"),
    ({"rows__lab": lambda labs: labs[1:]}, "rows/lab is of type int32 and shape"),
    ({"rows__lab": lambda labs: labs[::-1].copy()}, "rows/lab is not what the segments give"),
    ({"labs__class": lambda classes: classes - 1}, "labs/class leaves the"),
    ({"rows__publication": lambda rows: rows.astype(float)}, "is of type float64"),
    ({"classes__vector": lambda vectors: vectors[1:]}, "differ in number"),
    ({"classes__vector": lambda vectors: -vectors}, "vector is not what the segments give"),
    (
        {"classes__vector": lambda vectors: vectors * np.nan},
        "numbers that no unit vector has",
    ),
    ({"classes__vector": lambda vectors: vectors.astype(int)}, "are of the types and shapes"),
    ({"classes__vector": lambda vectors: vectors[:, 1:].copy()}, "vector is not of width"),
    ({"classes__learned": lambda learned: learned[:, None]}, "are of the types and shapes"),
    ({"publications__lab": lambda labs: labs[::-1].copy()}, "does not say whose publications"),
]


@pytest.mark.parametrize(("lie", "message"), LIES)
def test_a_file_that_lies_is_found(
    index: Path, workshop: Any, lie: dict[str, Any], message: str
) -> None:
    rewritten(joined_file(index), **lie)
    faults = [finding.what for finding in verify_index(index).findings]
    try:
        answers(index, collection(1)[0])
        of_all(index, joined=True)
        workshop.open(index).lab_table()
    except (DamagedError, MismatchError) as error:
        faults.append(str(error))
    assert any(re.search(message, fault) for fault in faults)
    assert not verify_index(index).ok or "leaves" in message


def test_segments_of_no_index_here_are_not_asked(index: Path) -> None:
    names = [entry.name for entry in read_manifest(index).segments]
    for wrong in (names[::-1], names[:1] + names[2:], [], ["0" * 20]):
        rewritten(joined_file(index), segments=" ".join(wrong))
        with_joined, without = answers(index, collection(1)[0])
        assert with_joined == without


def test_the_same_segments_give_the_same_bytes(index: Path) -> None:
    before = joined_file(index).read_bytes()
    joined_file(index).unlink()
    with OpenFolder(index) as folder:
        join_kmers(folder.root, open_segments(index, read_manifest(index)))
    assert joined_file(index).read_bytes() == before


class FullDisk(Disk):
    """Has room for so many writes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, file: int, data: bytes | memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "full")
        self.room -= 1
        return super().write(file, data)


@pytest.mark.parametrize("room", [0, 1, 12, 20])
def test_a_full_disk_leaves_no_part_of_the_file(index: Path, room: int) -> None:
    before = joined_file(index).read_bytes()
    joined_file(index).unlink()
    files = set(index.rglob("*"))
    segments = open_segments(index, read_manifest(index))
    with OpenFolder(index) as folder, using(FullDisk(room)), pytest.raises(ArtifactError):
        join_kmers(folder.root, segments)
    assert set(index.rglob("*")) == files
    with OpenFolder(index) as folder:
        join_kmers(folder.root, segments)
    assert joined_file(index).read_bytes() == before


def test_a_segment_of_an_older_version_is_left_out(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = joined_file(index)
    file.unlink()
    segments = open_segments(index, read_manifest(index))
    monkeypatch.setattr(segments[0].stored.kmers, "fine", None)
    with OpenFolder(index) as folder:
        join_kmers(folder.root, segments)
    assert not file.exists()
    joined = JoinedKmers(joined_path(index, segments[1].entry.name))
    assert joined.segments == tuple(segment.entry.name for segment in segments[1:])


def test_an_index_without_sequences_has_none(tmp_path: Path, workshop: Any) -> None:
    path = tmp_path / "i"
    workshop.build(path, collection(1), segment_rows=4, keep_sequences=False)
    assert len(read_manifest(path).segments) > 1
    assert not joined_file(path).exists()
