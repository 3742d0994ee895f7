"""Answers in, a page out: one file that fetches nothing, for a browser, a printer and a reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vecattr.attribution import Attribution
from vecattr.readers.records import BadRecord
from vecattr.reports.assets import MAP_SCRIPTS, PAGE_SCRIPTS, policy, script, style
from vecattr.reports.templates import rendered, safe
from vecattr.reports.view import BAR, View

TITLE = "Labs of origin"


def html_of(answers: Iterable[Attribution], *, title: str = TITLE) -> str:
    """A page with a section for each answer; of several, with a table that leads to each.

    >>> from vecattr import Index, read_plasmids
    >>> [plasmid] = read_plasmids(["query.fasta"])
    >>> page = html_of([Index.open("my.index").query(plasmid, evidence=20)])
    >>> "<h1" in page, "Content-Security-Policy" in page
    (True, True)
    """
    return "".join(html_pieces(answers, title=title))


def html_pieces(
    answers: Iterable[Attribution], *, title: str = TITLE, bad_records: Sequence[BadRecord] = ()
) -> Iterator[str]:
    """The page of `html_of` in pieces, once all answers are there, and then the bad records."""
    views = [View(answer, number) for number, answer in enumerate(answers, start=1)]
    yield from rendered("report.html", page_values(views, title=title, bad_records=bad_records))


def page_values(
    views: list[View], *, title: str, bad_records: Sequence[BadRecord] = ()
) -> dict[str, object]:
    """What the template of a page shows; a page around it may add to it."""
    names = MAP_SCRIPTS + PAGE_SCRIPTS
    scripts, sheet = [script(name) for name in names], style()
    return {
        "title": title,
        "views": views,
        "anchors": {view.answer.query: view.anchor for view in views},
        "bad_records": bad_records,
        "bar": BAR,
        "policy": policy(scripts, [sheet]),
        "scripts": [safe(text) for text in scripts],
        "style": safe(sheet),
    }
