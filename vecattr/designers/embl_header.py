"""An entry of an EMBL file in; the annotated record out.

Bases, names and topology are read as everywhere (`vecattr.formats.embl`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vecattr.designers.genbank_header import (
    first_name,
    molecule_in,
    sources_in,
    span_in,
    words_in,
    year_in,
)
from vecattr.designers.records import AnnotatedRecord, Reference
from vecattr.formats.embl import read_embl_entry
from vecattr.formats.flat_text import Entry, bases_in

#: How much of a first line is looked at (characters).
_LONGEST_LINE = 1000

_DIVISION = re.compile(r"^[A-Z]{3}$")
_CLASSES = frozenset({"STD", "CON", "PAT", "EST", "GSS", "HTC", "HTG", "WGS", "TSA", "TPA", "PRT"})
_DATE = re.compile(r"\b\d{1,2}-[A-Za-z]{3}-\d{4}\b")
_PROTEIN = re.compile(r"\bAA\b|;\s*(?:PRT|protein)\s*;", re.I)

Lines = list[tuple[str, str]]


def embl_record(entry: Entry, number: int, file: str, *, source_url: str = "") -> AnnotatedRecord:
    """The annotated record of an entry, which is number `number` of its file."""
    plain = read_embl_entry(entry, number, file)
    header, _, body = entry.text.partition("\nSQ ")
    lines = _lines(header)
    facts = lines[0][1][:_LONGEST_LINE].strip()
    is_protein = _PROTEIN.search(facts) is not None
    if plain.problem is not None and not is_protein:
        return AnnotatedRecord(plain.id, plain.place, source=file, problem=plain.problem)
    name = re.split(r"[;\s]", facts, maxsplit=1)[0]
    accession = _text(lines, "AC").split(";")[0].strip()
    number_of_version = re.search(r"\bSV\s+(\d+)", facts)
    version = f"{accession}.{number_of_version[1]}" if accession and number_of_version else ""
    dates = _DATE.findall(_text(lines, "DT"))
    return AnnotatedRecord(
        first_name(version, accession, name, file=file),
        plain.place,
        bases_in(body.partition("\n")[2]) if is_protein else plain.sequence,
        format="embl",
        name=name,
        accession=accession,
        version=version,
        topology=plain.topology,
        molecule="protein" if is_protein else molecule_in(facts),
        division=_division(facts),
        date=dates[-1] if dates else "",
        year=year_in(dates[-1]) if dates else None,
        definition=_text(lines, "DE").strip(" ."),
        keywords=words_in(_text(lines, "KW")),
        organism=next((value.strip() for code, value in lines if code == "OS"), ""),
        lineage=_text(lines, "OC").strip(" ."),
        comment="\n".join(value.strip() for code, value in lines if code == "CC"),
        references=tuple(_references(lines)),
        # The margin of a feature is that of GenBank, with FT in its first two columns.
        sources=sources_in("".join(f"  {value}\n" for code, value in lines if code == "FT")),
        source=file,
        source_url=source_url,
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
