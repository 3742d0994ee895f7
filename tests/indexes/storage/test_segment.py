"""Segments: what goes in comes out, whatever it is called; the same content, the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.errors import DamagedError, MismatchError
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.storage.lab_parts import LabPart, lab_parts
from vecattr.indexes.storage.segment import Segment
from vecattr.indexes.storage.stored_info import StoredPlasmid
from vecattr.plasmid import ALPHABET, RESERVED_LABS, Plasmid
from vecattr.sequences.two_bit import unpack_bases
from vecattr.vectors import unit_rows

WIDTH = 6
texts = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
labs = texts.filter(lambda t: t.strip().lower() not in RESERVED_LABS and t.strip().isprintable())


@st.composite
def collections(draw: st.DrawFn) -> list[Plasmid]:
    ids = draw(st.lists(texts, min_size=1, max_size=12, unique=True))
    features = st.none() | st.dictionaries(texts, st.integers(0, 1), min_size=1, max_size=4)
    return [
        Plasmid(
            name,
            draw(st.text(alphabet=ALPHABET, min_size=1, max_size=60)),
            topology=draw(st.sampled_from(["circular", "linear"])),
            features=draw(features),
            lab=draw(labs),
            group=draw(st.none() | texts),
        )
        for name in ids
    ]


def stored(plasmids: list[Plasmid], *, keep_sequences: bool = True) -> bytes:
    vectors = unit_rows(np.random.default_rng(0).normal(size=(len(plasmids), WIDTH)))
    writer = SegmentWriter(model="m", width=WIDTH, keep_sequences=keep_sequences)
    for plasmid, vector in zip(plasmids, vectors, strict=True):
        writer.add_plasmid(plasmid, label=plasmid.lab or "", vector=vector)
    writer.add_parts(lab_parts(writer.labels, writer.vectors))
    return writer.to_bytes()


def as_plasmid(stored: StoredPlasmid) -> Plasmid:
    assert stored.bases is not None
    features = stored.features
    feature_values = dict(zip(features[0], features[1], strict=True)) if features else None
    bases = unpack_bases(stored.bases)
    return Plasmid(stored.id, bases, stored.topology, feature_values, stored.lab, stored.group)


@settings(deadline=None)
@given(collections())
def test_every_plasmid_comes_back(plasmids: list[Plasmid]) -> None:
    segment = Segment(stored(plasmids))
    assert [as_plasmid(segment.plasmid(row)) for row in range(segment.rows)] == plasmids
    assert [segment.length(row) for row in range(segment.rows)] == list(map(len, plasmids))


@settings(deadline=None)
@given(collections(), texts)
def test_every_id_is_found_and_no_other(plasmids: list[Plasmid], other: str) -> None:
    segment = Segment(stored(plasmids))
    ids = [plasmid.id for plasmid in plasmids]
    assert segment.find(ids) == {name: [row] for row, name in enumerate(ids)}
    assert (other in segment.find([other])) == (other in ids)


def test_the_same_content_gives_the_same_bytes() -> None:
    plasmids = [Plasmid(f"p{n}", "ACGT" * n, lab="x", features={"a": 1}) for n in range(1, 9)]
    assert stored(plasmids) == stored(list(plasmids))


def test_stored_plasmids_can_be_carried_over_bit_for_bit() -> None:
    plasmids = [Plasmid(f"p{n}", "ACGTN" * n, lab=f"lab {n % 3}") for n in range(1, 9)]
    segment = Segment(stored(plasmids))
    writer = SegmentWriter(model="m", width=WIDTH, keep_sequences=True)
    for row in range(segment.rows):
        writer.add_stored(segment.plasmid(row))
    writer.add_parts(segment.parts)
    assert writer.to_bytes() == stored(plasmids)


def test_without_sequences_no_base_is_stored() -> None:
    secret = "ACGTTGCA" * 50
    data = stored([Plasmid("p", secret, lab="x")], keep_sequences=False)
    segment = Segment(data)
    assert not segment.has_sequences
    assert segment.plasmid(0).bases is None
    assert segment.length(0) == 400
    assert b"bases" not in data


def test_a_segment_without_rows_holds_lab_parts_alone() -> None:
    writer = SegmentWriter(model="m", width=WIDTH, keep_sequences=True)
    writer.add_parts([LabPart("x", np.eye(WIDTH, dtype=np.float32)[0], 2.0, "learned")])
    segment = Segment(writer.to_bytes())
    assert segment.rows == 0
    assert [(part.name, part.weight, part.origin) for part in segment.parts] == [
        ("x", 2.0, "learned")
    ]


def test_a_segment_of_another_model_is_refused_with_both_values() -> None:
    data = stored([Plasmid("p", "ACGT", lab="x")])
    with pytest.raises(MismatchError, match="made by model m…, expected other"):
        Segment(data, model="other")


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_flipped_byte_is_noticed(data: st.DataObject) -> None:
    whole = bytearray(stored([Plasmid(f"p{n}", "ACGTN", lab="x") for n in range(5)]))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedError):
        Segment(bytes(whole)).check_all()
