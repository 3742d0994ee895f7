"""The manifest: canonical bytes, any change noticed, identity of content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import ArtifactError, DamagedError, MismatchError, MissingError
from vecattr.indexes.manifest import (
    FileFacts,
    Manifest,
    SegmentEntry,
    parse_manifest,
    read_manifest,
)

FACTS = FileFacts("ab" * 32, 1234)
ENTRY = SegmentEntry("ab" * 10, FACTS, "cd" * 32, 7, FACTS, ("gone",), (("old", "new"),))
MANIFEST = Manifest(
    generation=3,
    model="ef" * 32,
    model_files=(("config.json", FACTS),),
    width=24,
    views=None,
    keep_sequences=True,
    segments=(ENTRY,),
    plasmids=7,
    labs=2,
    restores=1,
)

names = st.text(min_size=1, max_size=8)


@given(st.sets(names), st.dictionaries(names, names))
def test_a_manifest_comes_back_whatever_the_labs_are_called(
    removed: set[str], renamed: dict[str, str]
) -> None:
    entry = replace(ENTRY, removed=tuple(sorted(removed)), renamed=tuple(sorted(renamed.items())))
    manifest = replace(MANIFEST, segments=(entry,))
    assert parse_manifest(manifest.to_json(), where="m") == manifest


@given(st.data())
def test_any_flipped_byte_is_noticed(data: st.DataObject) -> None:
    stored = bytearray(MANIFEST.to_json())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((DamagedError, MismatchError), match="some/manifest"):
        parse_manifest(bytes(stored), where="some/manifest.json")


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_junk_is_not_a_manifest(junk: bytes) -> None:
    with pytest.raises(DamagedError):
        parse_manifest(junk, where="m")


def test_a_newer_version_is_refused_with_both_values() -> None:
    newer = MANIFEST.to_json().replace(b'"version": 1', b'"version": 2')
    with pytest.raises(MismatchError, match="version 2, expected 'vecattr-index' version 1"):
        parse_manifest(newer, where="m")


def test_identity_is_of_the_content_and_not_of_its_history() -> None:
    assert replace(MANIFEST, generation=9, restores=None).identity == MANIFEST.identity
    other = replace(MANIFEST, segments=(replace(ENTRY, removed=()),))
    assert other.identity != MANIFEST.identity


def test_hiding_a_renamed_lab_hides_it_under_both_names() -> None:
    entry = ENTRY.without(frozenset({"old"}))
    assert entry.present("old") is None
    assert entry.present("new") == "new"  # a lab stored under that name is another one


def test_renaming_back_leaves_no_trace() -> None:
    assert ENTRY.with_names({"old": "old"}).renamed == ()


def test_no_index_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(MissingError, match="vecattr build-index"):
            read_manifest(path)


def test_a_file_is_not_an_index(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="is a file"):
        read_manifest(tmp_path / "file")


def test_another_calibration_is_another_identity() -> None:
    def made(*names: str) -> Manifest:
        return replace(MANIFEST, model_files=tuple((name, FACTS) for name in names))

    assert made("config.json").identity == made("config.json", "MODEL_CARD.md").identity
    assert made("config.json").identity != made("config.json", "calibration.json").identity
