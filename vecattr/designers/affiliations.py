"""Where a submission came from in; the institute or the company out.

A submission's address is a list of parts from the smallest to the largest: person, department,
institute, street, town, country.
"""

from __future__ import annotations

import re
from functools import lru_cache

from vecattr.designers.people import PARTICLES, Person, plain

_SUBMITTED = re.compile(r"^\s*Submitted\s*\([^)]*\)\.?\s*(?:to the [^.]*\.\s*)?", re.I)
_CONTACT = re.compile(
    r"\s*(?:\((?:E-?mail|Tel|Fax|URL)\b.*|\[?\b(?:E-?mail|Tel(?:ephone)?|Phone|Fax|URL)\s*:.*)",
    re.I,
)
_UNIVERSITY = re.compile(
    r"\buniv\b\.?|universit|\bcolleges?\b|institute of technology|polytechni|hochschule|"
    r"\bE\.?T\.?H\.?\b|\bacadem(?:y|ia)\b|\bdaigaku\b|ecole|école",
    re.I,
)
_INSTITUTE = re.compile(
    r"institut|istituto|\bcent(?:er|re|ro|rum)\b|zentrum|hospital|clinic|foundation|school|"
    r"council|academy|national|ministry|agency|laborator|observatory|\bmax.planck|society|"
    r"\bmuseum\b|\bcsic\b|\bcnrs\b|\binra\w*\b|\binserm\b|\briken\b|\busda\b|\bembl\b",
    re.I,
)
_DEPARTMENT = re.compile(
    r"^(?:dep(?:t|artment)|division|section|faculty|lab(?:oratory)? of|laboratory|school of|"
    r"unit|group|r\s*&\s*d|research (?:and|&) development)\b",
    re.I,
)
_LEGAL_FORM = re.compile(
    r"[\s,]+(?:inc|incorporated|ltd|limited|llc|l\.l\.c|gmbh|mbh|corp|corporation|co|company|"
    r"s\.?a\.?s?|b\.?v|n\.?v|a\.?g|k\.?k|plc|p\.?l\.?c|pty|oy|ab|a/s|aps|s\.?r\.?l|s\.?p\.?a|kg|"
    r"se)\.?(?=$|[\s,])(?:[\s,&]+(?:inc|ltd|co|kg|llc|limited)\.?)*",
    re.I,
)
#: Words of public bodies: beside one of them a company is told by its legal form alone.
_ACADEMIC = re.compile(
    r"institut|istituto|\bcent(?:er|re|ro|rum)\b|zentrum|hospital|clinic|foundation|school|"
    r"council|academy|national|ministry|society|\bmuseum\b",
    re.I,
)
_COMPANY_WORD = re.compile(
    r"biolabs?\b|\bbiotech\b|biotechnologies\b|\bbiosystems\b|\bbiosciences\b|\bbiologics\b|"
    r"\btherapeutics\b|\bpharmaceuticals?\b|\bpharma\b|\bdiagnostics\b|\bbiologicals\b|"
    r"\bgenomics\b|\blabs\b|\bindustries\b|\bventures\b|\bproducts\b|\bbio\b|"
    r"\b(?:technologies|systems|biochemicals|chemicals|instruments|enterprises|laboratories)$",
    re.I,
)
#: Makers of plasmids that often write their name without a legal form.
_FIRM = re.compile(
    r"(?:invitrogen|novagen|qiagen|roche|boehringer|pharmacia|amersham|sigma|takara|toyobo|lucigen|"
    r"evrogen|genscript|thermo fisher|agilent|merck|monsanto|syngenta|dupont|novartis|pfizer|"
    r"genentech|amgen|novozymes|basf|bayer|evonik|atum|dna ?2\.0|oxford genetics|vectorbuilder|"
    r"gibco|perkin|biorad|bio-rad|origene|cellectis|sangamo|ginkgo|zymergen)\b",
    re.I,
)
#: Those who keep, hand on, copy or sequence the plasmids of others.
_REPOSITORY = re.compile(
    r"addgene|euroscarf|\batcc\b|american type culture|culture collection|\bdsmz\b|\bdnasu\b|"
    r"\bbccm\b|stock cent|(?:bio)?resource cent|plasmid (?:repository|collection|bank)|"
    r"\brepositor(?:y|ies)\b|vecbase|snapgene|national center for biotechnology information|"
    r"\bncbi\b|european bioinformatics institute|genome sequencing cent(?:er|re)\b|"
    r"sequencing cent(?:er|re)|sequencing facility|joint genome institute|"
    r"genome institute|gene ?bank\b|\bdna bank\b|national institute of genetics, ?ddbj",
    re.I,
)
_PUBLIC = re.compile(r"zentrum|cent(?:er|re)\b|hospital|foundation|^institut", re.I)
_WORDS = re.compile(r"[^\W\d_]+")
#: Words that many institutes share, and that do not tell one from another.
_COMMON_TEXT = """
    the of for and in at to und di y et university universitaet universitat universidad universidade
    universite universita universiteit univ institute institut instituto istituto department dept
    division school faculty center centre centro national state laboratory laboratories lab labs
    research science sciences technology technological technical college medical medicine biology
    biological molecular cell cellular biochemistry microbiology genetics chemistry chemical
    biomedical engineering biotechnology academy hospital foundation life plant applied systems key
    program programme group unit health agricultural agriculture chinese korean japanese indian
    china japan korea india american european german max planck cnrs inserm inra usda
"""
_COMMON = frozenset(_COMMON_TEXT.split()) | PARTICLES


