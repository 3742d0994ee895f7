"""Plasmids of files and lab folders: paths in; plasmids out, one at a time.

An error of a whole file raises InputError from the iterator; a bad record among good ones is
yielded as BadRecord, and reading goes on. `vecattr.formats.kinds` lists the formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vecattr.errors import InputError, UsageError
from vecattr.formats.kinds import TABLE, format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import STDIN, InputFile, open_input
from vecattr.inputs.limits import DEFAULT_LIMITS, Limits
from vecattr.plasmid import Features, Plasmid, composed
from vecattr.readers.lab_folders import InputPath, input_paths
from vecattr.readers.records import BadRecord, SeenIds, TopologyOption, joined, plasmid_of


def _not_told(note: str) -> None:
    """A note that nobody wants to read."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read.

    `where` selects rows of tables: the same column twice means either value, different columns
    mean all of them. `labels` and `features` are the paths of a label file and a feature file, by
    `sequence_id`. `topology` other than `auto` overrides the file. `group_by` is the column for
    `Plasmid.group` (default `publication` if there is one). `as_one` joins all records of a file,
    by one `N`, into one plasmid with the id of the first. `no_features` drops the 0/1 features.
    `labelled` requires a lab of every record: an empty cell makes a bad record, and a file without
    any labs is refused. A record longer than the `limits` is a bad record; a file is refused when
    a record of it is far longer, or when it unpacks to more. `note` is told, in one sentence each,
    what a reader assumed or left out without refusing anything.

    >>> options = ReadOptions(where=(("split", "train"),), labelled=True)
    >>> len(list(read_plasmids(["plasmids.csv"], options)))
    48
    """

    where: tuple[tuple[str, str], ...] = ()
    labels: str | None = None
    features: str | None = None
    topology: TopologyOption = "auto"
    group_by: str | None = None
    as_one: bool = False
    no_features: bool = False
    labelled: bool = False
    limits: Limits = DEFAULT_LIMITS
    note: Callable[[str], None] = _not_told


def read_plasmids(
    sources: Sequence[str | Path], options: ReadOptions | None = None
) -> Iterator[Plasmid | BadRecord]:
    """Every record of every source (a file, a folder of lab folders, or `-` for standard input),
    in order.

    Raises UsageError for options that do not fit the input, and InputError for a file that is
    missing, empty, damaged or of no known format, a missing column, an id that occurs twice over
    all sources, a label or feature file that does not match, and a `where` that selects nothing.

    >>> for plasmid in read_plasmids(["query.fasta"]):
    ...     print(plasmid.id, len(plasmid))
    made00016 3139
    """
    options = options or ReadOptions()
    _check_stdin(sources, options)
    paths = [path for source in sources for path in input_paths(source)]
    annotations = _Annotations.from_files(options)
    seen_ids = SeenIds()
    selected = False
    for path in paths:
        for raw in _records(path, options):
            seen_ids.add(raw)
            record = annotations.added_to(raw)
            if record.is_selected:
                selected = True
                yield _checked(record, options)
    annotations.check_all_used(seen_ids)
    if options.where and not selected:
        conditions = ", ".join(f"{column}={value}" for column, value in options.where)
        raise InputError(f"no row has {conditions}", hint="check the column's values")


def _check_stdin(sources: Sequence[str | Path], options: ReadOptions) -> None:
    names = [*map(str, sources), options.labels, options.features]
    if names.count(STDIN) > 1:
        raise UsageError("standard input ('-') is named twice", hint="give it once")


def _records(path: InputPath, options: ReadOptions) -> Iterator[Record]:
    """The records of one file, each with the lab of its folder, if it lies in one."""
    with open_input(path.path, limits=options.limits) as file:
        records = _parsed(file, options)
        count = 0
        for record in joined(records) if options.as_one else records:
            count += 1
            yield record if path.lab is None else _with_lab(record, path.lab)
        if not count:
            raise InputError("the file holds no record", where=file.name, hint="check its format")


def _parsed(file: InputFile, options: ReadOptions) -> Iterator[Record]:
    """The records of an open file, read by the reader of its format."""
    file_format = format_of(file)
    if file_format is TABLE:
        if options.as_one:
            raise UsageError(
                "the rows of a table cannot be read as one plasmid",
                where=file.name,
                hint="--as-one is for FASTA and GenBank files",
            )
        from vecattr.readers.plasmid_table import read_table  # start-up

        return read_table(file, where=options.where, group_by=options.group_by)
    if options.where or options.group_by:
        option = "--where" if options.where else "--group-by"
        raise UsageError(
            f"{option} names a table's column, and this input is {file_format.name}",
            where=file.name,
            hint=f"leave {option} out",
        )
    return file_format.reader()(file)


def _checked(record: Record, options: ReadOptions) -> Plasmid | BadRecord:
    """The plasmid of a record, as the options ask for it."""
    plasmid = plasmid_of(record, options.topology)
    if isinstance(plasmid, BadRecord):
        return plasmid
    if len(plasmid) > options.limits.bases:
        return BadRecord(plasmid.id, options.limits.too_long(len(plasmid), where=record.place))
    if options.labelled and plasmid.lab is None:
        error = InputError(
            "the record has no lab",
            where=record.place,
            hint="every record needs one: a column lab, --labels FILE, or a folder for each lab",
        )
        if record.lab is None:
            raise error
        return BadRecord(plasmid.id, error)
    return plasmid.without_features() if options.no_features else plasmid


def _with_lab(record: Record, lab: str, *, source: str = "its folder") -> Record:
    """The record with this lab; InputError when it states another one itself."""
    stated = composed(record.lab or lab).strip()
    if stated not in ("", lab):
        raise InputError(
            f"the record {record.id!r} says its lab is {stated!r}, {source} {lab!r}",
            where=record.place,
            hint="make the two agree",
        )
    return replace(record, lab=lab)


@dataclass(frozen=True)
class _Annotations:
    """What the label file and the feature file say, if they are given; each must match the
    records."""

    options: ReadOptions
    labels: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, Features | None] = field(default_factory=dict)

    @classmethod
    def from_files(cls, options: ReadOptions) -> _Annotations:
        labels: Mapping[str, str] = {}
        features: Mapping[str, Features | None] = {}
        if options.labels is not None:
            from vecattr.readers.labels import read_labels  # start-up

            labels = read_labels(options.labels)
        if options.features is not None:
            from vecattr.readers.features import read_features  # start-up

            features = read_features(options.features)
        return cls(options, labels, features)

    def added_to(self, record: Record) -> Record:
        """The record with its lab and features; InputError when the label file lacks it."""
        if record.problem is not None:
            return record
        if self.options.labels is not None and record.id:
            if record.id not in self.labels:
                raise InputError(
                    f"the label file {self.options.labels} has no row for {record.id!r}",
                    where=record.place,
                    hint="give the label file that belongs to these sequences",
                )
            lab = self.labels[record.id]
            record = _with_lab(record, lab, source=f"the label file {self.options.labels}")
        features = self.features.get(record.id)
        if features is not None:
            record = replace(record, features={**(record.features or {}), **features})
        return record

    def check_all_used(self, seen_ids: SeenIds) -> None:
        """Every id of both files was read; InputError that names the first that was not."""
        for file, ids in (
            (self.options.labels, self.labels),
            (self.options.features, self.features),
        ):
            unused = [name for name in ids if name not in seen_ids]
            if unused:
                raise InputError(
                    f"{len(unused)} of {len(ids)} ids are in no input, the first {unused[0]!r}",
                    where=file,
                    hint="give the file that belongs to these sequences",
                )
