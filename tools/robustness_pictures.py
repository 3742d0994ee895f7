"""The series that `bench_robustness.py` measured in; a PNG of each and one of all out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

#: The points of a series in order, each with its name and its shares.
Lines = list[dict[str, Any]]
#: By split, then by series (`years`: by index); or the other way round.
AllSeries = dict[str, dict[str, Lines]]


def by_series(measured: AllSeries) -> AllSeries:
    """Name of a series -> split or index -> lines."""
    splits = {split: series for split, series in measured.items() if split != "years"}
    names = {name: None for series in splits.values() for name in series}
    swapped = {name: {split: series[name] for split, series in splits.items()} for name in names}
    return {**swapped, "years": measured["years"]} if "years" in measured else swapped


def draw(axes: Any, name: str, sides: dict[str, Lines]) -> None:
    """Shares with their standard errors, one line per split, dashed for the first place."""
    points = list({line["point"]: None for lines in sides.values() for line in lines})
    points = [point for point in points if "every row" not in point]
    for color, (side, lines) in zip(("#4363d8", "#e6194b"), sides.items(), strict=True):
        for top, style in (("top10", "-"), ("top1", "--")):
            shown = [line for line in lines if line["point"] in points and top in line]
            axes.errorbar(
                [points.index(line["point"]) for line in shown],
                [100 * line[top] for line in shown],
                yerr=[100 * line[f"{top}_se"] for line in shown],
                color=color,
                linestyle="none" if name in ("spelling", "chimeras") else style,
                marker="o" if top == "top10" else "v",
                markersize=4,
                linewidth=1.2,
                label=f"{side}, {'top-10' if top == 'top10' else 'top-1'}",
            )
    axes.set_xticks(range(len(points)), points, rotation=25, ha="right", fontsize=8)
    axes.set_ylim(0, 103)  # so that a mark at 100 is not cut
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_title(name, fontsize=10)


def pictures(measured: AllSeries, folder: Path) -> None:
    """A PNG of each series and `all.png` in the folder."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    everything = by_series(measured)
    sheets: dict[str, AllSeries] = {
        name.replace(", ", "-").replace(" ", "-"): {name: sides}
        for name, sides in everything.items()
    }
    for file, drawn in {**sheets, "all": everything}.items():
        columns = min(4, len(drawn))
        rows = math.ceil(len(drawn) / columns)
        figure = Figure(figsize=(4.2 * columns, 3.4 * rows), facecolor="white")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, (name, sides) in zip(grid, drawn.items(), strict=False):
            draw(axes, name, sides)
            if name in ("years", next(iter(drawn))):
                axes.legend(frameon=False, fontsize=7)
        for axes in grid[len(drawn) :]:
            axes.set_visible(False)
        grid[0].set_ylabel("share of queries, %")
        figure.tight_layout()
        figure.savefig(folder / f"{file}.png", dpi=90, metadata={"Software": None})
