"""Claims about FASTQ: reads and consensus sequences are read, and nothing is silently wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.formats.fastq import read_fastq
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input


def records_of(content: bytes, folder: Path) -> list[Record]:
    path = folder / "reads.fastq"
    path.write_bytes(content)
    with open_input(path) as file:
        assert format_of(file).name == "fastq"
        return list(read_fastq(file))


CONTENTS = {
    "plain": b"@p1 x\nACGT\n+\nIIII\n@p2 circular=false\nGG\n+p2 circular=false\n@+\n",
    "tags": b"@p1\tqs:f:12.5\tRG:Z:run\nACGT\n+\nIIII\n@p2\tcircular=false\nGG\n+\nII\n",
    "wrapped": b"@p1 x\nAC\nGT\n+\nII\nII\n@p2 circular=false\nG\nG\n+\nI\nI\n",
    "line ends": b"@p1 x\r\nACGT\r\n+\r\nIIII\r\n@p2 circular=false\r\nGG\r\n+\r\nII\r\n",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_each_read_is_a_record(content: bytes, tmp_path: Path) -> None:
    records = records_of(content, tmp_path)
    assert [
        (record.id, record.sequence, record.topology, record.problem) for record in records
    ] == [
        ("p1", "ACGT", None, None),
        ("p2", "GG", "linear", None),
    ]


def test_a_cut_file_gives_its_reads_and_a_bad_record(tmp_path: Path) -> None:
    whole = CONTENTS["plain"]
    for cut in range(whole.index(b"@p2") + 1, len(whole) - 2):
        good, bad = records_of(whole[:cut], tmp_path)
        assert (good.id, good.problem) == ("p1", None)
        assert bad.problem is not None
        assert "FASTQ" in bad.problem.what
