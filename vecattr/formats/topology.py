"""Topology as sequence files state it: a header in; `circular`, `linear` or None out."""

from __future__ import annotations

import re

#: How much of a header is looked at (characters).
_LONGEST = 2000

_WORDS = {"circular": "circular", "circ": "circular", "linear": "linear", "lin": "linear"}
_YES = frozenset({"true", "yes", "y", "t", "1"})
_NO = frozenset({"false", "no", "n", "f", "0"})

#: `[topology=linear]`, `circular=false`, `is_circular: Y`, `suggestCircular=yes` (Canu).
_TAG = re.compile(
    r"(?<![A-Za-z0-9])(?P<key>topology|(?:is_?|suggest_?)?(?:circular|linear))"
    r"\s{0,3}[=:]\s{0,3}[\"']?(?P<value>[A-Za-z0-9]+)",
    re.I,
)

#: Contigs of miniasm, hifiasm and their kin end in `c` or `l`: `utg000001c`, `ptg000002l`.
_CONTIG = re.compile(r"[A-Za-z0-9.]{0,12}tg\d{6}(?P<kind>[cl])(?![A-Za-z0-9])")

#: Raven's tag for circular contigs.
_RAVEN = re.compile(r"(?<!\S)XO:i:([01])(?!\S)")

#: `contig_3_circular` (SPAdes and others), as the end of the first word.
_SUFFIX = re.compile(r"[_|.-](circular|linear)$", re.I)

#: `(2686 bp, circular)`, `2686 bp ds-DNA linear`, as editors write below and beside a length.
_BESIDE_LENGTH = re.compile(
    r"\d\s{0,2}(?:bp|nt|bases)[\s,;|-]{1,5}(?:(?:[ds]s-?)?DNA[\s,;|-]{1,5})?(circular|linear)\b",
    re.I,
)
#: What every statement holds; most headers hold none of it.
_ANY = re.compile(r"circ|lin|topology|tg\d{6}|XO:i", re.I)

_IN_PARENTHESES = re.compile(r"[(\[](circular|linear)[)\]]", re.I)


def topology_in(header: str) -> str | None:
    """The topology that the header of a FASTA or FASTQ record states, if it does.

    >>> topology_in("p1 [topology=linear]"), topology_in("contig_1 circular=N"), topology_in("p2")
    ('linear', 'linear', None)
    """
    text = header[:_LONGEST]
    if not _ANY.search(text):
        return None
    for tag in _TAG.finditer(text):
        stated = topology_of(tag["key"], tag["value"])
        if stated is not None:
            return stated
    contig = _CONTIG.match(text)
    if contig is not None:
        return "circular" if contig["kind"] == "c" else "linear"
    raven = _RAVEN.search(text)
    if raven is not None:
        return "circular" if raven[1] == "1" else "linear"
    first_word = text.split(maxsplit=1)[0] if text.strip() else ""
    for pattern, part in (
        (_SUFFIX, first_word),
        (_BESIDE_LENGTH, text),
        (_IN_PARENTHESES, text),
    ):
        match = pattern.search(part)
        if match is not None:
            return match[1].lower()
    return None


def topology_of(key: str, value: str) -> str | None:
    """The topology that a named value states, such as `circular` and `N`; None when it states
    none.

    >>> topology_of("is_circular", "N"), topology_of("Topology", "Circular")
    ('linear', 'circular')
    """
    value = value.strip().lower()
    if "topology" in key.lower():
        return _WORDS.get(value)
    kind, other = ("linear", "circular") if "linear" in key.lower() else ("circular", "linear")
    if value in _YES:
        return kind
    return other if value in _NO else None
