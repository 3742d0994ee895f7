"""Pictures of maps and elbows: layouts and curves in, PNG or SVG out, byte-identical if repeated.

This is the only module that imports matplotlib, and it does not change matplotlib's global state.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vecattr.extras import require
from vecattr.plots.clusters import Elbow
from vecattr.plots.map_layout import GREY, PALE, QUERY, Box, MapLayout, boxes_without_overlap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

PictureFormat = Literal["png", "svg"]

#: The marks of labs by shape: a diamond, a square, a triangle.
_MARKERS = ("D", "s", "^")
#: Letters of a name that a picture shows.
LONGEST = 28
#: Pixels that stay free around a printed name.
_MARGIN = 1.5
#: The largest number of names that are tried, largest labs first; there is no room for more.
_MOST_NAMES = 2000


def shortened(name: str) -> str:
    """A name of at most LONGEST letters.

    >>> shortened("A" * 40)
    'AAAAAAAAAAAAAAAAAAAAAAAAAAA…'
    """
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def draw_map(layout: MapLayout, *, form: PictureFormat, title: str) -> bytes:
    """A map: plasmids as dots, labs as diamonds, queries as stars, names where there is room.

    UsageError without the extra `viz`.
    """
    with _figure(width=15.0, height=13.0) as (figure, axes):
        _dots(axes, layout)
        _labs(axes, layout)
        _queries(axes, layout)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(title, parse_math=False)
        _legend(axes, layout)
        figure.tight_layout()
        _names(figure, axes, layout)
        return _saved(figure, form, dots=160)


def draw_elbow(elbow: Elbow, *, form: PictureFormat, title: str) -> bytes:
    """Inertia against the number of groups, as `elbow_curve`.

    UsageError without the extra `viz`.
    """
    _load_matplotlib()
    with _figure(width=7.0, height=4.5) as (figure, axes):
        elbow_curve(axes, elbow)
        axes.set_title(title, parse_math=False)
        figure.tight_layout()
        return _saved(figure, form, dots=120)


def elbow_curve(axes: Axes, elbow: Elbow) -> None:
    """Draw inertia against the number of groups, the chord, and the knee farthest below it."""
    from matplotlib.ticker import MaxNLocator  # extra

    numbers, inertias = zip(*elbow.curve, strict=True)
    ends = [0, -1]
    axes.plot(
        [numbers[end] for end in ends],
        [inertias[end] for end in ends],
        color=GREY,
        linestyle="--",
        label="chord",
    )
    axes.plot(numbers, inertias, color="#4363d8", marker="o", markersize=4, label="K-means")
    axes.axvline(elbow.knee, color="#e6194b", linewidth=1)
    axes.plot(
        [elbow.knee],
        [elbow.chosen.inertia],
        color="#e6194b",
        marker="o",
        markersize=9,
        linestyle="none",
        label=f"elbow: {elbow.knee} groups ({elbow.explained:.0%} explained)",
    )
    axes.set_xlabel("number of groups")
    axes.set_ylabel("sum of squared distances to the centres")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)


def _load_matplotlib() -> None:
    """Import matplotlib from another folder than the working one, whose `matplotlibrc` it reads and
    obeys: a stranger's could run TeX."""
    require("matplotlib")
    if "matplotlib" in sys.modules or not hasattr(os, "fchdir"):
        return
    working_folder = os.open(".", os.O_RDONLY)
    try:
        os.chdir(Path(__file__).parent)
        import_module("matplotlib")
    finally:
        os.fchdir(working_folder)
        os.close(working_folder)


