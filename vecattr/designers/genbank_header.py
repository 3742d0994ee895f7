"""The text of a GenBank record in; the annotated record out. Dates, spans, qualifiers and lengths
are read alike in other formats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from vecattr.designers.records import AnnotatedRecord, Qualifiers, Reference
from vecattr.errors import InputError
from vecattr.inputs.input_files import input_stem

#: What programs write in place of a name or an accession.
PLACEHOLDERS = frozenset(
    {
        *("", ".", "-", "?", "id", "id?", "exported", "untitled", "unknown", "new_dna", "new dna"),
        *("plasmid", "annotated", "<unknown id>", "<unknown name>", "<unknown", "noaccession"),
    }
)

_YEAR_IN_BRACKETS = re.compile(r"\((?:\d{1,2}-[A-Za-z]{3}-)?((?:19|20)\d\d)\)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_SPAN = re.compile(r"(\d+)\s*(?:to|-|\.\.)\s*(\d+)")
_QUALIFIER = re.compile(r'/([A-Za-z_]+)(?:=("(?:[^"]|"")*"?|[^\s"/][^\n]*))?')
_SEQUENCE_TYPE = re.compile(r"(?:[a-z]+-)?(?:\w*RNA|DNA|protein)", re.IGNORECASE)

#: Name, length and unit: the part of the LOCUS line that every program writes; at most so much of
#: it is looked at (characters).
_LOCUS = re.compile(r"LOCUS\s+(?:(?P<name>\S.*?)\s+)?(?P<length>\d+)\s*(?P<unit>bp|aa|rc)\b", re.I)
_LONGEST_LOCUS = 1000
_TOPOLOGY = re.compile(r"\b(circular|linear)\b", re.I)
_DIVISION = re.compile(r"\b([A-Z]{3})\b(?=\s+\d|\s*$)")
_DATE = re.compile(r"\b\d{1,2}-[A-Za-z]{3}-\d{4}\b")
_KEYWORD = re.compile(r" {0,5}([A-Z]{3,})(?:\s+(.*))?$")
_SUBORDINATE = frozenset(
    {"ORGANISM", "AUTHORS", "CONSRTM", "TITLE", "JOURNAL", "MEDLINE", "PUBMED", "REMARK"}
)
_HEADER_END = re.compile(rb"^(?:FEATURES|BASE COUNT|ORIGIN|CONTIG|WGS)\b", re.MULTILINE)
_BASES = re.compile(rb"^ORIGIN[^\n]*\n", re.MULTILINE)
_SOURCE = re.compile(rb"^ {5}source +(?:.*)\n((?: {6,}.*\n|\t.*\n)*)", re.MULTILINE)
_DOI = re.compile(r"\bdoi:?\s*(10\.\S+?)[.;,]?(?:\s|$)", re.I)

Fields = list[tuple[str, list[str]]]


def is_genbank(text: bytes) -> bool:
    """Whether a LOCUS line begins the text."""
    return text.startswith((b"LOCUS ", b"LOCUS\t"))


def genbank_record(
    text: bytes, *, file: str, number: int = 1, source_url: str = ""
) -> AnnotatedRecord:
    """The record of a GenBank entry's text; InputError when it has no LOCUS line that can be read
    or holds another number of bases than it states."""
    end = _HEADER_END.search(text)
    header = decoded(text[: end.start()] if end else text)
    bases = _BASES.search(text)
    locus_line, _, rest = header.partition("\n")
    locus = _LOCUS.match(locus_line[:_LONGEST_LOCUS])
    if locus is None:
        raise InputError(
            f"this is no LOCUS line: {locus_line[:60]!r}",
            where=f"{file}, record number {number}",
            hint="name bp length unit",
        )
    fields = _fields(rest)
    name = locus["name"] or ""
    facts = locus_line[locus.end() : _LONGEST_LOCUS]
    division, date = _DIVISION.search(facts), _DATE.search(facts)
    topology = _TOPOLOGY.search(facts)
    accession, region = _accession(_text(fields, "ACCESSION"))
    version = _text(fields, "VERSION").split(" ")[0]
    features = text[end.start() : bases.start() if bases else len(text)] if end else b""
    return checked(
        AnnotatedRecord(
            first_name(version, accession, name, file=file),
            f"{file}, record {name!r}" if name else f"{file}, record number {number}",
            text[bases.end() :] if bases else b"",
            stated_length=int(locus["length"]),
            name=name,
            accession=accession,
            version=version,
            region=region,
            topology=topology[0].lower() if topology else None,
            molecule="protein" if locus["unit"].lower() == "aa" else molecule_in(facts),
            division=division[1] if division else "",
            date=date[0] if date else "",
            year=year_in(date[0]) if date else None,
            definition=_text(fields, "DEFINITION"),
            keywords=_keywords(_text(fields, "KEYWORDS")),
            organism=_first_line(fields, "ORGANISM") or _text(fields, "SOURCE"),
            lineage=_lineage(fields),
            comment="\n".join(line for key, lines in fields if key == "COMMENT" for line in lines),
            references=tuple(_references(fields)),
            sources=_sources(features),
            source=file,
            source_url=source_url,
        )
    )


def _fields(header: str) -> Fields:
    """Keyword and lines of each field, in order."""
    fields: Fields = []
    for line in header.split("\n"):
        start = _KEYWORD.match(line)
        if start is not None and (line[0] != " " or start[1] in _SUBORDINATE):
            fields.append((start[1], [(start[2] or "").strip()]))
        elif fields and line.strip():
            fields[-1][1].append(line.strip())
    return fields


def _text(fields: Fields, keyword: str) -> str:
    """The text of the first field of that name, on one line; empty without one or for `.`."""
    for key, lines in fields:
        if key == keyword:
            text = " ".join(line for line in lines if line)
            return "" if text == "." else text
    return ""


def _first_line(fields: Fields, keyword: str) -> str:
    return next((lines[0] for key, lines in fields if key == keyword and lines[0] != "."), "")


def _lineage(fields: Fields) -> str:
    for key, lines in fields:
        if key == "ORGANISM":
            return " ".join(lines[1:]).strip(" .")
    return ""


def _accession(text: str) -> tuple[str, str]:
    """First accession, and the region of it that the record is, if only a part."""
    accession, _, region = text.partition(" REGION:")
    return accession.split(" ")[0], region.strip()


def _keywords(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip(' ."') for part in text.split(";")) if word)


def _references(fields: Fields) -> Iterator[Reference]:
    """Each reference, from its REFERENCE line to the next field that is not subordinate."""
    starts = [place for place, (key, _) in enumerate(fields) if key == "REFERENCE"]
    for start, stop in pairwise([*starts, len(fields)]):
        part: Fields = []
        for key, lines in fields[start + 1 : stop]:
            if key not in _SUBORDINATE:
                break
            part.append((key, lines))
        first, last = span_in(" ".join(fields[start][1]))
        journal = _text(part, "JOURNAL")
        doi = _DOI.search(f"{journal} {_text(part, 'REMARK')}")
        yield Reference(
            authors=_text(part, "AUTHORS"),
            consortium=_text(part, "CONSRTM"),
            title=_text(part, "TITLE"),
            journal=journal,
            pubmed=_text(part, "PUBMED"),
            doi=doi[1] if doi else "",
            remark=_text(part, "REMARK"),
            year=year_in(journal),
            first=first,
            last=last,
        )


def _sources(features: bytes) -> tuple[Qualifiers, ...]:
    return tuple(
        qualifiers_in("\n".join(line.strip() for line in decoded(body).split("\n")))
        for body in _SOURCE.findall(features)
    )


def decoded(text: bytes) -> str:
    """A header as text: UTF-8, else Latin-1, in which old files have their accents."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def year_in(text: str) -> int | None:
    """The year of a citation, a submission or a date: one in brackets, else the last one.

    >>> year_in("Submitted (15-SEP-1997) University, 2006 Main St"), year_in("Gene. 2005 1999-2010")
    (1997, 2010)
    """
    bracketed = _YEAR_IN_BRACKETS.search(text)
    if bracketed is not None:
        return int(bracketed[1])
    years = _YEAR.findall(text)
    return int(years[-1]) if years else None


