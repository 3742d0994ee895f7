"""Stretches of a query that speak for a lab: equal to plain loops, whatever the rotation."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.attribution import Source, Stretch, Stretches
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.evidence.query_windows import between, runs_of
from vecattr.indexes.evidence.stretches import MOST, SOURCES, StretchFinder
from vecattr.indexes.storage.kmer_schema import (
    FINE_MOST_LABS,
    FINE_SCALED,
    SCALED,
)
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import FileFacts, SegmentEntry
from vecattr.indexes.storage.segment import (
    SEGMENT_FORMAT,
    SEGMENT_VERSION,
    Segment,
)
from vecattr.plasmid import POOLED, Plasmid, reverse_complement
from vecattr.sequences.kmers import sampled_kmers

CLASSES = ("Ash", "Birch", "Cedar", POOLED)  # Doug is pooled


def random_bases(chance: random.Random, length: int) -> str:
    return "".join(chance.choices("ACGT", k=length))


def made(seed: int) -> tuple[list[Plasmid], Plasmid]:
    """Stored plasmids and a query of few shared parts: on either strand, doubled, changed by a
    letter, with ambiguous ones; some are too short to have a 21-mer."""
    chance = random.Random(seed)
    parts = [random_bases(chance, chance.randint(15, 160)) for _ in range(5)]
    parts += ["".join(chance.choices("ACGTACGTN", k=30)), "ACGTN", "A" * 40, "ACG" * 15]

    def sequence(most: int) -> str:
        chosen = chance.choices(parts, k=chance.randint(1, most))
        if chance.random() < 0.5:
            chosen[0] = random_bases(chance, 30)
        turned = [part if chance.random() < 0.7 else reverse_complement(part) for part in chosen]
        text = "".join(turned)
        at = chance.randrange(len(text))
        return text[:at] + chance.choice("ACGTN") + text[at + 1 :]

    def plasmid(name: str, most: int) -> Plasmid:
        topology = chance.choice(["circular", "linear"])
        lab = chance.choice(["Ash", "Birch", "Cedar", "Doug"])
        return Plasmid(name, sequence(most), topology=topology, lab=lab)

    stored = [plasmid(f"p{number}", 4) for number in range(chance.randint(0, 14))]
    return stored, plasmid("query", 6)


def without_finer_sample(data: bytes) -> bytes:
    """A segment as it was written before there was a finer sample."""
    file = ArrayFile(data, format=SEGMENT_FORMAT, version=SEGMENT_VERSION)
    arrays = {name: file.array(name) for name in file.names if not name.startswith("fine_kmers/")}
    attributes = {
        name: value for name, value in file.attributes.items() if not name.startswith("fine_kmer_")
    }
    return write_arrays(arrays, attributes)


def segment_of(plasmids: Sequence[Plasmid], *, is_older: bool = False) -> LiveSegment:
    writer = SegmentWriter(model="m", width=2, keep_sequences=True)
    for one in plasmids:
        label = POOLED if one.lab == "Doug" else f"{one.lab}"
        writer.add_plasmid(one, label=label, vector=np.eye(2, dtype=np.float32)[0])
    nothing = FileFacts("", 0)
    entry = SegmentEntry("s", nothing, "", len(plasmids), nothing)
    data = writer.to_bytes()
    return LiveSegment(entry, Segment(without_finer_sample(data) if is_older else data))


def finder(*parts: Sequence[Plasmid], is_older: bool = False) -> StretchFinder:
    """Of plasmids in segments, the last of which an older version may have written."""
    last = len(parts) - 1
    segments = [
        segment_of(part, is_older=is_older and number == last) for number, part in enumerate(parts)
    ]
    return StretchFinder(segments, CLASSES)


# ------------------------------------------------------------------------------------ plain loops


def plain_windows(plasmid: Plasmid) -> list[str]:
    bases, circular = plasmid.sequence, plasmid.is_circular
    if len(bases) < 21:
        return []
    count = len(bases) if circular else len(bases) - 20
    return [(bases + bases)[at : at + 21] for at in range(count)]


def is_clean(window: str) -> bool:
    return set(window) <= set("ACGT")


def is_sampled(window: str, scaled: int) -> bool:
    return len(sampled_kmers(window, k=21, scaled=scaled, circular=False)) == 1


def plain_runs(places: set[int], count: int, *, closed: bool) -> Iterator[list[int]]:
    """Neighbouring places, as long as there are any."""
    if closed and len(places) == count > 0:
        yield list(range(count))
        return
    for first in sorted(places):
        if (first - 1) % count in places and (closed or first):
            continue
        run = [first]
        while (closed or run[-1] + 1 < count) and (run[-1] + 1) % count in places:
            run.append((run[-1] + 1) % count)
        yield run


class PlainLoops:
    """What `StretchFinder.find` says, found letter by letter, of labs that are fewer than what
    the finer sample tells one by one."""

    def __init__(
        self,
        stored: Sequence[Plasmid],
        query: Plasmid,
        *,
        common_labs: int,
        scaled: int = FINE_SCALED,
    ) -> None:
        self.stored, self.query, self.common_labs = stored, query, common_labs
        self.windows = plain_windows(query)
        self.held = [set(filter(is_clean, plain_windows(one))) for one in stored]
        self.sampled = [at for at, window in enumerate(self.windows) if is_sampled(window, scaled)]
        self.amount = scaled / SCALED
        self.labs = {at: self.labs_of(self.windows[at]) for at in self.sampled}

    def has(self, row: int, window: str) -> bool:
        return window in self.held[row] or reverse_complement(window) in self.held[row]

    def labs_of(self, window: str) -> int:
        return len({self.stored[row].lab for row in range(len(self.held)) if self.has(row, window)})

    def chosen(self, labs: set[str]) -> list[int]:
        """By what each adds, then by all it holds."""
        rare = {
            min(self.windows[at], reverse_complement(self.windows[at])): 1 / count
            for at, count in self.labs.items()
            if 1 <= count <= self.common_labs
        }
        left = {
            row: {window for window in rare if self.has(row, window)}
            for row, one in enumerate(self.stored)
            if one.lab in labs
        }
        left = {row: windows for row, windows in left.items() if windows}
        total = {row: sum(sorted(map(rare.__getitem__, mine))) for row, mine in left.items()}
        covered: set[str] = set()
        found: list[int] = []

        def worth(row: int) -> tuple[float, float, int]:
            gain = sum(rare[window] for window in left[row] - covered)
            return -round(gain, 9), -round(total[row], 9), row

        while left and len(found) < SOURCES:
            best = min(left, key=worth)
            covered.update(left.pop(best))
            found.append(best)
        return sorted(found, key=lambda row: (-round(total[row], 9), row))

    def support(self, labs: set[str]) -> list[Stretch]:
        rows = self.chosen(labs)
        places = {
            at
            for at, window in enumerate(self.windows)
            if is_clean(window)
            and any(self.has(row, window) for row in rows)
            and self.labs.get(at, 0) <= self.common_labs
        }
        runs = [run for run in self.runs(places) if set(run) & set(self.sampled)]
        runs.sort(key=lambda run: (-self.weight(run), run[0]))
        return [self.stretch("support", run, rows) for run in runs]

    def common(self) -> list[Stretch]:
        common = {at for at, count in self.labs.items() if count > self.common_labs}
        places = set(common)
        for first in common:
            run, at = [first], first
            while True:
                at += 1
                if at == len(self.windows) and not self.query.is_circular:
                    break
                at %= len(self.windows)
                if at == first or not is_clean(self.windows[at]):
                    break
                run.append(at)
                if at in self.labs:
                    places |= set(run) if at in common else set()
                    break
        found = [self.stretch("common", run, []) for run in self.runs(places)]
        return sorted(found, key=lambda one: (-one.bases, one.start))

    def runs(self, places: set[int]) -> Iterator[list[int]]:
        return plain_runs(places, len(self.windows), closed=self.query.is_circular)

    def weight(self, run: list[int]) -> float:
        return round(sum(self.amount / self.labs[at] for at in run if at in self.labs), 6)

    def stretch(self, kind: Any, run: list[int], rows: list[int]) -> Stretch:
        bases = min(len(run) + 20, len(self.query))
        end = (run[0] + bases - 1) % len(self.query) + 1
        labs = [self.labs[at] for at in run if at in self.labs]
        sources = [self.source(run, row) for row in rows]
        whole = [one for one in sources if one.share == 1]
        some = sorted((one for one in sources if one.share), key=lambda one: -one.share)
        return Stretch(
            kind, run[0] + 1, end, bases, min(labs), max(labs), len(labs), tuple(whole or some)
        )

    def source(self, run: list[int], row: int) -> Source:
        same = [self.windows[at] in self.held[row] for at in run]
        other = [reverse_complement(self.windows[at]) in self.held[row] for at in run]
        share = sum(map(max, same, other)) / len(run)
        one = self.stored[row]
        return Source(one.id, f"{one.lab}", share, 1 if sum(same) >= sum(other) else -1)


def check(
    stored: Sequence[Plasmid],
    query: Plasmid,
    lab: str,
    common_labs: int,
    *,
    first: int = 0,
    is_older: bool = False,
) -> None:
    """Find, and compare with the plain loops; so many `first` plasmids lie in another segment."""
    scaled = SCALED if is_older else FINE_SCALED
    plain = PlainLoops(stored, query, common_labs=common_labs, scaled=scaled)
    support = plain.support({"Doug"} if lab == POOLED else {lab})
    common = plain.common()
    parts = [stored[:first], stored[first:]] if first else [stored]
    found = finder(*parts, is_older=is_older).find(query, lab, common_labs=common_labs)
    assert found.support == tuple(support[:MOST])
    assert found.common == tuple(common[:MOST])
    assert found.left_off == max(0, len(support) - MOST) + max(0, len(common) - MOST)


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 100_000),
    st.sampled_from(CLASSES),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
)
def test_stretches_equal_plain_loops(
    seed: int, lab: str, common_labs: int, is_divided: bool, is_older: bool
) -> None:
    stored, query = made(seed)
    first = len(stored) // 2 if is_divided else 0
    check(stored, query, lab, common_labs, first=first, is_older=is_older)


def test_what_made_collections_hold_is_worth_a_test() -> None:
    collections = [(finder(stored), query) for stored, query in map(made, range(75)) if stored]
    found = [
        known.find(query, lab, common_labs=labs)
        for known, query in collections
        for lab, labs in (("Ash", 1), ("Birch", 2))
    ]
    support = [one for each in found for one in each.support]
    assert len(support) > 50
    assert any(one.start > one.end for one in support)
    assert {one.strand for one in support} == {1, -1}
    assert any(one.sources[0].share < 1 for one in support)
    assert any(len(one.sources) > 1 for one in support)
    assert any(one.start > one.end for each in found for one in each.common)


# ------------------------------------------------------------------------------ rotation, strand


def placed(found: Stretches, query: Plasmid, place: Callable[[int, int], tuple[int, int]]) -> Any:
    """Every stretch without its strands, where `place` puts it; a whole circle has no ends."""
    return sorted(
        (
            one.kind,
            (0, 0) if one.bases == len(query) else place(one.start, one.end),
            one.bases,
            one.least_labs,
            one.most_labs,
            one.kmers,
            sorted((source.id, source.share) for source in one.sources),
        )
        for one in (*found.support, *found.common)
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000), st.integers(0, 1000))
def test_rotation_and_strand_of_a_circle_only_move_stretches(seed: int, turn: int) -> None:
    stored, query = made(seed)
    query, length = replace(query, topology="circular"), len(query)
    known = finder(stored)
    before, after, other = (
        known.find(one, "Ash", common_labs=2)
        for one in (query, query.rotated(turn), query.reverse_complement())
    )
    if before.left_off:
        return
    expected = placed(before, query, lambda start, end: (start, end))

    def turned_back(start: int, end: int) -> tuple[int, int]:
        return (start + turn - 1) % length + 1, (end + turn - 1) % length + 1

    assert placed(after, query, turned_back) == expected
    assert (
        placed(other, query, lambda start, end: (length - end + 1, length - start + 1)) == expected
    )


# --------------------------------------------------------------------------------------- in words


def bases(seed: int, length: int = 300) -> str:
    return random_bases(random.Random(seed), length)


def of(lab: str, sequence: str, *, name: str | None = None, topology: Any = "linear") -> Plasmid:
    return Plasmid(name or f"of {lab}", sequence, topology=topology, lab=lab)


def test_a_stretch_over_the_origin_begins_after_its_end() -> None:
    part = bases(1)
    query = Plasmid("q", part[100:] + bases(2) + part[:100])
    [found] = finder([of("Ash", part)]).find(query, "Ash").support
    assert (found.start, found.end, found.bases) == (501, 200, 300)
    [source] = found.sources
    assert source == Source("of Ash", "Ash", 1.0, 1)


def test_a_linear_query_has_no_stretch_over_its_ends() -> None:
    part = bases(1)
    query = Plasmid("q", part[100:] + bases(2) + part[:100], topology="linear")
    found = finder([of("Ash", part)]).find(query, "Ash").support
    assert sorted((one.start, one.end) for one in found) == [(1, 200), (501, 600)]


def test_a_stored_circle_is_read_over_its_origin_and_a_line_is_not() -> None:
    part = bases(1)
    query = Plasmid("q", bases(2) + part + bases(5), topology="linear")
    cut = part[150:] + bases(4) + part[:150]
    [found] = finder([of("Ash", cut, topology="circular")]).find(query, "Ash").support
    assert (found.start, found.end) == (301, 600)
    pieces = finder([of("Ash", cut, topology="linear")]).find(query, "Ash").support
    assert sorted((one.start, one.end) for one in pieces) == [(301, 450), (451, 600)]


def test_the_strand_is_that_of_the_stored_plasmid() -> None:
    part, other = bases(1), bases(2)
    query = Plasmid("q", part + bases(3) + reverse_complement(other), topology="linear")
    found = finder([of("Ash", bases(4) + part + other)]).find(query, "Ash").support
    assert sorted((one.start, one.end, one.strand) for one in found) == [
        (1, 300, 1),
        (601, 900, -1),
    ]


def test_a_whole_circle_is_told_from_its_first_base_to_its_last() -> None:
    part = bases(1)
    stored = of("Ash", part[77:] + part[:77], topology="circular")
    [found] = finder([stored]).find(Plasmid("q", part), "Ash").support
    assert (found.start, found.end, found.bases) == (1, 300, 300)
    assert found.kmers == len(sampled_kmers(part, k=21, scaled=FINE_SCALED))


def test_a_stretch_of_which_the_first_sample_has_nothing_is_shown() -> None:
    part = next(
        text
        for text in (bases(seed, 40) for seed in range(100))
        if not len(sampled_kmers(text, k=21, scaled=SCALED, circular=False))
    )
    query = Plasmid("q", bases(1000) + part + bases(1001), topology="linear")
    stored = [of("Ash", bases(1002) + part)]
    [support] = finder(stored).find(query, "Ash").support
    assert support.start <= 301
    assert support.end >= 340
    assert finder(stored, is_older=True).find(query, "Ash").support == ()


def test_a_kmer_of_the_finer_sample_that_many_labs_have_makes_no_gap() -> None:
    """Between what few labs have, which is counted four times as densely, lies what is not told
    lab by lab."""
    own, shared = bases(1), bases(2, 60)
    labs = [f"Lab {number:02}" for number in range(FINE_MOST_LABS + 2)]
    stored = [of(labs[0], own[:150] + shared + own[150:])]
    stored += [of(lab, shared) for lab in labs[1:]]
    known = StretchFinder([segment_of(stored)], labs)
    query = Plasmid("q", stored[0].sequence, topology="linear")
    [support] = known.find(query, labs[0], common_labs=len(labs)).support
    assert (support.start, support.end, support.most_labs) == (1, 360, len(labs))
    coarse, fine = (
        len(sampled_kmers(shared, k=21, scaled=scaled, circular=False))
        for scaled in (SCALED, FINE_SCALED)
    )
    in_all = len(sampled_kmers(query.sequence, k=21, scaled=FINE_SCALED, circular=False))
    assert support.kmers == in_all - (fine - coarse)
    common = known.find(query, labs[0], common_labs=FINE_MOST_LABS).common
    assert sum(stretch.kmers for stretch in common) == coarse


def test_kmers_of_few_labs_are_read_four_times_as_often_and_count_a_quarter() -> None:
    few, many = bases(3, 320), bases(4, 1200)
    labs = [f"Lab {number:02}" for number in range(FINE_MOST_LABS + 2)]
    stored = [of(labs[0], many), of(labs[0], few, name="few")]
    stored += [of(lab, many) for lab in labs[1:]]
    stored += [of(lab, few, name=f"few of {lab}") for lab in labs[1:FINE_MOST_LABS]]
    query = Plasmid("q", few + "N" + many, topology="linear")
    known = StretchFinder([segment_of(stored)], labs)
    first, second = known.find(query, labs[0], common_labs=len(labs)).support
    assert (first.start, first.most_labs) == (322, len(labs))
    assert (second.start, second.most_labs) == (1, FINE_MOST_LABS)
    assert second.kmers / second.most_labs > first.kmers / first.most_labs


def test_what_more_labs_share_is_common_property_and_supports_nobody() -> None:
    shared, own = bases(1), bases(2)
    stored = [of("Ash", shared + own), of("Birch", shared), of("Cedar", shared)]
    query = Plasmid("q", shared + own, topology="linear")
    few = finder(stored).find(query, "Ash", common_labs=2)
    [common], [support] = few.common, few.support
    assert (common.least_labs, common.most_labs, common.sources) == (3, 3, ())
    assert common.end <= 300
    assert support.end == 600
    assert support.most_labs == 1
    many = finder(stored).find(query, "Ash", common_labs=3)
    [support] = many.support
    assert many.common == ()
    assert (support.start, support.end, support.least_labs, support.most_labs) == (1, 600, 1, 3)


def test_what_only_few_labs_have_comes_before_what_is_longer() -> None:
    shared, own = bases(1, 500), bases(2, 300)
    stored = [of("Ash", shared), of("Ash", own, name="own"), of("Birch", shared), of("C", shared)]
    classes = ("Ash", "Birch", "C")
    query = Plasmid("q", shared + "N" + own, topology="linear")
    found = StretchFinder([segment_of(stored)], classes).find(query, "Ash").support
    assert [(one.start, one.sources[0].id) for one in found] == [(502, "own"), (1, "of Ash")]


def test_a_stretch_that_no_plasmid_holds_whole_names_the_fullest_first() -> None:
    left, right = bases(1, 200), bases(2, 400)
    stored = [of("Ash", left + right[:100], name="a"), of("Ash", left[-20:] + right, name="b")]
    query = Plasmid("q", left + right, topology="linear")
    [found] = finder(stored).find(query, "Ash").support
    assert (found.start, found.end) == (1, 600)
    assert [(one.id, one.share) for one in found.sources] == [("b", 400 / 580), ("a", 280 / 580)]


def test_a_plasmid_that_alone_holds_a_part_is_found_among_many_that_hold_another() -> None:
    often, once = bases(1), bases(2, 100)
    stored = [of("Ash", often + bases(n + 10), name=f"often {n}") for n in range(2 * SOURCES)]
    stored.append(of("Ash", once, name="once"))
    query = Plasmid("q", often + "N" + once, topology="linear")
    many, few = finder(stored).find(query, "Ash").support
    assert [source.id for source in few.sources] == ["once"]
    assert [source.id for source in many.sources] == [f"often {n}" for n in range(SOURCES - 1)]
    check(stored, query, "Ash", 20)


def test_the_pool_is_supported_by_the_plasmids_of_its_labs() -> None:
    part = bases(1)
    [found] = finder([of("Doug", part)]).find(Plasmid("q", part + bases(2)), POOLED).support
    assert found.sources[0].lab == "Doug"


def test_what_is_left_out_neither_supports_nor_counts() -> None:
    part = bases(1)
    known = finder([of("Ash", part), of("Ash", part, name="twin"), of("Birch", part)])
    query = Plasmid("q", part + bases(2))
    [found] = known.find(query, "Ash", left_out=["of Ash", "of Birch"]).support
    assert [source.id for source in found.sources] == ["twin"]
    assert found.most_labs == 1
    assert not known.find(query, "Ash", left_out=["of Ash", "twin"]).support


def test_a_plasmid_of_two_indexes_is_one_source() -> None:
    part = bases(1)
    known = finder([of("Ash", part)], [of("Ash", part), of("Ash", part, name="twin")])
    [found] = known.find(Plasmid("q", part + bases(2)), "Ash").support
    assert [source.id for source in found.sources] == ["of Ash", "twin"]
    assert found.most_labs == 1


@pytest.mark.parametrize("sequence", ["ACGT", "N" * 500, bases(9)])
def test_a_query_that_shares_nothing_has_no_stretches(sequence: str) -> None:
    known = finder([of("Ash", bases(1))])
    for topology in ("circular", "linear"):
        found = known.find(Plasmid("q", sequence, topology=topology), "Ash")
        assert replace(found, mosaic=()) == Stretches("Ash", 20, (), (), 0)


def test_without_a_lab_and_without_segments_nothing_is_supported() -> None:
    part = bases(1)
    query = Plasmid("q", part)
    stored = [of(lab, part) for lab in ("Ash", "Birch")]
    found = finder(stored).find(query, None, common_labs=1)
    assert not found.support
    assert len(found.common) == 1
    nothing = finder().find(query, "Ash")
    assert replace(nothing, mosaic=()) == Stretches("Ash", 20, (), (), 0)
    assert [part.kind for part in nothing.mosaic] == ["unknown"]


def test_of_many_stretches_the_most_telling_are_told_and_the_others_counted() -> None:
    parts = [bases(n, 60 + 10 * n) for n in range(MOST + 3)]
    query = Plasmid("q", "N".join(parts), topology="linear")
    found = finder([of("Ash", "N".join(parts))]).find(query, "Ash")
    assert len(found.support) == MOST
    assert found.left_off == 3
    kmers = [one.kmers for one in found.support]
    assert kmers == sorted(kmers, reverse=True)


@given(st.lists(st.booleans(), max_size=12), st.booleans())
def test_runs_equal_a_plain_loop(mask: list[bool], closed: bool) -> None:
    places = {at for at, marked in enumerate(mask) if marked}
    expected = [(run[0], len(run)) for run in plain_runs(places, len(mask), closed=closed)]
    assert sorted(runs_of(np.array(mask, dtype=bool), closed=closed)) == sorted(expected)


@given(st.lists(st.sampled_from("-mo"), max_size=12), st.booleans())
def test_what_lies_between_marked_events_equals_a_plain_loop(ring: list[str], closed: bool) -> None:
    def event(at: int, step: int) -> int | None:
        for _ in range(len(ring)):
            at = (at + step) % len(ring) if closed else at + step
            if not 0 <= at < len(ring):
                return None
            if ring[at] != "-":
                return at
        return None

    def inside(at: int) -> bool:
        if ring[at] != "-":
            return ring[at] == "m"
        ends = event(at, -1), event(at, 1)
        return ends[0] != ends[1] and all(end is not None and ring[end] == "m" for end in ends)

    marked = np.array([kind == "m" for kind in ring], dtype=bool)
    events = np.flatnonzero([kind != "-" for kind in ring])
    found = between(marked, events, closed=closed)
    assert found.tolist() == [inside(at) for at in range(len(ring))]
