"""Claims about checking records: a good one is a plasmid, a bad one says where and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.plasmid import Plasmid
from vecattr.readers.records import BadRecord, joined, plasmid_of

GOOD = Record("a", "file:2", "acgu", topology="linear", lab=" Lab ", group="7", features={"f": 1})


def test_a_good_record_is_a_plasmid_with_everything_in_the_file() -> None:
    expected = Plasmid("a", "ACGT", topology="linear", lab="Lab", group="7", features={"f": 1})
    assert plasmid_of(GOOD) == expected


@pytest.mark.parametrize(
    ("stated", "option", "expected"),
    [
        (None, "auto", "circular"),
        ("linear", "auto", "linear"),
        ("linear", "circular", "circular"),
        (None, "linear", "linear"),
    ],
)
def test_topology_is_the_option_else_the_file_else_circular(
    stated: str | None, option: str, expected: str
) -> None:
    plasmid = plasmid_of(replace(GOOD, topology=stated), option)  # type: ignore[arg-type]
    assert isinstance(plasmid, Plasmid)
    assert plasmid.topology == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequence": "MKV*"}, "nucleotide"),
        ({"sequence": "AC\x00GT"}, "nucleotide"),
        ({"sequence": " "}, "empty"),
        ({"topology": "round"}, "round"),
        ({"lab": "Unknown"}, "reserved"),
        ({"id": ""}, "no id"),
        ({"id": "a\x00"}, "control character"),
        ({"problem": InputError("torn")}, "torn"),
    ],
)
def test_a_bad_record_carries_its_place(change: dict[str, object], message: str) -> None:
    bad = plasmid_of(replace(GOOD, **change))  # type: ignore[arg-type]
    assert isinstance(bad, BadRecord)
    assert bad.id
    assert bad.error.where == "file:2"
    assert message in bad.error.what


def test_joined_pieces_are_one_linear_record_that_no_kmer_crosses() -> None:
    pieces = [replace(GOOD, topology=None), replace(GOOD, id="b", sequence="GG")]
    (whole,) = joined(pieces)
    assert (whole.id, whole.sequence, whole.topology) == ("a", "acguNGG", "linear")


def test_a_lone_record_is_joined_to_itself() -> None:
    assert list(joined([GOOD])) == [GOOD]
    assert list(joined([])) == []


def test_a_bad_piece_makes_the_joined_record_bad() -> None:
    torn = replace(GOOD, id="b", problem=InputError("torn"))
    (whole,) = joined([GOOD, torn])
    assert isinstance(plasmid_of(whole), BadRecord)
