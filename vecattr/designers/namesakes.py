"""Mentions of persons with one family name in; which of them are one person, and why, out.

Names alone decide for rare family names. For common ones, which many labs share, something else has
to agree: a paper, colleagues, an institute, or a given name that is written out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from vecattr.designers.affiliations import distinctive_words
from vecattr.designers.people import PARTICLES, Person, plain

#: One syllable of Mandarin in Pinyin or Cantonese, as most Chinese family names are, and the family
#: names that most Koreans, Vietnamese, Indians and Japanese, and many others have.
_SYLLABLE = re.compile(
    r"(?:zh|ch|sh|ts|hs|[bpmfdtnlgkhjqxrzcsyw])?(?:[aeiouv]|[aeiou]{2,3})(?:n|ng)?|"
    r"kim|park|pak|choi|jung|jeong|chung|cho|kang|yoon|lim|nguyen|tran|pham|singh|kumar|patel|"
    r"sharma|gupta|das|sato|suzuki|tanaka|watanabe|yamamoto|smith|jones|brown|johnson|miller|"
    r"williams|davis|taylor|wilson|garcia|martinez|rodriguez|lopez|gonzalez|hernandez|perez"
)
_ACCENTS = re.compile("[äöüøåæ]", re.I)
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


_PARTICLE = re.compile(r"\b(?:" + "|".join(sorted(PARTICLES)) + r")\b ?")


@dataclass(eq=False)
class Mentions:
    """What is known of one person: spellings with their numbers of records, and what tells the
    person from namesakes. `of` makes it of one spelling; `take` adds another mention."""

    spellings: Counter[Person]
    institutes: Counter[str]
    publications: set[str]
    colleagues: set[str]
    keys: set[Hashable]
    families: set[str]
    first_names: set[str]
    initials: str
    institute_words: set[str]
    has_accents: bool
    reasons: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, person: Person, institute: str, key: Hashable) -> Mentions:
        """A mention without records yet, which `key` names."""
        return cls(
            spellings=Counter(),
            institutes=Counter(),
            publications=set(),
            colleagues=set(),
            keys={key},
            families={_PARTICLE.sub("", _letters(person.family)).strip()},
            first_names={person.first_name} - {""},
            initials=person.initials,
            institute_words=set(distinctive_words(institute)),
            has_accents=_ACCENTS.search(person.family) is not None,
        )

    @property
    def given(self) -> str:
        """The most complete given names, those written out first."""
        names = sorted(
            self.spellings,
            key=lambda person: (-len(person.first_name), -len(person.given), person.given),
        )
        return names[0].given

    def take(self, other: Mentions, why: str) -> None:
        """Add what is known of another mention of the same person, with the reason."""
        self.spellings.update(other.spellings)
        self.institutes.update(other.institutes)
        self.publications |= other.publications
        self.colleagues |= other.colleagues
        self.keys |= other.keys
        self.families |= other.families
        self.first_names |= other.first_names
        self.initials = max(self.initials, other.initials, key=lambda text: (len(text), text))
        self.institute_words |= other.institute_words
        self.has_accents = self.has_accents or other.has_accents
        self.reasons |= {*other.reasons, why}


def compatible(left: Mentions, right: Mentions) -> bool:
    """Whether the given names can be those of one person: first names agree where both are written
    out, and initials as far as both go."""
    if left.first_names and right.first_names and not left.first_names & right.first_names:
        return False
    first, second = left.initials, right.initials
    return first.startswith(second) or second.startswith(first)


def _same_person(left: Mentions, right: Mentions, *, common: bool) -> str:
    """Why two mentions are one person, for sure; empty when they are not."""
    if not compatible(left, right):
        return ""
    if left.publications & right.publications:
        return "same publication"
    shared = left.colleagues & right.colleagues
    if len(shared) >= (2 if common else 1):
        return "same colleagues"
    if left.institute_words & right.institute_words:
        return "same institute"
    return _same_name(left, right, common=common)


def _same_name(left: Mentions, right: Mentions, *, common: bool) -> str:
    """Why the names alone make one person of two mentions that share nothing else."""
    if common and left.institute_words and right.institute_words:
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
    return bool(left.families & right.families) or left.has_accents or right.has_accents


def persons_among(mentions: list[Mentions], family: str) -> list[Mentions]:
    """The mentions of one family name brought together, person by person, the best known first."""
    given = {name for mention in mentions for name in mention.first_names}
    common = is_common(family) or len(given) >= _COMMON_FROM
    by_initial: defaultdict[str, list[Mentions]] = defaultdict(list)
    for mention in mentions:
        by_initial[mention.initials[:1]].append(mention)
    nameless = _merged(by_initial.pop("", []), common=common)
    persons = [
        person
        for _, group in sorted(by_initial.items())
        for person in _merged(group, common=common)
    ]
    for mention in nameless:
        same = [one for one in persons if _same_person(one, mention, common=common)]
        if len(same) == 1:
            same[0].take(mention, _same_person(same[0], mention, common=common))
        elif len(persons) == 1 and not common:
            persons[0].take(mention, _ONE_FITS)
        else:
            persons.append(mention)
    return persons


_ONE_FITS = "initials that fit one person only"


def _merged(mentions: list[Mentions], *, common: bool) -> list[Mentions]:
    """Mentions with one first initial brought together: for sure ones again and again, as each
    brings more to compare; then, of a rare name, those whose initials fit one person only."""
    persons = sorted(mentions, key=_order)
    is_changed = True
    while is_changed:
        is_changed = False
        for place, left in enumerate(persons):
            others = persons[place + 1 :]
            for right in others:
                if why := _same_person(left, right, common=common):
                    left.take(right, why)
                    persons.remove(right)
                    is_changed = True
    return persons if common else _joined_by_initials(persons)


def _order(mention: Mentions) -> tuple[int, int, int, str, str]:
    return (
        -max(map(len, mention.first_names), default=0),
        -len(mention.initials),
        -mention.spellings.total(),
        min(map(str, mention.spellings)),
        str(sorted(map(str, mention.keys))),
    )


def _joined_by_initials(persons: list[Mentions]) -> list[Mentions]:
    """Persons whose given names fit each other and nobody else brought together: an initial that
    fits two of them fits neither."""
    around = [
        {other for other, right in enumerate(persons) if compatible(left, right)}
        for left in persons
    ]
    clear = [
        all(second in around[first] for first in places for second in places) for places in around
    ]
    gone: set[int] = set()
    for first, places in enumerate(around):
        for second in sorted(places):
            is_one = first < second and clear[first] and clear[second]
            is_free = not {first, second} & gone
            if is_one and is_free and _is_same_family(persons[first], persons[second]):
                persons[first].take(persons[second], _ONE_FITS)
                gone.add(second)
    return [person for place, person in enumerate(persons) if place not in gone]
