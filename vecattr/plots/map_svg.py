"""A map in, one static SVG of it out: what the page shows to a reader without scripts.

Names enter it as text alone. It has presentation attributes and no style, which a page's policy may
forbid.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator

import numpy as np

from vecattr.plots.map_layout import (
    GREY,
    PALE,
    QUERY,
    SHAPES,
    MapLayout,
    NamedPoints,
    boxes_without_overlap,
)
from vecattr.plots.tsne import Points

#: The longer side of the map, and the margin around it.
_SIDE, _MARGIN = 1000.0, 40.0
#: More plasmids than this are drawn as an even sample of so many.
MOST_DOTS = 12_000
#: Letters of a name that are shown, the width of one, the height of a line.
_LONGEST, _LETTER, _LINE = 28, 7.2, 15.0
#: Names that are tried, those of the largest labs first.
_MOST_NAMES = 400
#: Radius of a lab's mark: of one with a colour, and of the others; and of a query's.
_BIG, _SMALL, _STAR = 7.0, 3.0, 11.0


def map_svg(layout: MapLayout, *, title: str) -> str:
    """Dots, marks and names, and a legend below them, for a page of HTML; the same map gives the
    same text."""
    place = _Places.of(layout)
    legend = list(_legend(layout, top=place.height + _LINE))
    height = place.height + _LINE * (2 + (len(_legend_entries(layout)) + 2) // 3)
    parts = [
        f'<svg viewBox="0 0 {_SIDE:g} {height:.0f}" role="img" '
        f'aria-label="{html.escape(title)}" font-family="sans-serif" font-size="13">',
        f'<rect width="{_SIDE:g}" height="{height:.0f}" fill="#fff"/>',
        *_dots(layout, place),
        *_marks(layout, place),
        *_stars(layout, place),
        *_names(layout, place),
        *legend,
        "</svg>",
    ]
    return "\n".join(parts)


class _Places:
    """Where points of the map lie on the picture."""

    def __init__(self, low: Points, scale: float, height: float) -> None:
        self._low, self._scale, self.height = low, scale, height

    @classmethod
    def of(cls, layout: MapLayout) -> _Places:
        """So that all points are on it."""
        parts = (layout.plasmids.points, layout.labs.points, layout.queries.points)
        points = np.concatenate([np.asarray(part).reshape(-1, 2) for part in parts])
        low = points.min(axis=0) if len(points) else np.zeros(2)
        extent = np.maximum(np.ptp(points, axis=0), 1e-9) if len(points) else np.ones(2)
        scale = float((_SIDE - 2 * _MARGIN) / extent.max())
        return cls(low, scale, float(extent[1] * scale + 2 * _MARGIN))

    def __call__(self, points: Points) -> list[tuple[float, float]]:
        """Points (n, 2) on the picture, whose y grows downwards."""
        placed = (np.asarray(points).reshape(-1, 2) - self._low) * self._scale + _MARGIN
        return [(x, self.height - y) for x, y in placed.round(1).tolist()]


def _dots(layout: MapLayout, place: _Places) -> Iterator[str]:
    """Plasmids, one path a colour: pale and grey ones first."""
    step = -(-max(len(layout.plasmids), 1) // MOST_DOTS)
    rows: dict[str, list[tuple[float, float]]] = {PALE: [], GREY: []}
    places = place(layout.plasmids.points[::step])
    for colour, dot in zip(layout.colours_of(layout.classes[::step]), places, strict=True):
        rows.setdefault(colour, []).append(dot)
    for colour, dots in rows.items():
        if dots:
            path = "".join(f"M{x:g} {y:g}h0" for x, y in dots)
            yield (
                f'<path d="{path}" fill="none" stroke="{colour}" stroke-opacity="0.7" '
                'stroke-width="4" stroke-linecap="round"/>'
            )


def _marks(layout: MapLayout, place: _Places) -> Iterator[str]:
    """Labs, those with a colour on top."""
    labs = layout.labs.labs
    marks = zip(labs, layout.shapes_of(labs), layout.colours_of(labs), strict=True)
    rows = [*zip(marks, place(layout.labs.points), strict=True)]
    for (name, shape, colour), (x, y) in sorted(rows, key=lambda row: row[0][0] in layout.legend):
        size = _BIG if name in layout.legend else _SMALL
        yield _mark(x, y, size, shape, colour)


def _stars(layout: MapLayout, place: _Places) -> Iterator[str]:
    for x, y in place(layout.queries.points):
        corners = (
            (_STAR * (1 if turn % 2 == 0 else 0.4), turn * math.pi / 5) for turn in range(10)
        )
        yield _polygon(x, y, corners, QUERY, edge="#fff")
        ring = f'fill="none" stroke="{QUERY}" stroke-width="2"'
        yield f'<circle cx="{x:g}" cy="{y:g}" r="18" {ring}/>'


def _mark(x: float, y: float, size: float, shape: int, colour: str) -> str:
    """A diamond, a square or a triangle."""
    turns, first = (3, 0.0) if shape == 2 else (4, math.pi / 4 if shape == 1 else 0.0)
    corners = ((size, first + 2 * math.pi * turn / turns) for turn in range(turns))
    return _polygon(x, y, corners, colour, edge="#333")


def _polygon(
    x: float, y: float, corners: Iterable[tuple[float, float]], colour: str, *, edge: str
) -> str:
    """Its corners are told by how far they are and in which direction, clockwise from the top."""
    points = " ".join(
        f"{x + far * math.sin(turn):.1f},{y - far * math.cos(turn):.1f}" for far, turn in corners
    )
    return f'<polygon points="{points}" fill="{colour}" stroke="{edge}" stroke-width="0.8"/>'


def _names(layout: MapLayout, place: _Places) -> Iterator[str]:
    """Of queries, then of labs by size, each where it touches no query and no earlier name."""
    tried = [
        (name, x, y - above)
        for named, above in ((layout.queries, 22.0), (_large(layout), 10.0))
        for name, (x, y) in zip(named.ids, place(named.points), strict=True)
    ]
    rings = [(x - 18, y - 18, x + 18, y + 18) for x, y in place(layout.queries.points)]
    boxes = []
    for name, x, y in tried:
        half = _LETTER * len(_shortened(name)) / 2
        boxes.append((x - half, y - _LINE + 3, x + half, y + 3))
    for number in boxes_without_overlap([*rings, *boxes]):
        if number < len(rings):
            continue
        name, x, y = tried[number - len(rings)]
        yield (
            f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-weight="bold" stroke="#fff" '
            f'stroke-width="3" paint-order="stroke" fill="#222">{_text(name)}</text>'
        )


def _large(layout: MapLayout) -> NamedPoints:
    """The names of labs with a colour."""
    names = layout.names
    rows = [row for row, name in enumerate(names.ids[:_MOST_NAMES]) if name in layout.legend]
    ids = tuple(names.ids[row] for row in rows)
    return NamedPoints(ids, ids, names.points[rows].reshape(-1, 2))


def _legend_entries(layout: MapLayout) -> list[tuple[str, str, int]]:
    """Name, colour and shape of each line."""
    entries = [
        (name, colour, shape)
        for (name, colour), shape in zip(layout.legend.items(), SHAPES, strict=False)
    ]
    entries.append(("other labs", GREY, 0))
    return [*entries, ("pool of rare labs", PALE, 0)] if layout.has_pool else entries


def _legend(layout: MapLayout, *, top: float) -> Iterator[str]:
    """In three columns."""
    for number, (name, colour, shape) in enumerate(_legend_entries(layout)):
        x, y = _MARGIN + number % 3 * (_SIDE / 3), top + number // 3 * _LINE
        yield _mark(x, y - 4, 6, shape, colour)
        yield f'<text x="{x + 14:g}" y="{y:g}" fill="#222">{_text(name)}</text>'


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _text(name: str) -> str:
    return html.escape(_shortened(name))
