"""Tables, FASTA, GenBank, SnapGene files and lab folders in; plasmids out, one at a time.

Problems of a whole file raise InputError from the iterator; a bad record among good ones is
yielded as BadRecord, and reading goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vecattr.errors import InputError, UsageError
from vecattr.plasmid import Plasmid
from vecattr.readers.input_files import STDIN, InputFile, kind_of, open_input
from vecattr.readers.lab_folders import InputPath, input_paths
from vecattr.readers.limits import DEFAULT_LIMITS, Limits
from vecattr.readers.records import (
    BadRecord,
    Record,
    SeenIds,
    TopologyOption,
    joined,
    plasmid_of,
)

__all__ = ["BadRecord", "ReadOptions", "read_plasmids"]


@dataclass(frozen=True)
class ReadOptions:
    """How to read.

    `where` selects rows of tables: the same column twice means either value, different columns
    mean all of them. `labels` and `features` are files that accompany the sequences, by
    `sequence_id`. `topology` other than `auto` overrules the file. `group_by` is the column for
    `Plasmid.group` (default `publication` if there is one). `as_one` joins all records of a file,
    by one `N`, into one plasmid with the first one's id. `no_features` leaves 0/1 features aside.
    `labelled` says that every record needs a lab: an empty cell makes a bad record, and a file
    that gives no labs at all is refused. A record longer than `limits` allow is a bad one, or, when
    it is far longer, the end of its file, which is refused, as one that unpacks to more is.
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


def read_plasmids(
    sources: Sequence[str | Path], options: ReadOptions | None = None
) -> Iterator[Plasmid | BadRecord]:
    """Every record of every source, in order; `-` is standard input.

    Raises UsageError for options that do not fit the input, and InputError for a file that is
    missing, empty, damaged or of no known kind, a missing column, an id that occurs twice over
    all sources, a label or feature file that does not match, and a `where` that selects nothing.
    """
    options = options or ReadOptions()
    _check_stdin(sources, options)
    inputs = [found for source in sources for found in input_paths(source)]
    companions = _Companions.read(options)
    seen_ids = SeenIds()
    selected = False
    for found in inputs:
        for record in _records(found, options):
            seen_ids.add(record)
            complete = companions.complete(record)
            if complete.is_selected:
                selected = True
                yield _wanted(plasmid_of(complete, options.topology), complete, options)
    companions.check_all_met(seen_ids)
    if options.where and not selected:
        wanted = ", ".join(f"{column}={value}" for column, value in options.where)
        raise InputError(f"no row has {wanted}", hint="check the column's values")


def _wanted(
    result: Plasmid | BadRecord, record: Record, options: ReadOptions
) -> Plasmid | BadRecord:
    """The plasmid as the options want it."""
    if isinstance(result, BadRecord):
        return result
    if len(result) > options.limits.bases:
        return BadRecord(result.id, options.limits.too_long(len(result), where=record.place))
    if options.labelled and result.lab is None:
        error = InputError(
            "the record has no lab",
            where=record.place,
            hint="every record needs one: a column lab, --labels FILE, or a folder for each lab",
        )
        if record.lab is None:
            raise error
        return BadRecord(result.id, error)
    return result.without_features() if options.no_features else result


def _check_stdin(sources: Sequence[str | Path], options: ReadOptions) -> None:
    names = [*map(str, sources), options.labels, options.features]
    if names.count(STDIN) > 1:
        raise UsageError("standard input ('-') is named twice", hint="give it once")


def _records(found: InputPath, options: ReadOptions) -> Iterator[Record]:
    """The records of one file, each with the lab of its folder, if it lies in one."""
    with open_input(found.source, limits=options.limits) as opened:
        records = _parsed(opened, options)
        count = 0
        for record in joined(records) if options.as_one else records:
            count += 1
            yield record if found.lab is None else _with_lab(record, found.lab)
        if not count:
            raise InputError("the file holds no record", where=opened.name, hint="check its kind")


def _parsed(opened: InputFile, options: ReadOptions) -> Iterator[Record]:
    kind = kind_of(opened)
    if kind == "table":
        if options.as_one:
            raise UsageError(
                "the rows of a table cannot be read as one plasmid",
                where=opened.name,
                hint="--as-one is for FASTA and GenBank files",
            )
        from vecattr.readers.plasmid_table import read_table

        return read_table(opened, where=options.where, group_by=options.group_by)
    if options.where or options.group_by:
        option = "--where" if options.where else "--group-by"
        raise UsageError(
            f"{option} names a table's column, and this input is {kind}",
            where=opened.name,
            hint=f"leave {option} out",
        )
    if kind == "fasta":
        from vecattr.readers.fasta import read_fasta

        return read_fasta(opened)
    if kind == "genbank":
        from vecattr.readers.genbank import read_genbank

        return read_genbank(opened)
    from vecattr.readers.snapgene import read_snapgene

    return read_snapgene(opened)


def _with_lab(record: Record, lab: str, *, source: str = "its folder") -> Record:
    """The record with this lab; InputError when it says another one itself."""
    said = (record.lab or lab).strip()
    if said not in ("", lab):
        raise InputError(
            f"the record {record.id!r} says its lab is {said!r}, {source} {lab!r}",
            where=record.place,
            hint="make the two agree",
        )
    return replace(record, lab=lab)


@dataclass(frozen=True)
class _Companions:
    """The label and feature files, if any; each must match the records."""

    options: ReadOptions
    labels: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, Mapping[str, int] | None] = field(default_factory=dict)

    @classmethod
    def read(cls, options: ReadOptions) -> _Companions:
        if options.labels is None and options.features is None:
            return cls(options)
        from vecattr.readers.companions import read_features, read_labels

        labels = {} if options.labels is None else read_labels(options.labels)
        features = {} if options.features is None else read_features(options.features)
        return cls(options, labels, features)

    def complete(self, record: Record) -> Record:
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
        known = self.features.get(record.id)
        if known is not None:
            record = replace(record, features={**(record.features or {}), **known})
        return record

    def check_all_met(self, seen_ids: SeenIds) -> None:
        """Every id of both files was met; InputError that names the first that was not."""
        for file, ids in (
            (self.options.labels, self.labels),
            (self.options.features, self.features),
        ):
            unmet = [name for name in ids if name not in seen_ids]
            if unmet:
                raise InputError(
                    f"{len(unmet)} of {len(ids)} ids are in no input, the first {unmet[0]!r}",
                    where=file,
                    hint="give the file that belongs to these sequences",
                )
