"""Designers in; one name for each lab, with what was merged and why, out.

The rows of a merge are a table that a person can edit and hand in again as aliases; a row of it has
the last word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vecattr.designers.affiliations import company_name
from vecattr.designers.designer import Designer
from vecattr.designers.namesakes import Mentions, family_key, is_common, persons_among
from vecattr.designers.people import Person, plain
from vecattr.plasmid import composed

#: Words that a company's name has in one place and lacks in another.
_LOOSE_TEXT = (
    "laboratories laboratory labs lab international usa us uk europe japan china group the"
)
_LOOSE_WORDS = frozenset(_LOOSE_TEXT.split())

#: A spelling: the lab as `designer_of` writes it, its institute, its publication; the last two
#: may be empty, which means any.
Spelling = tuple[str, str, str]


@dataclass(frozen=True, slots=True, order=True)
class MergedName:
    """One spelling of a lab: how records write it, the name that it gets, how many records have it,
    and why it is that lab. An empty `institute` or `publication` means any."""

    lab: str
    spelling: str
    institute: str
    publication: str
    records: int
    why: str


class LabNames:
    """The names that labs get: a designer's spelling in, the lab's name out."""

    def __init__(self, names: Mapping[Spelling, str], rows: tuple[MergedName, ...]) -> None:
        self._names = names
        self.rows = rows

    def name_of(self, designer: Designer) -> str | None:
        """The name of a designer's lab; None when the record does not say. A designer that was not
        among the merged ones keeps the name as written."""
        spelling = _spelling(designer)
        return None if spelling is None else self._names.get(spelling, spelling[0])


def merge_names(
    designers: Iterable[Designer], *, aliases: Mapping[Spelling, str] | None = None
) -> LabNames:
    """One name for each lab among the designers; the order of the designers does not matter.

    `aliases` maps a spelling to a lab's name, with an institute and a publication, or with an empty
    text in their place for any; it has the last word.
    """
    counts: Counter[Spelling] = Counter()
    persons: dict[Spelling, Designer] = {}
    colleagues: defaultdict[Spelling, set[str]] = defaultdict(set)
    for designer in designers:
        if (spelling := _spelling(designer)) is not None:
            counts[spelling] += 1
            persons.setdefault(spelling, designer)
            colleagues[spelling] |= designer.colleagues
    names: dict[Spelling, tuple[str, str]] = {}
    names.update(_company_names(counts, persons))
    names.update(_person_names(counts, persons, colleagues))
    chosen = {
        spelling: (_alias(spelling, aliases or {}) or name, why)
        for spelling, (name, why) in names.items()
    }
    return LabNames(
        {spelling: name for spelling, (name, _) in chosen.items()}, _rows(chosen, counts)
    )


def _spelling(designer: Designer) -> Spelling | None:
    if designer.lab is None:
        return None
    return composed(designer.lab), composed(designer.institute), designer.publication


def _alias(spelling: Spelling, aliases: Mapping[Spelling, str]) -> str | None:
    """The alias of a spelling; the one that says most comes first."""
    lab, institute, publication = spelling
    keys = (spelling, (lab, institute, ""), (lab, "", publication), (lab, "", ""))
    return next((aliases[key] for key in keys if key in aliases), None)


def _company_names(
    counts: Counter[Spelling], designers: Mapping[Spelling, Designer]
) -> dict[Spelling, tuple[str, str]]:
    groups: defaultdict[str, list[Spelling]] = defaultdict(list)
    for spelling in counts:
        if designers[spelling].person is None:
            groups[_company_key(spelling[0])].append(spelling)
    names = {}
    for spellings in groups.values():
        totals: Counter[str] = Counter()
        for spelling in spellings:
            totals[spelling[0]] += counts[spelling]
        name = min(totals, key=lambda text: (-totals[text], text))
        why = "same company" if len(totals) > 1 else ""
        names.update(dict.fromkeys(spellings, (name, why)))
    return names


def _company_key(name: str) -> str:
    words = "".join(
        letter if letter.isalnum() else " " for letter in plain(company_name(name)).lower()
    ).split()
    firm = [word for word in words if word not in _LOOSE_WORDS]
    return "".join(firm) if len("".join(firm)) >= 4 else "".join(words)


def _person_names(
    counts: Counter[Spelling],
    designers: Mapping[Spelling, Designer],
    colleagues: Mapping[Spelling, set[str]],
) -> dict[Spelling, tuple[str, str]]:
    blocks: defaultdict[str, list[tuple[Spelling, Person]]] = defaultdict(list)
    for spelling in sorted(counts):
        person = designers[spelling].person
        if person is not None:
            blocks[family_key(person)].append((spelling, person))
    labels: list[tuple[Mentions, list[Spelling]]] = []
    for family, members in sorted(blocks.items()):
        mentions, owners = _mentions(family, members, counts, colleagues)
        for person_mentions in persons_among(mentions, family):
            labels.append((person_mentions, owners_of(person_mentions, owners)))
    return _labelled(labels)


def _mentions(
    family: str,
    members: list[tuple[Spelling, Person]],
    counts: Counter[Spelling],
    colleagues: Mapping[Spelling, set[str]],
) -> tuple[list[Mentions], dict[tuple[Person, str, str], list[Spelling]]]:
    """The mentions to compare. Of a rare family name those with one spelling and institute are one;
    of a common one, each publication is one of its own where no institute is known."""
    groups: dict[tuple[Person, str, str], Mentions] = {}
    owners: defaultdict[tuple[Person, str, str], list[Spelling]] = defaultdict(list)
    for spelling, person in members:
        _, institute, publication = spelling
        apart = publication if is_common(family) and not institute and not person.first_name else ""
        key = (person, institute, apart)
        mention = groups.setdefault(key, Mentions(keys={key}))
        mention.spellings[person] += counts[spelling]
        mention.institutes.update({institute: counts[spelling]} if institute else {})
        mention.publications |= {publication} - {""}
        mention.colleagues |= colleagues[spelling]
        owners[key].append(spelling)
    return list(groups.values()), owners


def owners_of(
    mentions: Mentions, owners: Mapping[tuple[Person, str, str], list[Spelling]]
) -> list[Spelling]:
    """The spellings that were brought together in a person's mentions."""
    keys = [key for key in owners if key in mentions.keys]
    return [spelling for key in keys for spelling in owners[key]]


