"""An index in; a picture of its labs' vectors, with no name in it, out: their map (t-SNE), coloured
by the groups at the elbow of K-means, and the curve of the elbow beside it.

    python tools/lab_groups.py INDEX -o groups.png
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click

from vecattr.cli.main import run
from vecattr.files.atomic import atomic_write
from vecattr.indexes.index import Index
from vecattr.plasmid import POOLED
from vecattr.plots.clusters import Elbow, fit_clusterings
from vecattr.plots.pictures import elbow_curve
from vecattr.plots.tsne import Points, fit_map
from vecattr.vectors import Vectors


def lab_vectors(index: Path) -> Vectors:
    """The vectors of named labs, (l, d)."""
    table = Index.open(index).lab_table()
    return table.vectors[[name != POOLED for name in table.names]]


def picture(points: Points, elbow: Elbow, path: Path) -> None:
    """Draw the map (l, 2) of labs by group, and the curve of the elbow, to a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    groups = elbow.chosen.group
    left.scatter(*points.T, c=groups, cmap="tab20", s=9, vmin=1, vmax=20)
    left.set_aspect("equal")
    left.set_xticks([])
    left.set_yticks([])
    left.set_title(f"{len(groups):,} labs in {elbow.knee} groups", fontsize=11)
    elbow_curve(right, elbow)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=90)
    atomic_write(path, data.getvalue())


@click.command()
@click.argument("index", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--most", type=click.IntRange(min=3), default=30, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(index: Path, output: Path, most: int, seed: int) -> None:
    """Draw the labs of INDEX by group."""
    vectors = lab_vectors(index)
    elbow = fit_clusterings(vectors, numbers=range(2, most + 1), seed=seed)
    picture(fit_map(vectors, seed=seed).points, elbow, output)
    sizes = ", ".join(map(str, elbow.chosen.sizes))
    click.echo(f"{elbow.knee} groups, of {sizes}; they explain {elbow.explained:.1%}")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="lab_groups.py"))
