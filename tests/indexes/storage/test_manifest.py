"""The manifest: canonical bytes, any change noticed, identity of content."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import ArtifactError, DamagedError, MismatchError, MissingError
from vecattr.files.atomic import sha256_bytes
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.manifest import FileFacts, Manifest, SegmentEntry, parse_manifest

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
    library="9.9.9",
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
    newer = MANIFEST.to_json().replace(b'"version": 3', b'"version": 4')
    message = "version 4, expected 'vecattr-index' version 1 to 3\n.*newer vecattr"
    with pytest.raises(MismatchError, match=message):
        parse_manifest(newer, where="m")


def test_an_older_version_is_read_and_written_again_as_it_was() -> None:
    older = MANIFEST.to_json(version=1)
    assert b"library" not in older
    assert parse_manifest(older, where="m") == replace(MANIFEST, library=None)
    assert parse_manifest(older, where="m").to_json(version=1) == older


def test_what_is_known_of_labs_counts_for_the_identity_and_versions_before_know_nothing() -> None:
    known = replace(MANIFEST, lab_info=FileFacts("cd" * 32, 700))
    assert parse_manifest(known.to_json(), where="m") == known
    assert known.identity != MANIFEST.identity
    assert known.stored_names - MANIFEST.stored_names == {"cd" * 10}
    older = MANIFEST.to_json(version=2)
    assert b"lab_info" not in older
    assert parse_manifest(older, where="m").identity == MANIFEST.identity


HOSTILE = [
    ({"lab_info": {"sha256": "../../etc/passwd", "size": 1}}, "no SHA-256"),
    ({"lab_info": {"sha256": "ab" * 32, "size": -1}}, "no number"),
    ({"lab_info": "labs"}, "not a manifest"),
    ({"segments": [{"name": "../../../etc/passwd"}]}, "names no segment"),
    ({"segments": [{"name": "/etc/passwd"}]}, "names no segment"),
    ({"segments": [{"name": "ab" * 10 + "\n"}]}, "names no segment"),
    ({"segments": [{"name": 7}]}, "names no segment"),
    ({"segments": [{"rows": -1}]}, "no number"),
    ({"segments": [{"rows": True}]}, "no number"),
    ({"segments": [{"sha256": "zz"}]}, "no SHA-256"),
    ({"segments": [{"faiss": {"sha256": "ab" * 32, "size": 1.5}}]}, "no number"),
    ({"segments": [{"removed": [["a"]]}]}, "no text"),
    ({"segments": {"a": 1}}, "not a manifest"),
    ({"model": {"files": {"../x": asdict(FACTS)}}}, "names no file of a model"),
    ({"model": {"files": {".": asdict(FACTS)}}}, "names no file of a model"),
    ({"model": {"identity": "ef" * 31}}, "no SHA-256"),
    ({"model": {"width": 0}}, "no number"),
    ({"generation": 0}, "no number"),
    ({"generation": "../7"}, "no number"),
    ({"counts": {"plasmids": 1e300, "labs": 1}}, "no number"),
    ({"version": "2"}, "not a manifest"),
    ({"version": True}, "not a manifest"),
]


def overlaid(value: Any, change: Any) -> Any:
    """The value with parts of it replaced."""
    if isinstance(value, dict) and isinstance(change, dict):
        return value | {key: overlaid(value.get(key), change[key]) for key in change}
    if isinstance(value, list) and isinstance(change, list):
        return [overlaid(*pair) for pair in zip(value, change, strict=True)]
    return change


@pytest.mark.parametrize(("change", "message"), HOSTILE)
def test_a_manifest_that_lies_with_a_right_checksum_is_refused(
    change: dict[str, Any], message: str
) -> None:
    body = overlaid(json.loads(MANIFEST.to_json()), change)
    del body["checksum"]
    body["checksum"] = sha256_bytes(json.dumps(body, sort_keys=True).replace(" ", "").encode())
    hostile = json.dumps(body, indent=1, sort_keys=True).encode() + b"\n"
    with pytest.raises(DamagedError, match=message):
        parse_manifest(hostile, where="m")


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


def test_another_calibration_or_fusion_is_another_identity() -> None:
    def manifest_of(*names: str) -> Manifest:
        return replace(MANIFEST, model_files=tuple((name, FACTS) for name in names))

    assert (
        manifest_of("config.json").identity == manifest_of("config.json", "MODEL_CARD.md").identity
    )
    assert (
        manifest_of("config.json").identity
        != manifest_of("config.json", "calibration.json").identity
    )
    assert manifest_of("config.json").identity != manifest_of("config.json", "fusion.json").identity


@pytest.mark.parametrize("times", [2, 50])
@pytest.mark.parametrize("renamed", [(), (("old", "other"),)])
def test_a_segment_that_is_named_twice_is_refused(
    times: int, renamed: tuple[tuple[str, str], ...]
) -> None:
    entry = replace(ENTRY, removed=())
    manifest = replace(MANIFEST, segments=(entry, *[replace(entry, renamed=renamed)] * (times - 1)))
    with pytest.raises(DamagedError, match=f"named {times} times"):
        parse_manifest(manifest.to_json(), where="m")


def test_a_segment_that_was_removed_and_added_again_may_be_named_twice() -> None:
    manifest = replace(MANIFEST, segments=(ENTRY, replace(ENTRY, removed=())))
    assert parse_manifest(manifest.to_json(), where="m") == manifest


@pytest.mark.parametrize("value", [b"1" * 25, b"[" * 400 + b"]" * 400])
def test_huge_integers_and_deep_lists_are_not_a_manifest(value: bytes) -> None:
    stored = MANIFEST.to_json().replace(b'"generation": 3', b'"generation": ' + value)
    with pytest.raises(DamagedError, match="not a manifest"):
        parse_manifest(stored, where="m")


def test_names_that_changed_are_looked_up_and_not_searched_for() -> None:
    labs = [f"lab {number}" for number in range(20_000)]
    entry = replace(ENTRY, removed=tuple(labs[::2]), renamed=tuple((lab, lab * 2) for lab in labs))
    expected = [None if number % 2 == 0 else lab * 2 for number, lab in enumerate(labs)]
    assert [entry.present(lab) for lab in labs] == expected
