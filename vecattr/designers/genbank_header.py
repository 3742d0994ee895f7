"""An entry of a GenBank file in; the annotated record out.

Bases, names and topology are read as everywhere (`vecattr.formats.genbank`); here the header is
taken apart. Features are not looked at, but for the source: they say nothing of the designer, and
a bad one is no reason to lose the record. Dates and spans are read alike in other formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from vecattr.designers.records import AnnotatedRecord, Qualifiers, Reference
from vecattr.formats.flat_text import Entry, bases_in
from vecattr.formats.genbank import read_genbank_entry, read_locus
from vecattr.inputs.input_files import input_stem
from vecattr.readers.ids import is_placeholder

#: How much of a first line is looked at (characters).
_LONGEST_LINE = 1000

_UNIT = re.compile(r".*\d\s{0,20}(?:bp|aa|rc|nt)\b", re.I)
_DIVISION = re.compile(r"\b([A-Z]{3})\b(?=\s+\d|\s*$)")
_DATE = re.compile(r"\b\d{1,2}-[A-Za-z]{3}-\d{4}\b")
_KEYWORD = re.compile(r" {0,5}([A-Z]{3,})(?:\s+(.*))?$")
_SUBORDINATE = frozenset(
    {"ORGANISM", "AUTHORS", "CONSRTM", "TITLE", "JOURNAL", "MEDLINE", "PUBMED", "REMARK"}
)
_SOURCE = re.compile(r"^ {5}source +.*\n((?: {6,}.*\n|\t.*\n)*)", re.M)
_DOI = re.compile(r"\bdoi:?\s*(10\.\S+?)[.;,]?(?:\s|$)", re.I)

_YEAR_IN_BRACKETS = re.compile(r"\((?:\d{1,2}-[A-Za-z]{3}-)?((?:19|20)\d\d)\)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_SPAN = re.compile(r"(\d+)\s*(?:to|-|\.\.)\s*(\d+)")
_QUALIFIER = re.compile(r'/([A-Za-z_]+)(?:=("(?:[^"]|"")*"?|[^\s"/][^\n]*))?')
_SEQUENCE_TYPE = re.compile(r"(?:[a-z]+-)?(?:\w*RNA|DNA|protein)", re.I)

Fields = list[tuple[str, list[str]]]


def genbank_record(
    entry: Entry, number: int, file: str, *, source_url: str = ""
) -> AnnotatedRecord:
    """The annotated record of an entry, which is number `number` of its file."""
    text = entry.text
    plain = read_genbank_entry(entry, number, file)
    locus = read_locus(text)
    is_protein = locus.unit == "aa"
    if plain.problem is not None and not is_protein:
        return AnnotatedRecord(plain.id, plain.place, source=file, problem=plain.problem)
    locus_line, _, rest = text.partition("\n")
    facts = _UNIT.sub("", locus_line[:_LONGEST_LINE])
    division, date = _DIVISION.search(facts), _DATE.search(facts)
    end = _end_of_header(rest)
    fields = _fields(rest[:end])
    accession, region = _accession(_text(fields, "ACCESSION"))
    version = _text(fields, "VERSION").split(" ")[0]
    return AnnotatedRecord(
        first_name(version, accession, locus.name, file=file),
        plain.place,
        bases_in(_after_origin(text)) if is_protein else plain.sequence,
        name=locus.name,
        accession=accession,
        version=version,
        region=region,
        topology=plain.topology,
        molecule="protein" if is_protein else molecule_in(facts),
        division=division[1] if division else "",
        date=date[0] if date else "",
        year=year_in(date[0]) if date else None,
        definition=_text(fields, "DEFINITION"),
        keywords=words_in(_text(fields, "KEYWORDS")),
        organism=_first_line(fields, "ORGANISM") or _text(fields, "SOURCE"),
        lineage=_lineage(fields),
        comment="\n".join(line for key, lines in fields if key == "COMMENT" for line in lines),
        references=tuple(_references(fields)),
        sources=sources_in(_features(rest[end:])),
        source=file,
        source_url=source_url,
    )


def _end_of_header(text: str) -> int:
    """Where features or bases begin."""
    ends = (text.find(f"\n{word}") for word in ("FEATURES", "BASE COUNT", "ORIGIN", "CONTIG"))
    return min((end + 1 for end in ends if end >= 0), default=len(text))


def _features(text: str) -> str:
    end = text.find("\nORIGIN")
    return text[: end + 1] if end >= 0 else text


def _after_origin(text: str) -> str:
    start = text.find("\nORIGIN")
    return text[start + len("\nORIGIN") :] if start >= 0 else ""


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


def sources_in(features: str) -> tuple[Qualifiers, ...]:
    """The qualifiers of each source feature of a feature table."""
    return tuple(_qualifiers(body) for body in _SOURCE.findall(features))


def _qualifiers(text: str) -> Qualifiers:
    values: dict[str, list[str]] = {}
    for name, value in _QUALIFIER.findall("\n".join(line.strip() for line in text.split("\n"))):
        plain = " ".join(value.strip().strip('"').replace('""', '"').split())
        values.setdefault(name, []).append(plain)
    return {name: tuple(texts) for name, texts in values.items()}


def words_in(text: str) -> tuple[str, ...]:
    """The keywords of a list that semicolons divide."""
    return tuple(word for word in (part.strip(' ."') for part in text.split(";")) if word)


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


def molecule_in(text: str) -> str:
    """The type of molecule in the rest of a first line, as written; empty when not said."""
    kind = _SEQUENCE_TYPE.search(text)
    return kind[0] if kind else ""


def first_name(*candidates: str, file: str) -> str:
    """The first candidate that a person gave, else the file's own name; words joined by `_`."""
    for candidate in candidates:
        if not is_placeholder(candidate):
            return "_".join(candidate.split())
    return input_stem(file)
