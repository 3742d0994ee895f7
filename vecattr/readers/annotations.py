"""What files beside the sequences say of records: labels, labs and features by id; records in, the
same with their lab and features out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import input_stem
from vecattr.plasmid import Features, check_lab_name, composed


def with_lab(record: Record, lab: str, *, source: str) -> Record:
    """The record with this lab; InputError when it states another one itself."""
    stated = composed(record.lab or lab).strip()
    if stated not in ("", composed(lab).strip()):
        raise InputError(
            f"the record {record.id!r} says its lab is {stated!r}, {source} {lab!r}",
            where=record.place,
            hint="make the two agree",
        )
    return replace(record, lab=lab)


@dataclass(frozen=True)
class NamedRecord:
    """A record with its id, the record as its file states it, and the file's name. A file beside
    the sequences may call it by any of its names or by its file."""

    record: Record
    stated: Record
    file_name: str

    def names(self) -> Iterator[str]:
        """What other files may call the record, the best first."""
        yield self.record.id
        yield self.stated.id
        yield from self.stated.names
        yield Path(self.file_name).name
        yield input_stem(self.file_name)


@dataclass(frozen=True)
class Annotations:
    """What the label file, the table of labs and the feature file say, each by id. The label file
    must have every record, and all rows of it and of the feature file must be used; the table of
    labs may lack records and have others."""

    lab: str | None = None
    label_file: str | None = None
    lab_file: str | None = None
    feature_file: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    labs: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, Features | None] = field(default_factory=dict)
    _used: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def from_files(
        cls,
        *,
        lab: str | None,
        label_file: str | None,
        lab_file: str | None,
        feature_file: str | None,
    ) -> Annotations:
        """Read the files that are given; `lab` is the lab of every record."""
        lab = None if lab is None else check_lab_name(lab, where="--lab")
        labels: Mapping[str, str] = {}
        labs: Mapping[str, str] = {}
        features: Mapping[str, Features | None] = {}
        if label_file is not None or lab_file is not None:
            from vecattr.readers.labels import read_labels  # start-up

            labels = {} if label_file is None else read_labels(label_file)
            labs = {} if lab_file is None else read_labels(lab_file, partial=True)
        if feature_file is not None:
            from vecattr.readers.features import read_features  # start-up

            features = read_features(feature_file)
        return cls(lab, label_file, lab_file, feature_file, labels, labs, features)

    def added_to(self, named: NamedRecord) -> Record:
        """The record with its lab and features; InputError when the label file lacks it, or two
        sources name different labs."""
        record = named.record
        if record.problem is not None:
            return record
        if self.lab is not None:
            record = with_lab(record, self.lab, source="--lab")
        if self.label_file is not None:
            record = self._with_label(record, named)
        if self.lab_file is not None:
            name = self._name_in(self.labs, named, file=self.lab_file)
            if name is not None:
                source = f"the file {self.lab_file}"
                record = with_lab(record, self.labs[name], source=source)
        name = self._name_in(self.features, named, file=self.feature_file)
        features = None if name is None else self.features[name]
        if features is not None:
            record = replace(record, features={**(record.features or {}), **features})
        return record

    def _with_label(self, record: Record, named: NamedRecord) -> Record:
        name = self._name_in(self.labels, named, file=self.label_file)
        source = f"the label file {self.label_file}"
        if name is None:
            raise InputError(
                f"{source} has no row for {record.id!r}",
                where=record.place,
                hint="give the label file that belongs to these sequences",
            )
        return with_lab(record, self.labels[name], source=source)

    def _name_in(
        self, rows: Mapping[str, object], named: NamedRecord, *, file: str | None
    ) -> str | None:
        """The name by which a file knows the record, which counts as used; None without one."""
        if not rows or file is None:
            return None
        name = next((name for name in named.names() if name in rows), None)
        if name is not None:
            self._used.setdefault(file, set()).add(name)
        return name

    def notes(self) -> Iterator[str]:
        """One sentence about rows of the table of labs that no record has. InputError for such a
        row of the label file or the feature file."""
        for file, rows in ((self.label_file, self.labels), (self.feature_file, self.features)):
            unused = self._unused(file, rows)
            if unused:
                raise InputError(
                    f"{len(unused)} of {len(rows)} ids are in no input, the first {unused[0]!r}",
                    where=file,
                    hint="give the file that belongs to these sequences",
                )
        unused = self._unused(self.lab_file, self.labs)
        if unused:
            yield (
                f"{self.lab_file}: {len(unused)} of {len(self.labs)} rows name no record of "
                f"the input, the first {unused[0]!r}"
            )

    def _unused(self, file: str | None, rows: Mapping[str, object]) -> list[str]:
        used = self._used.get(file or "", set())
        return [name for name in rows if name not in used]
