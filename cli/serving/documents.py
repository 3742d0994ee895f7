"""Answers in, the documents that a request or a result page offers out."""

from __future__ import annotations

from collections.abc import Sequence

from vecattr.attribution import Attribution
from vecattr.cli.rendering.answers import render
from vecattr.cli.rendering.formats import ANSWER_FORMATS
from vecattr.errors import UsageError

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
FORMS = tuple(form for form in MEDIA_TYPES if form in ANSWER_FORMATS)

#: The page of the service; no form that a request names.
PAGE = "page"

#: The forms that are drawn from the evidence, and list this many neighbors unless told otherwise.
DRAWN = {"html": 5, "svg": 0}

#: The forms that a result page offers to download.
DOWNLOADS = tuple(form for form in ("json", "tsv", "genbank") if form in FORMS)


def document(answers: Sequence[Attribution], form: str) -> str:
    """The answers in one form; UsageError for one that is not among `FORMS`."""
    if form not in FORMS:
        raise UsageError(f"format is {form!r}, expected one of {', '.join(FORMS)}")
    return "".join(render(answers, form=form))
