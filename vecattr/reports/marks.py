"""Numbers and texts in, elements of SVG out; every text is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterator

from vecattr.reports.labels import Label
from vecattr.reports.rings import Arc, Rings

#: The pixels between two names.
GAP = 15.0


def number(value: float) -> str:
    """A coordinate with at most two decimals.

    >>> number(3.0), number(0.125)
    ('3', '0.12')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-0", "-0") or "0"


def text(x: float, y: float, content: str, *, kind: str, anchor: str = "middle") -> str:
    """Words at a place."""
    return (
        f'<text class="{kind}" x="{number(x)}" y="{number(y)}" text-anchor="{anchor}">'
        f"{html.escape(content)}</text>"
    )


def line(*points: tuple[float, float], kind: str) -> str:
    """A line through points."""
    path = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f'<path class="{kind}" d="M{path}"/>'


def shape(path: str, arc: Arc) -> str:
    """The shape of an arc; a browser shows its facts under the pointer, without a script."""
    facts = html.escape("\n".join(arc.facts))
    kind = f"{arc.kind} shared" if arc.is_shared else arc.kind
    return f'<path class="arc {kind}" d="{path}"><title>{facts}</title></path>'


def labels_of(rings: Rings, places: dict[Arc, float]) -> list[Label]:
    """What a map would name: of each lab the longest stretch, one that it alone has if
    there is one; then annotations, long ones first."""
    longest: dict[str, Arc] = {}
    for arc in sorted(rings.labs, key=lambda arc: (arc.is_shared, -arc.bases(rings.length))):
        longest.setdefault(arc.name, arc)
    named = [(arc, 2.0 * rings.length) for arc in longest.values()]
    named += [(arc, 0.0) for arc in rings.annotations]
    return [
        Label(arc.name, places[arc], extra + arc.bases(rings.length), arc.kind, places[arc])
        for arc, extra in named
    ]


def ticks(length: int, *, most: int = 10) -> Iterator[int]:
    """Round positions for a ruler, at most so many; bases are counted from 1.

    >>> list(ticks(3713, most=8))
    [500, 1000, 1500, 2000, 2500, 3000, 3500]
    """
    step = next(
        factor * 10**power
        for power in range(12)
        for factor in (1, 2, 5)
        if length / (factor * 10**power) <= most
    )
    yield from range(step, length + 1, step)
