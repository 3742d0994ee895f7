"""Mentions of persons with one family name in; which of them are one person, and why, out.

Names alone decide for rare family names. For common ones, which many labs share, something else has
to agree: a paper, colleagues, an institute, or a given name that is written out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from vecattr.designers.affiliations import distinctive_words
from vecattr.designers.people import PARTICLES, Person, plain

#: One syllable of Mandarin in Pinyin or Cantonese, as most Chinese family names are, and the family
#: names that most Koreans, Vietnamese, Indians and Japanese, and many others have.
_SYLLABLE = re.compile(
    r"(?:zh|ch|sh|ts|hs|[bpmfdtnlgkhjqxrzcsyw])?(?:[aeiouv]|[aeiou]{2,3})(?:n|ng)?|"
    r"kim|park|pak|choi|jung|jeong|chung|cho|kang|yoon|nguyen|tran|pham|singh|kumar|patel|"
    r"sharma|gupta|das|sato|suzuki|tanaka|watanabe|yamamoto|smith|jones|brown|johnson|miller|"
    r"williams|davis|taylor|wilson|garcia|martinez|rodriguez|lopez|gonzalez|hernandez|perez"
)
_ACCENTS = re.compile("[äöüøåæ]", re.I)
_PARTICLE = re.compile(r"\b(?:" + "|".join(sorted(PARTICLES)) + r")\b ?")
_UMLAUTS = re.compile("([aou])e")

#: From so many given names on, a family name is common, whatever its form.
_COMMON_FROM = 4


def family_key(person: Person) -> str:
    """The letters of a family name, without accents and particles, and with `oe` as `o`: spellings
    of one name share it.

    >>> family_key(Person("van Müller-Thal")), family_key(Person("Mueller-Thal"))
    ('mullerthal', 'mullerthal')
    """
    words = [word for word in _letters(person.family).split() if word not in PARTICLES]
    return _UMLAUTS.sub(r"\1", "".join(words) or _letters(person.family).replace(" ", ""))


def is_common(family: str) -> bool:
    """Whether very many people have a family name (by its key)."""
    return _SYLLABLE.fullmatch(family) is not None


def _letters(text: str) -> str:
    return re.sub(r"[^a-z ]", "", plain(text).lower())


@dataclass(eq=False)
class Mentions:
    """What is known of one person: spellings with their numbers of records, and what tells the
    person from namesakes."""

    spellings: Counter[Person] = field(default_factory=Counter)
    institutes: Counter[str] = field(default_factory=Counter)
    publications: set[str] = field(default_factory=set)
    colleagues: set[str] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)
    keys: set[tuple[Person, str, str]] = field(default_factory=set)

    @property
    def given(self) -> str:
        """The most complete given names, those written out first."""
        names = sorted(
            self.spellings,
            key=lambda person: (-len(person.first_name), -len(person.given), person.given),
        )
        return names[0].given

    @cached_property
    def first_names(self) -> set[str]:
        """The first names that are written out."""
        return {person.first_name for person in self.spellings} - {""}

    @cached_property
    def initials(self) -> str:
        """The longest initials."""
        return max(
            (person.initials for person in self.spellings), key=lambda text: (len(text), text)
        )

    @cached_property
    def family_letters(self) -> set[str]:
        """The family names in lower case, without accents and particles."""
        return {_PARTICLE.sub("", _letters(person.family)) for person in self.spellings}

    @cached_property
    def has_accents(self) -> bool:
        """Whether a family name is written with an umlaut or the like."""
        return any(_ACCENTS.search(person.family) for person in self.spellings)

    @cached_property
    def institute_words(self) -> set[str]:
        """The words of the institutes that tell them from others."""
        return {word for name in self.institutes for word in distinctive_words(name)}

    def take(self, other: Mentions, why: str) -> None:
        """Add what is known of another mention of the same person, with the reason."""
        self.spellings.update(other.spellings)
        self.institutes.update(other.institutes)
        self.publications |= other.publications
        self.colleagues |= other.colleagues
        self.reasons |= {*other.reasons, why}
        self.keys |= other.keys
        for name in _DERIVED:
            self.__dict__.pop(name, None)


#: What is derived from the facts of a mention, and kept until these change.
_DERIVED = ("first_names", "initials", "family_letters", "has_accents", "institute_words")


def compatible(left: Mentions, right: Mentions) -> bool:
    """Whether the given names can be those of one person: first names agree where both are written
    out, and initials as far as both go."""
    if left.first_names and right.first_names and not left.first_names & right.first_names:
        return False
    first, second = left.initials, right.initials
    shared = min(len(first), len(second))
    return first[:shared] == second[:shared]


def evidence(left: Mentions, right: Mentions, *, common: bool) -> str:
    """What, besides the name, two mentions share; empty when nothing does."""
    if left.publications & right.publications:
        return "same publication"
    shared = left.colleagues & right.colleagues
    if len(shared) >= (2 if common else 1):
        return "same colleagues"
    if left.institute_words & right.institute_words:
        return "same institute"
    return ""


def _same_name(left: Mentions, right: Mentions, *, common: bool) -> str:
    """Why the names alone make one person of two mentions; empty when they do not."""
    words = left.institute_words, right.institute_words
    if common and all(words) and not words[0] & words[1]:
        return ""
    if not _is_same_family(left, right):
        return ""
    if left.first_names & right.first_names:
        return "same given name"
    # One initial of a name that is written out fits many: then the others decide.
    is_spelled = bool(left.first_names or right.first_names)
    if left.initials == right.initials and len(left.initials) >= (2 if common or is_spelled else 1):
        return "same initials"
    return ""


def _is_same_family(left: Mentions, right: Mentions) -> bool:
    """Whether family names agree, if need be because one is written with an umlaut."""
    is_shared = bool(left.family_letters & right.family_letters)
    return is_shared or left.has_accents or right.has_accents


def persons_among(mentions: list[Mentions], family: str) -> list[Mentions]:
    """The mentions of one family name brought together, person by person, the best known first."""
    given = {name for mention in mentions for name in mention.first_names}
    common = is_common(family) or len(given) >= _COMMON_FROM
    persons = _merged_by_initial(sorted(mentions, key=_order), common=common)
    while not common and (pair := _only_fit(persons)) is not None:
        kept, merged = pair
        persons[kept].take(persons.pop(merged), "initials that fit one person only")
        _merge_alike(persons, common=common)
    return persons


def _order(mention: Mentions) -> tuple[int, int, int, str, str]:
    names = max(map(len, mention.first_names), default=0)
    return (
        -names,
        -len(mention.initials),
        -mention.spellings.total(),
        min(map(str, mention.spellings)),
        min(mention.institutes, default=""),
    )


def _merged_by_initial(ordered: list[Mentions], *, common: bool) -> list[Mentions]:
    """The mentions with those merged that are one person; only such with one first initial can be,
    but for those without given names, which are compared with everybody."""
    groups: defaultdict[str, list[Mentions]] = defaultdict(list)
    for mention in ordered:
        groups[mention.initials[:1]].append(mention)
    for group in groups.values():
        _merge_alike(group, common=common)
    kept = {id(person) for group in groups.values() for person in group}
    persons = [person for person in ordered if id(person) in kept]
    if "" in groups:
        _merge_alike(persons, common=common)
    return persons


def _merge_alike(persons: list[Mentions], *, common: bool) -> None:
    """Merge, again and again, the first two that are one person, until there are no such two.

    All pairs are looked at once, and those of a person who was merged again: there may be a
    thousand mentions of a common family name.
    """
    first = 0
    while first < len(persons):
        others = range(first + 1, len(persons))
        second, why = _first_alike(persons, first, others, common=common)
        if second is None:
            first += 1
            continue
        persons[first].take(persons.pop(second), why)
        earlier, why = _first_alike(persons, first, range(first), common=common)
        while earlier is not None:
            persons[earlier].take(persons.pop(first), why)
            first = earlier
            earlier, why = _first_alike(persons, first, range(first), common=common)


def _first_alike(
    persons: list[Mentions], place: int, others: range, *, common: bool
) -> tuple[int | None, str]:
    """The first of some others that is the same person as the one at a place, and why."""
    person = persons[place]
    for other in others:
        left, right = (person, persons[other]) if place < other else (persons[other], person)
        if compatible(left, right):
            why = evidence(left, right, common=common) or _same_name(left, right, common=common)
            if why:
                return other, why
    return None, ""


def _only_fit(persons: list[Mentions]) -> tuple[int, int] | None:
    """The first two whose given names fit each other, while any two that fit one of them fit each
    other, too: an initial that fits two persons belongs to neither."""
    around = [_fitting(left, persons) for left in persons]
    is_clear = [all(places <= around[place] for place in places) for places in around]
    for first, places in enumerate(around):
        for second in sorted(places - set(range(first + 1))):
            is_one = is_clear[first] and is_clear[second]
            if is_one and _is_same_family(persons[first], persons[second]):
                return first, second
    return None


def _fitting(person: Mentions, persons: list[Mentions]) -> set[int]:
    """The places of those whose given names can be a person's, that person's own included."""
    return {place for place, other in enumerate(persons) if compatible(person, other)}
