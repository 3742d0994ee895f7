"""A map in, one self-contained HTML page out: drawn on a canvas, names under the pointer; a still
picture for readers without scripts.

The template is `map_page.html` beside this file; names enter it only as JSON and are shown as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from importlib.resources import files

from vecattr.plasmid import POOLED
from vecattr.plots.map_layout import COLOURS, DARK_COLOURS, SHAPES, MapLayout, NamedPoints
from vecattr.plots.map_svg import map_svg

#: Decimals of a coordinate: a map is some hundred units wide.
_DECIMALS = 2
_PLASMID, _LAB, _QUERY = 0, 1, 2

#: Kind, id, number of its lab, number of its colour (-1: grey, -2: pale), x, y.
Point = tuple[int, str, int, int, float, float]


def map_page(layout: MapLayout, *, title: str) -> str:
    """The page; the same map gives the same bytes."""
    template = files("vecattr.plots").joinpath("map_page.html").read_text(encoding="utf-8")
    for name, element in (("@STYLE_HASH@", "style"), ("@SCRIPT_HASH@", "script")):
        template = template.replace(name, _hash_of(template, element))
    head, middle, tail = template.partition("@DATA@")
    assert middle, "the template has no place for the data"
    named = head.replace("@TITLE@", html.escape(title))
    named = named.replace("@PICTURE@", map_svg(layout, title=title))
    return named + _json_inside_html(_data(layout)) + tail


def _hash_of(template: str, element: str) -> str:
    """The hash by which the page's security policy lets its own style or script run."""
    _, begin, rest = template.partition(f"<{element}>")
    content, end, _ = rest.partition(f"</{element}>")
    assert begin, f"the template has no {element}"
    assert end, f"the {element} of the template does not end"
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _json_inside_html(value: object) -> str:
    """JSON in ASCII, escaped so that it cannot close the HTML element around it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _data(layout: MapLayout) -> dict[str, object]:
    labs = sorted({*layout.plasmids.labs, *layout.labs.labs, *layout.queries.labs})
    numbers = {name: number for number, name in enumerate(labs)}
    colours = {name: colour for colour, name in enumerate(layout.legend)}
    class_colours = colours | {POOLED: -2}
    points = [
        *_points(layout.plasmids, layout.classes, numbers, class_colours, kind=_PLASMID),
        *_points(layout.labs, layout.labs.labs, numbers, colours, kind=_LAB),
        *_points(layout.queries, layout.queries.labs, numbers, {}, kind=_QUERY),
    ]
    points.sort(key=lambda point: (point[0], min(point[3], 0)))  # pale, grey, coloured dots
    names = [(*entry, 2) for entry in _rounded(layout.queries)]
    names += [(*entry, int(entry[0] in colours)) for entry in _rounded(layout.names)]
    return {
        "labs": labs,
        "colours": [COLOURS, DARK_COLOURS],
        "shapes": SHAPES,
        "legend": list(colours),
        "pooled": layout.has_pool,
        "points": points,
        "names": [(name, big, x, y) for name, x, y, big in names],
    }


def _points(
    named: NamedPoints,
    classes: tuple[str, ...],
    numbers: dict[str, int],
    colours: dict[str, int],
    *,
    kind: int,
) -> Iterator[Point]:
    rows = zip(_rounded(named), named.labs, classes, strict=True)
    for (name, x, y), lab, label in rows:
        yield kind, name, numbers[lab], colours.get(label, -1), x, y


def _rounded(named: NamedPoints) -> Iterator[tuple[str, float, float]]:
    """Id and rounded coordinates of each point."""
    for name, (x, y) in zip(named.ids, named.points.tolist(), strict=True):
        yield name, round(x, _DECIMALS), round(y, _DECIMALS)
