"""Names that a map would print in; those that have room, and where, out.

Names of one side keep a least distance, each as near to its place as the others let it be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """A name to print near the `place`, a coordinate along its side; of several that clash, the one
    of larger `weight` is printed. A line leads to the `middle` of its arc, an angle or a place."""

    text: str
    place: float
    weight: float
    kind: str
    middle: float


def thinned(labels: Sequence[Label], *, low: float, high: float, gap: float) -> list[Label]:
    """The labels that have room between `low` and `high`, `gap` apart: the heaviest, by place.

    >>> names = [Label("a", 1, 2, "", 0), Label("b", 2, 1, "", 0), Label("c", 3, 3, "", 0)]
    >>> [label.text for label in thinned(names, low=0, high=30, gap=20)]
    ['a', 'c']
    """
    room = max(0, int((high - low) / gap) + 1)
    heaviest = sorted(labels, key=lambda label: (-label.weight, label.place, label.text))[:room]
    return sorted(heaviest, key=lambda label: (label.place, label.text))


def spread(places: Sequence[float], *, low: float, high: float, gap: float) -> list[float]:
    """Ascending places moved as little as possible (least squares), so that neighbors are `gap`
    apart and all lie within the bounds, which have room for them.

    >>> spread([10.0, 11.0, 29.0], low=0, high=30, gap=10)
    [5.5, 15.5, 29.0]
    """
    blocks: list[tuple[float, int]] = []  # pools of adjacent violators: sum and size
    for number, place in enumerate(places):
        total, size = place - number * gap, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / size:
            last_total, last_size = blocks.pop()
            total, size = total + last_total, size + last_size
        blocks.append((total, size))
    means = [total / size for total, size in blocks for _ in range(size)]
    last = high - (len(means) - 1) * gap
    return [min(max(mean, low), last) + number * gap for number, mean in enumerate(means)]
