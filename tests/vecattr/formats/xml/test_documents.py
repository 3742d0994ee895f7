"""Claims about XML of sequences: every kind is read, and none can fill memory or time."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def jbei(name: str = "pMade", circular: str = "true", bases: str = "acgtacgt") -> str:
    return (
        f'{HEAD}<seq:seq xmlns:seq="http://jbei.org/sequence"><seq:name>{name}</seq:name>'
        f"<seq:circular>{circular}</seq:circular><seq:sequence>{bases}</seq:sequence>"
        "<seq:features><seq:feature><seq:name>x</seq:name><seq:sequence>nn</seq:sequence>"
        "</seq:feature></seq:features></seq:seq>"
    )


def geneious(kind: str = "DefaultNucleotideSequence") -> str:
    return (
        f'{HEAD}<geneious version="2023"><geneiousDocument class="made.OperationRecord">'
        "<hiddenFields><cache_name>history</cache_name></hiddenFields></geneiousDocument>"
        f'<geneiousDocument class="com.made.{kind}"><hiddenFields>'
        "<cache_name>\n  pMade\n</cache_name></hiddenFields><originalElement><x><fields>"
        "<isCircular>\n true\n</isCircular></fields><name>pMade</name>"
        "<charSequence>\n acgt\n acgt\n</charSequence></x></originalElement>"
        "</geneiousDocument></geneious>"
    )


def ncbi(word: str, *, moltype: str = "DNA", length: int = 8) -> str:
    return (
        f"{HEAD}<{word}Set><{word}Seq><{word}Seq_locus>pMade</{word}Seq_locus>"
        f"<{word}Seq_length>{length}</{word}Seq_length>"
        f"<{word}Seq_moltype>{moltype}</{word}Seq_moltype>"
        f"<{word}Seq_topology>circular</{word}Seq_topology>"
        f"<{word}Seq_sequence>acgtacgt</{word}Seq_sequence></{word}Seq></{word}Set>"
    )


def tiny(kind: str = "nucleotide") -> str:
    return (
        f'{HEAD}<TSeqSet><TSeq><TSeq_seqtype value="{kind}"/><TSeq_accver>pMade</TSeq_accver>'
        "<TSeq_length>8</TSeq_length><TSeq_sequence>acgtacgt</TSeq_sequence></TSeq></TSeqSet>"
    )


def records_of(content: str | bytes, folder: Path) -> list[Record]:
    path = folder / "x.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_input(path) as file:
        found = format_of(file)
        assert found.name == "xml"
        return list(found.reader()(file))


KINDS = {
    "JBEI": (jbei(), "circular"),
    "JBEI, linear": (jbei(circular="false"), "linear"),
    "Geneious": (geneious(), "circular"),
    "INSDSeq": (ncbi("INSD"), "circular"),
    "GBSeq": (ncbi("GB"), "circular"),
    "TinySeq": (tiny(), None),
}


@pytest.mark.parametrize(("text", "topology"), KINDS.values(), ids=KINDS)
def test_every_kind_is_read(text: str, topology: str | None, tmp_path: Path) -> None:
    (record,) = records_of(text, tmp_path)
    assert (record.id, "".join(record.sequence.split())) == ("pMade", "acgtacgt")
    assert (record.topology, record.problem) == (topology, None)


@pytest.mark.parametrize(
    "text", [geneious("DefaultAminoAcidSequence"), ncbi("INSD", moltype="AA"), tiny("protein")]
)
def test_protein_is_named(text: str, tmp_path: Path) -> None:
    (record,) = records_of(text, tmp_path)
    assert record.problem is not None
    assert "protein" in record.problem.what


def test_the_length_is_checked(tmp_path: Path) -> None:
    (record,) = records_of(ncbi("GB", length=9), tmp_path)
    assert record.problem is not None
    assert "states 9 bases and holds 8" in record.problem.what


def test_the_encoding_that_a_document_declares_is_taken(tmp_path: Path) -> None:
    text = jbei("Müller").replace("UTF-8", "ISO-8859-1")
    assert records_of(text.encode("latin-1"), tmp_path)[0].id == "Müller"
    assert records_of(text.encode("utf-16"), tmp_path)[0].id == "Müller"


JBEI = '<seq:seq xmlns:seq="http://jbei.org/sequence">'
HOSTILE = {
    "nested deeply": JBEI + "<seq:x>" * 100_000,
    "entities": f'<!DOCTYPE x [<!ENTITY a "ACGT">]>{JBEI}<seq:sequence>&a;</seq:sequence>',
    "cut": jbei()[:-9],
    "two roots": jbei() + "<x/>",
    "odd encoding": jbei("Ã\x28").replace("UTF-8", "utf-7"),
    "not XML": JBEI + "<<<>>>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_is_an_input_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        records_of(text.encode("latin-1"), tmp_path)
    assert "x.xml" in str(caught.value)
