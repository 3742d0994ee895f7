"""Claims about label files: every row gives one lab or is refused with its line."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import InputError
from vecattr.readers.labels import read_labels


def written(text: str, folder: Path) -> Path:
    path = folder / "labels.csv"
    path.write_text(text)
    return path


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.sampled_from(["{}", "{}.0"]))
def test_long_and_one_hot_files_say_the_same(labs: list[int], form: str) -> None:
    long = ["sequence_id,lab"] + [f"s{row},L{lab}" for row, lab in enumerate(labs)]
    wide = ["sequence_id," + ",".join(f"L{lab}" for lab in range(5))]
    for row, lab in enumerate(labs):
        cells = [form.format(int(at == lab)) for at in range(5)]
        wide.append(f"s{row}," + ",".join(cells))
    with tempfile.TemporaryDirectory() as folder:
        from_long = read_labels(written("\n".join(long), Path(folder)))
        from_wide = read_labels(written("\n".join(wide), Path(folder)))
    assert from_long == from_wide == {f"s{row}": f"L{lab}" for row, lab in enumerate(labs)}


def test_a_file_1315_columns_wide_is_read_lean(tmp_path: Path) -> None:
    labs = [f"L{number:04d}" for number in range(1314)]
    zeros = ["0"] * 1314
    with (tmp_path / "wide.csv").open("w") as file:
        file.write("sequence_id," + ",".join(labs) + "\n")
        for row in range(400):
            cells = [*zeros[:row], "1", *zeros[row + 1 :]]
            file.write(f"s{row}," + ",".join(cells) + "\n")
    tracemalloc.start()
    labels = read_labels(tmp_path / "wide.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert labels == {f"s{row}": labs[row] for row in range(400)}
    assert peak < 3_000_000  # bytes; the cells alone would be 525,600 references


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("sequence_id,A,B\ns1,1,1\n", "2 labs", 2),
        ("sequence_id,A,B\ns1,0,1\ns2,0,0\n", "0 labs", 3),
        ("sequence_id,A,B\ns1,1,x\n", "the cell 'x'", 2),
        ("sequence_id,A,B\ns1,1\n", "2 cells, the header 3", 2),
        ("sequence_id,A,B\ns1,1,0\ns1,1,0\n", "'s1' occurs twice", 3),
        ("sequence_id,A,B\n ,1,0\n", "no id", 2),
        ("sequence_id,A,unknown\ns1,1,0\n", "reserved", 1),
        ("sequence_id,lab\ns1,unknown\n", "reserved", 2),
        ("sequence_id,lab\ns1,\n", "empty", 2),
        ("sequence_id,lab\ns1,NA\n", "empty", 2),
        ("sequence_id,lab\n", "no rows", None),
        ("sequence_id\ns1\n", "no column 'lab'", None),
    ],
)
def test_a_label_file_that_says_less_or_more_is_refused(
    text: str, message: str, line: int | None, tmp_path: Path
) -> None:
    path = written(text, tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        read_labels(path)
    assert caught.value.where == (str(path) if line is None else f"{path}:{line}")
