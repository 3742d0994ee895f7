"""Plasmids of files and lab folders: paths in; plasmids out, one at a time.

A bad record among good ones, and a bad file among others, is yielded as BadRecord, and reading goes
on; an error of a file that is alone raises InputError from the iterator. `vecattr.formats.kinds`
lists the formats.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from vecattr.errors import InputError, UsageError
from vecattr.formats.kinds import TABLES, ForeignFileError, Format, format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import STDIN, HeldFile, InputFile
from vecattr.inputs.limits import DEFAULT_LIMITS, Limits
from vecattr.plasmid import Plasmid
from vecattr.readers.annotations import Annotations, NamedRecord, with_lab
from vecattr.readers.columns import BY_NAME, ColumnNames, ColumnUse
from vecattr.readers.ids import RecordNamer
from vecattr.readers.lab_folders import input_paths
from vecattr.readers.opened_files import OpenedFile, SkippedFiles, bad_file, opened_files
from vecattr.readers.records import BadRecord, TopologyOption, joined, plasmid_of

#: Options that are functions, which say nothing when they are printed.
_FUNCTIONS = ("known_features", "note")

#: How many columns a note names.
_SHOWN_COLUMNS = 5


def _not_known() -> None:
    """No features are known yet, so every column of 0 and 1 is one."""


def _not_told(note: str) -> None:
    """A note that nobody wants to read."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read.

    `where` selects rows of tables: the same column twice means either value, different columns
    mean all of them. `columns` names columns of tables that have other names than usual, and
    `known_features` gives the features that count (None: all columns of 0 and 1); a note tells
    which columns change nothing. `labels` and `features` are the paths of a label file and a
    feature file, by id; `lab` is the lab of every record, and `lab_file` a table of labs by id or
    file name, which need not have every record. `topology` other than `auto` overrides the file.
    `group_by` is the column for `Plasmid.group` (default `publication` if there is one). `as_one`
    joins all records of a file, by one `N`, into one plasmid with the id of the first.
    `no_features` drops the 0/1 features. `labelled` requires a lab of every record: an empty cell
    makes a bad record, and a file without any labs is refused. A record longer than the `limits` is
    a bad record; a file is refused when a record of it is far longer, or when it unpacks to more.
    With `bad_files` a file that is alone and cannot be read is a bad record, as one among others.
    `note` is told, in one sentence each, what a reader assumed or left out without refusing
    anything.

    >>> options = ReadOptions(where=(("split", "train"),), labelled=True)
    >>> len(list(read_plasmids(["plasmids.csv"], options)))
    48
    """

    where: tuple[tuple[str, str], ...] = ()
    columns: ColumnNames = BY_NAME
    known_features: Callable[[], Collection[str] | None] = _not_known
    labels: str | None = None
    lab: str | None = None
    lab_file: str | None = None
    features: str | None = None
    topology: TopologyOption = "auto"
    group_by: str | None = None
    as_one: bool = False
    no_features: bool = False
    labelled: bool = False
    limits: Limits = DEFAULT_LIMITS
    bad_files: bool = False
    note: Callable[[str], None] = _not_told

    def __repr__(self) -> str:
        told = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name not in _FUNCTIONS and getattr(self, field.name) != field.default
        ]
        return f"ReadOptions({', '.join(told)})"


def read_plasmids(
    sources: Sequence[str | Path | HeldFile], options: ReadOptions | None = None
) -> Iterator[Plasmid | BadRecord]:
    """Every record of every source (a file, a folder of lab folders, a file in memory, or `-` for
    standard input), in order.

    Raises UsageError for options that do not fit the input, and InputError for a file that is
    missing, empty, damaged or of no known format, a missing column, a label or feature file that
    does not match, and a `where` that selects nothing. `vecattr.readers.ids` says how ids are made;
    no two records have the same.

    >>> for plasmid in read_plasmids(["query.fasta"]):
    ...     print(plasmid.id, len(plasmid))
    made00016 3139
    """
    options = options or ReadOptions()
    _check_stdin(sources, options)
    paths = [path for source in sources for path in input_paths(source)]
    annotations = Annotations.from_files(
        lab=options.lab,
        label_file=options.labels,
        lab_file=options.lab_file,
        feature_file=options.features,
    )
    reading = _Reading(options, ColumnUse(options.known_features))
    selected = assumed = count = 0
    for opened in opened_files(paths, limits=options.limits, refuse_alone=not options.bad_files):
        for named in reading.items(opened):
            count += 1
            if isinstance(named, BadRecord):
                yield named
                continue
            record = annotations.added_to(named)
            if record.is_selected:
                selected += 1
                if record.note is not None:
                    options.note(f"{record.place}: {record.note}")
                plasmid = _checked(record, options, source=named.file_name)
                assumed += isinstance(plasmid, Plasmid) and record.topology is None
                yield plasmid
    if not count:
        raise reading.skipped.nothing_left()
    for note in (*annotations.notes(), *reading.notes()):
        options.note(note)
    _tell_topology(assumed, options)
    if options.where and not selected:
        conditions = ", ".join(f"{column}={value}" for column, value in options.where)
        raise InputError(f"no row has {conditions}", hint="check the column's values")


def _tell_topology(assumed: int, options: ReadOptions) -> None:
    """One note for all the records whose file does not say whether they are circular."""
    if assumed and options.topology == "auto":
        options.note(
            f"{assumed:,} record{'s state' if assumed > 1 else ' states'} no topology and "
            f"{'are' if assumed > 1 else 'is'} taken for circular (see --topology)"
        )


def _column_notes(use: ColumnUse, options: ReadOptions) -> Iterator[str]:
    """Which columns of tables change nothing, and which count as features though nothing said
    that they do."""
    if use.unused:
        yield f"columns that change nothing: {_shortened(use.unused)}"
    if use.not_kept and options.labelled:  # of queries nothing is kept
        cells = "1 cell is" if use.not_kept == 1 else f"{use.not_kept:,} cells are"
        yield f"of publications, years and pages {cells} not kept, the first {use.first_fault}"
    is_told = (
        options.columns.features or options.no_features or options.known_features != _not_known
    )
    if use.features and not is_told:
        yield (
            f"columns of 0 and 1 that count as features: {_shortened(use.features, most=2)} "
            "(see --feature-column)"
        )


def _shortened(names: Collection[str], *, most: int = _SHOWN_COLUMNS) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    shown = ", ".join(list(names)[:most])
    return f"{shown} and {more} more" if more > 0 else shown


def _check_stdin(sources: Sequence[str | Path | HeldFile], options: ReadOptions) -> None:
    names = [*map(str, sources), options.labels, options.lab_file, options.features]
    if names.count(STDIN) > 1:
        raise UsageError("standard input ('-') is named twice", hint="give it once")


@dataclass
class _Reading:
    """What is remembered from file to file of a command."""

    options: ReadOptions
    use: ColumnUse
    namer: RecordNamer = field(default_factory=RecordNamer)
    skipped: SkippedFiles = field(default_factory=SkippedFiles)

    def notes(self) -> Iterator[str]:
        """What the user should know of ids, files and columns."""
        yield from self.namer.notes()
        yield from self.skipped.notes()
        yield from _column_notes(self.use, self.options)

    def items(self, opened: OpenedFile | BadRecord) -> Iterator[NamedRecord | BadRecord]:
        """The records of an open file; if it is bad and not alone, a bad record is the last."""
        if isinstance(opened, BadRecord):
            yield opened
            return
        records = self._named(opened)
        while True:
            try:
                named = next(records, None)
            except InputError as error:
                if isinstance(error, ForeignFileError) and opened.is_found:
                    self.skipped.add(error)
                    return
                if opened.is_alone:
                    raise
                yield bad_file(opened.file.name, error)
                return
            if named is None:
                return
            if opened.lab is not None:
                record = with_lab(named.record, opened.lab, source="its folder")
                named = replace(named, record=record)
            yield named

    def _named(self, opened: OpenedFile) -> Iterator[NamedRecord]:
        """The records of one file, each with its id."""
        file = opened.file
        file_format = format_of(file, is_found=opened.is_found)
        records = _parsed(file, file_format, self.options, self.use)
        count = 0
        for stated in joined(records) if self.options.as_one else records:
            count += 1
            record = self.namer.named(
                stated,
                file_name=file.name,
                is_first=count == 1 and file_format not in TABLES,
                has_own_ids=file_format in TABLES,
            )
            yield NamedRecord(record, stated, file.name)
        if not count:
            raise InputError("the file holds no record", where=file.name, hint="check its format")


def _parsed(
    file: InputFile, file_format: Format, options: ReadOptions, use: ColumnUse
) -> Iterator[Record]:
    """The records of an open file, read by the reader of its format."""
    if file_format in TABLES:
        if options.as_one:
            raise UsageError(
                "the rows of a table cannot be read as one plasmid",
                where=file.name,
                hint="--as-one is for FASTA and GenBank files",
            )
        from vecattr.readers.plasmid_table import read_table  # start-up

        names = options.columns
        if options.group_by is not None:
            names = replace(names, group=options.group_by)
        return read_table(file, names=names, where=options.where, use=use)
    if options.where or options.group_by:
        option = "--where" if options.where else "--group-by"
        raise UsageError(
            f"{option} names a table's column, and this input is {file_format.name}",
            where=file.name,
            hint=f"leave {option} out",
        )
    return file_format.reader()(file)


def _checked(record: Record, options: ReadOptions, *, source: str) -> Plasmid | BadRecord:
    """The plasmid of a record of the file `source`, as the options ask for it."""
    plasmid = plasmid_of(record, options.topology, source=source)
    if isinstance(plasmid, BadRecord):
        return plasmid
    if len(plasmid) > options.limits.bases:
        too_long = options.limits.too_long(len(plasmid), where=record.place)
        return BadRecord(plasmid.id, too_long, source)
    if options.labelled and plasmid.lab is None:
        error = InputError(
            "the record has no lab",
            where=record.place,
            hint="every record needs one: --lab NAME, a column lab (--lab-column), --labs-file or "
            "--labels FILE, or a folder for each lab",
        )
        if record.lab is None:
            raise error
        return BadRecord(plasmid.id, error, source)
    return plasmid.without_features() if options.no_features else plasmid
