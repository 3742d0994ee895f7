"""Plasmids: raw letters and facts in, a frozen and validated value out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from vecattr.errors import InputError
from vecattr.info import UNSEEN, PlasmidInfo

Topology = Literal["circular", "linear"]

#: A phenotype's name to 0 or 1.
Features = Mapping[str, int]

#: The IUPAC nucleotide alphabet (Cornish-Bowden 1985), upper case, without U.
ALPHABET = "ACGTRYSWKMBDHVN"

#: Annotations of a plasmid that are kept; a map has no room for more.
MOST_ANNOTATIONS = 200

#: The class that pools labs with too few plasmids; no lab may have this name.
POOLED = "unknown-engineered"

#: Names that no lab may have: the verdict and the pooled class.
RESERVED_LABS = frozenset({"unknown", POOLED})

_ALPHABET_BYTES = ALPHABET.encode()
_NOT_A_BASE = re.compile(f"[^{ALPHABET}]")
_U_TO_T = str.maketrans("uU", "TT")
_WHITESPACE = re.compile(r"\s+")
_COMPLEMENT = str.maketrans(ALPHABET, "TGCAYRSWMKVHDBN")
_PROTEIN = frozenset("EFILPQXZ")


def canonical_bases(text: str, *, where: str | None = None) -> str:
    """Upper-case IUPAC DNA from raw text: whitespace removed, upper case, U read as T.

    Raises InputError that names the first letter which is not a nucleotide and its position
    (1-based, whitespace not counted), or that says the sequence is empty.

    >>> canonical_bases("acg u\\n")
    'ACGT'
    """
    bases = text.translate(_U_TO_T).upper()
    if bases and bases.isascii() and not bases.encode().translate(None, _ALPHABET_BYTES):
        return bases  # a pattern takes ten times as long to find nothing
    offender = _NOT_A_BASE.search(bases)
    if offender is not None:
        bases = _WHITESPACE.sub("", bases)
        offender = _NOT_A_BASE.search(bases)
    if offender is not None:
        raise InputError(
            f"{offender.group()!r} at position {offender.start() + 1} is not a nucleotide letter",
            where=where,
            hint=_letter_hint(bases),
        )
    if not bases:
        raise InputError("the sequence is empty", where=where, hint="give at least one base")
    return bases


def _letter_hint(bases: str) -> str:
    """What to do with a sequence that holds other letters."""
    if _PROTEIN & set(bases[:10_000]):
        return "this looks like protein; vecattr reads nucleotide sequences"
    if "(" in bases and set(bases) & set(").[]{}<>"):
        return "this looks like RNA with its structure; give the plasmid's DNA"
    if "-" in bases or "." in bases:
        return "remove alignment gaps first"
    if "*" in bases:
        return "`*` is a stop in protein, or an end mark: vecattr reads nucleotide letters alone"
    return f"allowed letters: {ALPHABET} (any case, U is read as T)"


def reverse_complement(bases: str) -> str:
    """The other strand, read in its own 5' to 3' direction; IUPAC codes are complemented.

    >>> reverse_complement("AACGR")
    'YCGTT'
    """
    return bases.translate(_COMPLEMENT)[::-1]


def composed(name: str) -> str:
    """The name in Unicode's composed form (NFC), in which names are compared: file systems and
    programs write `ü` as one character or as two.

    >>> composed("Mu\u0308ller") == "M\u00fcller"
    True
    """
    return unicodedata.normalize("NFC", name)


def is_composed(text: str) -> bool:
    """Whether a text, or each of several names with line feeds between, is in composed form."""
    return unicodedata.is_normalized("NFC", text)


def look_alikes(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The groups of names that differ only in blanks and invisible characters, sorted.

    >>> look_alikes(["Lab 1", "Lab  1", "Lab 2"])
    [('Lab  1', 'Lab 1')]
    """
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(UNSEEN.sub("", composed(name)), set()).add(name)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def check_lab_name(name: str, *, where: str | None = None) -> str:
    """The lab's name in composed form, without outer whitespace; InputError when it is empty,
    reserved, or holds control characters. No name is used as a path or a formula: `../x` and
    `=cmd()` are fine."""
    stripped = composed(name).strip()
    if not stripped:
        raise InputError("the lab's name is empty", where=where, hint="give every row a lab")
    if stripped.lower() in RESERVED_LABS:
        raise InputError(
            f"{stripped!r} is reserved and cannot name a lab",
            where=where,
            hint="rename the lab; rare labs are pooled with --labs FILE or --min-plasmids N",
        )
    if not stripped.isprintable():
        raise InputError(
            f"the lab's name {stripped!r} holds a control character",
            where=where,
            hint="use printable text",
        )
    return stripped


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a file says of some bases, such as that they are a gene: from `start` to `end`, counted
    from 1, both included, and over the origin of a circle when `start` is greater than `end`.
    `strand` is 1, -1, or 0 where it means nothing; `kind` is the file's own word (`CDS`).

    >>> Annotation("rep_origin", "ori", 2900, 120).strand
    0
    """

    kind: str
    name: str
    start: int
    end: int
    strand: int = 0


@dataclass(frozen=True, slots=True)
class Plasmid:
    """One plasmid, validated when it is created.

    `sequence` is upper-case IUPAC DNA; `features` maps a phenotype's name to 0 or 1 and is None
    when nothing is known (which is not the same as all zero); `lab` is the true lab; `group`
    names plasmids that must not be divided between training and validation (a publication).
    `source` is the file it was read from, `annotations` are what that says of its bases, at most
    MOST_ANNOTATIONS, and `info` is what is known of it beside them; none plays a part in
    comparisons.

    >>> plasmid = Plasmid("p1", "acgu nnac", topology="linear")
    >>> plasmid.sequence
    'ACGTNNAC'
    """

    id: str
    sequence: str
    topology: Topology = "circular"
    features: Features | None = None
    lab: str | None = None
    group: str | None = None
    source: str | None = field(default=None, compare=False)
    annotations: tuple[Annotation, ...] = field(default=(), compare=False)
    info: PlasmidInfo | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        where = f"record {self.id!r}"
        if not self.id.strip():
            raise InputError("the record has no id", hint="give every record an id")
        if self.topology not in get_args(Topology):
            raise InputError(
                f"topology {self.topology!r} is neither 'circular' nor 'linear'", where=where
            )
        object.__setattr__(self, "sequence", canonical_bases(self.sequence, where=where))
        if self.lab is not None:
            object.__setattr__(self, "lab", check_lab_name(self.lab, where=where))
        for name, value in (self.features or {}).items():
            if value not in (0, 1):
                raise InputError(f"feature {name!r} is {value!r}, not 0 or 1", where=where)
        kept = tuple(filter(self._is_inside, self.annotations))
        object.__setattr__(self, "annotations", kept[:MOST_ANNOTATIONS])

    def __len__(self) -> int:
        return len(self.sequence)

    def __repr__(self) -> str:
        bases = self.sequence if len(self) <= 24 else f"{self.sequence[:12]}..."
        lab = f", lab={self.lab!r}" if self.lab is not None else ""
        return f"<Plasmid {self.id!r}: {len(self):,} bases, {self.topology}, {bases}{lab}>"

    def _is_inside(self, annotation: Annotation) -> bool:
        """Whether an annotation can be of these bases; files say otherwise now and then."""
        start, end = annotation.start, annotation.end
        is_inside = 1 <= start <= len(self) and 1 <= end <= len(self)
        return is_inside and (start <= end or self.is_circular)

    @property
    def is_circular(self) -> bool:
        """Whether the last base is followed by the first one."""
        return self.topology == "circular"

    @property
    def place(self) -> str:
        """How messages name the plasmid: its file, if it comes from one, and its id."""
        return f"{self.source}, record {self.id!r}" if self.source else f"record {self.id!r}"

    def without_features(self) -> Plasmid:
        """The same plasmid without its features."""
        return replace(self, features=None)

    def with_features_among(self, names: Collection[str] | None) -> Plasmid:
        """The same plasmid without features that are not among the names (None: all names)."""
        if names is None or not self.features or all(name in names for name in self.features):
            return self
        kept = {name: value for name, value in self.features.items() if name in names}
        return replace(self, features=kept or None)

    def reverse_complement(self) -> Plasmid:
        """The same plasmid read from its other strand, without annotations."""
        return replace(self, sequence=reverse_complement(self.sequence), annotations=())

    def rotated(self, offset: int) -> Plasmid:
        """The same circular plasmid, without annotations, from `offset` bases later on; InputError
        when linear."""
        if not self.is_circular:
            raise InputError("a linear sequence cannot be rotated", where=f"record {self.id!r}")
        cut = offset % len(self.sequence)
        return replace(self, sequence=self.sequence[cut:] + self.sequence[:cut], annotations=())