def span_in(text: str) -> tuple[int | None, int | None]:
    """First and last base of a reference, over all its stretches; (None, None): it does not say.

    >>> span_in("1  (bases 1 to 120; 300 to 512)")
    (1, 512)
    """
    stretches = [(int(first), int(last)) for first, last in _SPAN.findall(text)]
    if not stretches:
        return None, None
    return min(first for first, _ in stretches), max(last for _, last in stretches)


def qualifiers_in(text: str) -> Qualifiers:
    """The qualifiers of one feature, from its lines without their margin."""
    values: dict[str, list[str]] = {}
    for name, value in _QUALIFIER.findall(text):
        plain = " ".join(value.strip().strip('"').replace('""', '"').split())
        values.setdefault(name, []).append(plain)
    return {name: tuple(texts) for name, texts in values.items()}


def first_name(*candidates: str, file: str) -> str:
    """The first candidate that a person gave, else the file's own name; words joined by `_`."""
    for candidate in candidates:
        if candidate.strip().lower() not in PLACEHOLDERS:
            return "_".join(candidate.split())
    return input_stem(file)


def checked(record: AnnotatedRecord) -> AnnotatedRecord:
    """The record itself; InputError when it holds another number of letters than it states."""
    stated = record.stated_length
    held = len(record.sequence)
    if stated is not None and held != stated:
        what = f"the record states {stated} bases and holds {held}"
        if not held:
            what = "the record holds no bases"
        raise InputError(what, where=record.place, hint="copy or download it again, with its bases")
    return record


def molecule_in(text: str) -> str:
    """The type of molecule in the rest of a LOCUS or ID line, as written; empty when not said."""
    kind = _SEQUENCE_TYPE.search(text)
    return kind[0] if kind else ""
