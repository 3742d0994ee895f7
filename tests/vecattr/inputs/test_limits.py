"""Claims about limits: a record or file that is too long is refused before it fills memory."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from pathlib import Path
from typing import Any, cast

import pytest

from vecattr import Plasmid
from vecattr.cli.main import run
from vecattr.errors import InputError
from vecattr.inputs.limits import LimitedBytes, Limits
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.readers.records import BadRecord

SMALL = ReadOptions(limits=Limits(bases=1000, unpacked=1 << 20))
#: Far beyond the limits: a reader that held it would show in memory use.
GIGANTIC = 60_000_000

BEGINNINGS = {
    "fasta": b">p\n",
    "table": b"sequence_id,sequence\np,",
    "quoted table": b'sequence_id,sequence\np,"',
    "genbank": b"LOCUS       P          10 bp    DNA     circular\nORIGIN\n",
}


def peak_of_refusing(path: Path, options: ReadOptions) -> int:
    """The most memory in use (bytes) until the file was refused by name."""
    tracemalloc.start()
    with pytest.raises(InputError, match=path.name):
        list(read_plasmids([path], options))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("line", [(b"ACGT" * 15 + b"\n") * 16, b"A>C//" * 100])
@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_gigantic_record_is_refused_before_it_is_in_memory(
    tmp_path: Path, kind: str, line: bytes
) -> None:
    if kind == "table" and b"\n" in line:
        pytest.skip("a row ends with its line")
    path = tmp_path / "long.txt.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(BEGINNINGS[kind])
        for _ in range(GIGANTIC // len(line)):
            file.write(line)
    roomy = ReadOptions(limits=Limits(bases=1000))
    assert peak_of_refusing(path, roomy) < GIGANTIC // 2


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.fa.gz"
    record = b">%d\nACGT\n"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for number in range(150_000):
            file.write(record % number)
    records = []
    with pytest.raises(InputError, match=r"bomb\.fa\.gz: the file unpacks to more than"):
        records.extend(read_plasmids([path], SMALL))
    plain = tmp_path / "plain.fa"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    assert sum(1 for _ in read_plasmids([plain], SMALL)) == 150_000


def test_a_record_that_is_too_long_is_a_bad_one_among_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "mixed.fa"
    path.write_text(">a\nACGT\n>b\n" + "A" * 1001 + "\n>c\n" + "A" * 1000 + "\n")
    first, second, third = read_plasmids([path], SMALL)
    assert isinstance(first, Plasmid)
    assert isinstance(second, BadRecord)
    assert "1,001 bases, more than 1,000" in second.error.what
    assert "--max-bases" in str(second.error.hint)
    assert isinstance(third, Plasmid)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_mark_is_seen_wherever_two_reads_cut_it(size: int) -> None:
    text = b"\n//".join([b"x" * 40] * 50)
    inner = io.BytesIO(text)
    error = InputError("too long")
    limited = LimitedBytes(
        cast("io.BufferedReader", inner), marks=(b"\n//",), most=40 + 2 * size + 3, error=error
    )
    content = b"".join(iter(lambda: limited.read(size) or b"", b""))
    assert content == text
    strict = LimitedBytes(
        cast("io.BufferedReader", io.BytesIO(text)), marks=(b"\n//",), most=30, error=error
    )
    with pytest.raises(InputError):
        list(iter(lambda: strict.read(size) or b"", b""))


@pytest.mark.parametrize("option", ["--max-unpacked", "--max-bases", "--false-alarm", "--coverage"])
def test_a_limit_is_a_number(shelf: Any, option: str) -> None:
    assert run(["query", str(shelf.table), "-i", str(shelf.index), option, "nan"]) == 2
