"""A made answer with a file's annotations, stretches over the origin and neighbors."""

from __future__ import annotations

import pytest

from vecattr.attribution import (
    Attribution,
    Hit,
    Neighbor,
    Provenance,
    Source,
    Stretch,
    Stretches,
)
from vecattr.plasmid import Annotation


def stretch(start: int, end: int, *, length: int = 5000, common: bool = False) -> Stretch:
    sources = () if common else (Source("p1", "Lab 1", 1.0, 1), Source("p2", "Lab 1", 0.5, -1))
    bases = (end - start) % length + 1
    labs = (40, 60) if common else (1, 3)
    return Stretch("common" if common else "support", start, end, bases, *labs, 20, sources)


@pytest.fixture
def answer() -> Attribution:
    support = (stretch(1200, 2400), stretch(4800, 300))
    return Attribution(
        query="q1",
        length=5000,
        topology="circular",
        labs=(Hit("Lab 1", 0.9, 0.9, 0.93), Hit("Lab 2", 0.2, 0.3, 0.02)),
        verdict="known",
        confidence=0.97,
        threshold=0.5,
        neighbors=(Neighbor("p1", "Lab 1", "Lab 1", 0.95, 4000, "linear"),),
        notes=("a note",),
        provenance=Provenance("0.1.0", "ab12", "cd34"),
        evidence=Stretches("Lab 1", 20, support, (stretch(3000, 3500, common=True),), 2),
        source="q1.gb",
        outside=0.03,
        strength="strong",
        right_share=0.987,
        annotations=(
            Annotation("source", "", 1, 5000),
            Annotation("CDS", "AmpR", 1000, 1860, -1),
            Annotation("rep_origin", "ori", 4900, 200),
        ),
    )
