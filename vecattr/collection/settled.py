"""What is known of a record's lab, as a work file keeps it: what the record says, or a lab that an
index, a table, a folder or an earlier collection has settled."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import get_args

from vecattr.designers.designer import LAB_SOURCES, Designer, LabSource, named
from vecattr.designers.people import Person

#: Places beside `LAB_SOURCES` where the lab of a record may stand.
OTHER_SOURCES = ("column", "folder", "index")

#: A name that is told from namesakes by an institute, as `merge_names` writes it.
_TOLD_APART = re.compile(r"(?P<name>.*\S) \((?P<institute>[^()]*[^()\d][^()]*)\)")

SURE, UNSURE = "yes", "no"


@dataclass(frozen=True, slots=True)
class Settled:
    """A lab with its final name: where it stands, and how sure that is (`yes` or `no`)."""

    lab: str
    source: str
    sure: str

    def to_text(self) -> str:
        """As a work file keeps it."""
        return json.dumps(["settled", self.lab, self.source, self.sure], ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Settled:
        """What `to_text` wrote."""
        _, lab, source, sure = json.loads(text)
        return cls(lab, source, sure)

    def designer(self, publication: str) -> Designer | None:
        """As a designer to be compared with others; None for a name that no record gave."""
        source = next((name for name in get_args(LabSource) if name == self.source), None)
        if source is None:
            return None
        told_apart = _TOLD_APART.fullmatch(self.lab)
        name, institute = told_apart.groups() if told_apart else (self.lab, "")
        person = named(name) if source != "company" else None
        return Designer(
            name, source, self.sure == SURE, publication, person=person, institute=institute
        )


def designer_text(designer: Designer) -> str:
    """A designer as a work file keeps it."""
    person = designer.person
    return json.dumps(
        [
            "designer",
            designer.lab,
            designer.lab_source,
            designer.lab_sure,
            designer.publication,
            designer.year,
            designer.why,
            [person.family, person.given] if person else None,
            designer.institute,
            sorted(designer.colleagues),
        ],
        ensure_ascii=False,
    )


def lab_from_text(text: str) -> Settled | Designer:
    """What `designer_text` or `Settled.to_text` wrote."""
    kind, *values = json.loads(text)
    if kind == "settled":
        return Settled(*values)
    lab, source, is_sure, publication, year, why, person, institute, colleagues = values
    return Designer(
        lab,
        source,
        is_sure,
        publication,
        year,
        why,
        Person(*person) if person else None,
        institute,
        frozenset(colleagues),
    )


#: Every place where a lab may stand; the folder only if it is asked for.
ALL_SOURCES = (*LAB_SOURCES, *OTHER_SOURCES)
DEFAULT_SOURCES = frozenset(ALL_SOURCES) - {"folder"}
