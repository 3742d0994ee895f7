"""A public record in; the lab that designed its plasmid out, with where the record says so.

Who copies, packs, exports, curates, sequences or keeps a plasmid did not design it. The order of
the rules is the table of `docs/explanation/designers.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from vecattr.designers.affiliations import (
    address_in,
    company_in,
    company_name,
    institute_in,
    is_repository,
    parts_of,
)
from vecattr.designers.citations import (
    cited_in,
    covers,
    gift_in,
    is_published,
    kind_of,
    lab_in,
    last_author,
    maker_in,
    names_plasmid,
    tells_of_vectors,
)
from vecattr.designers.people import Person, people_in, plain
from vecattr.designers.records import AnnotatedRecord, Reference

LabSource = Literal["depositor", "company", "submission", "paper", "claim", "comment", "none"]

#: Every place where a record may say who designed it, in the order in which they are tried.
LAB_SOURCES: tuple[LabSource, ...] = get_args(LabSource)[:-1]

#: A submission about less of the record than this share is that of a part or of an ancestor.
_WHOLE = 0.8


@dataclass(frozen=True, slots=True)
class Designer:
    """The lab that designed a record's plasmid.

    `lab` is None when the record does not say; else the person's name as written
    (`Family, Given`), or the company's. `lab_source` says where it stands, `why` in words;
    `lab_sure` is False where the record leaves room for another answer. `publication` is the PubMed
    number (else the DOI) of the paper that fits, `year` that of the paper, else of the submission.
    `person` is None for a company. `institute` and `colleagues` (the other authors) tell
    namesakes apart.
    """

    lab: str | None
    lab_source: LabSource
    lab_sure: bool
    publication: str = ""
    year: int | None = None
    why: str = ""
    person: Person | None = None
    institute: str = ""
    colleagues: frozenset[str] = frozenset()


def designer_of(
    record: AnnotatedRecord, *, lab_from: Iterable[LabSource] = LAB_SOURCES
) -> Designer:
    """The lab that designed a record's plasmid, from the sources in `lab_from` alone: without
    `paper`, say, the last submitter is taken whoever wrote the paper."""
    allowed = frozenset(lab_from)
    facts = _Facts.of(record, allowed)
    for source, rule in _RULES:
        if source in allowed and (designer := rule(facts)) is not None:
            return designer
    why = "only who exported, copied or keeps it" if record.references else "no reference"
    return _designer(None, "none", facts, paper=next(iter(facts.cited), None), why=why)


@dataclass(frozen=True)
class _Facts:
    """A record with its references by kind: the papers that may decide in their order, all papers
    that it cites, submissions latest first, claims those of most bases first."""

    record: AnnotatedRecord
    papers: tuple[Reference, ...]
    cited: tuple[Reference, ...]
    submissions: tuple[Reference, ...]
    claims: tuple[Reference, ...]

    @classmethod
    def of(cls, record: AnnotatedRecord, allowed: frozenset[LabSource]) -> _Facts:
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
            papers=cited if "paper" in allowed else (),
            cited=cited,
            submissions=tuple(sorted(submissions, key=lambda part: -(part.year or 0))),
            claims=tuple(sorted(claims, key=lambda part: -covers(part, record.length))),
        )


def _depositor(facts: _Facts) -> Designer | None:
    gift = gift_in(f"{facts.record.comment} {facts.record.definition}")
    name = facts.record.depositor or (gift.giver if gift else "")
    if not name or is_repository(name):
        return None
    people = people_in(name)
    paper = _paper_with(facts.papers, people) or (facts.papers[0] if facts.papers else None)
    pubmed = next((part for part in facts.record.references if part.pubmed), None)
    why = "the lab that gave it to the catalogue"
    if people:
        return _designer(people[0], "depositor", facts, paper=paper or pubmed, why=why)
    return _designer(company_name(name), "depositor", facts, paper=paper or pubmed, why=why)


def _company(facts: _Facts) -> Designer | None:
    for submission in facts.submissions:
        people = people_in(submission.authors)
        parts = parts_of(address_in(submission.journal), people)
        company = company_in(parts)
        if not company and not people and not institute_in(parts):
            company = company_name(submission.authors)
        if company and not is_repository(company):
            return _designer(
                company,
                "company",
                facts,
                paper=_paper_with(facts.cited, people),
                submission=submission,
                is_sure=_vector_paper(facts) is None,
                why="the company that submitted it",
            )
    return None


def _submission(facts: _Facts) -> Designer | None:
    """The last author of the submission; none where a paper of the submitters ends in another
    author, or where the submitters compiled what the authors of a paper designed."""
    for submission in facts.submissions:
        people = people_in(submission.authors)
        if not people:
            continue
        paper = _paper_with(facts.papers, people)
        if paper is not None and not _is_same(_senior(paper), people[-1]):
            return None
        if paper is None and _vector_paper(facts) is not None:
            return None
        return _designer(
            people[-1],
            "submission",
            facts,
            paper=_paper_with(facts.cited, people),
            submission=submission,
            is_sure=covers(submission, facts.record.length) == 1,
            why="last author of the submission",
        )
    return None


def _paper(facts: _Facts) -> Designer | None:
    """The last author of the paper that fits: the submitters' own, else the one that brings the
    vector."""
    for submission in facts.submissions:
        people = people_in(submission.authors)
        paper = _paper_with(facts.papers, people)
        why = "last author of the paper; its authors submitted the sequence"
        if paper is None:
            paper, submission_of_it = _vector_paper(facts), None
            why = "last author of the vector's paper; somebody else submitted the sequence"
        else:
            submission_of_it = submission
        if paper is not None:
            return _designer(
                _senior(paper), "paper", facts, paper=paper, submission=submission_of_it, why=why
            )
    paper = _best_paper(facts)
    if paper is None:
        return None
    last_authors = {_key(_senior(part)) for part in facts.papers}
    return _designer(
        _senior(paper),
        "paper",
        facts,
        paper=paper,
        is_sure=len(last_authors) == 1 and "et al" not in paper.authors,
        why="last author of the paper that the record cites",
    )


def _claim(facts: _Facts) -> Designer | None:
    """Who wrote a direct submission into the file without a database's words."""
    for claim in facts.claims:
        people = people_in(claim.authors)
        if people and not is_repository(claim.authors):
            why = "a direct submission of which no database tells"
            return _designer(people[-1], "claim", facts, submission=claim, is_sure=False, why=why)
    return None


