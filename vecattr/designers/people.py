"""Authors as records write them in; persons and organisations out.

GenBank writes `de la Cruz,M.A.`, EMBL `de la Cruz M.A.`, PubMed `de la Cruz MA`, people
`Maria A. de la Cruz`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_PARTICLES_TEXT = """
    af al bin da dal de degli del dell della den der des di do dos du el la las le les lo los ten
    ter und v van vom von y zu zum zur
"""
#: Words in lower case that belong to a family name.
PARTICLES = frozenset(_PARTICLES_TEXT.split())

#: `Roe AB 3rd`, `Roe,A.B. Jr.`; but `Roe JR` has initials.
_SUFFIXES = re.compile(r"(?<=[\w.])[\s,]+(?:Jr\.?|Sr\.?|2nd|3rd|4th|II|III|IV)$")
#: `Roe AB1,2`: numbers of footnotes behind initials.
_FOOTNOTE = re.compile(r"(?<=[A-Z])\d+(?:,\d+)*\b")
_TITLES = re.compile(r"^(?:(?:prof|dr|mr|mrs|ms|professor|doctor)\.?\s+)+", re.I)
_INITIALS = re.compile(
    r"(?:[A-Z\u00c0-\u00de][a-z]?\.[\s-]*)+|[A-Z\u00c0-\u00de](?:-?[A-Z\u00c0-\u00de]){0,3}\.?"
)
_SEPARATOR = re.compile(r",\s+|;\s*|\s+(?:and|und|et|&)\s+|,?\s*&\s+", re.I)
_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "ß": "ss", "ł": "l", "Ł": "L", "đ": "d",
     "ı": "i", "þ": "th", "ð": "d"}
)  # fmt: skip

#: Words of organisations, which no person is called.
_ORGANISATION = re.compile(
    r"\b(?:inc|ltd|llc|gmbh|corp|corporation|company|limited|university|universit\w+|institut\w*|"
    r"cent(?:er|re)|laborator(?:y|ies)|labs?|biolabs|bio\w*tech\w*|project|network|consortium|"
    r"foundation|society|department|facility|repository|collection|program(?:me)?|group|team|"
    r"academy|college|hospital|school|foundry|initiative|biosciences?|therapeutics|"
    r"pharma\w*|genomics|technolog(?:y|ies)|systems|research|user|trial|unknown|anonymous|"
    r"self|admin(?:istrator)?|igem)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Person:
    """A person: family name with its particles, and given names or initials as they are written.

    >>> person_in("van der Berg,W.A.M.")
    Person(family='van der Berg', given='W.A.M.')
    """

    family: str
    given: str = ""

    @property
    def initials(self) -> str:
        """The first letters of the given names, upper case without accents.

        >>> Person("Berg", "Willem-Anton M.").initials, Person("Berg", "WAM").initials
        ('WAM', 'WAM')
        """
        letters = ""
        for word in _WORD.findall(self.given):
            letters += word if word.isupper() and len(word) <= 4 else word[0]
        return plain(letters).upper()

    @property
    def first_name(self) -> str:
        """The first given name if it is written out, in lower case without accents; else empty."""
        words = _WORD.findall(self.given)
        first = words[0] if words else ""
        is_full = len(first) > 2 or (len(first) == 2 and first[1].islower())
        return plain(first).lower() if is_full and not first.isupper() else ""

    def __str__(self) -> str:
        return f"{self.family}, {self.given}" if self.given else self.family


def plain(text: str) -> str:
    """The text without accents.

    >>> plain("Ångström Øre Łoś")
    'Angstrom Ore Los'
    """
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def is_organisation(name: str) -> bool:
    """Whether a name holds a word of an organisation, or is one word that no person signs with."""
    words = name.split()
    return _ORGANISATION.search(name) is not None or (len(words) < 2 and "," not in name)


@lru_cache(maxsize=1 << 12)
def people_in(authors: str) -> tuple[Person, ...]:
    """The persons in a list of authors, in order; organisations and placeholders are left out.

    >>> [str(person) for person in people_in("Ro,A.B., de Ab,C. and Cd,E.-F.")]
    ['Ro, A.B.', 'de Ab, C.', 'Cd, E.-F.']
    >>> [str(person) for person in people_in("Roe AB, de Ab C, Coe E 3rd")]
    ['Roe, AB', 'de Ab, C', 'Coe, E']
    >>> [str(person) for person in people_in("Ann B. Roe and Carl van Coe")]
    ['Roe, Ann B.', 'van Coe, Carl']
    """
    names: list[str] = []
    for item in _SEPARATOR.split(_FOOTNOTE.sub("", " ".join(authors.split())).strip(" ;,")):
        name = item.strip(" ,;")
        # `Roe, A.B.` with a blank after the comma: the given names belong to the name before them.
        if names and _is_given(name, of=names[-1]):
            names[-1] = f"{names[-1]},{name}"
        elif name and name not in {".", "et al", "et al."}:
            names.append(name)
    if len(names) == 2 and "," in authors and all(_WORD.fullmatch(name) for name in names):
        names = [",".join(names)]  # `Roe, Ann`
    persons = (person_in(name) for name in names)
    return tuple(person for person in persons if person is not None)


def _is_given(name: str, *, of: str) -> bool:
    """Whether an item of a list is but the given names of the item before it: `A.B.`, `Ann B.`"""
    words, family = name.split(), of.split()
    if "," in of or not name.endswith(".") or _INITIALS.fullmatch(family[-1]):
        return False
    if all(_INITIALS.fullmatch(word) for word in words):
        return True
    return len(family) == 1 and all(_INITIALS.fullmatch(word) for word in words[1:])


def person_in(name: str) -> Person | None:
    """The person whose name this is; None for an organisation or no name."""
    text = " ".join(_TITLES.sub("", name.strip(" ;,")).split())
    shorter = _SUFFIXES.sub("", text)
    text = shorter if " " in shorter or "," in shorter else text
    if not any(letter.isalpha() for letter in text):
        return None
    family, comma, given = text.partition(",")
    if comma:
        return _person(family, given) if not is_organisation(f"{family} {given}") else None
    if is_organisation(text):
        return None
    words = text.rstrip(".").split() if not re.search(r"\b[A-Z]\.$", text) else text.split()
    # `Roe A. B.`: initials in one or several words behind the family name
    tail = len(words)
    while tail > 1 and re.fullmatch(r"(?:[A-Z][a-z]?\.-?)+", words[tail - 1]):
        tail -= 1
    if tail < len(words):
        return _person(" ".join(words[:tail]), " ".join(words[tail:]))
    is_short = not _INITIALS.fullmatch(words[0]) or len(words[0]) > len(words[-1])
    if _INITIALS.fullmatch(words[-1]) and is_short:
        return _person(" ".join(words[:-1]), words[-1])
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in PARTICLES:
        start -= 1
    return _person(" ".join(words[start:]), " ".join(words[:start]))


def _person(family: str, given: str) -> Person | None:
    family, given = family.strip(" ."), given.strip()
    if len(family) < 2 or any(letter.isdigit() for letter in family):
        return None
    if family.isupper() and len(family) > 3:
        family = family.title()
    return Person(family, given)
