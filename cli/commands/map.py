"""`vecattr map`: an index in, a picture of its plasmids and labs out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from vecattr.cli.options.shared import (
    Amount,
    compute_options,
    index_option,
    plasmids_of,
    reading,
    talk_options,
)
from vecattr.cli.rendering.escape import escape_control
from vecattr.cli.rendering.formats import Row, list_text
from vecattr.cli.rendering.output import check_folder, chosen_format, write_file, write_results
from vecattr.cli.terminal import terminal

if TYPE_CHECKING:
    from vecattr.indexes.index import Index
    from vecattr.indexes.storage.stored_plasmids import StoredPlasmids
    from vecattr.plots.map_layout import MapLayout
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
    """The path; a usage error when its suffix is no picture's or its folder is not there."""
    if path.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(f"{path.name!r} ends in none of {', '.join(_SUFFIXES)}")
    check_folder(ctx, param, path)
    return path


@click.command("map")
@index_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    callback=_picture,
    help="The picture: .html (with names under the pointer), .png or .svg.",
)
@click.option(
    "--query",
    "queries",
    multiple=True,
    metavar="SEQUENCES",
    help="Place these sequences on the finished map; repeatable.",
)
@click.option(
    "--sequences",
    type=click.IntRange(min=1),
    metavar="N",
    help="Draw so many plasmids by chance; default: all.",
)
@click.option(
    "--colors",
    type=click.IntRange(0, 20),
    default=20,
    show_default=True,
    metavar="N",
    help="How many labs, the largest ones, have a colour of their own.",
)
@click.option(
    "--perplexity",
    type=Amount(min=2),
    default=40.0,
    show_default=True,
    help="How many neighbours a point is drawn to.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Of the sample and of the map.",
)
@click.option(
    "--table",
    "table",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    callback=check_folder,
    help="Write the coordinates here (tsv, csv, json, jsonl by suffix).",
)
@reading
@compute_options
@talk_options
def command(
    index: Path,
    output: Path,
    queries: tuple[str, ...],
    sequences: int | None,
    colors: int,
    perplexity: float,
    seed: int,
    table: Path | None,
    reads: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Draw plasmids and labs of an index on a map: what lies together is alike (t-SNE, cosine)."""
    from vecattr.plots.extras import need

    form = _SUFFIXES[output.suffix.lower()]
    need("openTSNE", *(["matplotlib"] if form != "html" else []), extra="viz")
    from vecattr.indexes.index import Index
    from vecattr.indexes.storage.stored_plasmids import stored_plasmids

    opened = Index.open(index, device=device, threads=threads)
    stored = stored_plasmids(opened.segments)
    if sequences is not None:
        stored = stored.sample(sequences, seed=seed)
    ids, asked = _embedded(opened, queries, reads)
    labs = opened.lab_table()
    atlas = _mapped(stored, labs, ids, asked, perplexity=perplexity, seed=seed, colors=colors)
    write_file(output, _picture_bytes(atlas, form, title=f"{len(stored)} plasmids"))
    if table is not None:
        form_of_table = chosen_format(None, table)
        write_results(list_text(COLUMNS, _rows(atlas), form=form_of_table, title="Map"), table)
    terminal().say(f"{output}: {len(stored)} plasmids, {len(atlas.labs)} labs, {len(ids)} queries")


def _embedded(
    index: Index, queries: tuple[str, ...], reads: ReadOptions
) -> tuple[tuple[str, ...], Vectors]:
    """The ids and vectors (q, d) of the queries, by sequence alone, as stored plasmids are."""
    import numpy as np

    from vecattr.cli.rendering.vectors import BATCH

    plasmids = plasmids_of(queries, reads) if queries else []
    parts = [np.empty((0, index.manifest.width), dtype=np.float32)]
    for start in range(0, len(plasmids), BATCH):
        parts.append(index.embed(plasmids[start : start + BATCH]).bare)
    return _shown(tuple(plasmid.id for plasmid in plasmids)), np.concatenate(parts)


def _mapped(
    stored: StoredPlasmids,
    labs: EmbeddingTable,
    ids: tuple[str, ...],
    asked: Vectors,
    *,
    perplexity: float,
    seed: int,
    colors: int,
) -> MapLayout:
    """Plasmids and labs on a map of their own, then the queries on that map; names made fit to be
    shown. The pool of rare labs is no lab, and gets no mark."""
    import numpy as np

    from vecattr.calibration.open_set import named_columns
    from vecattr.plots.map_layout import MapLayout, Places
    from vecattr.plots.tsne import EARLY, LATE, fit_map

    named = named_columns(labs.names)
    names = _shown(tuple(compress(labs.names, named)))
    vectors = np.concatenate([stored.vectors, labs.vectors[named]])  # (n, d), (m, d) -> (n + m, d)
    terminal().say(f"map of {len(stored)} plasmids and {len(names)} labs: seeking neighbours ...")
    with terminal().progress("map", total=EARLY + LATE, unit=" steps") as advance:
        plane = fit_map(vectors, perplexity=perplexity, seed=seed, progress=advance)
    truly, classes = map(_shown, (stored.labs, stored.labels))
    nowhere = ("",) * len(ids)
    return MapLayout(
        Places(_shown(stored.ids), truly, plane.points[: len(stored)]),
        classes,
        Places(names, names, plane.points[len(stored) :]),
        Places(ids, nowhere, plane.place(asked)),
        colours=colors,
    )


def _shown(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(escape_control, names))


def _picture_bytes(atlas: MapLayout, form: Literal["html", "png", "svg"], *, title: str) -> bytes:
    if form == "html":
        from vecattr.plots.map_page import map_page

        return map_page(atlas, title=title).encode("utf-8")
    from vecattr.plots.pictures import draw_map

    return draw_map(atlas, form=form, title=title)


def _rows(atlas: MapLayout) -> Iterator[Row]:
    """Lines of the table of coordinates; the lab of a lab is itself."""
    for kind, places in (
        ("plasmid", atlas.plasmids),
        ("lab", atlas.labs),
        ("query", atlas.queries),
    ):
        for name, lab, (x, y) in zip(places.ids, places.labs, places.points.tolist(), strict=True):
            yield kind, name, lab or None, x, y
