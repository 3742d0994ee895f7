"""The text of an EMBL record in; the annotated record out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vecattr.designers.genbank_header import (
    checked,
    decoded,
    first_name,
    molecule_in,
    qualifiers_in,
    span_in,
    year_in,
)
from vecattr.designers.records import AnnotatedRecord, Qualifiers, Reference
from vecattr.errors import InputError

_LENGTH = re.compile(r"(\d+)\s+(BP|AA)\b", re.I)
_TOPOLOGY = re.compile(r"\b(circular|linear)\b", re.I)
_DIVISION = re.compile(r"^[A-Z]{3}$")
_CLASSES = frozenset({"STD", "CON", "PAT", "EST", "GSS", "HTC", "HTG", "WGS", "TSA", "TPA", "PRT"})
_BASES = re.compile(rb"^SQ [^\n]*\n", re.MULTILINE)
_SOURCE = re.compile(r"^ *source .*$\n((?: {6,}.*\n)*)", re.MULTILINE)
_DATE = re.compile(r"\b\d{1,2}-[A-Za-z]{3}-\d{4}\b")

Lines = list[tuple[str, str]]


def is_embl(text: bytes) -> bool:
    """Whether an ID line begins the text."""
    return text.startswith(b"ID   ")


def embl_record(
    text: bytes, *, file: str, number: int = 1, source_url: str = ""
) -> AnnotatedRecord:
    """The record of an EMBL entry's text; InputError when it has no ID line that can be read or
    holds another number of bases than it states."""
    bases = _BASES.search(text)
    lines = _lines(decoded(text[: bases.start()] if bases else text))
    facts = lines[0][1].strip()
    length = _LENGTH.search(facts)
    if length is None:
        raise InputError(
            f"this is no ID line: {facts[:60]!r}", where=f"{file}, record number {number}"
        )
    name = re.split(r"[;\s]", facts, maxsplit=1)[0]
    accession = _text(lines, "AC").split(";")[0].strip()
    version = re.search(r"\bSV\s+(\d+)", facts)
    topology = _TOPOLOGY.search(facts)
    dates = _DATE.findall(_text(lines, "DT"))
    return checked(
        AnnotatedRecord(
            first_name(
                f"{accession}.{version[1]}" if version and accession else accession, name, file=file
            ),
            f"{file}, record {name!r}" if name else f"{file}, record number {number}",
            text[bases.end() :] if bases else b"",
            stated_length=int(length[1]),
            format="embl",
            name=name,
            accession=accession,
            version=f"{accession}.{version[1]}" if version else "",
            topology=topology[0].lower() if topology else None,
            molecule="protein" if length[2].upper() == "AA" else molecule_in(facts),
            division=_division(facts),
            date=dates[-1] if dates else "",
            year=year_in(dates[-1]) if dates else None,
            definition=_text(lines, "DE").strip(" ."),
            keywords=tuple(
                word
                for word in (part.strip(" .") for part in _text(lines, "KW").split(";"))
                if word
            ),
            organism=next((value.strip() for code, value in lines if code == "OS"), ""),
            lineage=_text(lines, "OC").strip(" ."),
            comment="\n".join(value.strip() for code, value in lines if code == "CC"),
            references=tuple(_references(lines)),
            sources=_sources(lines),
            source=file,
            source_url=source_url,
        )
    )


def _lines(header: str) -> Lines:
    """Code and content of each line; FT lines keep their margin."""
    return [
        (line[:2], line[2:]) for line in header.split("\n") if line.strip() and line[:2] != "XX"
    ]


def _text(lines: Lines, code: str) -> str:
    return " ".join(value.strip() for key, value in lines if key == code)


def _division(facts: str) -> str:
    """The taxonomic division, or PAT for a patent: the classes stand in the same line."""
    words = [word.strip() for word in re.split(r"[;\s]+", facts)]
    if "PAT" in words:
        return "PAT"
    codes = [word for word in words if _DIVISION.match(word) and word not in {"DNA", "RNA"}]
    return next((word for word in reversed(codes) if word not in _CLASSES), "")


def _references(lines: Lines) -> Iterator[Reference]:
    """Each reference, from its RN line to the next."""
    part: Lines = []
    for code, value in [*((key, text) for key, text in lines if key[:1] == "R"), ("RN", "")]:
        if code == "RN" and part:
            yield _reference(part)
            part = []
        part.append((code, value))


def _reference(lines: Lines) -> Reference:
    first, last = span_in(_text(lines, "RP"))
    journal = _text(lines, "RL").strip()
    identifiers = _text(lines, "RX")
    pubmed = re.search(r"PUBMED;\s*(\d+)", identifiers, re.I)
    doi = re.search(r"DOI;\s*(\S+?)\.?(?:\s|$)", identifiers, re.I)
    return Reference(
        authors=_text(lines, "RA").strip(" ;"),
        consortium=_text(lines, "RG").strip(" ;"),
        title=_text(lines, "RT").strip(' ;"'),
        journal=journal,
        pubmed=pubmed[1] if pubmed else "",
        doi=doi[1] if doi else "",
        remark=_text(lines, "RC"),
        year=year_in(journal),
        first=first,
        last=last,
    )


def _sources(lines: Lines) -> tuple[Qualifiers, ...]:
    features = "".join(f"{value}\n" for code, value in lines if code == "FT")
    return tuple(
        qualifiers_in("\n".join(line.strip() for line in body.split("\n")))
        for body in _SOURCE.findall(features)
    )
