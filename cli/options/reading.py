"""How sequence files are read: click options in, read options and plasmids out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.options.completions import SOURCES, lab_names
from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.cli.options.types import Amount, conditions
from vecattr.cli.terminal import ON_BAD_RECORD, terminal
from vecattr.errors import InputError

if TYPE_CHECKING:
    from vecattr.datasets.plasmid_file import PlasmidFile
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions
    from vecattr.readers.records import BadRecord

#: How to tell the lab of sequences whose files do not.
_LAB_OPTIONS = together(
    click.option(
        "--lab",
        metavar="NAME",
        shell_complete=lab_names,
        help="The lab of all these sequences, unless the files say it.",
    ),
    click.option(
        "--labs-file",
        "lab_file",
        type=SOURCES,
        metavar="FILE",
        help="Table of two columns: the id or file name of a sequence, and its lab.",
    ),
)


def _set_on_bad_record(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    terminal().on_bad_record = value


#: What becomes of bad records; a field of the terminal, and no argument of the command.
on_bad_record_option = click.option(
    "--on-bad-record",
    type=click.Choice(ON_BAD_RECORD),
    expose_value=False,
    callback=_set_on_bad_record,
    show_default="tell it, use the others, end with exit code 3",
    help="fail: stop at the first bad record (exit code 3). skip: leave bad records out. report: "
    "give them rows of their own in the results. Both end with exit code 0.",
)

#: More than any disk holds.
MOST_BYTES = 1 << 62

_OPTIONS = together(
    click.option(
        "--where",
        multiple=True,
        callback=conditions,
        metavar="COLUMN=VALUE",
        help="Use only table rows that have this value; repeatable.",
    ),
    click.option(
        "--labels",
        type=SOURCES,
        metavar="FILE",
        help="Table of the labs, for a table that lacks them.",
    ),
    click.option(
        "--features", type=SOURCES, metavar="FILE", help="Table of 0/1 features by sequence_id."
    ),
    click.option(
        "--topology",
        type=click.Choice(["auto", "circular", "linear"]),
        default="auto",
        show_default=True,
        help="auto: what the file says, else circular.",
    ),
    click.option(
        "--group-by",
        metavar="COLUMN",
        help="Column that says which plasmids belong together, where that is not the publication.",
    ),
    click.option(
        "--id-column",
        metavar="COLUMN",
        help="Column of the ids, where it is not called sequence_id, id, name or the like.",
    ),
    click.option(
        "--sequence-column",
        metavar="COLUMN",
        help="Column of the bases, where it is not called sequence, seq or the like.",
    ),
    click.option(
        "--lab-column",
        metavar="COLUMN",
        help="Column of the labs, where it is not called lab, pi, depositor or the like.",
    ),
    click.option(
        "--topology-column",
        metavar="COLUMN",
        help="Column that says circular or linear, or yes for circular, where it is not called "
        "topology, circular or linear.",
    ),
    click.option(
        "--publication-column",
        metavar="COLUMN",
        help="Column of the publications, where it is not called publication, pubmed_id, doi or "
        "the like.",
    ),
    click.option(
        "--year-column",
        metavar="COLUMN",
        help="Column of the years of publications, where it is not called year or the like.",
    ),
    click.option(
        "--url-column",
        metavar="COLUMN",
        help="Column of the pages that plasmids come from, where it is not called source_url, url "
        "or the like.",
    ),
    click.option(
        "--feature-column",
        "feature_columns",
        multiple=True,
        metavar="COLUMN",
        help="Column of 0 and 1 that is a feature, and no other is; repeatable.",
    ),
    click.option("--as-one", is_flag=True, help="Join all records of a file into one plasmid."),
    click.option("--no-features", is_flag=True, help="Ignore 0/1 features: use sequences alone."),
    click.option(
        "--max-bases",
        type=click.IntRange(min=1),
        default=20_000_000,
        show_default=True,
        metavar="N",
        help="The longest record that is read.",
    ),
    click.option(
        "--max-unpacked",
        type=Amount(min=0, min_open=True),
        default=16.0,
        show_default=True,
        metavar="GB",
        help="The largest size that a compressed file may unpack to.",
    ),
    on_bad_record_option,
)


def _read_options(
    max_bases: int,
    max_unpacked: float,
    id_column: str | None,
    sequence_column: str | None,
    lab_column: str | None,
    topology_column: str | None,
    publication_column: str | None,
    year_column: str | None,
    url_column: str | None,
    feature_columns: tuple[str, ...],
    **values: Any,
) -> ReadOptions:
    from vecattr.inputs.limits import Limits  # start-up
    from vecattr.readers.columns import ColumnNames  # start-up
    from vecattr.readers.plasmids import ReadOptions  # start-up

    unpacked = int(min(max_unpacked * 1e9, MOST_BYTES))
    limits = Limits(bases=max_bases, unpacked=unpacked)
    columns = ColumnNames(
        id=id_column,
        sequence=sequence_column,
        lab=lab_column,
        topology=topology_column,
        publication=publication_column,
        year=year_column,
        source_url=url_column,
        features=feature_columns,
    )
    bad_files = terminal().on_bad_record in ("skip", "report")
    note = terminal().note
    return ReadOptions(**values, columns=columns, limits=limits, bad_files=bad_files, note=note)


_NAMES = (
    "where",
    "labels",
    "features",
    "topology",
    "group_by",
    "id_column",
    "sequence_column",
    "lab_column",
    "topology_column",
    "publication_column",
    "year_column",
    "url_column",
    "feature_columns",
    "as_one",
    "no_features",
    "max_bases",
    "max_unpacked",
)

#: The reading options of a command, handed over as one argument `read_options: ReadOptions`.
reading_options = as_one_argument(
    _OPTIONS, names=_NAMES, argument="read_options", build=_read_options
)

#: The same with the options that tell the lab, for commands that store plasmids.
labelled_reading_options = as_one_argument(
    together(_LAB_OPTIONS, _OPTIONS),
    names=("lab", "lab_file", *_NAMES),
    argument="read_options",
    build=_read_options,
)


def load_plasmids(
    sources: Sequence[str],
    read_options: ReadOptions,
    *,
    report: Callable[[BadRecord], None] | None = None,
) -> list[Plasmid]:
    """All good plasmids of the sources; bad records are told, or given to `report`, as
    --on-bad-record says. InputError when there is no good one."""
    plasmids = list(good_plasmids(sources, read_options, report=report))
    _check_any(len(plasmids), sources)
    return plasmids


def good_plasmids(
    sources: Sequence[str],
    read_options: ReadOptions,
    *,
    report: Callable[[BadRecord], None] | None = None,
) -> Iterator[Plasmid]:
    """The same, one by one, and perhaps none."""
    from vecattr.readers.plasmids import read_plasmids  # start-up

    return terminal().good_records(read_plasmids(sources, read_options), report=report)


def _check_any(count: int, sources: Sequence[str]) -> None:
    """InputError for no plasmids."""
    if not count:
        raise InputError(
            "no plasmids to work on",
            where=", ".join(sources),
            hint="check the files, and --where if it was given",
        )


def load_labelled_plasmids(
    sources: Sequence[str],
    read_options: ReadOptions,
    *,
    report: Callable[[BadRecord], None] | None = None,
) -> list[Plasmid]:
    """As `load_plasmids`; a record without a lab is a bad one."""
    return load_plasmids(sources, replace(read_options, labelled=True), report=report)


def load_collection(sources: Sequence[str], read_options: ReadOptions) -> list[Plasmid]:
    """As `load_labelled_plasmids`, to learn from; notes labs that look alike, and a publication
    with a large share of the plasmids, because it may be a word for none."""
    plasmids = load_labelled_plasmids(sources, read_options)
    _note_look_alikes({plasmid.lab for plasmid in plasmids})
    _note_large_group(Counter(plasmid.group for plasmid in plasmids))
    return plasmids


@contextmanager
def kept_collection(
    sources: Sequence[str], read_options: ReadOptions, *, beside: Path
) -> Iterator[PlasmidFile]:
    """The same in a file on the disk of the path `beside`, where there is room for what is made of
    them, so that they need no memory."""
    from vecattr.datasets.plasmid_file import PlasmidFile  # start-up

    folder = next(parent for parent in beside.resolve().parents if parent.is_dir())
    with PlasmidFile(folder) as kept:
        kept.add_all(good_plasmids(sources, replace(read_options, labelled=True)))
        _check_any(len(kept), sources)
        _note_look_alikes(kept.labs)
        _note_large_group(kept.groups)
        yield kept


def _note_large_group(groups: Counter[str | None]) -> None:
    from vecattr.datasets.splits import large_group  # start-up

    large = large_group(groups)
    if large is not None:
        terminal().note(
            f"{large[1]:,} of {groups.total():,} rows have the publication {large[0]!r} and are "
            "never divided, so that few are left to calibrate with; leave the cell empty where "
            "the publication is not known"
        )


def _note_look_alikes(labs: Iterable[str | None]) -> None:
    """Note which labs differ only in what is not seen."""
    from vecattr.plasmid import look_alikes  # start-up

    for group in look_alikes(filter(None, labs)):
        terminal().note(
            f"the labs {', '.join(map(ascii, group))} differ only in blanks or invisible "
            "characters; if they are one, give them one name"
        )
