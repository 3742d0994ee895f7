"""Claims about pictures: who gets a colour and a name, and that no name can do harm."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from vecattr.plasmid import POOLED
from vecattr.plots.map_layout import (
    COLOURS,
    DARK_COLOURS,
    GREY,
    PALE,
    SHAPES,
    MapLayout,
    NamedPoints,
    boxes_without_overlap,
)
from vecattr.plots.map_page import map_page
from vecattr.plots.map_svg import MOST_DOTS, map_svg

NAUGHTY = ("</script><script>alert(1)</script>", "$x_2$ & <b>", "_hidden", "實驗室", "L" * 99)


def layout(*, labs: tuple[str, ...] = NAUGHTY, colours: int = 3) -> MapLayout:
    """Lab i has 5 + i plasmids around its mark; three more are pooled, and there is one query."""
    chance = np.random.default_rng(2)
    middles = 40 * chance.normal(size=(len(labs), 2))
    rows = [row for row in range(len(labs)) for _ in range(5 + row)]
    points = np.concatenate([middles[rows] + chance.normal(size=(len(rows), 2)), np.ones((3, 2))])
    owners = [*(labs[row] for row in rows), "rare 1", "rare 2", "rare 3"]
    ids = tuple(f"<i>{number}" for number in range(len(owners)))
    return MapLayout(
        NamedPoints(ids, tuple(owners), points),
        (*owners[: len(rows)], POOLED, POOLED, POOLED),
        NamedPoints(labs, labs, middles),
        NamedPoints(("$q$",), ("",), np.zeros((1, 2))),
        colours=colours,
    )


def test_the_largest_labs_have_colours_and_the_pool_is_pale() -> None:
    drawn = layout()
    assert drawn.by_size == list(reversed(NAUGHTY))
    assert drawn.legend == dict(zip(drawn.by_size[:3], COLOURS[:3], strict=True))
    assert drawn.colours_of([NAUGHTY[-1], NAUGHTY[0], POOLED]) == [COLOURS[0], GREY, PALE]
    assert layout(colours=0).legend == {}


def test_a_name_stands_in_the_largest_cluster_of_its_plasmids() -> None:
    chance = np.random.default_rng(5)
    large, small = chance.normal(size=(30, 2)), chance.normal(size=(20, 2)) + 60
    points = np.concatenate([small, large])
    owners = ("a",) * 50
    nobody = NamedPoints((), (), np.empty((0, 2)))
    plasmids = NamedPoints(tuple(map(str, range(50))), owners, points)
    [place] = MapLayout(plasmids, owners, nobody, nobody).names.points
    assert place.tolist() in large.tolist()
    assert np.hypot(*place) < 1


def test_a_name_stands_on_one_of_its_plasmids() -> None:
    drawn = layout()
    for name, point in zip(drawn.names.ids, drawn.names.points, strict=True):
        own = [
            at.tolist()
            for at, lab in zip(drawn.plasmids.points, drawn.classes, strict=True)
            if lab == name
        ]
        assert point.tolist() in own
    assert drawn.names.ids == tuple(drawn.by_size)


def test_labs_of_one_colour_have_marks_of_different_shapes() -> None:
    marks = list(zip(COLOURS, DARK_COLOURS, SHAPES, strict=True))
    assert len(set(marks)) == len(marks) == 20


def test_a_lab_without_plasmids_is_named_where_it_lies() -> None:
    lonely = NamedPoints(("a",), ("a",), np.array([[3.0, 4.0]]))
    nobody = NamedPoints((), (), np.empty((0, 2)))
    drawn = MapLayout(nobody, (), lonely, nobody)
    assert drawn.names.ids == ("a",)
    assert drawn.names.points.tolist() == [[3.0, 4.0]]


def test_free_boxes_equal_a_plain_loop() -> None:
    corners = np.random.default_rng(4).uniform(0, 10, size=(60, 2))
    boxes = [(x, y, x + 1.5, y + 0.7) for x, y in corners.tolist()]
    kept: list[int] = []
    for number, (left, bottom, right, top) in enumerate(boxes):
        touches = [
            left < boxes[other][2]
            and right > boxes[other][0]
            and bottom < boxes[other][3]
            and top > boxes[other][1]
            for other in kept
        ]
        if not any(touches):
            kept.append(number)
    assert boxes_without_overlap(boxes) == kept
    assert 5 < len(kept) < 60
    assert boxes_without_overlap([]) == []


def test_the_still_picture_shows_names_as_text_and_every_point() -> None:
    drawn = layout()
    text = map_svg(drawn, title="<Made> map")
    picture = ElementTree.fromstring(text)
    assert picture.get("aria-label") == "<Made> map"
    assert map_svg(layout(), title="<Made> map") == text
    assert sum(path.get("d", "").count("M") for path in picture.iter("path")) == len(drawn.plasmids)
    names = [element.text for element in picture.iter("text")]
    assert names[0] == "$q$"
    assert {"other labs", "pool of rare labs", NAUGHTY[0]} <= set(names) | {NAUGHTY[0]}
    assert not list(picture.iter("script"))
    assert "style" not in text
    width, height = map(float, picture.get("viewBox", "").split()[2:])
    for mark in picture.iter("polygon"):
        for corner in mark.get("points", "").split():
            x, y = map(float, corner.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_of_very_many_plasmids_a_still_picture_draws_a_sample() -> None:
    count = 3 * MOST_DOTS
    ids = tuple(map(str, range(count)))
    points = np.random.default_rng(1).normal(size=(count, 2))
    nobody = NamedPoints((), (), np.empty((0, 2)))
    many = MapLayout(NamedPoints(ids, ("a",) * count, points), ("a",) * count, nobody, nobody)
    assert map_svg(many, title="").count("M") == MOST_DOTS
    assert map_svg(MapLayout(nobody, (), nobody, nobody), title="").startswith("<svg")


class Tags(HTMLParser):
    """The elements of a page, and what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.fetched: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href")]


