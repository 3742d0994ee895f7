"""One record of a source in; the same as it is collected, with a reason if it is left out, out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from vecattr.collection.collected import (
    NO_LAB,
    TOO_LONG,
    TOO_SHORT,
    UNREADABLE,
    Collected,
    fingerprint,
)
from vecattr.collection.settled import SURE, Settled, designer_text
from vecattr.collection.sources import Item, Source
from vecattr.designers.designer import LAB_SOURCES, LabSource, designer_of
from vecattr.designers.records import AnnotatedRecord
from vecattr.designers.set_aside import set_aside
from vecattr.errors import InputError
from vecattr.inputs.limits import Limits
from vecattr.plasmid import Plasmid, canonical_bases, check_lab_name
from vecattr.readers.records import BadRecord

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_SUBMITTED = re.compile(r"^\s*Submitted \((\d{1,2})-([A-Z]{3})-(\d{4})\)", re.I)

#: An accession with its version, as the archives write it.
_ACCESSION = re.compile(r"[A-Z]{1,6}_?[0-9]{5,}\.[0-9]+")

#: The page of a record at the archive that publishes flat files of this format.
_PAGES = {
    "genbank": "https://www.ncbi.nlm.nih.gov/nuccore/",
    "embl": "https://www.ebi.ac.uk/ena/browser/view/",
}


@dataclass(frozen=True)
class Judge:
    """Judges a record by itself: `lab_from` names what may say its lab, and a record shorter than
    `shortest` or longer than the limits is left out."""

    lab_from: frozenset[str]
    shortest: int
    limits: Limits

    def __call__(self, item: Item, source: Source) -> Collected:
        """The record of a source as it is collected."""
        if isinstance(item, BadRecord):
            where = item.error.where or source.name
            return Collected(item.id, where, source.name, reason=UNREADABLE, detail=item.error.what)
        if isinstance(item, AnnotatedRecord):
            return self._finished(self._annotated(item, source.name), source.lab)
        if isinstance(item, Plasmid):
            return self._finished(self._plasmid(item, source.name), source.lab)
        return self._finished(self._settled(item, source.name), source.lab)

    def _annotated(self, record: AnnotatedRecord, source: str) -> Collected:
        collected = Collected(record.id, record.place, source, _url(record))
        if record.problem is not None:
            return replace(collected, reason=UNREADABLE, detail=record.problem.what)
        reason = set_aside(record, shortest=self.shortest)
        if reason is not None:
            return replace(collected, reason=reason, detail=record.definition)
        try:
            sequence = canonical_bases(record.sequence)
        except InputError as error:
            return replace(collected, reason=UNREADABLE, detail=error.what)
        designer = designer_of(record, lab_from=self._designer_sources)
        return replace(
            collected,
            sequence=sequence,
            topology=record.topology or "circular",
            publication=designer.publication,
            year=str(designer.year or ""),
            deposited=_deposited(record),
            designer=designer_text(designer) if designer.lab else "",
            detail="" if designer.lab else designer.why,
        )

    @property
    def _designer_sources(self) -> tuple[LabSource, ...]:
        return tuple(source for source in LAB_SOURCES if source in self.lab_from)

    def _plasmid(self, plasmid: Plasmid, source: str) -> Collected:
        collected = Collected.from_plasmid(plasmid, place=source, source=source)
        if plasmid.lab is None:
            return replace(collected, detail="the file names no lab")
        lab = Settled(plasmid.lab, "column", SURE)
        return self._settled(replace(collected, designer=lab.to_text()), source)

    def _settled(self, record: Collected, source: str) -> Collected:
        """A record whose lab is settled, if that stands where it may."""
        record = replace(record, source=record.source or source)
        if record.reason:
            return record
        place = Settled.from_text(record.designer).source
        if place not in self.lab_from:
            return replace(record, designer="", detail=f"--lab-from leaves out: {place}")
        return record

    def _finished(self, record: Collected, folder: str) -> Collected:
        """The record with the lab of its folder, if that is asked for, and its fingerprint; without
        its bases if it is left out."""
        if record.reason:
            return record
        bases = len(record.sequence)
        if not self.shortest <= bases <= self.limits.bases:
            reason = TOO_SHORT if bases < self.shortest else TOO_LONG
            return replace(record, sequence="", reason=reason, detail=f"{bases:,} bases")
        if folder and "folder" in self.lab_from:
            lab = Settled(check_lab_name(folder, where=record.place), "folder", SURE)
            record = replace(record, designer=lab.to_text())
        if not record.designer:
            return replace(record, sequence="", reason=NO_LAB)
        return replace(record, detail="", fingerprint=fingerprint(record.sequence))


def _url(record: AnnotatedRecord) -> str:
    """The page of a record, if one is known."""
    if record.source_url or not _ACCESSION.fullmatch(record.version):
        return record.source_url
    page = _PAGES.get(record.format)
    return f"{page}{record.version}" if page and record.id == record.version else ""


def _deposited(record: AnnotatedRecord) -> str:
    """When a record was first deposited: the day of its first submission to an archive, or, in a
    catalogue, the year of its first paper. Empty for a file that says of no deposit."""
    submissions = [_SUBMITTED.match(reference.journal) for reference in record.references]
    days = [
        f"{day[3]}-{_MONTHS.index(day[2].upper()) + 1:02d}-{int(day[1]):02d}"
        for day in submissions
        if day is not None and day[2].upper() in _MONTHS
    ]
    if days or not record.depositor:
        return min(days, default="")
    return min((str(paper.year) for paper in record.references if paper.year), default="")
