"""Tokens of a table's rows for a run elsewhere: a table in, one compressed file out, and back."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import LabelledSet
from vecattr.datasets.splits import Split
from vecattr.encoders.config import CnnConfig
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.tokenizer import Ids
from vecattr.encoders.vocabulary import Reading
from vecattr.files.atomic import atomic_write, read_file
from vecattr.training.data import TrainingData, TrainingPlan, read_training_data, split_by_settings
from vecattr.training.examples import ExampleReader, Examples, RaggedIds
from vecattr.training.progress import SilentWatcher
from vecattr.training.settings import Objective, ResolvedTrainConfig, TrainConfig, preset_values

EVERY = 10  # epochs from one validation to the next

Overrides = Mapping[str, Any]


def published(
    objective: Objective, *, train: Overrides, cnn: Overrides
) -> tuple[CnnConfig, ResolvedTrainConfig, int]:
    """Encoder and settings of the preset, overridden, and its views."""
    values = preset_values(objective, preset="published", loss=None)
    config = CnnConfig(**{**values.cnn, **cnn})
    fields = {**values.train, "validate_every": EVERY, **train}
    return config, TrainConfig(**fields).resolved(config), values.views


def plan_of_table(
    table: str, labs: str | None, where: str, run: tuple[CnnConfig, ResolvedTrainConfig, int]
) -> TrainingPlan:
    """The plan of `vecattr train` for the rows of a table, less their reserve where the settings
    say so."""
    from vecattr.datasets.reserve import without_reserve

    config, settings, views = run
    rows = rows_of_table(table, labs, where)
    labelled = without_reserve(rows) if settings.reserve else rows
    split = split_by_settings(labelled, settings)
    reserved = len(rows.labels) - len(labelled.labels)
    return TrainingPlan(labelled, split, config, settings, views, reserved=reserved)


def rows_of_table(table: str, labs: str | None, where: str) -> LabelledSet:
    """The good rows for which a column has a value, with their classes."""
    from vecattr.datasets.classes import ClassRule, labelled_set, rule_from_file
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions, read_plasmids

    column, _, value = where.partition("=")
    records = read_plasmids([table], ReadOptions(where=((column, value),)))
    plasmids = [record for record in records if isinstance(record, Plasmid)]
    return labelled_set(plasmids, rule_from_file(labs) if labs else ClassRule(None))


def prepare(options: argparse.Namespace) -> None:
    """Write the tokens of a table's rows, compressed."""
    run = published("match", train=options.train, cnn=options.cnn)
    plan = plan_of_table(options.table, options.labs, options.where, run)
    data = read_training_data(plan, options.threads, SilentWatcher(), calibrates=False)
    reader = ExampleReader(plan.lab_names, data.vocabulary, data.features, options.threads)
    parts = {"training": data.training, "validation": data.validation}
    for where in options.ask:
        labelled = rows_of_table(options.table, options.labs, where)
        rows = np.linspace(0, len(labelled.labels) - 1, options.rows).astype(int)
        mask = np.isin(np.arange(len(labelled.labels)), rows)
        known = np.isin(labelled.labels, plan.lab_names)
        parts[where] = reader.read_if_any(labelled.where(mask & known), SilentWatcher())
    facts = {
        "labs": len(plan.lab_names),
        "vocabulary": data.vocabulary.size,
        "features": data.features.names,
        "parts": [name for name, examples in parts.items() if examples is not None],
        "digest": digest_of(data),
    }
    arrays: dict[str, NDArray[Any]] = {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}
    for name, examples in parts.items():
        if examples is not None:
            arrays |= {f"{name}/{key}": array for key, array in _arrays_of(examples).items()}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    # Plasmids share long stretches with others far away in the file.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 27}]
    packed = lzma.compress(stream.getvalue(), format=lzma.FORMAT_XZ, filters=filters)
    atomic_write(Path(options.output), packed)
    print(f"{options.output}: {len(packed):,} bytes, {len(data.training):,} plasmids to learn from")


def _arrays_of(examples: Examples) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "targets": examples.targets,
        "features": examples.features,
        "circular": examples.circular,
    }
    for number, strand in enumerate(examples.strands):
        arrays[f"flat{number}"] = strand.flat.astype(np.uint16)
        arrays[f"offsets{number}"] = strand.offsets
    return arrays


def digest_of(data: TrainingData) -> str:
    """What the weights depend on: tokens, labs and features of the rows to learn from."""
    digest = hashlib.sha256(json.dumps([data.plan.lab_names, data.features.names]).encode())
    for strand in data.training.strands:
        digest.update(strand.flat.astype(np.uint16).tobytes())
    digest.update(data.training.targets.tobytes())
    return digest.hexdigest()


@dataclass
class SizedVocabulary:
    """A vocabulary of which only the size is known: the tokens are made already."""

    size: int
    order_free: bool = False

    def ids(self, readings: Sequence[Reading], *, threads: int = 1) -> list[Ids]:
        """Never called."""
        raise NotImplementedError


@dataclass(frozen=True)
class Tokens:
    """A file that `prepare` wrote."""

    facts: dict[str, Any]
    parts: dict[str, Examples]

    @classmethod
    def from_file(cls, path: str) -> Tokens:
        """Its parts as examples without plasmids."""
        with np.load(io.BytesIO(lzma.decompress(read_file(Path(path))))) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            parts = {name: _examples_from(arrays, name) for name in facts["parts"]}
        return cls(facts, parts)

    def data(self, run: tuple[CnnConfig, ResolvedTrainConfig, int]) -> TrainingData:
        """What a run trains on."""
        config, settings, views = run
        none = np.zeros(0, dtype=bool)
        labels = tuple(f"{code:06d}" for code in range(self.facts["labs"]))  # names stay behind
        split = Split(training=none, validation=none, new_work=none, known_work=none)
        return TrainingData(
            plan=TrainingPlan(LabelledSet((), labels), split, config, settings, views),
            vocabulary=SizedVocabulary(self.facts["vocabulary"]),
            features=FeatureSpace(tuple(self.facts["features"])),
            training=self.parts["training"],
            validation=self.parts.get("validation"),
            calibration=None,
            calibration_is_new=none,
        )


def _examples_from(arrays: Mapping[str, NDArray[Any]], name: str) -> Examples:
    return Examples(
        labelled=LabelledSet((), ()),
        targets=arrays[f"{name}/targets"],
        features=arrays[f"{name}/features"],
        circular=arrays[f"{name}/circular"],
        strands=tuple(
            RaggedIds(
                arrays[f"{name}/flat{strand}"].astype(np.int32), arrays[f"{name}/offsets{strand}"]
            )
            for strand in (0, 1)
        ),
    )
