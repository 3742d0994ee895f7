"""What a model is trained on: a plan in, its vocabulary, features and examples out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vecattr.datasets.classes import LabelledSet
from vecattr.datasets.splits import Split, first_of_each_group, split_labelled
from vecattr.encoders.config import BagConfig, EncoderConfig
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.tokenizer import Tokenizer
from vecattr.encoders.vocabulary import KmerVocabulary, PieceVocabulary, Reading, Vocabulary
from vecattr.errors import UsageError
from vecattr.plasmid import Plasmid
from vecattr.training.checkpoint import Stage
from vecattr.training.examples import ExampleReader, Examples
from vecattr.training.progress import Watcher
from vecattr.training.settings import ResolvedTrainConfig
from vecattr.training.start import StartModel
from vecattr.vectors import Mask


@dataclass(frozen=True)
class TrainingPlan:
    """One model to train: on which plasmids, what each of their rows is for, and how; UsageError
    for an encoder that is to stay as it is without a model to start from."""

    labelled: LabelledSet
    split: Split
    encoder: EncoderConfig
    settings: ResolvedTrainConfig
    rotations: int  # test-time views that the model takes by default
    reserved: int = 0  # plasmids of the table that are not among the labelled ones
    stage: Stage = "fit"
    start: StartModel | None = None

    def __post_init__(self) -> None:
        if self.settings.freeze_encoder and self.start is None:
            raise UsageError(
                "--freeze-encoder keeps the encoder of a model", hint="name it with --start-from"
            )

    @property
    def lab_names(self) -> tuple[str, ...]:
        """The classes, in the order of the lab vectors."""
        return tuple(sorted(set(self.labelled.labels)))

    def for_refit(self, epochs: int) -> TrainingPlan:
        """The plan to train on all rows for so many epochs."""
        no_rows = np.zeros(len(self.labelled.labels), dtype=bool)
        split = Split(training=~no_rows, validation=no_rows, new_work=no_rows, known_work=no_rows)
        settings = replace(self.settings, epochs=epochs)
        return replace(self, split=split, settings=settings, stage="refit")


def split_by_settings(labelled: LabelledSet, settings: ResolvedTrainConfig) -> Split:
    """The rows of one run by its shares and its seed."""
    return split_labelled(
        labelled,
        validation_share=settings.validation_share,
        calibration_share=0 if settings.reserve else settings.calibration_share,  # the reserve does
        seed=settings.seed,
    )


@dataclass(frozen=True)
class TrainingData:
    """The plasmids of a plan as examples, and what they were read with."""

    plan: TrainingPlan
    vocabulary: Vocabulary
    features: FeatureSpace
    training: Examples
    validation: Examples | None  # tells when to stop
    calibration: Examples | None
    calibration_is_new: Mask  # (q,), True where the whole group was held out


def read_training_data(
    plan: TrainingPlan, threads: int, watcher: Watcher, *, calibrates: bool
) -> TrainingData:
    """Learn vocabulary and features from the training rows, or take those of the model that the
    run starts from, and read all rows with them; the
    calibration rows only if the run `calibrates`."""
    split, labelled = plan.split, plan.labelled
    training = labelled.where(split.training)
    if plan.start:
        vocabulary, features = plan.start.parts.vocabulary, plan.start.parts.features
    else:
        vocabulary = _learn_vocabulary(training.plasmids, plan.encoder, plan.settings)
        features = FeatureSpace.from_plasmids(training.plasmids)
    groups = [plasmid.group or (plasmid.id,) for plasmid in labelled.plasmids]
    new_work = first_of_each_group(groups, split.new_work)
    calibration_rows = new_work | split.known_work
    reader = ExampleReader(plan.lab_names, vocabulary, features, threads)
    return TrainingData(
        plan=plan,
        vocabulary=vocabulary,
        features=features,
        training=reader.read(training, watcher),
        validation=reader.read_if_any(labelled.where(split.validation), watcher),
        calibration=reader.read_if_any(labelled.where(calibration_rows & calibrates), watcher),
        calibration_is_new=new_work[calibration_rows],
    )


def _learn_vocabulary(
    plasmids: Sequence[Plasmid], encoder: EncoderConfig, settings: ResolvedTrainConfig
) -> Vocabulary:
    if isinstance(encoder, BagConfig):
        return KmerVocabulary.learn(
            [Reading(plasmid.sequence, plasmid.is_circular) for plasmid in plasmids],
            k=encoder.k,
            scaled=encoder.scaled,
            min_plasmids=encoder.min_plasmids,
        )
    rng = np.random.default_rng(settings.seed)
    sample: list[str] = []
    bases = 0
    for row in rng.permutation(len(plasmids)):
        if bases >= settings.tokenizer_bases:
            break
        sample.append(plasmids[row].sequence)
        bases += len(plasmids[row])
    return PieceVocabulary(Tokenizer.train(sample, pieces=encoder.pieces))
