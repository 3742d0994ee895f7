"""Training steps of the published text CNN: plasmids in, plasmids a second of each search out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from gpu.published import searches_of, step_rate
from gpu.tokens import Overrides, SizedVocabulary, published

from vecattr.datasets.classes import LabelledSet
from vecattr.datasets.splits import Split
from vecattr.encoders.config import CnnConfig
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.networks.search_choice import Search
from vecattr.encoders.tokenizer import Tokenizer
from vecattr.encoders.vocabulary import PieceVocabulary
from vecattr.plasmid import Plasmid
from vecattr.training.data import TrainingData, TrainingPlan
from vecattr.training.distributed import ProcessGroup
from vecattr.training.examples import ExampleReader, Examples
from vecattr.training.progress import SilentWatcher
from vecattr.training.settings import ResolvedTrainConfig

_LABS = 1_026
_NONE: Overrides = {}
_TILE = 64  # filters whose sums the compiled search holds at once


def step_rates(
    plasmids: Sequence[Plasmid], *, threads: int, train: Overrides = _NONE, cnn: Overrides = _NONE
) -> dict[str, object]:
    """Plasmids a second of steps of 64 crops by each search, and the floors of the look-up and of
    the convolution, all on so many threads in this run.

    Three steps of each search are timed. `train` and `cnn` override fields of the preset.
    """
    torch.set_num_threads(threads)
    config, settings, views = published("match", train=train, cnn=cnn)
    data = _data(plasmids, config, settings, views)
    group = ProcessGroup(0, 1, torch.device("cpu"))
    runs: dict[str, tuple[Search, bool]] = {
        "convolution, fp32": ("convolution", False),
        "convolution, bf16": ("convolution", True),
        "look-up in torch": ("lookup", False),
    }
    if "compiled" in searches_of("cpu"):
        runs["look-up compiled"] = ("compiled", False)
    rates = {}
    for name, (search, bf16) in runs.items():
        plan = replace(data.plan, settings=replace(settings, bf16=bf16))
        rates[name] = step_rate(replace(data, plan=plan), search, group, seconds=0)
    return {"threads": threads, **rates, **_floors(data, config, settings, threads)}


def _data(
    plasmids: Sequence[Plasmid], config: CnnConfig, settings: ResolvedTrainConfig, views: int
) -> TrainingData:
    """The plasmids as examples of made labs."""
    vocabulary = PieceVocabulary(Tokenizer.train(plasmid.sequence for plasmid in plasmids))
    labels = tuple(f"{number % _LABS:04d}" for number in range(_LABS))
    none = np.zeros(0, dtype=bool)
    labelled = LabelledSet(tuple(plasmids), tuple(labels[row] for row in range(len(plasmids))))
    reader = ExampleReader(labels, vocabulary, FeatureSpace(), torch.get_num_threads())
    examples: Examples = reader.read(labelled, SilentWatcher())
    split = Split(training=none, validation=none, new_work=none, known_work=none)
    plan = TrainingPlan(LabelledSet((), labels), split, config, settings, views)
    sized = SizedVocabulary(vocabulary.size)
    return TrainingData(plan, sized, FeatureSpace(), examples, None, None, none)


def _floors(
    data: TrainingData, config: CnnConfig, settings: ResolvedTrainConfig, threads: int
) -> dict[str, float]:
    """Plasmids a second if a step did nothing but the products of the convolution; or the products
    that make the tables and the sums of their rows; at the rates of torch and NumPy here."""
    columns = config.filters * sum(config.kernels)  # responses of one token to all filters
    products = _per_second(_product, 2 * 1_024**3)
    sums = threads * _per_second(
        _row_sums(max(config.kernels)), max(config.kernels) * 1_000 * _TILE
    )
    crop, batch = settings.crop, settings.batch_size
    convolution = 2 * crop * config.token_width * columns / products  # seconds of a plasmid
    tables = 2 * data.vocabulary.size * config.token_width * columns / products / batch
    return {
        "floor of the convolution (products)": 1 / convolution,
        "floor of the look-up (products and sums)": 1 / (tables + crop * columns / sums),
    }


def _product() -> object:
    square = torch.ones(1_024, 1_024)
    return square @ square


def _row_sums(kernel: int) -> Callable[[], object]:
    """Sums of rows of a table that lies in the cache, as the compiled search adds them."""
    table = np.ones((kernel * 1_000, _TILE), dtype=np.float32)
    return lambda: np.add.reduce(table, axis=0)


def _per_second(run: Callable[[], object], units: int) -> float:
    """Units a second, the best of ten runs."""
    seconds = []
    for _ in range(10):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return units / min(seconds)
