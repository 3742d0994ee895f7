"""The page of a map in a real Chromium: it stands alone, and is used by keyboard, on a phone, in
the dark, by a screen reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.plasmid import POOLED
from vecattr.plots.map_layout import MapLayout, NamedPoints
from vecattr.plots.map_page import map_page

LABS = tuple(f"Lab {number:02d}" for number in range(24))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map of made points: 24 labs, a pool, and a query with a name full of markup."""
    chance = np.random.default_rng(3)
    middles = chance.uniform(-60, 60, size=(24, 2))
    owners = tuple(lab for number, lab in enumerate(LABS) for _ in range(60 - 2 * number))
    points = np.array([middles[LABS.index(lab)] + chance.normal(size=2) * 2 for lab in owners])
    plasmids = NamedPoints(
        (*(f"made{number}" for number in range(len(owners))), "rare"),
        (*owners, "Rare lab"),
        np.concatenate([points, [[0, 0]]]),
    )
    labs = NamedPoints(LABS, LABS, middles)
    queries = NamedPoints(("<b onclick=x>query",), ("",), middles[:1] + 1)
    layout = MapLayout(plasmids, (*owners, POOLED), labs, queries)
    path = tmp_path_factory.mktemp("map") / "map.html"
    path.write_text(map_page(layout, title="Made map"), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True)])
def test_the_page_is_sound_at_every_width_and_in_the_dark(
    browser: Any, page: Path, width: int, dark: bool
) -> None:
    browser.show(width, dark=dark)
    browser.open(page)
    assert browser.problems() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.accessibility() == []
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown = browser.evaluate("shown")
    names = [name for name, *_ in shown]
    assert names[0] == "<b onclick=x>query"
    assert set(names[1:]) <= set(LABS[:20])  # of small labs only from nearer
    boxes = [box for _, *box in shown]
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            apart = (one[0] >= other[2], one[2] <= other[0], one[1] >= other[3], one[3] <= other[1])
            assert any(apart), (one, other)


def test_the_query_is_found_at_once_and_by_keyboard(browser: Any, page: Path) -> None:
    browser.open(page)
    [button] = browser.find("#queries button")
    assert button.text == "<b onclick=x>query"
    browser.press("\ue004", "\ue004", "\ue004", "\ue007")  # tab: map, search, query; enter
    offsets = browser.evaluate(
        "[across(queries[0].x) - canvas.clientWidth / 2, "
        "down(queries[0].y) - canvas.clientHeight / 2]"
    )
    assert offsets == pytest.approx([0, 0], abs=0.01)
    assert "query is in the middle" in browser.text("#status")
    before = browser.evaluate("scale")
    browser.find("canvas")[0].send_keys("+")
    assert browser.evaluate("scale") == pytest.approx(1.4 * before)
    browser.find("input")[0].send_keys("lab 03")
    assert "55 of" in browser.text("#status")
    assert browser.find("#legend button[aria-pressed=true]")[0].text == "Lab 03"


def test_without_scripts_a_still_picture_shows_labs_and_queries(browser: Any, page: Path) -> None:
    browser.scripts(run=False)
    browser.open(page)
    [picture] = browser.find("noscript svg")
    assert picture.is_displayed()
    assert "still picture" in browser.text("aside")
    text = picture.text
    assert "<b onclick=x>query" in text
    assert "Lab 03" in text
    assert not any(field.is_displayed() for field in browser.find("input"))
