"""What a reference is: a submission, a paper, or a note of who exported, copied or packed the file;
and what a record's free text says about who made the plasmid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vecattr.designers.affiliations import is_repository
from vecattr.designers.people import Person, is_organisation, people_in, person_in
from vecattr.designers.records import AnnotatedRecord, Reference

Kind = Literal["submission", "paper", "note", "claim"]

#: A desktop program writes the name of its user and the day: `Exported Mar 12, 2014 from PROGRAM`.
_EXPORTED = re.compile(
    r"\bexported\b.*\d{4}.*\bfrom\b|\bsnapgene\b|\bbenchling\b|\bgeneious\b", re.I
)
_PACKED = re.compile(
    r"\bdistributed (?:with|by)\b|\bobtained from\b|\bretrieved from\b|\bdownloaded from\b|"
    r"\bimported from\b|\bconverted (?:from|by)\b|\bcurated by\b|\bpackaged\b",
    re.I,
)
_SUBMITTED = re.compile(r"^\s*submitted\b", re.I)
_DIRECT = re.compile(r"\bdirect submission\b", re.I)
_UNPUBLISHED = re.compile(
    r"^\s*(?:unpublished|in press|thesis|submitted for publication)?\W*$", re.I
)

#: `NAME was a gift from PERSON (CATALOGUE plasmid # NUMBER ...)`: how catalogues ask to be cited.
_GIFT = re.compile(
    r"\bgift (?:from|of) (?:the lab(?:oratory)? of )?(?P<giver>[^(;]+?) ?"
    r"\( ?(?P<catalogue>\w+) (?:plasmid|ID|no\.?)? ?#? ?(?P<number>\d+)\b",
    re.I,
)

#: Words of a paper that brings plasmids into the world.
_VECTORS = re.compile(
    r"\b(?:vectors?|plasmids?|cassettes?|toolkits?|toolbox(?:es)?|tool ?kits?|tool ?box|kits?|"
    r"cloning|modules?|modular|constructs?|assembly|gateway|golden|biobricks?|moclo|librar(?:y|ies)|"
    r"expression systems?|phagemids?|cosmids?|bacmids?|platforms?|architecture|"
    r"replicons?|lentivir\w+|crispr\w*|reporters?|biosensors?|sensors?|synthetic)\b",
    re.I,
)

#: `Roe AB, Coe C. Gene 2005 (344) 43`: authors, then what only a citation has.
_PUBMED_NAME = r"[A-Z][\w'\u2019-]+(?: [A-Z][\w'\u2019-]+)? [A-Z]{1,3}\b"
_FULL_NAME = (
    r"(?:Dr\.? )?[A-Z][\w-]+\.?(?: [A-Z]\.?){0,3} (?:(?:van|von|de|der|den|del|la) )*"
    r"[A-Z][\w'\u2019-]+"
)
_LISTED = re.compile(rf"{_PUBMED_NAME}(?:(?:, | and |, and | & ){_PUBMED_NAME})+")
_SPELLED = re.compile(rf"{_FULL_NAME}(?:(?:, and | and |, | & ){_FULL_NAME})+")
_CITED = re.compile(
    r"(?:19|20)\d\d\W{1,4}(?:\(?\d+\)?\W{1,3}){1,3}|"
    r"\d+\W{1,3}(?:\(\d+\)\W{1,3})?\d+\W{1,3}\d+\W{1,3}\(?(?:19|20)\d\d|"
    r"\((?:19|20)\d\d\)\W{1,2}\d+\s?[-:]\s?\d+|\d+\s?[:(,]\s?\d+\s?-\s?\d+",
)
_ET_AL = re.compile(r"\bet\.? al\b", re.I)
_NOBODY = re.compile(r"self|unknown|anonymous|user|admin|biobrick|bio|gene|lab", re.I)
_TITLED_LAB = re.compile(r"\b(?P<name>[A-Z][\w'\u2019-]+?)(?:'s)? [Ll]ab(?:oratory)?\b")
_NO_NAMES = frozenset(
    {
        *("the", "our", "my", "this", "wet", "dry", "core", "open", "research", "national", "new"),
        *("additional", "biology", "other", "various", "key", "state", "teaching", "community"),
    }
)
_MADE = r"(?:creat|construct|design|engineer|develop|built|build|made)(?:ed)?"
_CLAIM = re.compile(rf"\bI,? \(?(?P<name>{_FULL_NAME})[),]* {_MADE}\b")
_MAKER = re.compile(
    rf"\b(?:creat|construct|design|engineer|develop)ed (?:by|in the lab(?:oratory)? of|in) "
    rf"(?P<name>{_FULL_NAME})"
)
_LAB_OF = re.compile(
    rf"\b(?:lab(?:oratory)? of|PI:|principal investigator:?) (?P<name>{_FULL_NAME})|"
    rf"(?P<lab>{_FULL_NAME})(?:'s)? [Ll]ab\b"
)


@dataclass(frozen=True, slots=True)
class Gift:
    """A catalogue's citation of a plasmid: who gave it, the catalogue, its number of it."""

    giver: str
    catalogue: str
    number: str