@lru_cache(maxsize=1 << 10)
def address_in(journal: str) -> str:
    """A submission's text without its date and its means of contact."""
    text = _CONTACT.sub("", _SUBMITTED.sub("", journal))
    return re.sub(r"^\s*Contact\s*:\s*", "", text).strip(" ,;.")


def parts_of(address: str, people: tuple[Person, ...] = ()) -> list[str]:
    """The parts of an address, without a part that is the name of one of the people."""
    # The legal form stays with its company: `Acme Widgets, Inc.`
    joined = re.sub(r",\s*((?:Inc|Ltd|LLC|Corp|Co|GmbH)\b\.?)", r" \1", address)
    parts = [part.strip(" .;") for part in re.split(r"[,;]\s*", joined)]
    families = [set(plain(person.family).lower().split()) for person in people]
    return [
        part
        for place, part in enumerate(parts)
        if part and not (place == 0 and _is_name(part, families))
    ]


def _is_name(part: str, families: list[set[str]]) -> bool:
    """Whether a part is a person's name: it holds a family name, few words, and no institute."""
    words = plain(part).lower().replace(".", " ").split()
    is_place = _UNIVERSITY.search(part) or _INSTITUTE.search(part) or _LEGAL_FORM.search(part)
    return len(words) <= 5 and not is_place and any(family <= set(words) for family in families)


def company_in(parts: list[str]) -> str:
    """The company of an address, without its legal form; empty when an institute submitted, or
    nobody that can be told."""
    for part in parts:
        has_form = _LEGAL_FORM.search(part) is not None
        if has_form and not _UNIVERSITY.search(part) and not _is_public(part):
            return company_name(part)
    if any(_UNIVERSITY.search(part) or _ACADEMIC.search(part) for part in parts):
        return ""
    for part in parts[:3]:
        is_firm = (" " in part and _COMPANY_WORD.search(part)) or _FIRM.match(part)
        if is_firm and not _DEPARTMENT.match(part):
            return company_name(part)
    return ""


def _is_public(part: str) -> bool:
    """Whether a part with a legal form is a public research centre: some have one."""
    return _PUBLIC.search(part) is not None


def company_name(text: str) -> str:
    """A company's name without its legal form; a brand in capitals also loses `Laboratories`.

    >>> company_name("Acme Widgets, Inc."), company_name("Acme GmbH & Co. KG")
    ('Acme Widgets', 'Acme')
    >>> company_name("ACME Laboratories Inc."), company_name("Hill Laboratories")
    ('ACME', 'Hill Laboratories')
    """
    name = " ".join(text.split()).strip(" ,.")
    while (shorter := _LEGAL_FORM.sub("", name).strip(" ,.&")) != name and shorter:
        name = shorter
    brand = re.fullmatch(r"([A-Z][A-Z\d-]{3,}) Laboratories", name)
    return brand[1] if brand else name


def institute_in(parts: list[str]) -> str:
    """The institute of an address: the university, else the first institute, else nothing."""
    for pattern in (_UNIVERSITY, _INSTITUTE):
        for place, part in enumerate(parts):
            if not pattern.search(part) or _DEPARTMENT.match(part):
                continue
            # `Name, The State University of Somewhere`, `The University of Somewhere`
            before = parts[place - 1] if place else ""
            if re.match(r"The State Univ", part) and before and not _DEPARTMENT.match(before):
                return f"{before}, {part}"
            return part
    return ""


@lru_cache(maxsize=1 << 10)
def is_repository(text: str) -> bool:
    """Whether a text names a place that keeps, copies or sequences what others designed."""
    return _REPOSITORY.search(text) is not None


def distinctive_words(institute: str) -> frozenset[str]:
    """The words of an institute that tell it from others, without accents, in lower case.

    >>> sorted(distinctive_words("The University of Nowhere"))
    ['nowhere']
    """
    words = (plain(word).lower() for word in _WORDS.findall(institute))
    return frozenset(word for word in words if word not in _COMMON and len(word) > 2)