def _labelled(
    labels: list[tuple[Mentions, list[Spelling]]],
) -> dict[Spelling, tuple[str, str]]:
    """A name for each person; namesakes get their institute in brackets, else a number."""
    plain_names = [f"{_family(mentions)}, {mentions.given}".strip(" ,") for mentions, _ in labels]
    repeated = Counter(plain_names)
    taken: Counter[str] = Counter()
    names = {}
    for plain_name, (mentions, spellings) in zip(plain_names, labels, strict=True):
        name = plain_name
        if repeated[plain_name] > 1 and mentions.institutes:
            name = f"{plain_name} ({mentions.institutes.most_common(1)[0][0]})"
        taken[name] += 1
        if taken[name] > 1:
            name = f"{name} ({taken[name]})"
        why = "; ".join(sorted(mentions.reasons))
        names.update(dict.fromkeys(spellings, (name, why)))
    return names


def _family(mentions: Mentions) -> str:
    """The family name that most records write; of equals the one with more letters."""
    totals: Counter[str] = Counter()
    for person, count in mentions.spellings.items():
        totals[person.family] += count
    return min(totals, key=lambda name: (-totals[name], -len(name), name))


def _rows(
    chosen: Mapping[Spelling, tuple[str, str]], counts: Counter[Spelling]
) -> tuple[MergedName, ...]:
    """A row for each spelling with its institute; the publication stands in it only where one
    spelling is several labs."""
    labs: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for (spelling, institute, _), (lab, _) in chosen.items():
        labs[spelling, institute].add(lab)
    totals: Counter[tuple[str, str, str, str, str]] = Counter()
    for key, (lab, why) in chosen.items():
        spelling, institute, publication = key
        apart = publication if len(labs[spelling, institute]) > 1 else ""
        totals[lab, spelling, institute, apart, why] += counts[key]
    return tuple(
        sorted(
            MergedName(lab, spelling, institute, publication, records, why)
            for (lab, spelling, institute, publication, why), records in totals.items()
        )
    )
