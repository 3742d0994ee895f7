"""Answers in, the documents that a request or a result page offers out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vecattr.attribution import Attribution
from vecattr.cli.rendering.answers import render
from vecattr.cli.rendering.bad_records import BadQueries
from vecattr.cli.rendering.format_names import ANSWER_FORMATS, Format
from vecattr.cli.rendering.joint import render_joint
from vecattr.cli.serving.question import AnswerFacts
from vecattr.errors import UsageError
from vecattr.joint_attribution import JointAttribution
from vecattr.readers.records import BadRecord

#: Of each form its media type and the suffix of its file; what `query --format` has, but `table`.
MEDIA_TYPES = {
    "json": ("application/json", ".json"),
    "jsonl": ("application/x-ndjson", ".jsonl"),
    "tsv": ("text/tab-separated-values; charset=utf-8", ".tsv"),
    "csv": ("text/csv; charset=utf-8", ".csv"),
    "html": ("text/html; charset=utf-8", ".html"),
    "svg": ("image/svg+xml", ".svg"),
    "genbank": ("text/plain; charset=utf-8", ".gb"),
    "gff3": ("text/plain; charset=utf-8", ".gff3"),
    "bed": ("text/plain; charset=utf-8", ".bed"),
}

#: The forms that this version of `query` writes.
FORMS = tuple(form for form in ANSWER_FORMATS if form in MEDIA_TYPES)

#: The page of the service; no form that a request names.
PAGE = "page"

#: The forms that a result page offers to download.
DOWNLOADS: tuple[Format, ...] = ("json", "tsv", "genbank")


def checked_form(form: str) -> Format:
    """The form; UsageError for one that is not among `FORMS`."""
    if form not in FORMS:
        raise UsageError(f"format is {form!r}, expected one of {', '.join(FORMS)}")
    return form


@dataclass(frozen=True)
class Answered:
    """What is told: an answer for each plasmid with the bad records among them, or `joints`, one
    for each group, and the bad records alone; and `facts` on each answer."""

    answers: tuple[Attribution | BadRecord, ...]
    joints: tuple[JointAttribution, ...]
    facts: tuple[AnswerFacts, ...]

    @property
    def good(self) -> list[Attribution]:
        """The answers alone."""
        return [answer for answer in self.answers if not isinstance(answer, BadRecord)]

    @property
    def bad(self) -> list[BadRecord]:
        """The bad records alone."""
        return [record for record in self.answers if isinstance(record, BadRecord)]

    @property
    def holds_evidence(self) -> bool:
        """Can it be marked on the bases?"""
        answers = self.good or [member.answer for joint in self.joints for member in joint.members]
        return not answers or answers[0].evidence is not None


def document(answered: Answered, form: str, *, tells_bad: bool) -> str:
    """The answers in one form, with bad records among them if it `tells_bad` ones."""
    written = checked_form(form)
    if answered.joints:
        bad = answered.bad if tells_bad else []
        waiting = BadQueries(waiting=deque((0, record) for record in bad))
        pieces = render_joint(answered.joints, waiting, form=written, tells_bad=tells_bad)
    else:
        answers = answered.answers if tells_bad else answered.good
        pieces = render(answers, form=written, tells_bad=tells_bad)
    return "".join(pieces)
