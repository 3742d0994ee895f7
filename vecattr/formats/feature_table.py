"""The feature table of a GenBank or EMBL entry in, annotations out.

Of each feature its kind, its place and its name are read, as INSDC's "Feature Table Definition"
describes them. What cannot be read is left out: no feature is a reason to refuse bases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from vecattr.plasmid import MOST_ANNOTATIONS, Annotation

#: How much of a table is looked at (characters), and of one place.
_LONGEST_TABLE, _LONGEST_PLACE = 1 << 20, 4000

#: How many features are looked at, readable or not.
_MOST_FEATURES = 5 * MOST_ANNOTATIONS

#: Letters of a name that are kept.
_LONGEST_NAME = 100

#: Qualifiers that name a feature, the best first.
_NAMES = ("label", "gene", "standard_name", "product", "note", "locus_tag", "mobile_element_type")

#: A line with a feature's kind and its place, or the beginning of it; or one with a name.
_LINE = re.compile(
    r"\n(?:[ \t]{2,8}([A-Za-z0-9_'*-]{1,40})[ \t]+((?:[a-z]{4,10}\(|[<>]?\d)[^\n]{0,4000})"
    rf"|[ \t]{{2,40}}/({'|'.join(_NAMES)})=\"?([^\"\n]{{0,{_LONGEST_NAME}}}))"
)
_SEGMENT = re.compile(r"(?<![\w.:])<?(\d{1,9})(?:\.\.>?(\d{1,9}))?(?![\d^:])")


def read_annotations(table: str) -> tuple[Annotation, ...]:
    """The first MOST_ANNOTATIONS features of a table; its lines have no `FT` before them.

    >>> read_annotations('     CDS             complement(20..400)\\n          /gene="bla"')
    (Annotation(kind='CDS', name='bla', start=20, end=400, strand=-1),)
    """
    annotations: list[Annotation] = []
    features = _features("\n" + table[:_LONGEST_TABLE])
    for kind, place, names in islice(features, _MOST_FEATURES):
        span = _span(place)
        if span is not None:
            name = next((names[key] for key in _NAMES if names.get(key)), "")
            annotations.append(Annotation(kind, name, *span))
            if len(annotations) == MOST_ANNOTATIONS:
                break
    return tuple(annotations)


def _features(table: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Kind, place and naming qualifiers of each feature."""
    kind, place, names = "", "", dict[str, str]()
    for line in _LINE.finditer(table):
        if line[1] is None:
            names.setdefault(line[3], " ".join(line[4].split()))
            continue
        if kind:
            yield kind, place, names
        kind, place, names = line[1], _whole_place(table, line), {}
    if kind:
        yield kind, place, names


def _whole_place(table: str, line: re.Match[str]) -> str:
    """A place with the lines that it goes on with until its brackets are closed."""
    place = line[2].strip()
    if place.count("(") <= place.count(")"):
        return place
    text = table[line.end() : line.end() + _LONGEST_PLACE].split("/", 1)[0]
    return place + "".join(text.split())


def _span(place: str) -> tuple[int, int, int] | None:
    """First base, last base and strand of a place; None for one in another record, between bases,
    or of neither strand.

    >>> _span("join(4900..5000,1..200)"), _span("join(complement(1..9),complement(90..99))")
    ((4900, 200, 1), (90, 9, -1))
    """
    segments = [(int(start), int(end or start)) for start, end in _SEGMENT.findall(place)]
    if not segments or ":" in place or "^" in place:
        return None
    is_complement = "complement" in place
    if is_complement and not place.startswith("complement"):
        segments.reverse()  # each is told where it is read, so the last one comes first
    return segments[0][0], segments[-1][1], -1 if is_complement else 1
