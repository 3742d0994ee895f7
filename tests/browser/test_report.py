"""The report in a real browser: read with a mouse, with keys, on a phone, on paper, without
scripts, and by a program that checks what a screen reader needs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vecattr.attribution import (
    Attribution,
    Hit,
    Neighbor,
    Provenance,
    Source,
    Stretch,
    Stretches,
)
from vecattr.cli.rendering.answers import render
from vecattr.mosaic import Holder, LabShare, MosaicPart
from vecattr.plasmid import Annotation
from vecattr.reports.page import html_of

if TYPE_CHECKING:
    from tests.browser.conftest import Browser

MARKUP = "<img src=x onerror=\"document.title='run'\"><b>lab</b>&amp;"
TAB, ENTER = "\ue004", "\ue007"


def part(start: int, end: int, *labs: str, common: int = 0) -> MosaicPart:
    shares = tuple(LabShare(lab, 2, 0.9) for lab in labs)
    holders = tuple(Holder(f"p of {lab}", lab, 0.9) for lab in labs)
    kinds = {0: "unknown", 1: "one_lab"}
    kind = "common" if common else kinds.get(len(labs), "few_labs")
    bases = (end - start) % 5000 + 1
    return MosaicPart(start, end, bases, kind, shares, common or len(labs), 12, holders)  # type: ignore[arg-type]


MOSAIC = (
    part(4801, 900, "Lab 1"),
    part(901, 1700, "Lab 2", "Lab 1"),
    part(1701, 2400, common=64),
    part(2401, 3300, "Lab 3"),
    part(3301, 4000),
    part(4001, 4800, "Lab 2"),
)
SUPPORT = Stretch("support", 4801, 900, 1100, 1, 3, 30, (Source("p1", "Lab 1", 1.0, -1),))
ANSWER = Attribution(
    query="pMade7",
    length=5000,
    topology="circular",
    labs=(
        Hit("Lab 1", 0.9, 0.9, 0.62, institution="Made Institute", url="https://lab1.example/"),
        Hit("Lab 2", 0.5, 0.5, 0.21),
        Hit("Lab 3", 0.3, 0.4, 0.08),
    ),
    verdict="known",
    confidence=0.95,
    threshold=0.5,
    neighbors=(Neighbor("p1", "Lab 1", "Lab 1", 0.97, 4800, "circular", "Made 2024", 2024),),
    notes=("a near copy is stored: 'p1' of 'Lab 1'",),
    provenance=Provenance("0.1.0", "ab12" * 16, "cd34" * 16),
    work="1:1:1",
    evidence=Stretches("Lab 1", 20, (SUPPORT,), (), 0, MOSAIC),
    source="pMade7.gb",
    outside=0.05,
    strength="moderate",
    right_share=0.77,
    annotations=(
        Annotation("CDS", "AmpR", 100, 960, -1),
        Annotation("rep_origin", "ori", 1200, 1788, -1),
        Annotation("CDS", "GFP", 2500, 3219, 1),
        Annotation("promoter", "T7 promoter", 4900, 60, 1),
    ),
)
MANY = [replace(ANSWER, query=f"pMade{number}") for number in range(200)]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(html_of([ANSWER]), encoding="utf-8")
    return path


def opened(browser: Browser, path: Path, *answers: Attribution) -> None:
    """Open a page of these answers, and wait for its first map, which is drawn once it is seen."""
    path.write_text(html_of(answers), encoding="utf-8")
    browser.open(path)
    browser.evaluate("document.querySelector('.map').scrollIntoView()")
    browser.wait("document.querySelector('.map.live')")


def drawn(browser: Browser) -> dict[str, list[list[int]]]:
    """Start and end of what each ring of the first map holds, as the map's own objects tell."""
    rings: dict[str, list[list[int]]] = browser.evaluate(
        "Object.fromEntries(document.querySelector('.map').viewer.tracks().map(track => "
        "[track.name, track.features().map(feature => [feature.start, feature.stop])]))"
    )
    return {name: sorted(places) for name, places in rings.items()}


@pytest.mark.parametrize("topology", ["circular", "linear"])
def test_the_map_holds_the_stretches_that_the_json_tells(
    browser: Browser, tmp_path: Path, topology: str
) -> None:
    answer = ANSWER
    if topology == "linear":
        mosaic = (part(1, 900, "Lab 1"), *MOSAIC[1:5], part(4001, 5000, "Lab 2"))
        evidence = Stretches("Lab 1", 20, (), (), 0, mosaic)
        answer = replace(ANSWER, topology="linear", evidence=evidence)
        answer = replace(answer, annotations=ANSWER.annotations[:3])
    opened(browser, tmp_path / "report.html", answer)
    [told] = json.loads("".join(render([answer], form="json")))
    places = {
        kind: sorted([one["start"], one["end"]] for one in told["evidence"]["mosaic"] if match(one))
        for kind, match in {
            "labs": lambda one: bool(one["labs"]),
            "common": lambda one: one["kind"] == "common",
        }.items()
    }
    annotated = sorted([one.start, one.end] for one in answer.annotations)
    assert drawn(browser) == {**places, "annotations": annotated}
    assert browser.evaluate("document.querySelector('.map').viewer.format") == topology
    assert browser.problems() == []


