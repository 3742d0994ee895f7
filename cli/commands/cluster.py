"""`vecattr cluster`: an index in, groups of its labs or plasmids out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from vecattr.cli.options.index import index_option
from vecattr.cli.options.output import chosen_format, output_options, refuse_inputs
from vecattr.cli.options.types import FILE, check_folder
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.format_names import Format
from vecattr.cli.rendering.formats import Row, list_text
from vecattr.cli.rendering.output import write_file, write_results
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from vecattr.plots.clusters import Clustering, Elbow
    from vecattr.plots.pictures import PictureFormat
    from vecattr.vectors import Vectors

What = Literal["labs", "sequences"]

COLUMNS: dict[What, tuple[str, ...]] = {
    "labs": ("name", "group", "similarity"),
    "sequences": ("name", "group", "similarity", "lab"),
}
_PICTURES: dict[str, PictureFormat] = {".png": "png", ".svg": "svg"}


def _group_numbers(ctx: click.Context, param: click.Parameter, text: str) -> range:
    """`2-30` or `9` as a range of numbers of groups; a usage error for anything else."""
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise click.BadParameter(f"{text!r} is neither a number nor a range like 2-30")
    numbers = range(int(first), int(last or first) + 1)
    if not numbers or numbers[0] < 1:
        raise click.BadParameter(f"{text!r} is no ascending range of 1 or more")
    return numbers


def _picture(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """The path; a usage error when its suffix is no picture format or its folder is missing."""
    if path is not None and path.suffix.lower() not in _PICTURES:
        raise click.BadParameter(f"{path.name!r} ends in none of {', '.join(_PICTURES)}")
    return check_folder(ctx, param, path)


@click.command("cluster")
@index_option
@click.option(
    "--what",
    type=click.Choice(["labs", "sequences"]),
    default="labs",
    show_default=True,
    help="Group the vectors of labs or of plasmids.",
)
@click.option(
    "--k",
    "numbers",
    default="2-30",
    show_default=True,
    metavar="K|FROM-TO",
    callback=_group_numbers,
    help="Numbers of groups to try; the elbow of the curve chooses one. A single number is used "
    "as it is.",
)
@click.option(
    "--picture",
    type=FILE,
    metavar="FILE",
    callback=_picture,
    help="Also draw the curve and its elbow to this file (.png or .svg).",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the starts of K-means.",
)
@output_options
@verbosity_options
def command(
    index: Path,
    what: What,
    numbers: range,
    picture: Path | None,
    seed: int,
    form: Format | None,
    output: Path | None,
) -> None:
    """Group labs or plasmids by similarity (K-means of their vectors).

    Groups are numbered from 1, the largest first; similarity is the cosine to the group's centre.
    """
    from vecattr.extras import require  # start-up
    from vecattr.plots.clusters import fit_clusterings  # extra

    refuse_inputs(picture)
    if picture is not None and len(numbers) < 3:
        raise UsageError("an elbow needs three numbers of groups", hint="give --k 2-30")
    require("sklearn", *(["matplotlib"] if picture else []), what="finding groups")
    names, labs, vectors = _named_vectors(index, what)
    terminal().say(f"K-means of {len(names)} {what}, {numbers[0]} to {numbers[-1]} groups ...")
    with terminal().progress("cluster", total=len(numbers), unit=" numbers") as advance:
        elbow = fit_clusterings(
            vectors,
            numbers=numbers,
            seed=seed,
            in_batches=what == "sequences",
            progress=advance,
        )
    rows = _rows(names, labs, elbow.chosen)
    form = chosen_format(form, output)
    pieces = list_text(COLUMNS[what], rows, form=form, title=f"Groups of {what}")
    write_results(pieces, output, form=form)
    if picture is not None:
        _draw(elbow, picture, title=f"Groups of {len(names)} {what}")
    sizes = ", ".join(map(str, elbow.chosen.sizes))
    terminal().say(
        f"{elbow.knee} groups of {what}, of {sizes}; "
        f"they explain {elbow.explained:.1%} of the sum of squared distances"
    )


def _named_vectors(
    index: Path, what: What
) -> tuple[tuple[str, ...], tuple[str, ...] | None, Vectors]:
    """Names, the labs of plasmids (None for labs) and vectors (n, d); the pool of rare labs is no
    lab and is left out."""
    from vecattr.calibration.open_set import named_columns  # start-up
    from vecattr.indexes.scoring.opened_index import OpenedIndex  # start-up
    from vecattr.indexes.storage.stored_plasmids import stored_plasmids  # start-up

    opened = OpenedIndex.open(index)
    if what == "sequences":
        stored = stored_plasmids(opened.segments)
        return stored.ids, stored.labs, stored.vectors
    table = opened.lab_table()
    named = named_columns(table.names)
    return tuple(compress(table.names, named)), None, table.vectors[named]


def _rows(
    names: tuple[str, ...], labs: tuple[str, ...] | None, groups: Clustering
) -> Iterator[Row]:
    """Lines by group, the most typical first, ties by name."""
    columns = (names, groups.group.tolist(), groups.similarity.tolist(), labs or [""] * len(names))
    lines = zip(*columns, strict=True)
    for name, group, similarity, lab in sorted(
        lines, key=lambda line: (line[1], -round(line[2], 6), line[0])
    ):
        yield (name, group, similarity, lab) if labs else (name, group, similarity)


def _draw(elbow: Elbow, path: Path, *, title: str) -> None:
    from vecattr.plots.pictures import draw_elbow  # extra

    with terminal().going_on():
        write_file(path, draw_elbow(elbow, form=_PICTURES[path.suffix.lower()], title=title))
