"""Answers in, the documents that a request or a result page offers out."""

from __future__ import annotations

from collections.abc import Sequence

from vecattr.attribution import Attribution
from vecattr.cli.rendering.answers import render
from vecattr.cli.rendering.format_names import ANSWER_FORMATS, Format
from vecattr.errors import UsageError
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


def document(answers: Sequence[Attribution | BadRecord], form: str, *, tells_bad: bool) -> str:
    """The answers in one form, with bad records among them if it `tells_bad` ones."""
    return "".join(render(answers, form=checked_form(form), tells_bad=tells_bad))
