"""Namesakes by the hundred are brought together as if all pairs were looked at after each merge."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from vecattr.designers.namesakes import (
    Mentions,
    _order,
    _same_name,
    compatible,
    evidence,
    family_key,
    is_common,
    persons_among,
)
from vecattr.designers.people import Person

GIVEN = ("A.", "A.B.", "Anna", "Anna B.", "B.", "B.C.", "Bert", "A.C.", "C.")
PLACES = ("", "University of Alpha", "Beta Institute", "Gammaville College")


def mentions_of(seed: int, families: tuple[str, ...]) -> list[Mentions]:
    chance = random.Random(seed)
    mentions = []
    for number in range(chance.randrange(2, 25)):
        person = Person(chance.choice(families), chance.choice(GIVEN))
        place = chance.choice(PLACES)
        mentions.append(
            Mentions(
                Counter({person: chance.randrange(1, 4)}),
                Counter({place: 1} if place else {}),
                set(chance.sample("123456789", k=chance.randrange(2))),
                set(chance.sample([f"c{other}" for other in range(25)], k=chance.randrange(3))),
                keys={(person, place, str(number))},
            )
        )
    return mentions


def merged_one_by_one(persons: list[Mentions], *, common: bool) -> bool:
    """Merge the first two that are one person; whether there were such two."""
    for first, left in enumerate(persons):
        for second in range(first + 1, len(persons)):
            right = persons[second]
            if compatible(left, right) and (
                why := evidence(left, right, common=common)
                or _same_name(left, right, common=common)
            ):
                left.take(persons.pop(second), why)
                return True
    return False


@pytest.mark.parametrize("seed", range(60))
def test_a_common_name_is_merged_as_pair_by_pair(seed: int) -> None:
    family = family_key(Person("Wang"))
    assert is_common(family)
    # what `persons_among` begins with: in its order, nothing merged yet
    ordered = sorted(mentions_of(seed, ("Wang",)), key=_order)
    while merged_one_by_one(ordered, common=True):
        pass
    persons = persons_among(mentions_of(seed, ("Wang",)), family)
    assert [person.keys for person in persons] == [person.keys for person in ordered]
    assert [person.reasons for person in persons] == [person.reasons for person in ordered]


def test_what_is_derived_follows_a_merge() -> None:
    left = Mentions(Counter({Person("Wang", "A."): 1}))
    right = Mentions(Counter({Person("Wang", "Anna B."): 1}), Counter({"University of Alpha": 1}))
    assert (left.initials, left.first_names, left.institute_words) == ("A", set(), set())
    left.take(right, "a reason")
    assert (left.initials, left.first_names, left.institute_words) == ("AB", {"anna"}, {"alpha"})