def test_a_pointer_on_a_stretch_shows_bases_labs_and_plasmids(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.wait("document.querySelector('.map.live')")
    browser.evaluate(
        "(() => { const viewer = document.querySelector('.map').viewer;"
        "const feature = viewer.features().find(one => one.start === 901);"
        "const slot = viewer.tracks('labs').slots()[0];"
        "const {x, y} = viewer.layout.pointForBp(1300, slot.centerOffset);"
        "const canvas = viewer.canvas.node('ui'), box = canvas.getBoundingClientRect();"
        "canvas.dispatchEvent(new MouseEvent('mousemove',"
        "{clientX: box.left + x, clientY: box.top + y, bubbles: true})); return feature.name })()"
    )
    assert browser.text(".tip").splitlines() == [
        "Lab 1",
        "bases 901 to 1,700 (800)",
        "also in Lab 2",
        "in p of Lab 2, p of Lab 1",
    ]


def test_nothing_leaves_the_page_and_its_policy_is_kept(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.wait("document.querySelector('.map.live')")
    browser.find("[aria-label='Zoom in']")[0].click()
    assert browser.requests() == [page.as_uri()]
    assert browser.problems() == []
    # The policy is at work: a script that is not the page's own does not run.
    browser.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        "{textContent: 'document.title = \"run\"'}))"
    )
    assert browser.driver.title != "run"
    assert any("Content Security Policy" in problem for problem in browser.problems())


def test_a_name_full_of_markup_is_text(browser: Browser, tmp_path: Path) -> None:
    named = replace(
        ANSWER,
        query=MARKUP,
        labs=(Hit(MARKUP, 0.9, 0.9, 0.9),),
        annotations=(Annotation("CDS", MARKUP, 1, 900),),
        evidence=Stretches(MARKUP, 20, (), (), 0, (part(1, 5000, MARKUP),)),
    )
    opened(browser, tmp_path / "report.html", named, named)
    assert MARKUP in browser.text("h2.query")
    assert not browser.find("img, main b")
    assert browser.problems() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    browser.show(width, dark=dark)
    opened(browser, tmp_path / "report.html", ANSWER, replace(ANSWER, query="other"))
    browser.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.accessibility() == []


def test_dark_and_light_differ_on_the_page_and_on_the_map(browser: Browser, page: Path) -> None:
    colours = []
    for dark in (False, True):
        browser.show(1280, dark=dark)
        browser.open(page)
        browser.wait("document.querySelector('.map.live')")
        colours.append(
            browser.evaluate(
                "[getComputedStyle(document.body).backgroundColor, document.querySelector('.map')"
                ".viewer.legend.items('lab-0').swatchColor.rgbaString]"
            )
        )
    assert all(light != dark for light, dark in zip(*colours, strict=True))


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_scrolls_down_and_never_sideways(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    browser.show(width, 800)
    long = replace(ANSWER, query="p" + "x" * 90, labs=(Hit("L" * 80, 0.9, 0.9, 0.9),))
    opened(browser, tmp_path / "report.html", long)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    small = browser.evaluate(
        "[...document.querySelectorAll('button')].filter(one => one.offsetHeight"
        " && one.getBoundingClientRect().height < 24).length"
    )
    assert small == 0


def test_keys_alone_reach_the_map_and_the_stretches(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.wait("document.querySelector('.map.live')")
    seen = []
    for _ in range(60):
        browser.press(TAB)
        name = browser.evaluate(
            "document.activeElement.ariaLabel || document.activeElement.textContent"
        )
        outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or name == "", name
        seen.append(name)
        if name == "Show bases 2,401 to 3,300 on the map":
            break
    assert seen[0] == "To the content"
    assert "Zoom in" in seen
    browser.press(ENTER)
    browser.wait("document.querySelector('.map').viewer.zoomFactor > 1.5")
    middle = browser.evaluate("document.querySelector('.map').viewer.canvas.bpForCanvasCenter()")
    assert 2401 <= middle <= 3300


def test_without_scripts_everything_is_there(browser: Browser, page: Path) -> None:
    browser.scripts(run=False)
    browser.open(page)
    assert ANSWER.sentence in browser.text()
    assert browser.find(".picture svg")[0].is_displayed()
    assert len(browser.find(".picture .arc")) == 4 + 4 + 1
    assert not browser.find("button")


def test_on_paper_the_map_is_the_picture(browser: Browser, page: Path) -> None:
    browser.open(page)
    picture, viewer, tools = (
        f"document.querySelector('{one}').checkVisibility()"
        for one in (".picture svg", ".viewer", ".tools")
    )
    browser.wait(f"document.querySelector('.map.live') && !{picture} && {viewer}")
    browser.show(800, medium="print")  # the page is laid out anew some time after
    browser.wait(f"{picture} && !{viewer} && !{tools}")


def test_of_200_answers_each_is_a_step_away(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path / "report.html", *MANY)
    box = browser.find("#filter")[0]
    box.send_keys("made17")
    shown = browser.evaluate(
        "[...document.querySelectorAll('#summary tbody a')]"
        ".filter(link => link.checkVisibility()).map(link => link.textContent)"
    )
    assert shown == ["pMade17", *(f"pMade{number}" for number in range(170, 180))]
    browser.find("a[href='#answer-173']")[0].click()
    browser.wait("document.querySelector('#answer-173 .map.live')")
    assert browser.evaluate("document.querySelectorAll('.map.live').length") <= 6
    assert browser.evaluate("location.hash") == "#answer-173"