def _comment(facts: _Facts) -> Designer | None:
    """The last author of a paper that the comment cites, else who made the plasmid by its words,
    else the lab that a title names."""
    cited = cited_in(facts.record.comment)
    person = cited[-1] if cited else maker_in(facts.record.comment)
    why = "last author of the paper in the comment" if cited else "the comment says who made it"
    if person is None:
        labs = (lab_in(reference.title) for reference in facts.record.references)
        person = next((lab for lab in labs if lab is not None), None)
        why = "a title names the lab"
    if person is None:
        return None
    return _designer(person, "comment", facts, is_sure=False, why=why, colleagues=cited)


#: Each source with its rule, in the order in which they are tried.
_RULES: tuple[tuple[LabSource, Callable[[_Facts], Designer | None]], ...] = (
    ("depositor", _depositor),
    ("company", _company),
    ("submission", _submission),
    ("paper", _paper),
    ("comment", _comment),
    ("claim", _claim),
)


def _vector_paper(facts: _Facts) -> Reference | None:
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


def _senior(paper: Reference) -> Person:
    """The last author of a paper; papers without one are not kept."""
    author = last_author(paper.authors)
    assert author is not None
    return author


def _is_whole(facts: _Facts, paper: Reference) -> bool:
    """Whether a paper states that it is about the record's bases, and about most of them."""
    return paper.first is not None and covers(paper, facts.record.length) >= _WHOLE


def _best_paper(facts: _Facts) -> Reference | None:
    """Of several papers the one that names the plasmid, else is about vectors, else about most of
    the bases; the first of equals."""

    def fit(paper: Reference) -> tuple[bool, bool, float]:
        return (
            names_plasmid(facts.record, paper.title),
            tells_of_vectors(paper.title),
            covers(paper, facts.record.length),
        )

    return max(facts.papers, key=fit, default=None)


def _paper_with(papers: Iterable[Reference], people: Iterable[Person]) -> Reference | None:
    """The latest paper of which one of the people is an author; published ones first."""
    submitters = tuple(people)
    shared = [
        paper
        for paper in papers
        if any(
            _is_same(author, person) for author in people_in(paper.authors) for person in submitters
        )
    ]
    return max(shared, key=lambda paper: (is_published(paper), paper.year or 0), default=None)


def _is_same(left: Person, right: Person) -> bool:
    """Whether two authors of one record are one person: one family name, one first initial."""
    return _key(left) == _key(right) and left.initials[:1] == right.initials[:1]


def _key(person: Person) -> str:
    return "".join(filter(str.isalpha, plain(person.family).lower()))


def _designer(
    lab: Person | str | None,
    source: LabSource,
    facts: _Facts,
    *,
    paper: Reference | None = None,
    submission: Reference | None = None,
    is_sure: bool = True,
    why: str = "",
    colleagues: tuple[Person, ...] = (),
) -> Designer:
    person = lab if isinstance(lab, Person) else None
    authors = [*colleagues, *(people_in(paper.authors) if paper else ())]
    authors += people_in(submission.authors) if submission else ()
    others = frozenset(
        f"{_key(author)} {author.initials[:1]}"
        for author in authors
        if person is None or not _is_same(author, person)
    )
    institute = ""
    if submission is not None:
        parts = parts_of(address_in(submission.journal), people_in(submission.authors))
        institute = institute_in(parts)
    year = next((part.year for part in (paper, submission) if part and part.year), None)
    return Designer(
        str(lab) if lab is not None else None,
        source,
        is_sure,
        publication=(paper.pubmed or paper.doi) if paper else "",
        year=year or facts.record.year,
        why=why,
        person=person,
        institute=institute,
        colleagues=others,
    )
