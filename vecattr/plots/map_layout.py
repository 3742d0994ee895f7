"""The content of a map: points, ids and labs in; colours, legend and placed names out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vecattr.plasmid import POOLED
from vecattr.plots.tsne import Points

#: Colours that differ for people who see all colours and for those who see red, green or blue
#: weakly, on a light page and on a dark one. With three shapes of marks they tell the largest labs
#: apart; other labs are GREY, and plasmids of the pool of rare labs PALE.
_LIGHT = ("#1f65d1", "#df6f18", "#19a385", "#9f3b7c", "#2e0a96", "#770b3a", "#6c5d03")
_DARK = ("#5bc2f8", "#ff732d", "#3af5c2", "#e094ac", "#8d85ff", "#b2729e", "#c9d934")
_MOST = 20
COLOURS = tuple(_LIGHT[place % len(_LIGHT)] for place in range(_MOST))
DARK_COLOURS = tuple(_DARK[place % len(_DARK)] for place in range(_MOST))
#: The shape of each lab's mark: 0 a diamond, 1 a square, 2 a triangle.
SHAPES = tuple(place // len(_LIGHT) for place in range(_MOST))
GREY = "#a8a8a8"
PALE = "#d9d9d9"
QUERY = "#000000"

#: The cells along the longer side of a map, by which plasmids are taken to lie together.
_CELLS = 50

Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True)
class NamedPoints:
    """Named points: `ids[i]`, of the lab `labs[i]`, lies at `points[i]`."""

    ids: tuple[str, ...]
    labs: tuple[str, ...]
    points: Points  # (n, 2)

    def __post_init__(self) -> None:
        assert len(self.ids) == len(self.labs) == len(self.points), "a point without a name"

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class MapLayout:
    """Plasmids, labs (id and lab are equal) and queries (their lab is empty) on one map.

    `classes` are the classes of the plasmids: their labs, or POOLED.
    """

    plasmids: NamedPoints
    classes: tuple[str, ...]
    labs: NamedPoints
    queries: NamedPoints
    colours: int = len(COLOURS)

    def __post_init__(self) -> None:
        assert len(self.classes) == len(self.plasmids), "a plasmid without a class"
        assert 0 <= self.colours <= len(COLOURS), "more colours than there are"

    @cached_property
    def by_size(self) -> list[str]:
        """The labs that have plasmids on the map, largest first, ties by name, without POOLED."""
        sizes = Counter(name for name in self.classes if name != POOLED)
        return sorted(sizes, key=lambda name: (-sizes[name], name))

    @property
    def has_pool(self) -> bool:
        """Whether a point belongs to the class of pooled labs."""
        return POOLED in self.classes

    @cached_property
    def legend(self) -> dict[str, str]:
        """The largest labs and their colours, largest first."""
        return dict(zip(self.by_size[: self.colours], COLOURS, strict=False))

    def shapes_of(self, labs: Sequence[str]) -> list[int]:
        """The shape of each lab's mark; a diamond for labs without a colour."""
        shapes = dict(zip(self.legend, SHAPES, strict=False))
        return [shapes.get(lab, 0) for lab in labs]

    def colours_of(self, labs: Sequence[str]) -> list[str]:
        """The colour of each lab."""
        colours = {POOLED: PALE} | self.legend
        return [colours.get(lab, GREY) for lab in labs]

    @property
    def _cell(self) -> float:
        """How far apart two plasmids of one cluster may lie: a fiftieth of the map's extent."""
        extent = np.ptp(self.plasmids.points, axis=0) if len(self.plasmids) else np.ones(2)
        return float(extent.max()) / _CELLS or 1.0

    @cached_property
    def names(self) -> NamedPoints:
        """Every lab in the middle of its largest cluster, else at its own point; largest first."""
        rows: dict[str, list[int]] = {name: [] for name in self.by_size}
        for row, name in enumerate(self.classes):
            if name in rows:
                rows[name].append(row)
        cell = self._cell
        medians = {
            name: middle_of_largest(self.plasmids.points[lab_rows], cell=cell)
            for name, lab_rows in rows.items()
        }
        lab_points = dict(zip(self.labs.ids, self.labs.points, strict=True))
        points = lab_points | medians
        ordered = (*medians, *(name for name in lab_points if name not in medians))
        return NamedPoints(
            ordered, ordered, np.array([points[name] for name in ordered]).reshape(-1, 2)
        )


def middle_of_largest(points: Points, *, cell: float) -> Points:
    """The point (2,) of some points (n, 2) that lies nearest to the median of their largest
    cluster, so that it lies in it. Points in cells of this size that touch are one cluster.

    >>> middle_of_largest(np.array([[0, 0], [0, 1], [1, 0], [90, 90], [91, 90]]), cell=2).tolist()
    [0.0, 0.0]
    """
    cells: dict[tuple[int, int], list[int]] = {}
    for row, (x, y) in enumerate(np.floor(points / cell).astype(int).tolist()):
        cells.setdefault((x, y), []).append(row)
    largest: list[int] = []
    while cells:
        cluster, open_cells = list[int](), [next(iter(cells))]
        while open_cells:
            x, y = open_cells.pop()
            cluster += cells.pop((x, y), [])
            around = ((x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
            open_cells += [place for place in around if place in cells]
        largest = max(largest, cluster, key=len)
    members = np.asarray(points, dtype=np.float64)[largest]
    distances = ((members - np.median(members, axis=0)) ** 2).sum(axis=1)
    nearest: Points = members[int(distances.argmin())]
    return nearest


def boxes_without_overlap(boxes: Sequence[Box]) -> list[int]:
    """Numbers of the boxes that overlap none of the boxes kept before them."""
    kept: list[int] = []
    kept_boxes = np.empty((len(boxes), 4))
    for number, box in enumerate(boxes):
        left, bottom, right, top = box
        rivals = kept_boxes[: len(kept)]  # (kept, 4)
        apart = (
            (rivals[:, 2] <= left)
            | (rivals[:, 0] >= right)
            | (rivals[:, 3] <= bottom)
            | (rivals[:, 1] >= top)
        )
        if apart.all():
            kept_boxes[len(kept)] = box
            kept.append(number)
    return kept