def page_data(page: str) -> Any:
    element = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert element
    return json.loads(element[1])


def test_the_page_stands_alone_and_names_cannot_break_out_of_it() -> None:
    page = map_page(layout(), title="<b>&")
    tags = Tags()
    tags.feed(page)
    assert tags.fetched == []
    assert "http:" not in page
    assert "https:" not in page
    assert tags.names.count("script") == 2
    assert "default-src 'none'" in page
    assert "<title>&lt;b&gt;&amp;</title>" in page


def test_the_page_holds_every_point_under_its_own_name() -> None:
    drawn = layout()
    data = page_data(map_page(drawn, title="t"))
    points = {
        (kind, name): (data["labs"][lab], x, y) for kind, name, lab, _, x, y in data["points"]
    }
    for kind, places in enumerate((drawn.plasmids, drawn.labs, drawn.queries)):
        for name, lab, (x, y) in zip(places.ids, places.labs, places.points, strict=True):
            assert points[kind, name] == (
                lab,
                pytest.approx(x, abs=0.01),
                pytest.approx(y, abs=0.01),
            )
    assert len(points) == len(drawn.plasmids) + len(drawn.labs) + 1
    assert [name for name, big, _, _ in data["names"] if big] == ["$q$", *drawn.legend]


def test_the_script_of_the_page_can_be_parsed(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    script = map_page(layout(), title="t").rpartition("<script>")[2].partition("</script>")[0]
    (tmp_path / "map.js").write_text(script)
    subprocess.run([node, "--check", str(tmp_path / "map.js")], check=True)


def test_a_map_is_drawn_the_same_every_time() -> None:
    pytest.importorskip("matplotlib")
    from vecattr.plots.pictures import draw_map

    for form, start in ("png", b"\x89PNG"), ("svg", b"<?xml"):
        first = draw_map(layout(), form=form, title="$t$")  # type: ignore[arg-type]
        assert first.startswith(start)
        assert draw_map(layout(), form=form, title="$t$") == first  # type: ignore[arg-type]


def test_the_legend_of_an_svg_names_the_coloured_labs() -> None:
    pytest.importorskip("matplotlib")
    from vecattr.plots.pictures import draw_map, shortened

    names = ("_hidden", "$x_2$", "a & b", "L" * 99)
    drawn = draw_map(layout(labs=names, colours=4), form="svg", title="t")
    ElementTree.fromstring(drawn)
    comments = re.findall(r"<!-- (.*?) -->", drawn.decode())  # matplotlib draws letters as shapes
    for name in (
        "_hidden",
        "$x_2$",
        "a &amp; b",
        shortened("L" * 99),
        "other labs",
        "pool of rare labs",
        "queries",
    ):
        assert name in comments, name


def test_the_elbow_is_drawn_with_its_number() -> None:
    pytest.importorskip("matplotlib")
    from vecattr.plots.clusters import Clustering, Elbow
    from vecattr.plots.pictures import draw_elbow

    def groups(inertia: float) -> Clustering:
        return Clustering(np.array([1, 1, 2]), np.ones(3), inertia)

    elbow = Elbow({2: groups(9.0), 3: groups(4.0), 4: groups(3.5)}, 3, 10.0)
    drawn = draw_elbow(elbow, form="svg", title="Groups")
    assert b"elbow: 3 groups (60% explained)" in drawn
    assert draw_elbow(elbow, form="png", title="Groups").startswith(b"\x89PNG")
