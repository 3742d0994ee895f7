"""The content of a map: points, ids and labs in; colours, legend and placed names out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vecattr.plasmid import POOLED
from vecattr.plots.tsne import Points

#: Colours that are distinct on white, for the largest labs; other labs are GREY, and plasmids of
#: the pool of rare labs PALE.
COLOURS = (
    *("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#00a5b5", "#f032e6", "#7aa800"),
    *("#c48f00", "#469990", "#9a6324", "#800000", "#00802b", "#808000", "#000075", "#b07aff"),
    *("#ff7f7f", "#5ab4ff", "#d6006e", "#3d5a6c"),
)
GREY = "#a8a8a8"
PALE = "#d9d9d9"
QUERY = "#000000"

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

    def colours_of(self, labs: Sequence[str]) -> list[str]:
        """The colour of each lab."""
        colours = {POOLED: PALE} | self.legend
        return [colours.get(lab, GREY) for lab in labs]

    @cached_property
    def names(self) -> NamedPoints:
        """Every lab at the median of its plasmids, else at its own point; largest first."""
        rows: dict[str, list[int]] = {name: [] for name in self.by_size}
        for row, name in enumerate(self.classes):
            if name in rows:
                rows[name].append(row)
        medians = {
            name: np.median(self.plasmids.points[lab_rows], axis=0)
            for name, lab_rows in rows.items()
        }
        lab_points = dict(zip(self.labs.ids, self.labs.points, strict=True))
        points = lab_points | medians
        ordered = (*medians, *(name for name in lab_points if name not in medians))
        return NamedPoints(
            ordered, ordered, np.array([points[name] for name in ordered]).reshape(-1, 2)
        )


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
