"""Answers, facts and errors in, the pages of the service as text out, each with its policy.

They extend the templates of the report, so that a result looks the same here and in a file. Scripts
and styles stand in the page, which therefore fetches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from vecattr.attribution import STRENGTHS
from vecattr.cli.serving.adding import HOLDS
from vecattr.cli.serving.documents import DOWNLOADS, FORMS, MEDIA_TYPES, Answered
from vecattr.cli.serving.messages import IndexFacts
from vecattr.cli.serving.question import WITH_BASES, Question
from vecattr.cli.serving.settings import Settings
from vecattr.errors import VecattrError
from vecattr.reports.assets import MAP_SCRIPTS, PAGE_SCRIPTS, hashes, script, style
from vecattr.reports.page import TITLE, joint_views, page_values
from vecattr.reports.templates import environment_with, safe
from vecattr.reports.view import View
from vecattr.reports.wording import number_of
from vecattr.version import __version__

#: What names an option of the command line, which a page does not have.
_OPTION = re.compile(r" \(see --[a-z-]+\)")

_PART = re.compile(r"\s*<!--service-->.*?<!--/service-->\s*", re.DOTALL)


@cache
def _asset(name: str) -> str:
    return (files("vecattr.cli.serving") / "assets" / name).read_text(encoding="utf-8")


@cache
def _templates() -> dict[str, str]:
    folder = files("vecattr.cli.serving") / "assets"
    names = [file.name for file in folder.iterdir() if file.name.endswith(".html")]
    return {name: _asset(name) for name in names}


@dataclass(frozen=True)
class Frame:
    """The scripts and the style of a kind of page; its policy, which allows these alone."""

    scripts: tuple[str, ...]
    style: str

    @property
    def policy(self) -> str:
        """As the page states it; as a header it also says that no other site may show it."""
        return (
            "default-src 'none'; base-uri 'none'; form-action 'self'; connect-src 'self'; "
            f"script-src {hashes(self.scripts)}; style-src {hashes([self.style])}"
        )

    @property
    def header(self) -> str:
        """The header Content-Security-Policy."""
        return f"{self.policy}; frame-ancestors 'none'"

    @property
    def values(self) -> dict[str, object]:
        """What the layout shows of it."""
        return {
            "policy": self.policy,
            "scripts": [safe(text) for text in self.scripts],
            "style": safe(self.style),
        }


@cache
def frame(kind: str) -> Frame:
    """Of a kind of page: `front`, `contents`, `result`, or any other, which has no script."""
    scripts = {
        "front": (_asset("front.js"),),
        "contents": tuple(map(script, PAGE_SCRIPTS)),
        "result": (*map(script, MAP_SCRIPTS + PAGE_SCRIPTS), _asset("result.js")),
    }
    return Frame(scripts.get(kind, ()), style() + _asset("service.css"))


def _rendered(name: str, kind: str, **values: object) -> str:
    template = environment_with(_templates()).get_template(name)
    return template.render(
        {"version": __version__, "referrer": "same-origin", **frame(kind).values, **values}
    )


def result_page(answered: Answered, told: Sequence[str], question: Question) -> str:
    """The report on answers, with what to do with them. The GenBank file is in the hands of the
    browser that asked, unless the service keeps it."""
    views, joints = joint_views(answered.joints)
    views += [View(answer, number) for number, answer in enumerate(answered.good, start=1)]
    is_kept = question.is_kept
    downloads = [
        (_NAMES[form], MEDIA_TYPES[form][1])
        for form in DOWNLOADS
        if is_kept or form not in WITH_BASES
    ]
    values = page_values(views, title=TITLE, bad_records=answered.bad, joints=joints)
    values |= frame("result").values
    remarks = [_OPTION.sub("", line) for line in told]
    values |= {"told": remarks, "downloads": downloads, "is_kept": is_kept}
    values |= {"offers_edits": question.offers_edits}
    return _rendered("result.html", "result", **values)


#: How the downloads are called.
_NAMES = {"json": "JSON", "tsv": "TSV", "genbank": "GenBank"}


def report_of(page: str) -> str:
    """A result page without what belongs to the service: a file to keep."""
    return _PART.sub("\n", page)


def front_page(settings: Settings, facts: IndexFacts | None) -> str:
    """Where files are dropped."""
    return _rendered(
        "front.html",
        "front",
        title="Which lab designed it?",
        here="/",
        facts=facts,
        limits=settings.limits,
        keeping=settings.keeping,
        offers_edits=settings.access.allow_edit,
    )


def contents_page(settings: Settings, facts: IndexFacts | None) -> str:
    """What the index holds."""
    strengths = list(_strengths(facts.info)) if facts else []
    return _rendered(
        "contents.html", "contents", title="The index", here="/index", facts=facts,
        strengths=strengths, offers_edits=settings.access.allow_edit,
    )  # fmt: skip


def programs_page(settings: Settings, address: str) -> str:
    """How programs ask."""
    return _rendered(
        "programs.html", "plain", title="For programs", here="/api", address=address, forms=FORMS,
        offers_edits=settings.access.allow_edit,
    )  # fmt: skip


@dataclass(frozen=True)
class Change:
    """What an addition changed, or would change; `warning` tells what failed after it, and
    `look_alikes` are the groups of labs that differ only in what is not seen, as Python writes
    their names."""

    new_labs: tuple[str, ...]
    extended_labs: tuple[str, ...]
    skipped: tuple[str, ...]
    plasmids: int
    unread: int
    generation: int
    warning: str | None
    look_alikes: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Change:
        """From the report of an addition."""

        def names(key: str) -> tuple[str, ...]:
            return tuple(map(str, report[key]))

        return cls(
            names("new_labs"),
            names("extended_labs"),
            names("skipped"),
            int(report["plasmids"]),
            int(report["unread"]),
            int(report["generation"]),
            report.get("warning"),
            tuple(", ".join(map(ascii, group)) for group in report.get("look_alikes", ())),
        )


def adding_page(settings: Settings, *, needs_token: bool) -> str:
    """Where files of labs are sent."""
    return _rendered(
        "add_lab.html", "plain", title="Add a lab", here="/add-lab", offers_edits=True,
        limits=settings.limits, needs_token=needs_token,
    )  # fmt: skip


def trial_page(change: Change, number: str) -> str:
    """What would change, and the button that changes it."""
    return _rendered(
        "add_lab_trial.html", "plain", title="Nothing is changed yet", here="/add-lab",
        offers_edits=True, change=change, number=number, minutes=HOLDS // 60,
    )  # fmt: skip


def added_page(change: Change) -> str:
    """What was changed."""
    title = f"Added {number_of(change.plasmids, 'plasmid')}"
    return _rendered(
        "add_lab_done.html", "plain", title=title, here="/add-lab", offers_edits=True, change=change
    )


def error_page(error: VecattrError, *, where: str | None, hint: str | None) -> str:
    """What is wrong."""
    title = error.what[:1].upper() + error.what[1:]
    return _rendered("error.html", "plain", title=title, here="", where=where, hint=hint)


@dataclass(frozen=True)
class StrengthLine:
    """How many answers are of a strength, and how many of these are right (None: not known)."""

    name: str
    share: float | None
    right: float | None


def _strengths(info: object) -> Iterator[StrengthLine]:
    """Of one index with a calibration that weighs outside labs; else nothing."""
    calibration = info.get("calibration") if isinstance(info, dict) else None
    outcomes = calibration.get("outcomes") if isinstance(calibration, dict) else None
    strengths = outcomes.get("strengths") if isinstance(outcomes, dict) else None
    if isinstance(strengths, dict):
        for name in STRENGTHS:
            line = strengths.get(name, {})
            yield StrengthLine(name, line.get("share"), line.get("right"))
