"""A public record in; the lab that designed its plasmid out, with where the record says so.

Who copies, packs, exports, curates, sequences or keeps a plasmid did not design it. The order of
the rules is the table of `docs/explanation/designers.md`.
"""

from __future__ import annotations

import re
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
from vecattr.designers.citations import cited_in, covers, gift_in, lab_in, maker_in
from vecattr.designers.papers import (
    Facts,
    best_paper,
    family_letters,
    is_same,
    paper_with,
    senior,
    vector_paper,
)
from vecattr.designers.people import Person, people_in, person_in
from vecattr.designers.records import AnnotatedRecord, Reference

LabSource = Literal["depositor", "company", "submission", "paper", "claim", "comment", "none"]

#: Every place where a record may say who designed it, in the order in which they are tried.
LAB_SOURCES: tuple[LabSource, ...] = get_args(LabSource)[:-1]


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
    facts = Facts.of(record, may_cite="paper" in allowed)
    for source, rule in _RULES:
        if source in allowed and (designer := rule(facts)) is not None:
            return designer
    why = "only who exported, copied or keeps it" if record.references else "no reference"
    return _designer(None, "none", facts, paper=next(iter(facts.cited), None), why=why)


def _depositor(facts: Facts) -> Designer | None:
    gift = gift_in(f"{facts.record.comment} {facts.record.definition}")
    name = facts.record.depositor or (gift.giver if gift else "")
    if not name or is_repository(name):
        return None
    people = people_in(name)
    paper = paper_with(facts.papers, people) or (facts.papers[0] if facts.papers else None)
    pubmed = next((part for part in facts.record.references if part.pubmed), None)
    why = "the lab that gave it to the catalogue"
    if people:
        return _designer(people[0], "depositor", facts, paper=paper or pubmed, why=why)
    return _designer(company_name(name), "depositor", facts, paper=paper or pubmed, why=why)


def _company(facts: Facts) -> Designer | None:
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
                paper=paper_with(facts.cited, people),
                submission=submission,
                is_sure=vector_paper(facts) is None,
                why="the company that submitted it",
            )
    return None


def _submission(facts: Facts) -> Designer | None:
    """The last author of the submission; none where a paper of the submitters ends in another
    author, or where the submitters compiled what the authors of a paper designed."""
    for submission in facts.submissions:
        people = people_in(submission.authors)
        if not people:
            continue
        paper = paper_with(facts.papers, people)
        if paper is not None and not is_same(senior(paper), people[-1]):
            return None
        if paper is None and vector_paper(facts) is not None:
            return None
        return _designer(
            people[-1],
            "submission",
            facts,
            paper=paper_with(facts.cited, people),
            submission=submission,
            is_sure=covers(submission, facts.record.length) == 1,
            why="last author of the submission",
        )
    return None


def _paper(facts: Facts) -> Designer | None:
    """The last author of the paper that fits: the submitters' own, else the one that brings the
    vector."""
    for submission in facts.submissions:
        people = people_in(submission.authors)
        paper = paper_with(facts.papers, people)
        why = "last author of the paper; its authors submitted the sequence"
        if paper is None:
            paper, submission_of_it = vector_paper(facts), None
            why = "last author of the vector's paper; somebody else submitted the sequence"
        else:
            submission_of_it = submission
        if paper is not None:
            return _designer(
                senior(paper), "paper", facts, paper=paper, submission=submission_of_it, why=why
            )
    paper = best_paper(facts)
    if paper is None:
        return None
    last_authors = {family_letters(senior(part)) for part in facts.papers}
    return _designer(
        senior(paper),
        "paper",
        facts,
        paper=paper,
        is_sure=len(last_authors) == 1 and "et al" not in paper.authors,
        why="last author of the paper that the record cites",
    )


def _claim(facts: Facts) -> Designer | None:
    """Who wrote a direct submission into the file without a database's words."""
    for claim in facts.claims:
        people = people_in(claim.authors)
        if people and not is_repository(claim.authors):
            why = "a direct submission of which no database tells"
            return _designer(people[-1], "claim", facts, submission=claim, is_sure=False, why=why)
    return None


def _comment(facts: Facts) -> Designer | None:
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
_RULES: tuple[tuple[LabSource, Callable[[Facts], Designer | None]], ...] = (
    ("depositor", _depositor),
    ("company", _company),
    ("submission", _submission),
    ("paper", _paper),
    ("comment", _comment),
    ("claim", _claim),
)


def _designer(
    lab: Person | str | None,
    source: LabSource,
    facts: Facts,
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
        f"{family_letters(author)} {author.initials[:1]}"
        for author in authors
        if person is None or not is_same(author, person)
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
    """The person of a lab's name, as `designer_of` or `merge_names` writes it.

    >>> named("de Roe, Ann B. (University of Nowhere) (2)")
    Person(family='de Roe', given='Ann B.')
    """
    return person_in(re.sub(r"(?: \([^()]*\))+$", "", lab))