def gift_in(text: str) -> Gift | None:
    """The catalogue's citation in free text; None without one. A gift without a number is that of a
    part or a strain, of which a note tells.

    >>> gift_in("pX was a gift from Ann Roe (Acme plasmid # 12 ; RRID:Acme_12)")
    Gift(giver='Ann Roe', catalogue='acme', number='12')
    """
    for gift in _GIFT.finditer(" ".join(text.split())):
        return Gift(gift["giver"].strip(), gift["catalogue"].lower(), gift["number"])
    return None


def kind_of(reference: Reference) -> Kind:
    """What a reference is; a claim is a direct submission without the words of a database."""
    text = f"{reference.title} {reference.journal} {reference.remark}"
    if _SUBMITTED.search(reference.journal):
        return "submission"
    if _EXPORTED.search(reference.journal) or _PACKED.search(text):
        return "note"
    if is_repository(reference.journal) and people_in(reference.authors):
        return "claim"
    if _DIRECT.search(reference.title):
        return "claim"
    if is_repository(f"{reference.authors} {reference.journal}") and not reference.pubmed:
        return "note"
    return "paper"


def is_published(reference: Reference) -> bool:
    """Whether a paper has a journal or a PubMed number."""
    return bool(reference.pubmed or reference.doi or not _UNPUBLISHED.match(reference.journal))


def covers(reference: Reference, length: int) -> float:
    """The share of the record that a reference is about; 1 where it does not say."""
    if reference.first is None or reference.last is None or not length:
        return 1.0
    return min(1.0, (reference.last - reference.first + 1) / length)


def last_author(authors: str) -> Person | None:
    """The last of a list of authors; the first of a list that ends in `et al`, whose last is not
    known; a family name alone, if that is all there is."""
    people = people_in(authors)
    if people:
        return people[0] if _ET_AL.search(authors) else people[-1]
    is_name = re.fullmatch(r"[A-Z][a-z][\w'\u2019-]+", authors.strip(" .,"))
    return Person(authors.strip(" .,")) if is_name and not _NOBODY.search(authors) else None


def tells_of_vectors(title: str) -> bool:
    """Whether a title is one of a paper that describes plasmids, not the origin of a part."""
    return _VECTORS.search(title) is not None


def names_plasmid(record: AnnotatedRecord, title: str) -> bool:
    """Whether a title holds the name of the record's plasmid, or of its series."""
    words = re.findall(r"\bp[A-Z][\w-]+", f"{record.name} {record.definition} {record.organism}")
    series = {re.sub(r"[\W_]*\d.*$", "", word) for word in words} | set(words)
    return any(len(word) > 2 and re.search(rf"\b{re.escape(word)}", title) for word in series)


def cited_in(comment: str) -> tuple[Person, ...]:
    """The authors of a citation in free text; empty when there is none that is plainly one."""
    text = " ".join(comment.replace("|", " | ").split())
    if _CITED.search(text) is None:
        return ()
    for pattern in (_LISTED, _SPELLED):
        for names in pattern.finditer(text):
            people = people_in(names[0])
            if len(people) >= 2 and not is_organisation(names[0]):
                return people
    return ()


def lab_in(title: str) -> Person | None:
    """The person whose lab a title names (`Roe Lab plasmids`); None without one."""
    for lab in _TITLED_LAB.finditer(title):
        name = lab["name"]
        if not name.isupper() and name.lower() not in _NO_NAMES:
            return Person(name)
    return None


def maker_in(comment: str) -> Person | None:
    """The person who, as free text says, made the plasmid, or in whose lab it was made. Programs
    write that they made the file."""
    text = " ".join(comment.split())
    for pattern in (_CLAIM, _LAB_OF, _MAKER):
        for said in pattern.finditer(text):
            name = next(value for value in said.groupdict().values() if value)
            before = text[max(0, said.start() - 40) : said.start()]
            is_of_file = re.search(r"\b(?:file|map|sequence|annotation)\b[^.]*$", before, re.I)
            words = name.split()
            if is_of_file or words[-1].isupper() or is_organisation(name) or is_repository(name):
                continue
            return person_in(name)
    return None
