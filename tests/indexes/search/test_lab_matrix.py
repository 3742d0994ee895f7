"""Claims about the matrix of class vectors: classes that have one part, which are not looked at one
by one, have the vectors that joining parts gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vecattr.errors import DamagedError
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.indexes.search.lab_matrix import LabMatrix
from vecattr.indexes.storage.lab_parts import effective_labs
from vecattr.indexes.storage.live_segment import LiveSegment, discriminant_of
from vecattr.indexes.storage.segment import SEGMENT_FORMAT, SEGMENT_VERSION, Segment


@pytest.mark.parametrize(
    "labs",
    [
        (["Ash", "Birch"], ["Cedar"]),
        (["Ash", "Birch"], ["Birch", "Cedar"]),
        (["Birch", "Cedar"], ["Cedar", "Birch"]),
        (["Cedar"], []),
    ],
)
@pytest.mark.parametrize("options", [{}, {"removed": ["Birch"]}, {"renamed": {"Birch": "Zelkova"}}])
@pytest.mark.parametrize("pooled", [[], ["Cedar", "Ash"]])
def test_classes_are_those_of_joined_parts(
    workshop: Any, labs: tuple[list[str], list[str]], options: dict[str, Any], pooled: list[str]
) -> None:
    segments = [
        workshop.segment(workshop.plasmids(names, seed=seed), pooled=pooled, **options)
        for seed, names in enumerate(labs)
        if names
    ]
    width = workshop.embedder.width
    found = LabMatrix.from_segments(segments, width=width)
    parts = [part for segment in segments for part in segment.parts]
    effective = effective_labs(parts, discriminant_of(segments))
    expected = LabMatrix.from_parts(effective, width=width)
    assert found.names == expected.names
    assert np.array_equal(found.vectors, expected.vectors)
    assert np.array_equal(found.learned, expected.learned)


def test_an_origin_that_is_none_is_told(workshop: Any) -> None:
    live = workshop.segment(workshop.plasmids(["Ash", "Birch"]))
    file = live.stored._file
    assert isinstance(file, ArrayFile)
    arrays = {name: file.array(name) for name in file.names}
    arrays["labs/origin"] = np.array([1, 7], dtype=np.uint8)
    data = write_arrays(arrays, file.attributes)
    assert ArrayFile(data, format=SEGMENT_FORMAT, version=SEGMENT_VERSION, oldest=1)
    with pytest.raises(DamagedError, match="7 stands for none"):
        LabMatrix.from_segments([LiveSegment(live.entry, Segment(data))], width=24)
