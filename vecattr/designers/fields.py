"""What GenBank and EMBL headers have in common: dates, spans, qualifiers, checks of length."""

from __future__ import annotations

import re

from vecattr.designers.records import AnnotatedRecord, Qualifiers
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
