"""The rings of a linear query in, the elements of its picture out: one track below the other."""

from __future__ import annotations

from collections.abc import Iterator

from vecattr.reports.labels import Label
from vecattr.reports.marks import labels_of, line, number, shape, text, ticks
from vecattr.reports.palette import ANNOTATED
from vecattr.reports.rings import Arc, Rings

WIDTH, HEIGHT = 720.0, 250.0
_LEFT, _RIGHT = 24.0, WIDTH - 24.0

#: Top and bottom of each track, of the line between them, and of the ruler.
_TRACKS = {"annotations": (106.0, 122.0), "labs": (136.0, 164.0), "common": (172.0, 184.0)}
_BACKBONE, _RULER = 129.0, 198.0

#: The lowest row of names, the space between rows, and how many there are.
_NAMES, _ROW, _ROWS = 92.0, 17.0, 5

#: The smallest width of a stretch, the length of an arrow's head, and the width of a letter.
_LEAST, _HEAD, _LETTER = 1.5, 7.0, 7.2


def tracks(rings: Rings) -> Iterator[str]:
    """The elements of the picture, the lowest first."""
    yield line((_LEFT, _BACKBONE), (_RIGHT, _BACKBONE), kind="backbone")
    yield from _ruler(rings.length)
    yield from _names(rings)
    for name, arcs in (
        ("common", rings.common),
        ("labs", rings.labs),
        ("annotations", rings.annotations),
    ):
        for arc in sorted(arcs, key=lambda arc: -arc.bases(rings.length)):
            yield shape(_path(arc, rings.length, *_TRACKS[name]), arc)


def _x(base: float, length: int) -> float:
    """The place behind so many bases."""
    return _LEFT + (_RIGHT - _LEFT) * base / length


def _path(arc: Arc, length: int, top: float, bottom: float) -> str:
    """The outline of a stretch, with a head if it has a strand."""
    left, right = _x(arc.start - 1, length), _x(arc.end, length)
    right = max(right, left + _LEAST)
    head = min(_HEAD, right - left) if arc.strand else 0.0
    middle = (top + bottom) / 2
    if arc.strand == -1:
        corners = [(right, top), (right, bottom), (left + head, bottom), (left, middle)]
        corners.append((left + head, top))
    else:
        corners = [(left, bottom), (left, top), (right - head, top)]
        corners += [(right, middle)] if arc.strand else []
        corners.append((right - head, bottom))
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in corners) + "Z"


def _ruler(length: int) -> Iterator[str]:
    yield line((_LEFT, _RULER), (_RIGHT, _RULER), kind="ruler")
    for base in ticks(length):
        x = _x(base - 0.5, length)
        yield line((x, _RULER), (x, _RULER + 5), kind="ruler")
        yield text(x, _RULER + 18, f"{base:,}", kind="tick")
    yield text(WIDTH / 2, _RULER + 40, f"{length:,} bases", kind="unit")


def _names(rings: Rings) -> Iterator[str]:
    """Names above the tracks, in rows; one that has no room in any row is left out."""
    middles = {
        arc: (_x(arc.start - 1, rings.length) + _x(arc.end, rings.length)) / 2
        for arc in (*rings.annotations, *rings.labs)
    }
    rows: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS)]
    leaders: list[float] = []
    labels = labels_of(rings, middles)
    for label in sorted(labels, key=lambda label: (-label.weight, label.place)):
        left, right = _extent(label)
        for number_of_row, row in enumerate(rows):
            if all(right + 8 < taken[0] or left - 8 > taken[1] for taken in row):
                row.append((left, right))
                leaders.append(label.place)
                yield from _name(label, (left + right) / 2, number_of_row)
                break


def _extent(label: Label) -> tuple[float, float]:
    """Left and right end of a name, within the picture."""
    width = len(label.text) * _LETTER
    left = min(max(label.place - width / 2, _LEFT), _RIGHT - width)
    return left, left + width


def _name(label: Label, x: float, row: int) -> Iterator[str]:
    y = _NAMES - row * _ROW
    track = _TRACKS["annotations" if label.kind in ANNOTATED else "labs"]
    yield line((label.place, y + 4), (label.place, track[0]), kind="leader")
    yield text(x, y, label.text, kind=f"name {label.kind}")
