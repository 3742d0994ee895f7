"""A map in, one HTML page out that stands alone: drawn on a canvas, names under the pointer.

The page is `map_page.html` beside this file; names enter it as JSON only, and are shown as text.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from importlib.resources import files

from vecattr.plasmid import POOLED
from vecattr.plots.map_layout import COLOURS, GREY, PALE, QUERY, MapLayout, NamedPoints

#: Decimals of a coordinate: a map is some hundred units wide.
_DECIMALS = 2
_PLASMID, _LAB, _QUERY = 0, 1, 2

#: Kind, id, number of its lab, number of its colour (-1: grey, -2: pale), x, y.
Point = tuple[int, str, int, int, float, float]


def map_page(atlas: MapLayout, *, title: str) -> str:
    """The page; the same map gives the same bytes."""
    template = files("vecattr.plots").joinpath("map_page.html").read_text(encoding="utf-8")
    head, middle, tail = template.partition("@DATA@")
    assert middle, "the template has no place for the data"
    named = head.replace("@TITLE@", html.escape(title))
    return named + _json_inside_html(_data(atlas)) + tail


def _json_inside_html(value: object) -> str:
    """JSON, ASCII, that cannot end the element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _data(atlas: MapLayout) -> dict[str, object]:
    labs = sorted({*atlas.plasmids.labs, *atlas.labs.labs, *atlas.queries.labs})
    numbers = {name: number for number, name in enumerate(labs)}
    shades = {name: shade for shade, name in enumerate(atlas.legend)}
    shown = shades | {POOLED: -2}
    points = [
        *_points(atlas.plasmids, atlas.classes, numbers, shown, kind=_PLASMID),
        *_points(atlas.labs, atlas.labs.labs, numbers, shades, kind=_LAB),
        *_points(atlas.queries, atlas.queries.labs, numbers, {}, kind=_QUERY),
    ]
    points.sort(key=lambda point: (point[0], min(point[3], 0)))  # pale, grey, coloured dots
    names = [(*entry, 1) for entry in _named(atlas.queries)]
    names += [(*entry, int(entry[0] in shades)) for entry in _named(atlas.names)]
    return {
        "labs": labs,
        "colours": COLOURS,
        "grey": GREY,
        "pale": PALE,
        "query": QUERY,
        "legend": list(shades),
        "pooled": atlas.has_pool,
        "points": points,
        "names": [(name, big, x, y) for name, x, y, big in names],
    }


def _points(
    places: NamedPoints,
    classes: tuple[str, ...],
    numbers: dict[str, int],
    shades: dict[str, int],
    *,
    kind: int,
) -> Iterator[Point]:
    rows = zip(_named(places), places.labs, classes, strict=True)
    for (name, x, y), lab, label in rows:
        yield kind, name, numbers[lab], shades.get(label, -1), x, y


def _named(places: NamedPoints) -> Iterator[tuple[str, float, float]]:
    for name, (x, y) in zip(places.ids, places.points.tolist(), strict=True):
        yield name, round(x, _DECIMALS), round(y, _DECIMALS)
