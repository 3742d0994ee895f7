"""Static pictures: sound XML, the stretches of the answer, no names upon each other."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.attribution import Attribution
from vecattr.plasmid import Annotation
from vecattr.reports.labels import Label, spread, thinned
from vecattr.reports.marks import ticks
from vecattr.reports.rings import Arc, Rings, covered
from vecattr.reports.svg import picture, svg_of

SVG = "{http://www.w3.org/2000/svg}"


def titles(markup: str) -> list[str]:
    root = ElementTree.fromstring(markup)
    return [path.findtext(f"{SVG}title") or "" for path in root.iter(f"{SVG}path")]


@pytest.mark.parametrize("topology", ["circular", "linear"])
def test_the_picture_holds_every_stretch_of_the_answer(answer: Attribution, topology: str) -> None:
    shown = replace(answer, topology=topology)
    if topology == "linear":
        assert answer.evidence is not None
        support = tuple(one for one in answer.evidence.support if one.start < one.end)
        shown = replace(shown, evidence=replace(answer.evidence, support=support), annotations=())
    told = "\n".join(titles(svg_of([shown])))
    assert shown.evidence is not None
    for stretch in (*shown.evidence.support, *shown.evidence.common):
        assert f"bases {stretch.start:,} to {stretch.end:,} ({stretch.bases:,})" in told


def test_markup_in_a_name_is_text(answer: Attribution) -> None:
    name = "<b>&\"'</b>"
    markup = svg_of([replace(answer, query=name, annotations=(Annotation("CDS", name, 1, 900),))])
    texts = [element.text for element in ElementTree.fromstring(markup).iter(f"{SVG}text")]
    assert name in texts


def test_a_picture_without_evidence_or_answers_is_sound(answer: Attribution) -> None:
    for answers in ([], [replace(answer, evidence=None, annotations=())]):
        ElementTree.fromstring(svg_of(answers))


@given(
    st.integers(1, 3000),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([-1, 0, 1]))),
)
def test_any_rings_are_drawn(
    length: int, is_circular: bool, places: list[tuple[int, int, int]]
) -> None:
    arcs = tuple(
        Arc(min(a, length), min(b, length), "n", "lab-0", ("n",), strand)
        for a, b, strand in places
        if is_circular or min(a, length) <= min(b, length)
    )
    markup = picture(Rings(length, is_circular, arcs, arcs, arcs))
    ElementTree.fromstring(markup)
    assert "nan" not in markup
    count = len(re.findall('class="arc', markup))
    assert count == 3 * len(arcs)


@given(st.lists(st.floats(0, 500), max_size=20).map(sorted))
def test_names_keep_their_distance_and_stay_within_the_picture(places: list[float]) -> None:
    moved = spread(places, low=0, high=500, gap=15)
    assert all(b - a >= 15 - 1e-6 for a, b in pairwise(moved))
    assert all(-1e-6 <= place <= 500 + 1e-6 for place in moved)


@given(st.lists(st.integers(0, 100), max_size=60))
def test_the_heaviest_names_have_room(weights: list[int]) -> None:
    labels = [Label(str(n), n, weight, "", 0) for n, weight in enumerate(weights)]
    kept = thinned(labels, low=0, high=100, gap=10)
    assert len(kept) == min(11, len(labels))
    left_out = sorted(weights, reverse=True)[11:]
    assert not left_out or min(label.weight for label in kept) >= max(left_out)


@given(st.integers(1, 500_000))
def test_a_ruler_has_round_ticks_and_not_too_many(length: int) -> None:
    places = list(ticks(length))
    assert len(places) <= 10
    assert all(0 < place <= length for place in places)


@given(st.integers(1, 200), st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200))))
def test_covered_counts_every_base_once(length: int, places: list[tuple[int, int]]) -> None:
    stretches = [(min(a, length), min(b, length)) for a, b in places]
    bases = {
        (start - 1 + step) % length
        for start, end in stretches
        for step in range((end - start) % length + 1)
    }
    assert covered(stretches, length) == len(bases)


def test_a_whole_circle_is_a_ring() -> None:
    rings = Rings(100, True, (), (Arc(1, 100, "n", "lab-0", ("n",)),), ())
    [path] = re.findall(r'class="arc lab-0" d="([^"]*)"', picture(rings))
    assert path.count("A") == 4
    assert math.isclose(float(path.split()[0][1:]), 360)
