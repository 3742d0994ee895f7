"""Claims about features: 0/1 columns that are not reserved, of a table or a feature file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.readers.columns import Header
from vecattr.readers.features import FeatureParser, feature_columns, read_features


def test_all_four_ways_of_writing_a_bit_are_one_feature() -> None:
    assert feature_columns(["f"], [["0"], ["1"], ["0.0"], [" 1.0 "]]) == (0,)


def test_a_column_with_anything_else_is_no_feature() -> None:
    assert feature_columns(["f", "g"], [["0", "2"], ["1", "1"]]) == (0,)


def test_an_empty_column_is_no_feature() -> None:
    assert feature_columns(["f", "g"], [["0", ""], ["", ""]]) == (0,)


@pytest.mark.parametrize(
    "column",
    ["", "sequence_id", "sequence", "lab", "topology", "split", "publication", "year", "circular",
     "Is_Circular", "Linear", "LAB", "pi", "Name"],
)  # fmt: skip
def test_unnamed_columns_and_those_that_say_something_else_are_no_features(column: str) -> None:
    columns = ("f", column)
    reserved = Header(columns, "t.csv").reserved()
    assert feature_columns(columns, [["1", "0"]], reserved=reserved) == (0,)


@pytest.mark.parametrize("word", ["NA", "nan", "None", "", "n/a"])
def test_a_missing_value_leaves_a_feature_a_feature_and_the_row_without(word: str) -> None:
    assert feature_columns(["f"], [["1"], [word]]) == (0,)
    assert FeatureParser(("f",), (0,))([word]) is None


def test_an_empty_cell_leaves_the_row_without_features_rather_than_zero() -> None:
    parse = FeatureParser(("f", "g"), (0, 1))
    assert parse(["0", ""]) is None
    assert parse(["", ""]) is None
    assert parse(["1.0", "0.0"]) == {"f": 1, "g": 0}


def test_a_row_of_a_table_without_features_has_none() -> None:
    assert FeatureParser(("f",), ())(["1"]) is None


def test_a_later_cell_that_is_no_bit_is_named() -> None:
    parse = FeatureParser(("f",), (0,))
    with pytest.raises(InputError, match=r"'f' is '7', not 0 or 1"):
        parse(["7"])


def written(text: str, folder: Path) -> Path:
    path = folder / "features.csv"
    path.write_text(text)
    return path


def test_a_feature_file_is_read_by_id(tmp_path: Path) -> None:
    path = written("sequence_id,lab,f,g\na,X,1,0.0\nb,Y,,\n", tmp_path)
    assert read_features(path) == {"a": {"f": 1, "g": 0}, "b": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence_id,f\na,2\n", "'f' is '2'"),
        ("sequence_id,lab\na,X\n", "no feature column"),
        ("sequence_id,f\na,1\na,1\n", "occurs twice"),
    ],
)
def test_a_feature_file_with_other_values_is_refused(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        read_features(written(text, tmp_path))
