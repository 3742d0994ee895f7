"""Labs of one answer in; a colour of the palette for each out, the same on the map and in tables.

The colours of both themes differ for people who see all colours and for those who see red, green or
blue weakly (Machado, Oliveira and Fernandes 2009), and stand out from the page (WCAG 2.1, 3 to 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Of a light page and of a dark one, in the order in which labs get them.
LIGHT = ("#1f65d1", "#df6f18", "#19a385", "#9f3b7c", "#2e0a96", "#770b3a", "#6c5d03")
DARK = ("#5bc2f8", "#ff732d", "#3af5c2", "#e094ac", "#8d85ff", "#b2729e", "#c9d934")

#: Of labs that come after all of these, of common property, and of what the file annotates.
OTHERS = {"other": ("#5f6875", "#9aa4b2"), "common": ("#b4bac3", "#59616d")}
ANNOTATED = {
    "gene": ("#3d4652", "#e3e8ee"),
    "control": ("#687384", "#a9b3c0"),
    "remark": ("#8b95a3", "#78818e"),
}


@dataclass(frozen=True)
class Palette:
    """The place of each lab in LIGHT and DARK."""

    places: Mapping[str, int]

    @classmethod
    def from_labs(cls, *rankings: Iterable[str]) -> Palette:
        """The labs of each ranking, one ranking after the other, get the next free colour.

        >>> Palette.from_labs(["Lab 2", "Lab 1"], ["Lab 1", "Lab 3"]).kind("Lab 3")
        'lab-2'
        """
        labs = dict.fromkeys(lab for ranking in rankings for lab in ranking)
        return cls({lab: place for place, lab in enumerate(list(labs)[: len(LIGHT)])})

    def kind(self, lab: str) -> str:
        """What the style sheet calls the lab's colour: `lab-0` and so on; `other` when there are
        more labs than colours."""
        return f"lab-{self.places[lab]}" if lab in self.places else "other"


def colours() -> dict[str, tuple[str, str]]:
    """The light and the dark colour of every kind of arc."""
    labs = {f"lab-{place}": pair for place, pair in enumerate(zip(LIGHT, DARK, strict=True))}
    return {**ANNOTATED, **labs, **OTHERS}
