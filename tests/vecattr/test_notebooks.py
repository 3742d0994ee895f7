"""Claims about notebooks: what may be asked about, what an answer shows, and readable values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecattr
from vecattr import Index, Plasmid
from vecattr.errors import InputError, UsageError
from vecattr.given import as_plasmid

BASES = "ACGTTGCAAC" * 30


@pytest.fixture
def answer(shelf: Any) -> Any:
    return Index.open(shelf.index).query(shelf.plasmids[0], k=3, evidence=20)


def test_a_file_is_read_as_a_list(shelf: Any, tmp_path: Path) -> None:
    path = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:2])
    assert [plasmid.id for plasmid in vecattr.read(path)] == [p.id for p in shelf.plasmids[:2]]
    assert [plasmid.id for plasmid in vecattr.read(str(path))] == ["made00001", "made00002"]
    path.write_text(">a\nACGT\n>b\nAC!T\n")
    with pytest.raises(InputError, match="not a nucleotide"):
        vecattr.read(path)


def test_bases_paths_and_plasmids_may_be_asked_about(shelf: Any, tmp_path: Path) -> None:
    index, plasmid = Index.open(shelf.index), shelf.plasmids[0]
    path = shelf.fasta(tmp_path / "q.fa", [plasmid])
    expected = [hit.name for hit in index.query(plasmid.without_features()).labs]
    for given in (plasmid.sequence, plasmid.sequence.lower(), path, str(path)):
        assert [hit.name for hit in index.query(given).labs] == expected
    assert [a.query for a in index.query_many([path, plasmid.sequence])] == [plasmid.id, "query"]


def test_biopython_objects_may_be_asked_about() -> None:
    seq = pytest.importorskip("Bio.Seq")
    record = pytest.importorskip("Bio.SeqRecord").SeqRecord
    linear = record(seq.Seq(BASES), id="r1", annotations={"topology": "linear"})
    assert as_plasmid(linear) == Plasmid("r1", BASES, topology="linear")
    for given in (seq.Seq(BASES), seq.MutableSeq(BASES)):
        assert as_plasmid(given) == Plasmid("query", BASES)
    with pytest.raises(InputError, match="holds no letters"):
        as_plasmid(record(seq.Seq(None, length=9), id="r2"))
    with pytest.raises(InputError, match="not a nucleotide"):
        as_plasmid(seq.Seq("MKLV*"))


def test_biopython_is_not_imported_to_tell_its_objects() -> None:
    code = (
        "import sys; from vecattr.given import as_plasmid\n"
        "try: as_plasmid([1])\nexcept Exception as error: print(type(error).__name__)\n"
        "print('Bio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["UsageError", "False"]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (7, UsageError, "type int is no plasmid"),
        ("no/such.fa", InputError, "no such file"),
        ("ACGTHELLO", InputError, "all its letters are nucleotide letters"),
        ("a.b" * 100, InputError, "no such file"),
        ("", InputError, "sequence is empty"),
        (BASES + "!", InputError, "'!' at position 301"),
    ],
)
def test_what_is_no_plasmid_is_refused(given: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        as_plasmid(given)


def test_a_file_of_several_records_is_no_single_question(shelf: Any, tmp_path: Path) -> None:
    path = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:2])
    with pytest.raises(InputError, match="holds 2 records"):
        as_plasmid(path)


def test_a_text_of_letters_is_bases_whatever_files_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ACGT").write_text(">x\nGGGG\n")
    assert as_plasmid("ACGT").sequence == "ACGT"
    assert as_plasmid(Path("ACGT")).sequence == "GGGG"


def test_a_notebook_shows_the_sentence_the_labs_and_the_map(answer: Any) -> None:
    shown = answer._repr_html_()
    assert answer.sentence in shown
    assert all(hit.name in shown for hit in answer.labs)
    assert "data:image/svg+xml;base64," in shown
    assert "<script" not in shown
    assert "<style" not in shown


def test_a_notebook_shows_no_map_where_nothing_is_known_of_the_bases(shelf: Any) -> None:
    shown = Index.open(shelf.index).query(shelf.plasmids[0])._repr_html_()
    assert "<table>" in shown
    assert "<img" not in shown


def test_an_answer_writes_a_page_and_a_frame(answer: Any) -> None:
    assert answer.to_html().startswith("<!doctype html>")
    frame = answer.to_frame()
    assert frame["lab"].tolist() == [hit.name for hit in answer.labs]


def test_an_answer_writes_a_genbank_record_that_is_read_again(answer: Any, tmp_path: Path) -> None:
    pytest.importorskip("Bio")
    path = tmp_path / "answer.gb"
    path.write_text(answer.to_genbank())
    [plasmid] = vecattr.read(path)
    assert plasmid.sequence == answer.bases
    assert plasmid.topology == answer.topology


def test_a_fragment_holds_no_name_unescaped(answer: Any) -> None:
    from dataclasses import replace

    shown = replace(answer, query="<script>\x1b", notes=("<b>",))._repr_html_()
    assert "<script>" not in shown
    assert "\x1b" not in shown
    assert "<p>Note: &lt;b&gt;</p>" in shown


def test_values_are_printed_in_one_line_without_their_bases(shelf: Any, answer: Any) -> None:
    from vecattr.indexes import open_panel
    from vecattr.readers.plasmids import ReadOptions

    index = Index.open(shelf.index)
    values = [shelf.plasmids[0], index, answer, answer.evidence, index.lab_table()]
    for value in [*values, open_panel([shelf.index])]:
        text = repr(value)
        assert len(text) <= 200, text
        assert "\n" not in text
        assert shelf.plasmids[0].sequence[:30] not in text
    assert repr(shelf.plasmids[0]).startswith("<Plasmid 'made00001': ")
    assert repr(index).startswith("<Index made.index: 48 plasmids of 4 labs, generation 1, ")
    assert repr(ReadOptions(as_one=True)) == "ReadOptions(as_one=True)"
    assert repr(answer).startswith("<Attribution of 'made00001': ")


def test_the_report_of_a_training_is_printed_in_one_line() -> None:
    pytest.importorskip("torch")
    from vecattr.datasets.splits import Split
    from vecattr.training.report import TrainReport

    none = np.zeros(3, dtype=bool)
    report = TrainReport(Path("m"), 3, 0, Split(none, none, none, none), 2, (), None, None, None)
    assert repr(report) == "<TrainReport m: 3 plasmids of 2 labs, 0 epochs, uncalibrated>"
