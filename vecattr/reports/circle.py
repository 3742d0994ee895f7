"""The rings of a circular query in, the elements of its picture out.

Base 1 is at the top, and bases are counted clockwise, as editors of plasmids draw it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from vecattr.reports.labels import Label, spread, thinned
from vecattr.reports.marks import GAP, labels_of, line, number, shape, text, ticks
from vecattr.reports.palette import ANNOTATED
from vecattr.reports.rings import Arc, Rings

WIDTH, HEIGHT = 720.0, 500.0
_X, _Y = WIDTH / 2, HEIGHT / 2

#: Inner and outer radius of each ring, of the line between them, and of the ruler.
_RINGS = {"annotations": (192.0, 208.0), "labs": (152.0, 180.0), "common": (132.0, 144.0)}
_BACKBONE, _RULER = 186.0, 124.0

#: Where names begin, left and right of the middle, and how far up and down they go.
_NAMES = 250.0
_LOW, _HIGH = 24.0, HEIGHT - 18.0

#: The smallest angle that a stretch is drawn with, and the length of an arrow's head (radians).
_LEAST, _HEAD = 0.006, 0.05


def circle(rings: Rings) -> Iterator[str]:
    """The elements of the picture, the lowest first."""
    yield f'<circle class="backbone" cx="{number(_X)}" cy="{number(_Y)}" r="{number(_BACKBONE)}"/>'
    yield from _ruler(rings.length)
    for name, arcs in (
        ("common", rings.common),
        ("labs", rings.labs),
        ("annotations", rings.annotations),
    ):
        for arc in sorted(arcs, key=lambda arc: -arc.bases(rings.length)):
            yield shape(_path(arc, rings.length, *_RINGS[name]), arc)
    yield from _names(rings)
    yield text(_X, _Y - 4, f"{rings.length:,}", kind="size")
    yield text(_X, _Y + 18, "bases", kind="unit")


def _angle(base: float, length: int) -> float:
    """Radians from the x axis, clockwise, of the place behind so many bases."""
    return 2 * math.pi * base / length - math.pi / 2


def _point(angle: float, radius: float) -> tuple[float, float]:
    return _X + radius * math.cos(angle), _Y + radius * math.sin(angle)


def _path(arc: Arc, length: int, inner: float, outer: float) -> str:
    """The outline of a piece of a ring, with a head if it has a strand."""
    sweep = 2 * math.pi * arc.bases(length) / length
    first = _angle(arc.start - 1, length)
    if sweep < _LEAST:
        first, sweep = first - (_LEAST - sweep) / 2, _LEAST
    if sweep > 2 * math.pi - 1e-6:
        return _whole(outer) + _whole(inner)
    last = first + sweep
    head = min(_HEAD, sweep) if arc.strand else 0.0
    begin, end = (first + head, last) if arc.strand == -1 else (first, last - head)
    middle = (inner + outer) / 2
    points = [f"M{_at(begin, outer)}", _along(begin, end, outer)]
    if arc.strand == 1:
        points.append(f"L{_at(last, middle)}")
    points += [f"L{_at(end, inner)}", _along(end, begin, inner)]
    if arc.strand == -1:
        points.append(f"L{_at(first, middle)}")
    return "".join(points) + "Z"


def _at(angle: float, radius: float) -> str:
    x, y = _point(angle, radius)
    return f"{number(x)} {number(y)}"


def _along(begin: float, end: float, radius: float) -> str:
    """A piece of a circle from one angle to another."""
    is_long, is_clockwise = int(abs(end - begin) > math.pi), int(end >= begin)
    size = f"{number(radius)} {number(radius)}"
    return f"A{size} 0 {is_long} {is_clockwise} {_at(end, radius)}"


def _whole(radius: float) -> str:
    """A whole circle; of two, one inside the other, the space between is filled (even-odd)."""
    size = f"{number(radius)} {number(radius)}"
    top, bottom = _at(-math.pi / 2, radius), _at(math.pi / 2, radius)
    return f"M{top}A{size} 0 1 1 {bottom}A{size} 0 1 1 {top}Z"


def _ruler(length: int) -> Iterator[str]:
    yield f'<circle class="ruler" cx="{number(_X)}" cy="{number(_Y)}" r="{number(_RULER)}"/>'
    for base in ticks(length):
        angle = _angle(base - 0.5, length)
        yield line(_point(angle, _RULER), _point(angle, _RULER - 5), kind="ruler")
        x, y = _point(angle, _RULER - 20)
        yield text(x, y + 4, f"{base:,}", kind="tick")


def _names(rings: Rings) -> Iterator[str]:
    """Names on both sides, each with a line to its arc."""
    middles = {
        arc: _angle(arc.start - 1 + arc.bases(rings.length) / 2, rings.length)
        for arc in (*rings.annotations, *rings.labs)
    }
    labels = labels_of(rings, middles)
    for side in (1, -1):
        of_side = [label for label in labels if (math.cos(label.middle) >= 0) == (side == 1)]
        yield from _names_of_side(of_side, side)


def _names_of_side(labels: list[Label], side: int) -> Iterator[str]:
    by_height = [replace(label, place=_point(label.middle, _NAMES - 30)[1]) for label in labels]
    kept = thinned(by_height, low=_LOW, high=_HIGH, gap=GAP)
    heights = spread([label.place for label in kept], low=_LOW, high=_HIGH, gap=GAP)
    for label, height in zip(kept, heights, strict=True):
        radius = _RINGS["annotations" if label.kind in ANNOTATED else "labs"][1]
        x = _X + side * _reach(height)
        yield line(
            _point(label.middle, radius),
            _point(label.middle, _RINGS["annotations"][1] + 8),
            (x - side * 4, height - 4),
            kind="leader",
        )
        anchor = "start" if side == 1 else "end"
        yield text(x, height, label.text, kind=f"name {label.kind}", anchor=anchor)


def _reach(height: float) -> float:
    """How far from the middle a name stands: on a circle around the rings."""
    up = height - 4 - _Y
    return max(math.sqrt(max(0.0, _NAMES**2 - up**2)), 60.0) - 12
