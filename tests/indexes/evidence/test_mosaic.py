"""The mosaic of a query: whose each of its parts is, from base 1 to its length."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.errors import UsageError
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.evidence.stretches import StretchFinder
from vecattr.indexes.index import open_panel
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import FileFacts, SegmentEntry
from vecattr.indexes.storage.segment import Segment
from vecattr.mosaic import MosaicPart
from vecattr.plasmid import POOLED, Plasmid, reverse_complement

#: A boundary may lie this far from the true junction: half of the longest gap of sampled 21-mers,
#: of which more are read where few labs have them on both sides.
NEAR, NEARER = 60, 20


def bases(seed: int, length: int = 600) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def of(lab: str, sequence: str, name: str | None = None) -> Plasmid:
    return Plasmid(name or f"of {lab}", sequence, topology="linear", lab=lab)


def segment_of(plasmids: Sequence[Plasmid]) -> LiveSegment:
    writer = SegmentWriter(model="m", width=2, keep_sequences=True)
    for plasmid in plasmids:
        writer.add_plasmid(plasmid, label=f"{plasmid.lab}", vector=np.eye(2, dtype=np.float32)[0])
    nothing = FileFacts("", 0)
    entry = SegmentEntry("s", nothing, "", len(plasmids), nothing)
    return LiveSegment(entry, Segment(writer.to_bytes()))


def mosaic(
    query: Plasmid, *segments: Sequence[Plasmid], common_labs: int = 2
) -> tuple[MosaicPart, ...]:
    names = sorted({f"{plasmid.lab}" for segment in segments for plasmid in segment})
    finder = StretchFinder([segment_of(segment) for segment in segments], names)
    return finder.find(query, None, common_labs=common_labs).mosaic


def kinds(parts: Sequence[MosaicPart]) -> list[str]:
    return [part.kind for part in parts]


def check_cover(parts: Sequence[MosaicPart], query: Plasmid) -> None:
    """Consecutive parts hold every base once."""
    held = [(part.start - 1 + step) % len(query) for part in parts for step in range(part.bases)]
    assert sorted(held) == list(range(len(query)))
    ends = [part.end for part in parts]
    starts = [part.start for part in parts]
    assert [end % len(query) + 1 for end in ends] == [*starts[1:], starts[0]]


A, B, EVERYBODY, PAIR, NEW = (bases(seed) for seed in range(5))
STORED = [
    of("Ash", A + PAIR + EVERYBODY),
    of("Ash", A, "again"),
    of("Birch", B + EVERYBODY),
    of("Cedar", EVERYBODY + PAIR),
]
QUERY = Plasmid("q", A + EVERYBODY + B + NEW + PAIR, topology="linear")


def test_parts_are_told_by_their_labs_in_the_order_of_bases() -> None:
    parts = mosaic(QUERY, STORED)
    check_cover(parts, QUERY)
    assert kinds(parts) == ["one_lab", "common", "one_lab", "unknown", "few_labs"]
    for part, start in zip(parts, (1, 601, 1201, 1801, 2401), strict=True):
        assert abs(part.start - start) <= NEAR
    of_ash, common, of_birch, unknown, of_pair = parts
    assert [(lab.name, lab.plasmids) for lab in of_ash.labs] == [("Ash", 2)]
    assert of_ash.labs[0].share > 0.9
    assert {holder.id for holder in of_ash.holders} == {"of Ash", "again"}
    assert (common.labs, common.n_labs) == ((), 3)
    assert [lab.name for lab in of_birch.labs] == ["Birch"]
    assert (unknown.labs, unknown.n_labs, unknown.holders) == ((), 0, ())
    assert {lab.name for lab in of_pair.labs} == {"Ash", "Cedar"}
    assert of_pair.n_labs == 2
    assert sum(part.kmers for part in parts) > 200


def test_it_does_not_matter_how_plasmids_are_divided_into_segments() -> None:
    whole = mosaic(QUERY, STORED)
    assert mosaic(QUERY, STORED[:2], STORED[2:]) == whole
    assert mosaic(QUERY, STORED, STORED) == whole  # two indexes that hold the same plasmids


@pytest.mark.parametrize("turn", [1, 250, 700, 1499, 2900])
def test_rotation_of_a_circle_only_moves_parts(turn: int) -> None:
    circle = replace(QUERY, topology="circular")
    length = len(circle)

    def turned_back(part: MosaicPart) -> MosaicPart:
        start, end = ((place + turn - 1) % length + 1 for place in (part.start, part.end))
        return replace(part, start=start, end=end)

    parts = mosaic(circle, STORED)
    check_cover(parts, circle)
    turned = mosaic(circle.rotated(turn), STORED)
    check_cover(turned, circle)
    assert sorted(map(turned_back, turned), key=lambda part: part.start) == list(parts)


def test_a_boundary_between_what_few_labs_have_is_near_the_junction() -> None:
    parts = mosaic(Plasmid("q", A + B + NEW + PAIR, topology="linear"), STORED)
    assert kinds(parts) == ["one_lab", "one_lab", "unknown", "few_labs"]
    for part, start in zip(parts, (1, 601, 1201, 1801), strict=True):
        assert abs(part.start - start) <= NEARER


def test_a_part_of_few_windows_is_a_part_of_its_own() -> None:
    """70 windows of Birch are between those of Ash, of which the first sample has about nine."""
    queries = [
        Plasmid("q", A[:300] + B[at : at + 90] + A[300:], topology="linear")
        for at in range(0, 500, 50)
    ]
    for query in queries:
        assert "Birch" in {lab.name for part in mosaic(query, STORED) for lab in part.labs}


def test_shares_of_a_part_count_what_ranks_labs() -> None:
    """Of half a part that 18 labs have, one 21-mer is read for four of the other half; so both
    halves count alike."""
    labs = [f"Lab {number:02}" for number in range(18)]
    half, other = bases(7, 200), bases(8, 200)
    stored = [of(lab, half) for lab in labs[:16]]
    stored += [of(lab, other, f"other of {lab}") for lab in labs]
    query = Plasmid("q", half + other, topology="linear")
    [part] = mosaic(query, stored, common_labs=20)
    shares = {lab.name: lab.share for lab in part.labs}
    assert (part.kind, part.n_labs) == ("few_labs", len(labs))
    assert all(share > 0.95 for share in shares.values())
    holders = {holder.id: holder.share for holder in part.holders}
    assert all(0.4 < share < 0.6 for share in holders.values())


def test_a_part_over_the_origin_is_one_part() -> None:
    circle = Plasmid("q", A[300:] + B + NEW + A[:300])
    parts = mosaic(circle, STORED)
    assert kinds(parts) == ["one_lab", "unknown", "one_lab"]
    assert [lab.name for lab in parts[-1].labs] == ["Ash"]
    assert parts[-1].start > parts[-1].end


def test_the_other_strand_has_the_same_labs() -> None:
    parts = mosaic(replace(QUERY, sequence=reverse_complement(QUERY.sequence)), STORED)
    expected = mosaic(QUERY, STORED)
    assert kinds(parts)[::-1] == kinds(expected)
    for part, other in zip(reversed(parts), expected, strict=True):
        assert {lab.name for lab in part.labs} == {lab.name for lab in other.labs}
        assert abs(part.bases - other.bases) <= 2 * NEAR


def test_a_point_mutation_or_a_junction_is_no_part_of_its_own() -> None:
    mutated = A[:300] + {"A": "C", "C": "A", "G": "T", "T": "G"}[A[300]] + A[301:]
    parts = mosaic(Plasmid("q", mutated + B, topology="linear"), STORED)
    assert [lab.name for part in parts for lab in part.labs] == ["Ash", "Birch"]


def test_letters_that_are_ambiguous_are_unknown() -> None:
    parts = mosaic(Plasmid("q", A + "N" * 500 + B, topology="linear"), STORED)
    assert kinds(parts) == ["one_lab", "unknown", "one_lab"]
    assert parts[1].kmers == 0


@pytest.mark.parametrize("sequence", ["ACGT", "N" * 500, NEW])
@pytest.mark.parametrize("topology", ["circular", "linear"])
def test_of_what_nobody_has_the_whole_is_unknown(sequence: str, topology: Any) -> None:
    query = Plasmid("q", sequence, topology=topology)
    [part] = mosaic(query, STORED)
    assert (part.kind, part.start, part.end, part.bases) == (
        "unknown", 1, len(query), len(query)
    )  # fmt: skip


def test_a_query_of_many_labs_is_bounded_work() -> None:
    chance = random.Random(7)
    pieces = [bases(seed, 200) for seed in range(100, 160)]
    stored = [
        of(f"Lab {number}", "".join(chance.sample(pieces, 6)), f"p{number}") for number in range(40)
    ]
    query = Plasmid("q", "".join(pieces))
    parts = mosaic(query, stored, common_labs=20)
    check_cover(parts, query)
    assert len(parts) > 20


# ------------------------------------------------------------------------------ asked of an index


def test_an_index_shows_what_speaks_for_any_lab(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", plasmids)
    index = workshop.open(tmp_path / "i")
    of_birch = next(plasmid for plasmid in plasmids if plasmid.lab == "Birch")
    answer = index.query(plasmids[0], evidence=20, evidence_for=["Birch", "Ash"])
    birch, ash = answer.evidence.others
    assert (birch.lab, ash.lab) == ("Birch", "Ash")
    assert ash.support == answer.evidence.support
    again = index.query(of_birch, evidence=20, evidence_for=["Ash"]).evidence
    assert again.others[0].support != again.support
    check_cover(answer.evidence.mosaic, plasmids[0])


def test_near_copies_that_are_left_out_are_in_no_part(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"])
    workshop.build(tmp_path / "i", plasmids)
    index = workshop.open(tmp_path / "i")
    answer = index.query(plasmids[0], evidence=20, exclude_near_copies=True)
    ids = {holder.id for part in answer.evidence.mosaic for holder in part.holders}
    assert ids
    assert plasmids[0].id not in ids


def test_a_lab_that_no_index_knows_is_refused_at_once(tmp_path: Path, workshop: Any) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]))
    index = workshop.open(tmp_path / "i")
    with pytest.raises(UsageError, match="no lab 'Nobody'"):
        index.query_many([], evidence=20, evidence_for=["Nobody"])
    with pytest.raises(UsageError, match="no evidence"):
        index.query_many([], evidence_for=["Ash"])


def test_folds_have_one_mosaic(calibrated_folds: Any) -> None:
    panel = open_panel([calibrated_folds.index], threads=1)
    for plasmid, answer in zip(
        calibrated_folds.plasmids[:2],
        panel.query_many(calibrated_folds.plasmids[:2], evidence=20),
        strict=True,
    ):
        assert answer.evidence is not None
        check_cover(answer.evidence.mosaic, plasmid)
        for part in answer.evidence.mosaic:
            assert len({holder.id for holder in part.holders}) == len(part.holders)


def test_the_pool_is_told_lab_by_lab() -> None:
    writer = SegmentWriter(model="m", width=2, keep_sequences=True)
    for plasmid in STORED:
        writer.add_plasmid(plasmid, label=POOLED, vector=np.eye(2, dtype=np.float32)[0])
    nothing = FileFacts("", 0)
    entry = SegmentEntry("s", nothing, "", len(STORED), nothing)
    finder = StretchFinder([LiveSegment(entry, Segment(writer.to_bytes()))], [POOLED])
    parts = finder.find(QUERY, None, common_labs=2).mosaic
    assert [lab.name for lab in parts[0].labs] == ["Ash"]
