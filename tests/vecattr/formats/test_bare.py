"""Claims about bare sequences: the file is the name, and text is no sequence."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.formats.bare import read_bare
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input


def record_of(content: bytes, folder: Path) -> Record:
    path = folder / "pMade.seq"
    path.write_bytes(content)
    with open_input(path) as file:
        assert format_of(file).name == "bare sequence"
        (record,) = read_bare(file)
    return record


CONTENTS = {
    "one line": b"ACGTacgtNNRY",
    "lines": b"ACGT\r\nacgt\r\n\r\nNNRY\r\n",
    "blocks": b"ACGT acgt NNRY\n",
    "numbers before": b"    1 ACGT acgt\n    9 NNRY\n",
    "numbers behind": b"ACGT acgt    8\nNNRY     12\n",
    "DNASTAR": b'"pMade.seq: made of Trees, 12 bases"\r\n\r\n^^\r\nACGTacgt\r\nNNRY\r\n',
    "GCG": b"!!NA_SEQUENCE 1.0\n pMade  Length: 12  Check: 99 ..\n\n  1 ACGTacgt NNRY\n",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_bases_alone_are_a_record_named_like_its_file(content: bytes, tmp_path: Path) -> None:
    record = record_of(content, tmp_path)
    assert (record.id, record.sequence, record.topology) == ("pMade", "ACGTacgtNNRY", None)
    assert record.problem is None


def test_the_length_that_gcg_states_is_checked(tmp_path: Path) -> None:
    record = record_of(CONTENTS["GCG"].replace(b"12", b"13"), tmp_path)
    assert record.problem is not None
    assert "states 13 bases, the file holds 12" in record.problem.what


@pytest.mark.parametrize("text", ["", "bad", "Dear Ann", "a cat", "MKVLAAGIAG", "ACGT, GGTC"])
def test_words_are_no_sequence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text)
    with suppress(InputError), open_input(path) as file:
        assert format_of(file).name == "table"
