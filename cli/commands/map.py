"""`vecattr map`: an index in, a t-SNE picture of its plasmids and labs out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from vecattr.cli.options.completions import SOURCES
from vecattr.cli.options.compute import compute_options
from vecattr.cli.options.index import index_option
from vecattr.cli.options.output import check_output, chosen_format, refuse_inputs
from vecattr.cli.options.reading import load_plasmids, reading_options
from vecattr.cli.options.types import FILE, Amount, check_folder
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.escape import escape_control
from vecattr.cli.rendering.formats import Row, list_text
from vecattr.cli.rendering.output import write_file, write_results
from vecattr.cli.terminal import terminal

if TYPE_CHECKING:
    from vecattr.indexes.scoring.opened_index import OpenedIndex
    from vecattr.indexes.storage.stored_plasmids import StoredPlasmids
    from vecattr.plasmid import Plasmid
    from vecattr.plots.map_layout import MapLayout
    from vecattr.plots.tsne import TsneMap
    from vecattr.readers.plasmids import ReadOptions
    from vecattr.vectors import EmbeddingTable, Vectors

COLUMNS = ("kind", "id", "lab", "x", "y")
_SUFFIXES: dict[str, Literal["html", "png", "svg"]] = {
    ".html": "html",
    ".htm": "html",
    ".png": "png",
    ".svg": "svg",
}


def _picture(ctx: click.Context, param: click.Parameter, path: Path) -> Path:
    """The path; a usage error when its suffix is no picture format or its folder is missing."""
    if path.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(f"{path.name!r} ends in none of {', '.join(_SUFFIXES)}")
    check_folder(ctx, param, path)
    return path


@click.command("map")
@index_option
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="FILE",
    callback=_picture,
    help="The picture: .html (with names under the pointer), .png or .svg.",
)
@click.option(
    "--query",
    "queries",
    type=SOURCES,
    multiple=True,
    metavar="SEQUENCES",
    help="Place these sequences on the finished map; repeatable.",
)
@click.option(
    "--sequences",
    type=click.IntRange(min=1),
    metavar="N",
    help="Draw a random sample of N plasmids; default: all.",
)
@click.option(
    "--colors",
    type=click.IntRange(0, 20),
    default=20,
    show_default=True,
    metavar="N",
    help="How many of the largest labs get a colour of their own.",
)
@click.option(
    "--perplexity",
    type=Amount(min=2),
    default=40.0,
    show_default=True,
    help="The t-SNE perplexity: about how many neighbours of a point count.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the sample and of the map.",
)
@click.option(
    "--table",
    "table",
    type=FILE,
    metavar="FILE",
    callback=check_output,
    help="Also write the coordinates to this file (tsv, csv, json, jsonl by suffix).",
)
@reading_options
@compute_options
@verbosity_options
def command(
    index: Path,
    output: Path,
    queries: tuple[str, ...],
    sequences: int | None,
    colors: int,
    perplexity: float,
    seed: int,
    table: Path | None,
    read_options: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Draw plasmids and labs of an index on a map (t-SNE, cosine): similar ones lie together."""
    from vecattr.extras import require  # start-up
    from vecattr.indexes.scoring.opened_index import OpenedIndex  # start-up
    from vecattr.indexes.storage.stored_plasmids import stored_plasmids  # start-up

    refuse_inputs(output, table)
    form = _SUFFIXES[output.suffix.lower()]
    require("openTSNE", *(["matplotlib"] if form != "html" else []), what="a map")
    opened = OpenedIndex.open(index, device=device, threads=threads)
    stored = stored_plasmids(opened.segments)
    if sequences is not None:
        stored = stored.sample(sequences, seed=seed)
    read_options = replace(read_options, known_features=lambda: opened.feature_names)
    placed = _embedded_queries(opened, load_plasmids(queries, read_options) if queries else [])
    labs = opened.lab_table()
    sample = (sequences, perplexity, seed)
    layout = _layout(opened, stored, labs, placed, sample, colors=colors)
    with terminal().going_on():
        write_file(output, _picture_bytes(layout, form, title=f"{len(stored)} plasmids"))
    if table is not None:
        table_form = chosen_format(None, table)
        write_results(list_text(COLUMNS, _rows(layout), form=table_form, title="Map"), table)
    counts = f"{len(stored)} plasmids, {len(layout.labs)} labs, {len(layout.queries)} queries"
    terminal().say(f"{output}: {counts}")