@contextmanager
def _figure(*, width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A white figure of this size in inches, outside of pyplot's state."""
    _load_matplotlib()
    from matplotlib import rc_context, rcdefaults, rcParams  # extra
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # extra
    from matplotlib.figure import Figure  # extra

    with rc_context(), warnings.catch_warnings():
        rcdefaults()  # whatever settings the working folder or the user has: the same bytes
        rcParams.update({"svg.hashsalt": "vecattr", "font.size": 10})
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots()


def _dots(axes: Axes, layout: MapLayout) -> None:
    """Plasmids: pale dots first, then grey, then coloured on top; many dots are rasterised in an
    SVG."""
    colours = layout.colours_of(layout.classes)
    size = 3.0 if len(layout.plasmids) > 5000 else 8.0
    layers = [colour if colour in (PALE, GREY) else "coloured" for colour in colours]
    for layer in (PALE, GREY, "coloured"):
        rows = [row for row, row_layer in enumerate(layers) if row_layer == layer]
        axes.scatter(
            layout.plasmids.points[rows, 0],
            layout.plasmids.points[rows, 1],
            s=size,
            c=[colours[row] for row in rows],
            alpha=0.7 if layer == "coloured" else 0.5,
            linewidths=0,
            rasterized=len(rows) > 2000,
        )


def _labs(axes: Axes, layout: MapLayout) -> None:
    shapes = layout.shapes_of(layout.labs.labs)
    for shape, marker in enumerate(_MARKERS):
        rows = [row for row, row_shape in enumerate(shapes) if row_shape == shape]
        labs = [layout.labs.labs[row] for row in rows]
        axes.scatter(
            layout.labs.points[rows, 0],
            layout.labs.points[rows, 1],
            s=[36 if lab in layout.legend else 9 for lab in labs],
            c=layout.colours_of(labs),
            marker=marker,
            edgecolors="#333333",
            linewidths=[0.9 if lab in layout.legend else 0.35 for lab in labs],
            zorder=3,
        )


def _queries(axes: Axes, layout: MapLayout) -> None:
    axes.scatter(
        layout.queries.points[:, 0],
        layout.queries.points[:, 1],
        s=170,
        c=QUERY,
        marker="*",
        edgecolors="white",
        zorder=5,
    )


def _legend(axes: Axes, layout: MapLayout) -> None:
    """The legend; names are set afterwards, since matplotlib hides labels that begin with `_`."""
    from matplotlib.lines import Line2D  # extra

    markers = [_MARKERS[shape] for shape in layout.shapes_of(list(layout.legend))]
    entries = [
        (shortened(name), colour, marker)
        for (name, colour), marker in zip(layout.legend.items(), markers, strict=True)
    ]
    entries.append(("other labs", GREY, "D"))
    if layout.has_pool:
        entries.append(("pool of rare labs", PALE, "o"))
    if len(layout.queries):
        entries.append(("queries", QUERY, "*"))
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label="x")
        for _, colour, marker in entries
    ]
    legend = axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=10
    )
    for text, (name, _, _) in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(name)


def _names(figure: Figure, axes: Axes, layout: MapLayout) -> None:
    """Names of queries first, then of labs by size; a name that would overlap an earlier one is
    left out."""
    from matplotlib.patheffects import withStroke  # extra

    halo = [withStroke(linewidth=2.2, foreground="white")]
    texts: list[Text] = []
    for named, weight in ((layout.queries, "bold"), (layout.names, "normal")):
        for name, (x, y) in zip(named.ids[:_MOST_NAMES], named.points[:_MOST_NAMES], strict=True):
            big = name in layout.legend or named is layout.queries
            texts.append(
                axes.annotate(
                    shortened(name),
                    (x, y),
                    xytext=(0, 7 if big else 2.5),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=9.5 if big else 6.5,
                    fontweight="bold" if big else weight,
                    color="#111111" if big else "#444444",
                    path_effects=halo,
                    parse_math=False,
                    zorder=6 if big else 4,
                )
            )
    figure.draw_without_rendering()
    kept = set(boxes_without_overlap([_box(text) for text in texts]))
    for number, text in enumerate(texts):
        if number not in kept:
            text.remove()


def _box(text: Text) -> Box:
    """The box of a text in pixels, with a margin."""
    extent = text.get_window_extent()
    return extent.x0 - _MARGIN, extent.y0 - _MARGIN, extent.x1 + _MARGIN, extent.y1 + _MARGIN


def _saved(figure: Figure, form: PictureFormat, *, dots: int) -> bytes:
    content = io.BytesIO()
    metadata: dict[str, str | None] = {"Date": None} if form == "svg" else {"Software": None}
    figure.savefig(content, format=form, dpi=dots, metadata=metadata)
    return content.getvalue()
