"""Every kind of evidence about labs is what plain loops over plain sets find."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vecattr.indexes.editing import kmer_writer
from vecattr.indexes.joining.catalogue import NO_ROWS, RARE_BELOW, Catalogue
from vecattr.indexes.scoring import shared_kmers
from vecattr.indexes.scoring.lab_features import LabFeatures, QueryKmers
from vecattr.indexes.scoring.lab_similarities import StoredSimilarities
from vecattr.indexes.storage.kmer_schema import (
    FINE_MOST_LABS,
    FINE_SCALED,
    FINENESS,
    FIRST_FINE,
    MOST_LABS,
    SCALED,
    K,
)
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.evidence_ranker import COLUMN_NAMES, FACTS, LOG_ODDS
from vecattr.sequences.kmers import sampled_kmers
from vecattr.vectors import Vectors, unit_rows

WIDTH = 4
NAMES = [*(name for name in COLUMN_NAMES if name not in LOG_ODDS), "told"]
LABS = ("Ash", "Birch", "Cedar", "Doug", "Elm")
Columns = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """What one segment stores, and which of its labs are removed or renamed."""

    plasmids: list[Plasmid]
    vectors: Vectors
    removed: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    def present(self, lab: str | None) -> str | None:
        return None if lab is None or lab in self.removed else self.renamed.get(lab, lab)


@dataclass(frozen=True)
class World:
    """Some segments, with the finer sample or without; labs that are `pooled`, by present names,
    share a class."""

    parts: list[Part]
    pooled: tuple[str, ...] = ()
    fine: bool = True

    @property
    def labs(self) -> list[str]:
        names = {part.present(plasmid.lab) for part in self.parts for plasmid in part.plasmids}
        return sorted(name for name in names if name is not None)

    @property
    def classes(self) -> list[str]:
        return sorted({POOLED if lab in self.pooled else lab for lab in self.labs})

    def lab_features(self, workshop: Any) -> LabFeatures:
        segments = [
            workshop.segment(
                part.plasmids,
                vectors=part.vectors,
                removed=part.removed,
                renamed=part.renamed,
            )
            for part in self.parts
        ]
        if not self.fine:  # as one segment at least that an older version wrote
            segments[0].stored.kmers.fine = None
        return LabFeatures(Catalogue.from_segments(segments, self.classes), segments)


def molecule(chance: random.Random, parts: Sequence[str], name: str) -> Plasmid:
    chosen = "".join(chance.choices(parts, k=chance.randint(1, 5)))
    return Plasmid(
        name,
        chosen,
        topology=chance.choice(["circular", "circular", "linear"]),
        lab=chance.choice(LABS),
        group=chance.choice([None, "a", "b", "c"]),
    )


def vectors_of(count: int, seed: int) -> Vectors:
    return unit_rows(np.random.default_rng(seed).normal(size=(count, WIDTH)))


def random_world(seed: int, *, segments: int) -> tuple[World, list[str]]:
    """Plasmids of few shared parts, and those parts."""
    chance = random.Random(seed)
    pieces = ["".join(chance.choices("ACGT", k=chance.randint(40, 250))) for _ in range(6)]
    pieces.append("".join(chance.choices("ACGTACGTACGTN", k=60)))
    parts = []
    for number in range(segments):
        plasmids = [
            molecule(chance, pieces, f"p{number}-{row}") for row in range(chance.randint(1, 9))
        ]
        removed = ("Birch",) if number and chance.random() < 0.5 else ()
        renamed = chance.choice([{}, {"Ash": "Yew"}, {"Cedar": "Ash", "Doug": "Elm"}])
        vectors = vectors_of(len(plasmids), seed * 10 + number)
        parts.append(Part(plasmids, vectors, removed, renamed))
    return World(parts, ("Doug", "Yew")), pieces


def plain_sketch(plasmid: Plasmid, *, fine: bool = True) -> list[int]:
    scaled, circular = FINE_SCALED if fine else SCALED, plasmid.is_circular
    hashes = sampled_kmers(plasmid.sequence, k=K, scaled=scaled, circular=circular)
    return [int(kmer) for kmer in hashes]


def most_labs(kmer: int) -> int:
    """A k-mer that more labs have is common."""
    return FINE_MOST_LABS if kmer >= FIRST_FINE else MOST_LABS


def weight(kmer: int, labs: int, *, fine: bool) -> float:
    """How much a k-mer counts that so many labs have."""
    if not fine:
        return 1
    return 1 / FINENESS if labs <= FINE_MOST_LABS else float(kmer < FIRST_FINE)


@dataclass
class Row:
    """One plasmid that counts."""

    lab: str
    group: object
    kmers: set[int]
    rare: float  # what those of its k-mers count that are not common in its segment
    vector: Vectors


def holders_in(part: Part, *, fine: bool) -> dict[int, set[str]]:
    """The labs of a segment that have each of its k-mers, removed ones included."""
    holders: dict[int, set[str]] = defaultdict(set)
    for plasmid in part.plasmids:
        for kmer in plain_sketch(plasmid, fine=fine):
            holders[kmer].add(plasmid.lab or "")
    return holders


class PlainLoops:
    """The same figures, a plasmid, a lab and a k-mer at a time."""

    def __init__(self, world: World, left_out: Sequence[int]) -> None:
        self.world = world
        self.rows: list[Row] = []
        self.fine = world.fine
        holders_of_parts = [holders_in(part, fine=self.fine) for part in world.parts]
        counts: dict[int, int] = {}
        for holders in holders_of_parts:
            for kmer, labs in holders.items():
                counts[kmer] = counts.get(kmer, 0) + len(labs)
        self.stored = counts
        self.common = {kmer: count for kmer, count in counts.items() if count > most_labs(kmer)}
        number = 0
        for part, holders in zip(world.parts, holders_of_parts, strict=True):
            labs_here = {kmer: len(labs) for kmer, labs in holders.items()}
            common_here = {kmer for kmer, labs in labs_here.items() if labs > most_labs(kmer)}
            for plasmid, vector in zip(part.plasmids, part.vectors, strict=True):
                lab, kmers = part.present(plasmid.lab), set(plain_sketch(plasmid, fine=self.fine))
                if lab is not None and number not in left_out:
                    group = plasmid.group if plasmid.group is not None else number
                    rare = kmers - common_here
                    size = sum(weight(kmer, labs_here[kmer], fine=self.fine) for kmer in rare)
                    self.rows.append(Row(lab, group, kmers, size, vector))
                number += 1

    def weight(self, kmer: int) -> float:
        return weight(kmer, self.stored.get(kmer, 0), fine=self.fine)

    def total(self, kmers: Iterable[int]) -> float:
        return sum(map(self.weight, kmers))

    def weighed_rarity(self, kmer: int) -> float:
        return self.weight(kmer) * self.rarity(kmer)

    def count(self, kmer: int) -> int:
        if kmer in self.common:
            return min(self.common[kmer], len(self.world.labs))
        return len({row.lab for row in self.rows if kmer in row.kmers})

    def rarity(self, kmer: int) -> float:
        return math.log(1 + len(self.world.labs) / max(1, self.count(kmer)))

    def columns(self, query: Plasmid, vector: Vectors, cosines: Mapping[str, float]) -> Columns:
        kmers = plain_sketch(query, fine=self.fine)
        columns_by_name: dict[str, list[float]] = {name: [] for name in NAMES}
        has_pool = POOLED in self.world.classes
        for lab in self.world.labs:
            lab_rows = [row for row in self.rows if row.lab == lab]
            values = {
                **self.sums(set(kmers), lab_rows),
                **self.runs(kmers, lab_rows, circular=query.is_circular),
                **self.overlaps(set(kmers), lab_rows),
                **self.near(vector, lab_rows),
                **self.facts(set(kmers), lab_rows),
            }
            is_pooled = lab in self.world.pooled
            values["cosine"] = cosines[POOLED if is_pooled else lab]
            values["pooled"] = float(is_pooled or (not has_pool and len(lab_rows) < RARE_BELOW))
            assert values.keys() == columns_by_name.keys()
            for name, value in values.items():
                columns_by_name[name].append(value)
        return columns_by_name

    def sums(self, kmers: set[int], lab_rows: list[Row]) -> dict[str, float]:
        publications = len({row.group for row in lab_rows})
        rare_count = max(1, self.total(kmers - self.common.keys()))
        sums = dict.fromkeys(
            ("sum", "sole_squares", "rarity", "sole", "few", "usage", "recurrent"), 0.0
        )
        for kmer in kmers - self.common.keys():
            groups = {row.group for row in lab_rows if kmer in row.kmers}
            if not groups:
                continue
            count, amount = self.count(kmer), self.weight(kmer)
            sums["sum"] += amount / count / rare_count
            sums["sole_squares"] += amount / count**2 / rare_count
            sums["rarity"] += self.weighed_rarity(kmer)
            sums["sole"] += amount * (count == 1)
            sums["few"] += amount * (count <= 3)
            share = count / len(self.world.labs)
            sums["usage"] += amount * math.log(1 + len(groups) / (0.5 + publications) / share)
            sums["recurrent"] += (amount / count) * (len(groups) >= 2)
        sums["rarity"] /= max(1e-9, sum(map(self.weighed_rarity, kmers)))
        return sums

    def runs(self, kmers: list[int], lab_rows: list[Row], *, circular: bool) -> dict[str, float]:
        lab_kmers = {kmer for row in lab_rows for kmer in row.kmers} - self.common.keys()
        kmers = [kmer for kmer in kmers if self.weight(kmer)]
        is_shared = [kmer in lab_kmers for kmer in kmers]
        if circular and not all(is_shared):  # begin behind a gap, so that no run is cut in two
            gap = is_shared.index(False)
            kmers, is_shared = kmers[gap:] + kmers[:gap], is_shared[gap:] + is_shared[:gap]
        runs: list[list[int]] = []
        for place, kmer in enumerate(kmers):
            if is_shared[place]:
                if not place or not is_shared[place - 1]:
                    runs.append([])
                runs[-1].append(kmer)
        weights = [sum(self.weight(kmer) / self.count(kmer) for kmer in run) for run in runs]
        return {
            "runs": len(runs),
            "run_weight": sum(
                weight / self.total(run) for weight, run in zip(weights, runs, strict=True)
            ),
            "longest_run": max(weights, default=0),
            "run_roots": sum(map(math.sqrt, weights)),
        }

    def overlaps(self, kmers: set[int], lab_rows: list[Row]) -> dict[str, float]:
        rare = kmers - self.common.keys()
        rare_count = max(1, self.total(rare))
        total = max(1e-9, sum(map(self.weighed_rarity, kmers)))
        shared = [rare & row.kmers for row in lab_rows]
        sizes = [self.total(kmers_of_row) for kmers_of_row in shared]
        weights = sorted(
            (sum(map(self.weighed_rarity, kmers_of_row)) / total for kmers_of_row in shared),
            reverse=True,
        )
        jaccards = sorted(
            (
                size / max(1, rare_count + row.rare - size)
                for size, row in zip(sizes, lab_rows, strict=True)
            ),
            reverse=True,
        )
        weights, jaccards = [*weights, 0, 0, 0], [*jaccards, 0, 0]
        return {
            "overlap": weights[0],
            "overlap2": weights[1],
            "overlap3": weights[2],
            "shared": max((size / rare_count for size in sizes), default=0),
            "jaccard": jaccards[0],
            "jaccard2": jaccards[1],
        }

    def near(self, vector: Vectors, lab_rows: list[Row]) -> dict[str, float]:
        cosines = [sum(map(float, row.vector * vector)) for row in lab_rows]

        def votes(sharpness: int) -> float:
            total = sum(math.exp(sharpness * (cosine - 1)) for cosine in cosines)
            return math.log(total + 1e-9) / sharpness

        nearest = max(cosines, default=-1.0)
        return {"nearest": nearest, "votes20": votes(20), "votes40": votes(40)}

    def facts(self, kmers: set[int], lab_rows: list[Row]) -> dict[str, float]:
        total = self.total(kmers) or 1
        known = [kmer for kmer in kmers if self.count(kmer)]
        few = [kmer for kmer in known if self.count(kmer) <= 20 and kmer not in self.common]
        return {
            "plasmids": math.log(1 + len(lab_rows)),
            "publications": math.log(1 + len({row.group for row in lab_rows})),
            "kmers": math.log(1 + sum(kmer < FIRST_FINE for kmer in kmers)),
            "known": self.total(known) / total,
            "told": self.total(few) / total,
        }


def columns_of(
    lab_features: LabFeatures,
    query: Plasmid,
    vector: Vectors,
    cosines: Mapping[str, float],
    left_out: NDArray[np.int64] = NO_ROWS,
) -> Columns:
    catalogue = lab_features.catalogue
    class_cosines = np.array([cosines[name] for name in catalogue.class_names])
    kmers = QueryKmers.from_plasmid(query, scaled=lab_features.scaled)
    shared = lab_features.shared(kmers.distinct, left_out=left_out)
    similarities = StoredSimilarities(catalogue, lab_features.segments)
    [similar] = similarities.of_queries([query], vector[None, :], [left_out])
    columns = lab_features.columns(shared, kmers, class_cosines, left_out=left_out)
    return {**columns, **similar.vector_columns()}


def assert_same(columns: Columns, expected: Columns) -> None:
    assert set(columns) == set(expected)
    for name, values in expected.items():
        # What is summed over k-mers is rounded to 2^-30, and sizes of labs are in float32. Vectors
        # have 12 binary digits.
        near = dict.fromkeys(("nearest", "votes20", "votes40"), 1e-3)
        wide = near.get(name, 1e-6 if name in ("cosine", *FACTS) else 1e-7)
        assert np.asarray(columns[name]).tolist() == pytest.approx(list(values), abs=wide), name


def cosines_for(world: World) -> dict[str, float]:
    return {name: math.cos(place) for place, name in enumerate(world.classes)}


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 10_000), st.integers(1, 3), st.booleans(), st.booleans())
def test_all_columns_are_those_of_plain_loops(
    workshop: Any, seed: int, segments: int, leaves_out: bool, fine: bool
) -> None:
    world, pieces = random_world(seed, segments=segments)
    world = replace(world, fine=fine)
    if not world.labs:
        return
    chance = random.Random(seed + 1)
    lab_features = world.lab_features(workshop)
    alive = np.flatnonzero(lab_features.catalogue.labs >= 0)
    left_out = [row for row in alive.tolist() if leaves_out and chance.random() < 0.4]
    query = molecule(chance, [*pieces, "".join(chance.choices("ACGT", k=120))], "q")
    [vector] = vectors_of(1, seed + 2)
    cosines = cosines_for(world)
    expected = PlainLoops(world, left_out).columns(query, vector, cosines)
    columns = columns_of(lab_features, query, vector, cosines, np.array(left_out, dtype=np.int64))
    assert_same(columns, expected)


@pytest.mark.parametrize("renamed", [{"Cedar": "Ash"}, {"Ash": "Yew"}, {"Ash": "Elm"}])
def test_labs_that_became_one_by_renaming_count_once(
    workshop: Any, renamed: dict[str, str]
) -> None:
    shared = "".join(random.Random(4).choices("ACGT", k=400))
    facts = [("Ash", "a"), ("Birch", "a"), ("Cedar", "a"), ("Ash", None), ("Elm", "b")]
    plasmids = [
        Plasmid(f"p{row}", shared, lab=lab, group=group) for row, (lab, group) in enumerate(facts)
    ]
    world = World([Part(plasmids, vectors_of(5, 1), renamed=renamed)])
    [vector] = vectors_of(1, 3)
    cosines, query = cosines_for(world), Plasmid("q", shared)
    columns = columns_of(world.lab_features(workshop), query, vector, cosines)
    assert_same(columns, PlainLoops(world, []).columns(query, vector, cosines))


def crowd(shared: str, *, labs: int, own: int = 60) -> list[Plasmid]:
    """One plasmid of each of many labs, all with one part; every lab with one of its own."""
    chance = random.Random(5)
    return [
        Plasmid(f"c{lab}", shared + "".join(chance.choices("ACGT", k=own)), lab=f"lab {lab:03}")
        for lab in range(labs)
    ]


@pytest.mark.parametrize("fine", [True, False])
def test_kmers_of_the_finer_sample_count_only_where_few_labs_have_them(
    workshop: Any, fine: bool
) -> None:
    """The part that all share is of more labs than few, so each of its k-mers counts once or not at
    all; the own parts and those of some labs count by quarters."""
    chance = random.Random(7)
    shared, some = ("".join(chance.choices("ACGT", k=300)) for _ in range(2))
    many = crowd(shared, labs=FINE_MOST_LABS + 3)
    many += [
        Plasmid(f"s{lab}", some, lab=f"lab {lab:03}", group=f"g{lab}")
        for lab in range(FINE_MOST_LABS)
    ]
    late = [Plasmid("late", some[:200], lab="lab 001"), Plasmid("own", shared[9:], lab="stranger")]
    query = Plasmid("q", shared[:150] + many[2].sequence[-60:] + some + shared[150:])
    [vector] = vectors_of(1, 3)
    for parts, left_out in (([many], []), ([many], [4, 20]), ([many, late], [20])):
        world = World([Part(part, vectors_of(len(part), 1)) for part in parts], fine=fine)
        loops = PlainLoops(world, left_out)
        assert bool(loops.common) == fine
        weights = {loops.weight(kmer) for kmer in plain_sketch(query, fine=fine)}
        assert weights == ({0, 1 / FINENESS, 1} if fine else {1})
        cosines, rows = cosines_for(world), np.array(left_out, dtype=np.int64)
        columns = columns_of(world.lab_features(workshop), query, vector, cosines, rows)
        assert_same(columns, loops.columns(query, vector, cosines))


@pytest.mark.proof
def test_common_kmers_are_in_no_sum_but_known(workshop: Any) -> None:
    chance = random.Random(6)
    shared = "".join(chance.choices("ACGT", k=300))
    many = crowd(shared, labs=MOST_LABS + 3)
    few = [
        Plasmid("few", shared[:200] + many[7].sequence[-60:], lab="lab 007", group="late"),
        Plasmid("own", many[9].sequence[250:], lab="stranger"),
    ]
    parts = [Part(many, vectors_of(len(many), 1)), Part(few, vectors_of(2, 2))]
    query = Plasmid("q", shared + many[7].sequence[-60:] + many[9].sequence[-60:])
    [vector] = vectors_of(1, 3)
    for world in (World(parts[:1]), World(parts)):
        loops = PlainLoops(world, [4])
        assert loops.common
        cosines = cosines_for(world)
        columns = columns_of(world.lab_features(workshop), query, vector, cosines, np.array([4]))
        assert_same(columns, loops.columns(query, vector, cosines))


@pytest.mark.proof
def test_a_kmer_that_labs_of_all_segments_share_is_common(workshop: Any) -> None:
    shared = "".join(random.Random(8).choices("ACGT", k=200))
    many = crowd(shared, labs=MOST_LABS + 2)
    parts = [Part(plasmids, vectors_of(len(plasmids), 1)) for plasmids in (many[::2], many[1::2])]
    world, query = World(parts), Plasmid("q", shared + many[7].sequence[-60:])
    loops = PlainLoops(world, [])
    assert loops.common
    [vector] = vectors_of(1, 3)
    cosines = cosines_for(world)
    columns = columns_of(world.lab_features(workshop), query, vector, cosines)
    assert_same(columns, loops.columns(query, vector, cosines))


def test_columns_do_not_depend_on_how_plasmids_are_divided_or_ordered(workshop: Any) -> None:
    chance = random.Random(3)
    world, pieces = random_world(11, segments=1)
    [part] = world.parts
    whole = World([Part(part.plasmids, part.vectors)])
    order = chance.sample(range(len(part.plasmids)), len(part.plasmids))
    pairs = [(part.plasmids[row], part.vectors[row]) for row in order]
    halves = [pairs[:2], pairs[2:]]
    divided = World([Part([a for a, _ in half], np.stack([b for _, b in half])) for half in halves])
    query = molecule(chance, pieces, "q")
    [vector] = vectors_of(1, 4)
    cosines = cosines_for(whole)
    first, second = (
        columns_of(world.lab_features(workshop), query, vector, cosines)
        for world in (whole, divided)
    )
    assert_same(second, first)


def test_rows_left_out_count_as_if_they_were_not_stored(workshop: Any) -> None:
    for seed in range(20):
        world, pieces = random_world(seed, segments=1)
        part = Part(world.parts[0].plasmids, world.parts[0].vectors)
        if len(part.plasmids) < 4:
            continue
        kept = [row for row in range(len(part.plasmids)) if row % 3]
        smaller = World([Part([part.plasmids[row] for row in kept], part.vectors[kept])])
        labs = {plasmid.lab for plasmid in part.plasmids}
        if {part.plasmids[row].lab for row in kept} != labs:
            continue  # a lab without any plasmid is still a lab of the larger one
        query = molecule(random.Random(seed), pieces, "q")
        [vector] = vectors_of(1, seed)
        cosines = cosines_for(smaller)
        left_out = np.arange(0, len(part.plasmids), 3)
        columns = columns_of(World([part]).lab_features(workshop), query, vector, cosines, left_out)
        assert_same(columns, columns_of(smaller.lab_features(workshop), query, vector, cosines))


@pytest.mark.parametrize("offset", [1, 57, 130, 211])
def test_rotation_and_strand_change_no_column(workshop: Any, offset: int) -> None:
    for seed in range(10):
        world, pieces = random_world(seed, segments=2)
        if not world.labs:
            continue
        lab_features, cosines = world.lab_features(workshop), cosines_for(world)
        chance = random.Random(seed)
        query = Plasmid("q", "".join(chance.choices(pieces, k=4)))
        [vector] = vectors_of(1, seed)
        first = columns_of(lab_features, query, vector, cosines)
        for turned in (query.rotated(offset), query.reverse_complement()):
            assert_same(columns_of(lab_features, turned, vector, cosines), first)


def test_a_stretch_across_the_origin_is_one_run(workshop: Any) -> None:
    chance = random.Random(8)
    shared, other = ("".join(chance.choices("ACGT", k=400)) for _ in range(2))
    world = World([Part([Plasmid("p", shared, topology="linear", lab="Ash")], vectors_of(1, 0))])
    lab_features, [vector] = world.lab_features(workshop), vectors_of(1, 1)
    cut = shared[200:] + other + shared[:200]
    for topology, runs in (("circular", 1), ("linear", 2)):
        columns = columns_of(lab_features, Plasmid("q", cut, topology=topology), vector, {"Ash": 0})
        assert columns["runs"].tolist() == [runs]


@pytest.mark.parametrize("sequence", ["ACGT", "N" * 500])
def test_a_query_without_kmers_has_evidence_of_its_vector_alone(
    workshop: Any, sequence: str
) -> None:
    world, _ = random_world(2, segments=2)
    [vector] = vectors_of(1, 1)
    cosines, query = cosines_for(world), Plasmid("q", sequence)
    columns = columns_of(world.lab_features(workshop), query, vector, cosines)
    assert_same(columns, PlainLoops(world, []).columns(query, vector, cosines))
    assert not columns["sum"].any()


def test_segments_of_which_all_is_removed_say_nothing_of_no_lab(workshop: Any) -> None:
    plasmids, vectors = [Plasmid("p", "ACGTTGCA" * 60, lab="Ash")], vectors_of(1, 0)
    segment = workshop.segment(plasmids, vectors=vectors, removed=["Ash"])
    lab_features = LabFeatures(Catalogue.from_segments([segment], ["Ash"]), [segment])
    columns = columns_of(lab_features, plasmids[0], vectors[0], {"Ash": 0.5})
    assert set(columns) == set(NAMES)
    assert all(len(column) == 0 for column in columns.values())


@pytest.mark.parametrize("most_labs", [None, (3, 1)])
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.booleans())
@example(3, False)
def test_kmers_that_count_together_say_what_they_say_one_by_one(
    workshop: Any, most_labs: tuple[int, int] | None, seed: int, leaves_out: bool
) -> None:
    world, pieces = random_world(seed, segments=1)
    query = molecule(random.Random(seed), [*pieces, "ACGGTTAC" * 20], "query")
    with pytest.MonkeyPatch.context() as patch:
        for module in (kmer_writer, shared_kmers) if most_labs else ():  # then some are common
            patch.setattr(module, "MOST_LABS", most_labs[0])
            patch.setattr(module, "FINE_MOST_LABS", most_labs[1])
        features = world.lab_features(workshop)
        alive = np.flatnonzero(features.catalogue.labs >= 0)
        left_out = alive[:1] if leaves_out else NO_ROWS
        kmers = QueryKmers.from_plasmid(query, scaled=features.scaled)
        (apart, counts), (together, same_counts) = (
            features.shared_and_counts(kmers.distinct, left_out=left_out, together=together)
            for together in (False, True)
        )
        cosines = cosines_for(world)
        class_cosines = np.array([cosines[name] for name in features.catalogue.class_names])
        columns, same = (
            features.columns(shared, kmers, class_cosines, left_out=left_out)
            for shared in (apart, together)
        )
    assert counts.stored.tolist() == same_counts.stored.tolist()
    assert counts.living.tolist() == same_counts.living.tolist()
    assert len(together.lab_counts) <= len(apart.lab_counts)
    if seed == 3:
        assert len(together.lab_counts) < len(apart.lab_counts) / 4
        assert apart.is_common.any() == (most_labs is not None)
    assert set(columns) == set(same)
    for name in columns:  # to the last digit
        assert columns[name].tolist() == same[name].tolist(), name
