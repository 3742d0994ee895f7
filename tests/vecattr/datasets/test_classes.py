"""Claims about classes: a named lab is its own class, every other one is pooled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vecattr.datasets.classes import ClassRule, labelled_set, rule_by_count, rule_from_file
from vecattr.errors import InputError, UsageError
from vecattr.plasmid import POOLED, Plasmid


def test_without_a_rule_every_lab_is_its_own_class() -> None:
    assert ClassRule().label("Lab 01") == "Lab 01"
    assert ClassRule().named is None


def test_a_file_names_the_classes_and_the_rest_is_pooled(tmp_path: Path) -> None:
    path = tmp_path / "labs.txt"
    path.write_bytes(b"\xef\xbb\xbf# kept\r\nLab 01 \r\n\r\n=cmd()\r\n")
    rule = rule_from_file(path)
    assert rule.named == frozenset({"Lab 01", "=cmd()"})
    assert [rule.label(lab) for lab in ("Lab 01", "Lab 02")] == ["Lab 01", POOLED]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"# none\n\n", "names no lab"),
        (b"Lab\nunknown\n", "reserved"),
        (b"\xff\xfe", "empty"),
        (b"Lab \xff\n", "UTF-8"),
    ],
)
def test_a_file_that_names_no_lab_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labs.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        rule_from_file(path)


def test_a_count_names_the_labs_that_reach_it() -> None:
    labs = ["a"] * 3 + ["b"] * 2 + ["c"]
    assert rule_by_count(iter(labs), minimum=2).named == frozenset("ab")
    assert rule_by_count(labs, minimum=1).named == frozenset("abc")


def test_a_count_that_no_lab_reaches_is_refused() -> None:
    with pytest.raises(InputError, match="the largest has 1"):
        rule_by_count(["a", "b"], minimum=2)
    with pytest.raises(UsageError, match="expected 1 or more"):
        rule_by_count(["a"], minimum=0)


def test_a_labelled_set_keeps_the_class_of_each_plasmid() -> None:
    plasmids = [Plasmid(f"p{lab}", "ACGT", lab=lab) for lab in "abc"]
    labelled = labelled_set(plasmids, ClassRule(frozenset("ab")))
    assert labelled.labels == ("a", "b", POOLED)
    last = labelled.where(np.array([False, False, True]))
    assert (last.plasmids, last.labels) == ((plasmids[2],), (POOLED,))


@pytest.mark.parametrize(("lab", "message"), [(None, "no lab"), ("a", "2 plasmids of 1 labs")])
def test_a_labelled_set_needs_a_lab_of_each_plasmid_and_two_labs(
    lab: str | None, message: str
) -> None:
    plasmids = [Plasmid("p", "ACGT", lab="a"), Plasmid("q", "ACGT", lab=lab)]
    with pytest.raises(InputError, match=message):
        labelled_set(plasmids, ClassRule())
