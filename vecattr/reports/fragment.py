"""Answers in, a fragment of HTML out that notebooks show: a sentence, a short table, the map.

It holds no script, and its picture is an image of its own, so that it changes nothing around it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable

from vecattr.attribution import Attribution
from vecattr.reports.rings import palette_of, rings_of, summary_of
from vecattr.reports.svg import svg_of
from vecattr.reports.wording import escape_control, percent

#: Labs that the short table names.
LABS = 5

#: The width of the picture on a screen, in pixels.
_WIDTH = 560


def fragment_of(answers: Iterable[Attribution]) -> str:
    """The answers as a notebook shows them, one below the other.

    >>> from vecattr import Index
    >>> answer = Index.open("my.index").query("query.fasta", evidence=20)
    >>> "<table>" in fragment_of([answer]), "data:image/svg+xml" in fragment_of([answer])
    (True, True)
    """
    return "".join(
        f"<div>{_sentence(answer)}{_table(answer)}{_map(answer)}</div>" for answer in answers
    )


def _sentence(answer: Attribution) -> str:
    facts = f"{answer.length:,} bases, {answer.topology}; verdict: {answer.verdict}"
    notes = "".join(f"<p>Note: {_shown(note)}</p>" for note in answer.notes)
    return f"<p><b>{_shown(answer.query)}</b> ({facts})</p><p>{_shown(answer.sentence)}</p>{notes}"


def _table(answer: Attribution) -> str:
    """The first labs; a lab outside the index is the last row, without a rank."""
    rows = [
        (str(rank), hit.shown_name, _share(hit.probability), f"{hit.cosine:z.4f}")
        for rank, hit in enumerate(answer.labs[:LABS], start=1)
    ]
    if answer.outside is not None:
        rows.append(("", "a lab outside this index", percent(answer.outside), ""))
    head = "".join(f"<th>{name}</th>" for name in ("rank", "lab", "probability", "cosine"))
    body = "".join(
        "<tr>" + "".join(f"<td>{_shown(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _share(probability: float | None) -> str:
    return "" if probability is None else percent(probability)


def _map(answer: Attribution) -> str:
    """The picture of the map; nothing without evidence or annotations."""
    rings = rings_of(answer, palette_of(answer))
    if not rings.arcs:
        return ""
    picture = base64.b64encode(svg_of([answer]).encode("utf-8")).decode("ascii")
    words = html.escape(summary_of(rings))
    return f'<img src="data:image/svg+xml;base64,{picture}" width="{_WIDTH}" alt="{words}">'


def _shown(text: str) -> str:
    return html.escape(escape_control(text))
