"""The k-mers of a segment: equal to plain sets, whatever edits led there; lies are told."""

from __future__ import annotations

import io
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vecattr.errors import DamagedError, MismatchError
from vecattr.files.arrays import write_arrays
from vecattr.files.atomic import sha256_bytes
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.edit import compact, remove_lab
from vecattr.indexes.editing.kmer_writer import MoleculeKmers
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.evidence.kmer_overlap import near_copies_among
from vecattr.indexes.joining.join_writer import joinings_of
from vecattr.indexes.storage.index_folder import faiss_path, history_path, read_manifest
from vecattr.indexes.storage.kmer_schema import (
    FINE_COLUMNS,
    FINE_KMERS,
    FINE_MOST_LABS,
    FIRST_FINE,
    KMERS,
    MOST_LABS,
    array_name,
)
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import FileFacts
from vecattr.indexes.storage.segment import Segment
from vecattr.indexes.storage.segment_kmers import FineKmers, SegmentKmers
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import sampled_kmers
from vecattr.sequences.postings import Postings

Arrays = dict[str, NDArray[np.generic]]

#: The names of the arrays of both samples.
ARRAYS = [sample.array_name(column) for sample in (KMERS, FINE_KMERS) for column in sample.columns]


def made_plasmids(seed: int) -> list[Plasmid]:
    """Plasmids of few shared parts, doubled ones and ambiguous letters among them; some are too
    short to have a k-mer."""
    chance = random.Random(seed)
    parts = ["".join(chance.choices("ACGT", k=chance.randint(20, 150))) for _ in range(5)]
    parts += ["".join(chance.choices("ACGTACGTN", k=30)), "ACGTN"]
    return [
        Plasmid(
            f"p{number}",
            "".join(chance.choices(parts, k=chance.randint(1, 5))),
            topology=chance.choice(["circular", "linear"]),
            lab=chance.choice(["Ash", "Birch", "Cedar", "Doug"]),
            group=chance.choice([None, "a", "b"]),
        )
        for number in range(chance.randint(0, 12))
    ]


def stored(plasmids: Sequence[Plasmid], *, keep_sequences: bool = True) -> bytes:
    """A segment of these plasmids, all with one vector."""
    writer = SegmentWriter(model="m", width=2, keep_sequences=keep_sequences)
    for plasmid in plasmids:
        writer.add_plasmid(plasmid, label=plasmid.lab or "", vector=np.eye(2, dtype=np.float32)[0])
    return writer.to_bytes()


def kmers_of(data: bytes | Path) -> SegmentKmers:
    kmers = Segment(data).kmers
    assert kmers is not None
    return kmers


def plasmid_counts(kmers: SegmentKmers, places: np.ndarray) -> np.ndarray:
    """How many plasmids have each k-mer, which is stored for `verify` alone."""
    return kmers._at("plasmids", places)


def fine_kmers_of(data: bytes) -> FineKmers:
    fine = kmers_of(data).fine
    assert fine is not None
    return fine


def plain_sketch(plasmid: Plasmid, *, fine: bool = False) -> set[int]:
    """The k-mers of one sample or of the finer one, which has what the other leaves out."""
    scaled = 2 if fine else 8
    hashes = sampled_kmers(plasmid.sequence, k=21, scaled=scaled, circular=plasmid.is_circular)
    return {kmer for kmer in hashes.tolist() if not fine or kmer >= 1 << 61}


def holders(plasmids: Sequence[Plasmid], *, fine: bool = False) -> dict[int, list[int]]:
    """The rows of each k-mer, rows of a lab together, and within it those of a group."""
    rows = defaultdict(list)
    for row, plasmid in enumerate(plasmids):
        for kmer in plain_sketch(plasmid, fine=fine):
            rows[kmer].append(row)
    order = {row: (plasmid.lab, plasmid.group or "", row) for row, plasmid in enumerate(plasmids)}
    return {kmer: sorted(rows[kmer], key=order.__getitem__) for kmer in sorted(rows)}


