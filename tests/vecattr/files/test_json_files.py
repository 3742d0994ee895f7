"""JSON of strangers: bounded in depth and in its integers, errors name the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vecattr.errors import ArtifactError, DamagedError, MismatchError, MissingError
from vecattr.files.array_directory import Directory
from vecattr.files.fold_folder import FOLDS_FILE, read_folds
from vecattr.files.json_files import LARGEST, MOST_LEVELS, parse_json, read_json, read_sidecar


def nested(levels: int, *, opening: str = "[", closing: str = "]", inner: str = "1") -> bytes:
    """A JSON text of so many levels."""
    return (opening * levels + inner + closing * levels).encode()


HOSTILE = {
    "lists": nested(50_000),
    "objects": nested(50_000, opening='{"a":', closing="}"),
    "lists just too deep": nested(MOST_LEVELS + 1),
    "objects below the recursion limit": nested(400, opening='{"a":', closing="}"),
    "deep beside other values": b'{"version": 1, "x": ' + nested(300) + b"}",
    "deep beside brackets in a string": b'["' + b"]" * 400 + b'", ' + nested(80) + b"]",
    "deep beside an escaped quotation mark": b'["\\"' + b"]" * 400 + b'", ' + nested(80) + b"]",
    "a long integer": b'{"version": 1, "x": ' + b"9" * 400 + b"}",
    "a very long integer": b"9" * 100_000,
    "65 bits": str(LARGEST + 1).encode(),
    "a negative integer of 65 bits": str(-LARGEST - 2).encode(),
    "cut short": b'{"version": 1',
    "not UTF-8": b'"\xff"',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_json_that_is_too_deep_or_too_long_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(HOSTILE[name])


@pytest.mark.parametrize(
    "value", [LARGEST, -LARGEST - 1, 1.5e300, "9" * 400, "[" * 400, None, [], {}]
)
def test_other_values_are_read_as_they_are(value: object) -> None:
    assert parse_json(json.dumps(value)) == value


def test_as_many_levels_as_the_limit_are_read() -> None:
    assert json.dumps(parse_json(nested(MOST_LEVELS))) == nested(MOST_LEVELS).decode()


@pytest.mark.parametrize("name", HOSTILE)
def test_every_reader_of_a_json_file_names_the_damaged_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / FOLDS_FILE
    file.write_bytes(HOSTILE[name])
    with pytest.raises(DamagedError, match=FOLDS_FILE):
        read_folds(tmp_path)
    with pytest.raises(DamagedError, match=FOLDS_FILE):
        read_sidecar(file, dict, kind="thing", version=1, hint="")
    with pytest.raises(ValueError, match=r"."):
        Directory.from_bytes(HOSTILE[name], size=100)


@pytest.mark.parametrize(
    "text", ['{"count": 1e999}', '{"count": null}', "[]", "3", '{"count": {}}']
)
def test_content_of_another_kind_is_damage(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DamagedError, match=r"x\.json"):
        read_json(tmp_path / "x.json", lambda data: int(data["count"]), kind="count")


def test_a_missing_file_and_another_version_are_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    assert read_sidecar(file, dict, kind="thing", version=1, hint="") is None
    with pytest.raises(MissingError):
        read_json(file, dict, kind="thing")
    file.write_text('{"version": 2}')
    with pytest.raises(MismatchError, match=r"x\.json.*version 2, this vecattr reads 1"):
        read_sidecar(file, dict, kind="thing", version=1, hint="")


@pytest.mark.parametrize("name", ["lists", "a long integer", "deep beside other values"])
def test_a_model_folder_with_such_a_file_cannot_be_used(name: str, tmp_path: Path) -> None:
    from vecattr.calibration.calibration_file import read_calibration
    from vecattr.encoders.model_folder import CALIBRATION_FILE, CONFIG_FILE, read_config
    from vecattr.ranking.evidence_ranker import RANKER_FILE, read_ranker

    readers = {
        CALIBRATION_FILE: read_calibration,
        CONFIG_FILE: read_config,
        RANKER_FILE: read_ranker,
    }
    for file, reader in readers.items():
        (tmp_path / file).write_bytes(HOSTILE[name])
        with pytest.raises(ArtifactError, match=file):
            reader(tmp_path)