def _embedded_queries(index: OpenedIndex, plasmids: Sequence[Plasmid]) -> EmbeddingTable:
    """The ids and vectors (q, d) of the queries, by sequence alone, as stored plasmids are."""
    import numpy as np  # start-up

    from vecattr.indexes.scoring.opened_index import BATCH  # start-up
    from vecattr.vectors import EmbeddingTable  # start-up

    parts = [np.empty((0, index.manifest.width), dtype=np.float32)]
    for start in range(0, len(plasmids), BATCH):
        parts.append(index.embed(plasmids[start : start + BATCH]).bare)
    return EmbeddingTable(tuple(plasmid.id for plasmid in plasmids), np.concatenate(parts))


def _layout(
    index: OpenedIndex,
    stored: StoredPlasmids,
    labs: EmbeddingTable,
    queries: EmbeddingTable,
    sample: tuple[int | None, float, int],
    *,
    colors: int,
) -> MapLayout:
    """Plasmids and labs on a map of their own, then the queries on that map, every name with its
    control characters escaped. The pool of rare labs is no lab and is left out."""
    import numpy as np  # start-up

    from vecattr.calibration.open_set import named_columns  # start-up
    from vecattr.plots.map_layout import MapLayout, NamedPoints  # start-up

    named = named_columns(labs.names)
    names = _escaped(tuple(compress(labs.names, named)))
    vectors = np.concatenate([stored.vectors, labs.vectors[named]])  # (n, d), (m, d) -> (n + m, d)
    plane = _plane(index, vectors, *sample)
    no_labs = ("",) * len(queries)
    return MapLayout(
        NamedPoints(_escaped(stored.ids), _escaped(stored.labs), plane.points[: len(stored)]),
        _escaped(stored.labels),
        NamedPoints(names, names, plane.points[len(stored) :]),
        NamedPoints(_escaped(queries.names), no_labs, plane.place(queries.vectors)),
        colours=colors,
    )


def _plane(
    index: OpenedIndex, vectors: Vectors, sequences: int | None, perplexity: float, seed: int
) -> TsneMap:
    """The map of some vectors, kept in the folder of the index where they were drawn before."""
    from vecattr.indexes.search.map_cache import keep_map, map_name, read_map  # start-up
    from vecattr.plots.tsne import EARLY, LATE, finished_map, fit_map, map_makers  # start-up

    name = map_name(
        index.identity,
        sequences=sequences,
        perplexity=perplexity,
        seed=seed,
        makers=map_makers(),
    )
    points = read_map(index.root, name, points=len(vectors))
    if points is not None:
        return finished_map(points, vectors, seed=seed)
    terminal().say(f"map of {len(vectors)} plasmids and labs: finding neighbours ...")
    with terminal().progress("map", total=EARLY + LATE, unit=" steps") as advance:
        plane = fit_map(vectors, perplexity=perplexity, seed=seed, progress=advance)
    keep_map(index.path, name, plane.points)
    return plane


def _escaped(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(escape_control, names))


def _picture_bytes(layout: MapLayout, form: Literal["html", "png", "svg"], *, title: str) -> bytes:
    if form == "html":
        from vecattr.plots.map_page import map_page  # start-up

        return map_page(layout, title=title).encode("utf-8")
    from vecattr.plots.pictures import draw_map  # extra

    return draw_map(layout, form=form, title=title)


def _rows(layout: MapLayout) -> Iterator[Row]:
    """Lines of the table of coordinates; the lab of a lab is itself."""
    for kind, places in (
        ("plasmid", layout.plasmids),
        ("lab", layout.labs),
        ("query", layout.queries),
    ):
        for name, lab, (x, y) in zip(places.ids, places.labs, places.points.tolist(), strict=True):
            yield kind, name, lab or None, x, y
