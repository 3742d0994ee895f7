"""Colours of labs: apart for everybody, and visible on the page."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from numpy.typing import NDArray

from vecattr.reports.assets import style
from vecattr.reports.palette import DARK, LIGHT, Palette

#: Machado, Oliveira and Fernandes 2009, severity 1: who sees red, green or blue not at all.
SIGHTS = {
    "all": np.eye(3),
    "no red": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no blue": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour: str) -> NDArray[np.float64]:
    values = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1."""
    lights = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def oklab(colour: str, sight: str) -> NDArray[np.float64]:
    """Ottosson 2020; distances are about alike to the eye."""
    seen = np.clip(SIGHTS[sight] @ linear(colour), 0, 1)
    return np.asarray(_OKLAB @ np.cbrt(_LMS @ seen))


def page_colour(name: str, theme: int) -> str:
    return re.findall(rf"--{name}:(#[0-9a-f]+)", style())[theme].replace("#fff", "#ffffff")


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_colours_differ_for_every_kind_of_sight(colours: tuple[str, ...], sight: str) -> None:
    seen = [oklab(colour, sight) for colour in colours]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.1


@pytest.mark.parametrize(("theme", "colours"), [(0, LIGHT), (1, DARK)])
def test_colours_stand_out_from_the_page(theme: int, colours: tuple[str, ...]) -> None:
    page = page_colour("page", theme)[:7].ljust(7, "f")
    assert min(contrast(colour, page) for colour in colours) >= 3
    for name in ("ink", "soft", "link", "good", "doubt"):
        for background in (page, page_colour("tint", theme)):
            assert contrast(page_colour(name, theme), background) >= 4.5


def test_a_lab_has_one_colour_and_labs_beyond_the_palette_share_one() -> None:
    names = [f"Lab {number}" for number in range(9)]
    palette = Palette.from_labs(names[:2], names)
    assert [palette.kind(name) for name in names] == [f"lab-{n}" for n in range(7)] + ["other"] * 2