def pairs(postings: Postings) -> list[tuple[int, int]]:
    """Which k-mer and which row each is."""
    return list(zip(postings.kmer_of_each.tolist(), postings.rows.tolist(), strict=True))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_counts_sketches_and_postings_are_those_of_plain_sets(seed: int) -> None:
    plasmids = made_plasmids(seed)
    rows, kmers = holders(plasmids), kmers_of(stored(plasmids))
    places = np.arange(len(kmers))
    assert kmers.hashes.tolist() == list(rows)
    assert plasmid_counts(kmers, places).tolist() == [len(kmer_rows) for kmer_rows in rows.values()]
    assert kmers.lab_counts(places).tolist() == [
        len({plasmids[row].lab for row in kmer_rows}) for kmer_rows in rows.values()
    ]
    sketches = [plain_sketch(plasmid) for plasmid in plasmids]
    of_rows, sizes = kmers.sketches(np.arange(len(plasmids)))
    kept = [sorted(kmer for kmer in sketch if kmer < 2**64 // 32) for sketch in sketches]
    assert kmers.hashes[of_rows].tolist() == [kmer for sketch in kept for kmer in sketch]
    assert sizes.tolist() == [len(sketch) for sketch in kept]
    assert kmers.rare_sizes.tolist() == [len(sketch) for sketch in sketches]
    found = pairs(kmers.postings(places))
    expected = [(place, row) for place, kmer_rows in enumerate(rows.values()) for row in kmer_rows]
    assert found == expected


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_the_finer_sample_has_what_plain_sets_have(seed: int) -> None:
    plasmids = made_plasmids(seed)
    rows, kmers = holders(plasmids, fine=True), fine_kmers_of(stored(plasmids))
    places = np.arange(len(kmers))
    assert kmers.hashes.tolist() == list(rows)
    assert kmers.find(kmers.hashes).tolist() == places.tolist()
    assert kmers.lab_counts(places).tolist() == [
        len({plasmids[row].lab for row in kmer_rows}) for kmer_rows in rows.values()
    ]
    found = pairs(kmers.postings(places))
    expected = [(place, row) for place, kmer_rows in enumerate(rows.values()) for row in kmer_rows]
    assert found == expected
    assert kmers.units.tolist() == [
        len(plain_sketch(plasmid)) + len(plain_sketch(plasmid, fine=True)) for plasmid in plasmids
    ]


def test_a_kmer_of_the_finer_sample_that_many_labs_have_has_no_postings() -> None:
    """Nor does it count; one of the other sample counts four times then."""
    chance = random.Random(1)
    rare, common = ("".join(chance.choices("ACGT", k=200)) for _ in range(2))
    plasmids = [
        Plasmid(f"{part[:9]} {n}", part, topology="linear", lab=f"lab {n}")
        for part, labs in ((rare, FINE_MOST_LABS), (common, 300))
        for n in range(labs)
    ]
    kmers = fine_kmers_of(stored(plasmids))
    places = kmers.find(np.array(sorted(plain_sketch(plasmids[-1], fine=True)), dtype=np.uint64))
    assert len(places) > 20
    assert (places >= 0).all()
    assert set(kmers.lab_counts(places).tolist()) == {255}
    assert not len(kmers.postings(places))
    units = [sum(len(plain_sketch(plasmids[0], fine=fine)) for fine in (False, True))]
    units = units * FINE_MOST_LABS + [4 * len(plain_sketch(plasmids[-1]))] * 300
    assert kmers.units.tolist() == units


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.data())
def test_any_kmers_are_looked_up_in_any_order(seed: int, data: st.DataObject) -> None:
    plasmids = made_plasmids(seed)
    rows, kmers = holders(plasmids), kmers_of(stored(plasmids))
    any_hash = st.integers(0, 2**64 - 1) | st.sampled_from([*rows, 0])
    hashes = data.draw(st.lists(any_hash, max_size=20))
    places = kmers.find(np.array(hashes, dtype=np.uint64))
    stored_hashes = list(rows)
    assert places.tolist() == [stored_hashes.index(kmer) if kmer in rows else -1 for kmer in hashes]
    rows_of_hashes = [rows.get(kmer, []) for kmer in hashes]
    assert plasmid_counts(kmers, places).tolist() == [
        len(hash_rows) for hash_rows in rows_of_hashes
    ]
    assert kmers.lab_counts(places).tolist() == [
        len({plasmids[row].lab for row in hash_rows}) for hash_rows in rows_of_hashes
    ]
    assert pairs(kmers.postings(places)) == [
        (number, row) for number, hash_rows in enumerate(rows_of_hashes) for row in hash_rows
    ]
    assert not (kmers.lab_counts(places) > MOST_LABS).any()


def test_what_made_collections_hold_is_worth_a_test() -> None:
    collections = [made_plasmids(seed) for seed in range(100)]
    assert any(not plain_sketch(plasmid) for collection in collections for plasmid in collection)
    assert any("N" in plasmid.sequence for collection in collections for plasmid in collection)
    assert any(
        len(kmer_rows) > 5
        for collection in collections
        for kmer_rows in holders(collection).values()
    )


def test_a_kmer_of_more_labs_than_the_most_is_common_and_has_no_postings() -> None:
    chance = random.Random(1)
    shared, popular = ("".join(chance.choices("ACGT", k=200)) for _ in range(2))
    plasmids = [
        Plasmid(f"p{n}", part, topology="linear", lab=f"lab {n}")
        for part, labs in ((shared, MOST_LABS), (popular, MOST_LABS + 1))
        for n in range(labs)
    ]
    plasmids = [replace(plasmid, id=f"p{row}") for row, plasmid in enumerate(plasmids)]
    plasmids.append(replace(plasmids[0], id="again"))  # one more plasmid, but no more labs
    kmers = kmers_of(stored(plasmids))
    rare, common = (
        kmers.find(np.array(sorted(plain_sketch(plasmids[row])), dtype=np.uint64))
        for row in (0, MOST_LABS)
    )
    assert len(rare) > 5 < len(common)
    assert kmers.lab_counts(rare).tolist() == [MOST_LABS] * len(rare)
    assert plasmid_counts(kmers, rare).tolist() == [MOST_LABS + 1] * len(rare)
    assert not (kmers.lab_counts(rare) > MOST_LABS).any()
    assert kmers.lab_counts(common).tolist() == [MOST_LABS + 1] * len(common)
    assert (kmers.lab_counts(common) > MOST_LABS).all()
    postings = kmers.postings(np.concatenate([common, rare[:1]]))
    assert set(postings.kmer_of_each.tolist()) == {len(common)}
    assert postings.rows.tolist()[:3] == [0, len(plasmids) - 1, 1]
    assert kmers.rare_sizes.tolist() == [len(rare)] * MOST_LABS + [0] * (MOST_LABS + 1) + [
        len(rare)
    ]


def test_the_sketch_of_a_query_is_sampled_as_the_stored_ones_are() -> None:
    [plasmid] = [plasmid for plasmid in made_plasmids(3) if plasmid.id == "p1"]
    rotated = plasmid.rotated(50)
    kmers, _ = MoleculeKmers.from_bases(rotated.sequence, circular=plasmid.is_circular)
    sketch, fine = kmers[kmers < FIRST_FINE], kmers[kmers >= FIRST_FINE]
    data = stored([plasmid])
    assert 0 < len(sketch) < len(fine)
    assert plasmid.is_circular
    np.testing.assert_array_equal(sketch, kmers_of(data).hashes)
    np.testing.assert_array_equal(fine, fine_kmers_of(data).hashes)


def test_without_sequences_no_kmers_are_stored() -> None:
    data = stored(made_plasmids(3), keep_sequences=False)
    assert Segment(data).kmers is None
    assert b"kmer" not in data


# ------------------------------------------------------------------------------ edits of an index


def unpacked(data: bytes) -> tuple[Arrays, dict[str, Any]]:
    """Every array and attribute of a segment file."""
    arrays: Arrays = {}

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems(note)
        return arrays, dict(file.attrs)


def segment_files(path: Path) -> list[Path]:
    manifest = read_manifest(path)
    return [path / "segments" / f"{entry.name}.h5" for entry in manifest.segments]


def kmer_arrays_of(path: Path) -> Arrays:
    """The arrays of the k-mers of an index with one segment."""
    [file] = segment_files(path)
    arrays, _ = unpacked(file.read_bytes())
    return {name: array for name, array in arrays.items() if name in ARRAYS}


def assert_same(actual: Arrays, expected: Arrays) -> None:
    assert actual.keys() == expected.keys() == {*ARRAYS}
    for name, array in actual.items():
        assert array.dtype == expected[name].dtype
        np.testing.assert_array_equal(array, expected[name])


def test_adding_and_compacting_counts_as_building_does(tmp_path: Path, workshop: Any) -> None:
    everything = workshop.plasmids(["Ash", "Birch", "Cedar"])
    workshop.build(tmp_path / "built", everything)
    workshop.build(tmp_path / "grown", everything[:4])
    add_labs(tmp_path / "grown", everything[4:], embedder=workshop.embedder)
    _, added = segment_files(tmp_path / "grown")
    assert kmers_of(added).rare_sizes.tolist() == [
        len(plain_sketch(plasmid)) for plasmid in everything[4:]
    ]
    compact(tmp_path / "grown")
    assert_same(kmer_arrays_of(tmp_path / "grown"), kmer_arrays_of(tmp_path / "built"))


def test_removal_leaves_stored_kmers_alone_until_compacting(tmp_path: Path, workshop: Any) -> None:
    everything = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", everything)
    before = kmer_arrays_of(tmp_path / "i")
    remove_lab(tmp_path / "i", "Ash")
    assert_same(kmer_arrays_of(tmp_path / "i"), before)
    compact(tmp_path / "i")
    workshop.build(tmp_path / "fresh", workshop.plasmids(["Birch"]))
    assert_same(kmer_arrays_of(tmp_path / "i"), kmer_arrays_of(tmp_path / "fresh"))


def test_a_query_without_evidence_reads_no_kmers(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash"], each=60, length=20_000)
    workshop.build(tmp_path / "i", plasmids)
    [file] = segment_files(tmp_path / "i")
    data = bytearray(file.read_bytes())
    data[data.index(kmers_of(file).hashes[30_000:30_010].tobytes())] ^= 1
    file.write_bytes(data)
    opened = workshop.open(tmp_path / "i")
    assert opened.query(plasmids[30], neighbors=3).neighbors[0].cosine == pytest.approx(1)
    with pytest.raises(DamagedError, match="has checksum"):
        _ = opened.segments[0].stored.kmers.hashes


# ------------------------------------------------------------------------------------------- lies

Lie = Callable[[Arrays, dict[str, Any]], None]


def retold(data: bytes, lie: Lie) -> bytes:
    """The same segment, sealed again after a lie was put in."""
    arrays, attributes = unpacked(data)
    lie(arrays, attributes)
    plain = {key: getattr(value, "item", lambda v=value: v)() for key, value in attributes.items()}
    return write_arrays(arrays, plain)


def swap_segment(path: Path, lie: Lie) -> None:
    """Put a lie into the only segment of an index, and make the manifest name that file."""
    manifest = read_manifest(path)
    [entry] = manifest.segments
    [file] = segment_files(path)
    data = retold(file.read_bytes(), lie)
    facts = FileFacts(sha256_bytes(data), len(data))
    new = replace(entry, name=facts.sha256[:20], file=facts, header=Segment(data).digest)
    file.unlink()
    file.with_stem(new.name).write_bytes(data)
    faiss_path(path, entry.name).rename(faiss_path(path, new.name))
    for place in (path / "manifest.json", history_path(path, manifest.generation)):
        place.write_bytes(replace(manifest, segments=(new,)).to_json())


def without_kmers(arrays: Arrays, attributes: dict[str, Any]) -> None:
    for name in ARRAYS:
        del arrays[name]
    for name in [name for name in attributes if "kmer_" in name]:
        del attributes[name]


def without_fine_kmers(arrays: Arrays, attributes: dict[str, Any]) -> None:
    for column in FINE_COLUMNS:
        del arrays[FINE_KMERS.array_name(column)]
    for name in [name for name in attributes if name.startswith("fine_kmer_")]:
        del attributes[name]


def with_own_lists(arrays: Arrays, attributes: dict[str, Any]) -> None:
    """Each k-mer with a posting list of its own."""
    for sample in (KMERS, FINE_KMERS):
        names = [sample.array_name(f"posting/{column}") for column in ("list", "offsets", "row")]
        numbers, offsets, rows = (arrays[name] for name in names)
        pieces = [rows[offsets[number] : offsets[number + 1]] for number in numbers.tolist()]
        arrays[names[1]] = np.cumsum([0, *map(len, pieces)]).astype(offsets.dtype)
        arrays[names[2]] = np.concatenate(pieces)
        del arrays[names[0]]


def with_whole_sketches(arrays: Arrays, attributes: dict[str, Any]) -> None:
    """All k-mers of the sample in sketches; each has the rows of its posting list."""
    numbers, offsets, rows = (
        arrays[array_name(f"posting/{column}")] for column in ("list", "offsets", "row")
    )
    of_row = defaultdict(list)
    for place, number in enumerate(numbers.tolist()):
        for row in rows[offsets[number] : offsets[number + 1]].tolist():
            of_row[row].append(place)
    sketches = [of_row[row] for row in range(len(arrays[array_name("sketch/offsets")]) - 1)]
    arrays[array_name("sketch/offsets")] = np.cumsum([0, *map(len, sketches)])
    places = [place for sketch in sketches for place in sketch]
    arrays[array_name("sketch/place")] = np.array(places, dtype=np.uint32)
    del attributes["kmer_sketch_scaled"]


def whole_and_stripped(
    path: Path, workshop: Any, plasmids: Sequence[Plasmid], lie: Lie
) -> tuple[Arrays, SegmentKmers | None]:
    """The arrays of a new index, and the k-mers that it has once an older version might have
    written it; it answers and is whole then."""
    workshop.build(path, plasmids)
    whole = kmer_arrays_of(path)
    swap_segment(path, lie)
    opened = workshop.open(path)
    assert opened.query(plasmids[0], k=1).labs[0].name == plasmids[0].lab == "Ash"
    assert verify_index(path).findings == ()
    return whole, opened.segments[0].stored.kmers


def test_a_segment_made_before_there_was_a_finer_sample_is_asked_without_it(
    tmp_path: Path, workshop: Any
) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    whole, kmers = whole_and_stripped(tmp_path / "i", workshop, plasmids, without_fine_kmers)
    assert kmers is not None
    assert kmers.fine is None
    shutil.copytree(tmp_path / "i", tmp_path / "other")
    compact(tmp_path / "other")
    assert_same(kmer_arrays_of(tmp_path / "other"), whole)
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    opened = workshop.open(tmp_path / "i")
    assert [segment.stored.kmers.fine is None for segment in opened.segments] == [True, False]
    assert opened.query(plasmids[0], k=1).labs[0].name == "Ash"
    remove_lab(tmp_path / "i", "Cedar")
    compact(tmp_path / "i")
    assert_same(kmer_arrays_of(tmp_path / "i"), whole)


def test_a_segment_made_before_kmers_shared_posting_lists_says_the_same(
    tmp_path: Path, workshop: Any
) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "new", plasmids)
    whole, kmers = whole_and_stripped(tmp_path / "i", workshop, plasmids, with_own_lists)
    assert kmers is not None
    new = workshop.open(tmp_path / "new").segments[0].stored.kmers
    for older, newer in ((kmers, new), (kmers.fine, new.fine)):
        places = np.arange(len(newer))
        assert pairs(older.postings(places)) == pairs(newer.postings(places))
        assert len(older.posting_rows) > len(newer.posting_rows)
    assert kmers.rare_sizes.tolist() == new.rare_sizes.tolist()
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    assert workshop.open(tmp_path / "i").query(plasmids[0], k=1).labs[0].name == "Ash"
    remove_lab(tmp_path / "i", "Cedar")
    compact(tmp_path / "i")
    assert_same(kmer_arrays_of(tmp_path / "i"), whole)


def test_a_segment_made_when_sketches_were_larger_is_read(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    whole, kmers = whole_and_stripped(tmp_path / "i", workshop, plasmids, with_whole_sketches)
    assert kmers is not None
    assert kmers.sketch_scaled == 8
    rows = np.arange(len(plasmids))
    assert kmers.sketches(rows)[1].tolist() == kmers.rare_sizes.tolist()
    assert [len(near_copies(tmp_path / "i", plasmid, workshop)) for plasmid in plasmids] == [
        1
    ] * len(plasmids)
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    opened = workshop.open(tmp_path / "i")
    assert [segment.stored.kmers.sketch_scaled for segment in opened.segments] == [8, 32]
    remove_lab(tmp_path / "i", "Cedar")
    compact(tmp_path / "i")
    assert_same(kmer_arrays_of(tmp_path / "i"), whole)


def near_copies(path: Path, plasmid: Plasmid, workshop: Any) -> list[str]:
    """The near copies of a plasmid among those nearest to it."""
    opened = workshop.open(path)
    [neighbors] = opened.neighbors(opened.embed([plasmid]), n=20)
    return [overlap.id for overlap in near_copies_among(opened, plasmid, neighbors)]


def test_a_segment_made_before_there_were_kmers_opens(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    whole, kmers = whole_and_stripped(tmp_path / "i", workshop, plasmids, without_kmers)
    assert kmers is None
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    remove_lab(tmp_path / "i", "Cedar")
    compact(tmp_path / "i")
    assert_same(kmer_arrays_of(tmp_path / "i"), whole)


@pytest.mark.parametrize("name", ARRAYS)
def test_verify_names_the_array_that_sequences_do_not_make(
    tmp_path: Path, workshop: Any, name: str
) -> None:
    def lie(arrays: Arrays, attributes: dict[str, Any]) -> None:
        values = arrays[name]
        if name.endswith("offsets"):
            values[3] += 1  # a k-mer or row gets one of its neighbour's
        elif name.endswith("composition"):
            values[-1] -= 1
        else:
            values[-1] ^= 1

    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    swap_segment(tmp_path / "i", lie)
    [finding] = verify_index(tmp_path / "i").findings
    assert finding.level == "error"
    assert finding.what.startswith(name)
    assert finding.where == str(segment_files(tmp_path / "i")[0])


def sampled_more_often(arrays: Arrays, attributes: dict[str, Any]) -> None:
    attributes["kmer_scaled"] = 4


def test_kmers_sampled_in_another_way_are_refused(tmp_path: Path, workshop: Any) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    swap_segment(tmp_path / "i", sampled_more_often)
    opened = workshop.open(tmp_path / "i")
    with pytest.raises(MismatchError, match=r"kmer_scaled 4.*expected .*kmer_scaled 8"):
        _ = opened.segments[0].stored.kmers
    [finding] = verify_index(tmp_path / "i").findings
    assert "kmer_scaled 4" in finding.what


def put(column: str, place: int, value: int) -> Lie:
    def lie(arrays: Arrays, attributes: dict[str, Any]) -> None:
        arrays[array_name(column)][place] = value

    return lie


def cut(column: str) -> Lie:
    def lie(arrays: Arrays, attributes: dict[str, Any]) -> None:
        arrays[array_name(column)] = arrays[array_name(column)][:-1]

    return lie


def sampled(scaled: object) -> Lie:
    def lie(arrays: Arrays, attributes: dict[str, Any]) -> None:
        attributes["kmer_sketch_scaled"] = scaled

    return lie


def widened(arrays: Arrays, attributes: dict[str, Any]) -> None:
    arrays["kmers/posting/row"] = arrays["kmers/posting/row"].astype(np.float64)


def dropped(arrays: Arrays, attributes: dict[str, Any]) -> None:
    del arrays["kmers/posting/row"]


@pytest.mark.parametrize(
    ("lie", "what"),
    [
        (cut("labs"), "labs is not of length"),
        (cut("posting/list"), "posting/list is not of length"),
        (put("posting/list", 0, 10**6), "posting/offsets' has .* rows, but others are referred to"),
        (cut("posting/offsets"), "posting/offsets' has .* rows, but others are referred to"),
        (cut("posting/row"), "posting/offsets does not divide"),
        (cut("sketch/place"), "sketch/offsets does not divide"),
        (put("posting/offsets", 2, 10**6), "posting/offsets does not divide"),
        (put("sketch/offsets", 1, 10**6), "sketch/offsets does not divide"),
        (put("posting/row", 0, 6), "leaves the 6 rows"),
        (put("sketch/place", 0, 2**32 - 1), "sketch of row 0 does not ascend"),
        (cut("composition"), "composition is of shape"),
        (put("composition", 0, -1), "composition holds no shares"),
        (put("hash", 5, 0), "hash does not ascend"),
        (widened, "posting/row is of type float64"),
        (dropped, "'kmers/posting/row' is missing"),
        (sampled("often"), "kmer_sketch_scaled is 'often'"),
        (sampled(4), "kmer_sketch_scaled is 4"),
    ],
)
def test_arrays_that_do_not_fit_together_are_damage(workshop: Any, lie: Lie, what: str) -> None:
    data = retold(stored(workshop.plasmids(["Ash", "Birch"])), lie)
    with pytest.raises(DamagedError, match=what):
        read_everything(kmers_of(data))


def without_rare(lie: Lie) -> Lie:
    def both(arrays: Arrays, attributes: dict[str, Any]) -> None:
        lie(arrays, attributes)
        del arrays[array_name("rare")]

    return both


def test_a_posting_beyond_the_rows_is_damage_wherever_it_is_read(workshop: Any) -> None:
    data = stored(workshop.plasmids(["Ash", "Birch"]))
    assert kmers_of(retold(data, without_rare(lambda *_: None))).rare_sizes.tolist() == (
        kmers_of(data).rare_sizes.tolist()
    )
    lying = Segment(retold(data, without_rare(put("posting/row", 0, 99))))
    with pytest.raises(DamagedError, match="leaves the 6 rows"):
        _ = lying.kmers.rare_sizes
    entry = workshop.segment(workshop.plasmids(["Ash"])).entry
    coarse, _ = joinings_of([LiveSegment(entry, lying)])
    with pytest.raises(DamagedError, match="leaves the 6 rows"):
        coarse.lengths()


def test_a_place_beyond_the_kmers_is_damage(workshop: Any) -> None:
    data = stored(workshop.plasmids(["Ash", "Birch"]))
    _, [size] = kmers_of(data).sketches(np.array([0]))
    last = int(size) - 1
    lie = put("sketch/place", last, len(kmers_of(data)))
    with pytest.raises(DamagedError, match="sketch of row 0 leaves"):
        read_everything(kmers_of(retold(data, lie)))


def read_everything(kmers: SegmentKmers) -> None:
    kmers.postings(kmers.find(kmers.hashes))
    for row in range(6):
        kmers.sketches(np.array([row]))
    assert kmers.sketch_scaled == 32
    assert len(kmers.compositions) == 6


def test_kmers_without_sequences_are_reported_because_they_disclose_them(
    tmp_path: Path, workshop: Any
) -> None:
    def forget_sequences(arrays: Arrays, attributes: dict[str, Any]) -> None:
        for name in [name for name in arrays if name.split("/")[1] in ("bases", "exceptions")]:
            del arrays[name]

    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]))
    swap_segment(tmp_path / "i", forget_sequences)
    [finding] = verify_index(tmp_path / "i").findings
    assert "disclose sequences" in finding.what
