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
    is_published,
    kind_of,
    maker_in,
    names_plasmid,
    tells_of_vectors,
)
from vecattr.designers.people import Person, is_organisation, people_in, person_in, plain
from vecattr.designers.records import AnnotatedRecord, Reference

LabSource = Literal["depositor", "company", "submission", "paper", "claim", "comment", "none"]

#: Every place where a record may say who designed it, in the order in which they are tried.
LAB_SOURCES: tuple[LabSource, ...] = get_args(LabSource)[:-1]

#: A submission about less of the record than this share is that of a part or of an ancestor.
_WHOLE = 0.9


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
    """The lab that designed a record's plasmid, from the sources in `lab_from` alone."""
    allowed = frozenset(lab_from)
    facts = _Facts.of(record)
    for source, rule in _RULES:
        if source in allowed and (designer := rule(facts)) is not None:
            return designer
    why = "only who exported, copied or keeps it" if record.references else "no reference"
    paper = facts.papers[0] if facts.papers else None
    return _designer(None, "none", facts, paper=paper, is_sure=True, why=why)


@dataclass(frozen=True)
class _Facts:
    """A record with its references by kind: papers in their order, submissions latest first."""

    record: AnnotatedRecord
    papers: tuple[Reference, ...]
    submissions: tuple[Reference, ...]
    claims: tuple[Reference, ...]
    is_curated: bool

    @classmethod
    def of(cls, record: AnnotatedRecord) -> _Facts:
        kinds = [(kind_of(reference), reference) for reference in record.references]
        submissions = [
            reference
            for kind, reference in kinds
            if kind == "submission"
            and people_or_names(reference.authors)
            and covers(reference, record.length) >= _WHOLE
            and not is_repository(address_in(reference.journal))
        ]
        return cls(
            record,
            tuple(part for kind, part in kinds if kind == "paper" and people_in(part.authors)),
            tuple(sorted(submissions, key=lambda part: part.year or 0, reverse=True)),
            tuple(part for kind, part in kinds if kind == "claim"),
            any(kind == "note" and part.journal[:8] != "Exported" for kind, part in kinds),
        )


def people_or_names(authors: str) -> bool:
    """Whether a list of authors names anybody, a person or an organisation."""
    return any(letter.isalpha() for letter in authors)


def _depositor(facts: _Facts) -> Designer | None:
    name = facts.record.depositor
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
        company = company_in(parts_of(address_in(submission.journal), people))
        if not company and not people and is_organisation(submission.authors):
            company = company_name(submission.authors)
        if company and not is_repository(company):
            paper = _paper_with(facts.papers, people)
            why = "the company that submitted it"
            return _designer(company, "company", facts, paper=paper, submission=submission, why=why)
    return None


def _submission(facts: _Facts) -> Designer | None:
    """The last author of the submission, when that person also closes the paper's authors, or when
    no paper of the submitters fits."""
    for submission in facts.submissions:
        people = people_in(submission.authors)
        if not people:
            continue
        paper = _paper_with(facts.papers, people)
        if paper is not None and not _is_same(people_in(paper.authors)[-1], people[-1]):
            return None  # the paper's last author, by the next rule
        if paper is None and _third_party(facts) is not None:
            return None
        why = "last author of the submission"
        return _designer(
            people[-1], "submission", facts, paper=paper, submission=submission, why=why
        )
    return None


def _paper(facts: _Facts) -> Designer | None:
    """The last author of the paper that fits: the submitters' own, else the one that brings the
    vector."""
    submission = facts.submissions[0] if facts.submissions else None
    people = people_in(submission.authors) if submission else ()
    paper = _paper_with(facts.papers, people)
    why = "last author of the paper, of which the submitter is an author"
    if paper is None:
        paper = _third_party(facts) if submission else _best_paper(facts)
        why = "last author of the paper that the record cites"
        if submission:
            why += "; somebody else submitted the sequence"
    if paper is None or (
        facts.is_curated and not submission and not facts.claims and not _is_whole(facts, paper)
    ):
        return None
    return _designer(
        people_in(paper.authors)[-1],
        "paper",
        facts,
        paper=paper,
        submission=submission if people and _paper_with((paper,), people) else None,
        is_sure=len(facts.papers) == 1 or people != (),
        why=why,
    )


def _is_whole(facts: _Facts, paper: Reference) -> bool:
    """Whether a paper states that it is about all of the record's bases."""
    return paper.first is not None and covers(paper, facts.record.length) >= _WHOLE


def _claim(facts: _Facts) -> Designer | None:
    """Who wrote a direct submission into the file without a database's words; of several, the one
    that is about most of the bases."""
    claims = sorted(facts.claims, key=lambda part: -covers(part, facts.record.length))
    for claim in claims:
        people = people_in(claim.authors)
        if people and not is_repository(claim.authors):
            why = "a direct submission of which no database tells"
            return _designer(people[0], "claim", facts, submission=claim, is_sure=False, why=why)
    return None


def _comment(facts: _Facts) -> Designer | None:
    text = f"{facts.record.comment}"
    cited = () if facts.papers else cited_in(text)
    person = cited[-1] if cited else maker_in(text)
    if person is None or (facts.is_curated and facts.papers):
        return None
    why = "last author of the paper in the comment" if cited else "the comment says who made it"
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


def _third_party(facts: _Facts) -> Reference | None:
    """The paper of the vector's designers, where somebody else submitted the sequence: one about
    vectors and all of the record. A paper about a part's origin is none."""
    fitting = [
        paper
        for paper in facts.papers
        if is_published(paper)
        and _is_whole(facts, paper)
        and (tells_of_vectors(paper.title) or names_plasmid(facts.record, paper.title))
    ]
    return max(fitting, key=lambda paper: paper.year or 0) if fitting else None


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


def named(lab: str) -> Person | None:
    """The person of a lab's name, None for a company's: the inverse of how `lab` is written."""
    return person_in(lab)
