"""The references of a record sorted by what they are; which paper is that of its plasmid, out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from vecattr.designers.affiliations import address_in, is_repository
from vecattr.designers.citations import (
    covers,
    is_published,
    kind_of,
    last_author,
    names_plasmid,
    tells_of_vectors,
)
from vecattr.designers.people import Person, people_in, plain
from vecattr.designers.records import AnnotatedRecord, Reference

#: A submission about less of the record than this share is that of a part or of an ancestor.
_WHOLE = 0.8


@dataclass(frozen=True)
class Facts:
    """A record with its references by kind: the papers that may decide in their order, all papers
    that it cites, submissions latest first, claims those of most bases first."""

    record: AnnotatedRecord
    papers: tuple[Reference, ...]
    cited: tuple[Reference, ...]
    submissions: tuple[Reference, ...]
    claims: tuple[Reference, ...]

    @classmethod
    def of(cls, record: AnnotatedRecord, *, may_cite: bool = True) -> Facts:
        """The references of a record; papers decide nothing unless `may_cite`."""
        kinds = [(kind_of(reference), reference) for reference in record.references]
        cited = tuple(part for kind, part in kinds if kind == "paper" and last_author(part.authors))
        submissions = [
            part
            for kind, part in kinds
            if kind == "submission"
            and any(map(str.isalpha, part.authors))
            and covers(part, record.length) >= _WHOLE
            and not is_repository(address_in(part.journal))
        ]
        claims = [part for kind, part in kinds if kind == "claim"]
        return cls(
            record,
            papers=cited if may_cite else (),
            cited=cited,
            submissions=tuple(sorted(submissions, key=lambda part: -(part.year or 0))),
            claims=tuple(sorted(claims, key=lambda part: -covers(part, record.length))),
        )


def vector_paper(facts: Facts) -> Reference | None:
    """The paper of the vector's designers, where somebody else submitted the sequence: one about
    vectors and all of the record, or one that names the plasmid. The paper of a part is none."""
    fitting = [
        paper
        for paper in facts.papers
        if is_published(paper)
        and (
            names_plasmid(facts.record, paper.title)
            or (_is_whole(facts, paper) and tells_of_vectors(paper.title))
        )
    ]
    return max(fitting, key=lambda paper: paper.year or 0, default=None)


def senior(paper: Reference) -> Person:
    """The last author of a paper; papers without one are not kept."""
    author = last_author(paper.authors)
    assert author is not None
    return author


def _is_whole(facts: Facts, paper: Reference) -> bool:
    """Whether a paper states that it is about the record's bases, and about most of them."""
    return paper.first is not None and covers(paper, facts.record.length) >= _WHOLE


def best_paper(facts: Facts) -> Reference | None:
    """Of several papers the one that names the plasmid, else is about vectors, else about most of
    the bases; the first of equals."""

    def fit(paper: Reference) -> tuple[bool, bool, float]:
        return (
            names_plasmid(facts.record, paper.title),
            tells_of_vectors(paper.title),
            covers(paper, facts.record.length),
        )

    return max(facts.papers, key=fit, default=None)


def paper_with(papers: Iterable[Reference], people: Iterable[Person]) -> Reference | None:
    """The latest paper of which one of the people is an author; published ones first."""
    submitters = tuple(people)
    shared = [
        paper
        for paper in papers
        if any(
            is_same(author, person) for author in people_in(paper.authors) for person in submitters
        )
    ]
    return max(shared, key=lambda paper: (is_published(paper), paper.year or 0), default=None)


def is_same(left: Person, right: Person) -> bool:
    """Whether two authors of one record are one person: one family name, one first initial."""
    return family_letters(left) == family_letters(right) and left.initials[:1] == right.initials[:1]


@lru_cache(maxsize=1 << 14)
def family_letters(person: Person) -> str:
    """The letters of a family name, without accents, in lower case."""
    return "".join(filter(str.isalpha, plain(person.family).lower()))
