"""Why a record is no engineered plasmid: an annotated record in; the reason, or None, out."""

from __future__ import annotations

import re
from typing import Literal, get_args

from vecattr.designers.records import AnnotatedRecord

Reason = Literal["protein", "RNA", "patent", "oligonucleotide", "too short", "fragment", "natural"]

#: Every reason, in the order in which they are tried.
REASONS: tuple[Reason, ...] = get_args(Reason)

#: The shortest plasmid that is kept (bases): an origin and a marker take about so much.
SHORTEST = 1000
#: Primers, probes and linkers are shorter than this (bases).
_OLIGO = 120
#: A record that is not circular is a whole plasmid from this length (bases): the first where its
#: topology is not said and it is called a plasmid, the next where it is linear and called one, the
#: last where nothing is said.
_UNSTATED, _CALLED, _LINEAR = 1000, 2000, 2500
#: A record with less than this share of the plasmid's stated length is a part of it.
_WHOLE = 0.6

_VECTOR = re.compile(
    r"\b(?:vectors?|plasmids?|phagemids?|cosmids?|fosmids?|bacmids?|backbones?)\b|\bp[A-Z][A-Za-z]*\d",
)
_PART = re.compile(
    r"\b(?:genes?|cds|orfs?|fragments?|promoters?|terminators?|partial|cassettes?|mrna|cdna|"
    r"coding sequence|segment|insert|exons?|epitope|domain|scfv|antibody|gblock|"
    r"artificial sequence)\b",
    re.I,
)
_PARTIAL = re.compile(r"\bpartial (?:sequence|cds)\b", re.I)
_ENGINEERED = re.compile(
    r"\b(?:synthetic|artificial|engineered|recombinant|chimeric|construct)\b|"
    r"\b(?:cloning|expression|shuttle|selection|suicide|transformation|binary|integration|"
    r"targeting|reporter|transfer|delivery|destination|entry|display|plasmid|lentiviral|"
    r"retroviral|gateway|acceptor|donor|fusion|knockout|promoter|probe|viral|transposon) "
    r"(?:\w+ )?vectors?\b|\bvector (?:p[A-Z]|for)|\bvectors for\b|\bphagemid\b|\bcosmid vector",
    re.I,
)
_STUDIED = re.compile(
    r"\b(?:characteri[sz]ation|nucleotide sequence of|complete sequence of|cryptic|native|"
    r"indigenous|endogenous|genomes?|isolated from|naturally|wild[- ]?type|virulence|resistance "
    r"plasmid|epidemi\w+|conjugative)\b",
    re.I,
)
#: The divisions of natural organisms; SYN, UNA, UNK and none say nothing.
_NATURAL_TEXT = (
    "BCT PRO PHG VRL PRI HUM ROD MUS MAM VRT INV PLN FUN ENV EST STS GSS HTC HTG TSA WGS"
)
_NATURAL_DIVISIONS = frozenset(_NATURAL_TEXT.split())
_NO_ORGANISM = re.compile(r"artificial|synthetic|vectors?\b|unclassified", re.I)
_LINEAGE = re.compile(r"\b(?:Bacteria|Archaea|Eukaryota|Viruses)\b")


def set_aside(record: AnnotatedRecord, *, shortest: int = SHORTEST) -> Reason | None:
    """The first reason that holds why a record does not belong into a collection of engineered
    plasmids; None when it does."""
    if _is_protein(record):
        return "protein"
    if _is_rna(record):
        return "RNA"
    if _is_patent(record):
        return "patent"
    if record.length < min(_OLIGO, shortest) and record.topology != "circular":
        return "oligonucleotide"
    if record.length < shortest:
        return "too short"
    if _is_fragment(record):
        return "fragment"
    return "natural" if _is_natural(record) else None


def _is_protein(record: AnnotatedRecord) -> bool:
    return record.molecule.lower() == "protein" or record.division == "PRT"


def _is_rna(record: AnnotatedRecord) -> bool:
    if record.molecule.upper().endswith("RNA"):
        return True
    # Of several sources one may be a part that came from RNA.
    types = [kind for part in record.sources for kind in part.get("mol_type", ())]
    is_stated = record.topology != "circular" and len(record.sources) == 1
    return is_stated and any(text.upper().endswith("RNA") for text in types)


def _is_patent(record: AnnotatedRecord) -> bool:
    return record.division == "PAT" or any(
        reference.journal.lower().startswith("patent") for reference in record.references
    )


def _is_fragment(record: AnnotatedRecord) -> bool:
    if record.region or _PARTIAL.search(record.definition):
        return True
    if record.whole_length and record.length < _WHOLE * record.whole_length:
        return True
    if record.topology == "circular":
        return False
    if _VECTOR.search(f"{record.definition} {record.organism}") is not None:
        return record.length < (_CALLED if record.topology == "linear" else _UNSTATED)
    if record.length < _LINEAR:
        return True
    return record.topology == "linear" and _PART.search(record.definition) is not None


def _is_natural(record: AnnotatedRecord) -> bool:
    lineage = f"{record.organism} {record.lineage}"
    is_organism = _LINEAGE.search(lineage) is not None and _NO_ORGANISM.search(lineage) is None
    if record.division not in _NATURAL_DIVISIONS and not is_organism:
        return False
    if record.division == "SYN" or _NO_ORGANISM.search(lineage):
        return False
    texts = [record.definition, record.organism, *record.keywords]
    # A note of a clone's source names the vector that the natural DNA lies in.
    texts += [text for part in record.sources for text in part.get("organism", ())]
    if any(_ENGINEERED.search(text) for text in texts):
        return False
    titles = [reference.title for reference in record.references]
    return not any(_ENGINEERED.search(title) and not _STUDIED.search(title) for title in titles)
