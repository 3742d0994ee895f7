"""Answers in, a page out: one file that fetches nothing, for a browser, a printer and a reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vecattr.attribution import Attribution
from vecattr.joint_attribution import JointAttribution
from vecattr.readers.records import BadRecord
from vecattr.reports.assets import MAP_SCRIPTS, PAGE_SCRIPTS, policy, script, style
from vecattr.reports.templates import rendered, safe
from vecattr.reports.view import BAR, JointView, View

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


def joint_pieces(
    joints: Iterable[JointAttribution],
    *,
    title: str = TITLE,
    bad_records: Sequence[BadRecord] = (),
) -> Iterator[str]:
    """A page of joint answers in pieces: each with its members and which of them does not belong,
    and then the members' own answers."""
    views, of_joints = joint_views(joints)
    values = page_values(views, title=title, bad_records=bad_records, joints=of_joints)
    yield from rendered("report.html", values)


def joint_views(joints: Iterable[JointAttribution]) -> tuple[list[View], list[JointView]]:
    """The views of all members' own answers, numbered from 1, and those of the joint answers."""
    views: list[View] = []
    of_joints = []
    for number, joint in enumerate(joints, start=1):
        first = len(views) + 1
        members = [View(one.answer, first + place) for place, one in enumerate(joint.members)]
        of_joints.append(JointView(joint, number, tuple(members)))
        views += members
    return views, of_joints


def page_values(
    views: list[View],
    *,
    title: str,
    bad_records: Sequence[BadRecord] = (),
    joints: Sequence[JointView] = (),
) -> dict[str, object]:
    """What the template of a page shows; a page around it may add to it."""
    names = MAP_SCRIPTS + PAGE_SCRIPTS
    scripts, sheet = [script(name) for name in names], style()
    return {
        "title": title,
        "views": views,
        "joints": joints,
        "anchors": {view.answer.query: view.anchor for view in views},
        "bad_records": bad_records,
        "bar": BAR,
        "policy": policy(scripts, [sheet]),
        "scripts": [safe(text) for text in scripts],
        "style": safe(sheet),
    }
