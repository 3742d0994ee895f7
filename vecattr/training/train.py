"""The whole of `vecattr train`: labelled plasmids in, a model folder out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from vecattr.calibration.calibration import fit_calibration
from vecattr.calibration.calibration_set import HeldOut, nearest_cosines
from vecattr.datasets.classes import ClassRule, LabelledSet, labelled_set
from vecattr.datasets.reserve import without_reserve
from vecattr.datasets.splits import Split, first_of_each_group, split_labelled
from vecattr.encoders.config import BagConfig, EncoderConfig
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.model_folder import UNKNOWN_VECTOR
from vecattr.encoders.networks import new_encoder
from vecattr.encoders.tokenizer import Tokenizer
from vecattr.encoders.torch_encoder import TrainedEncoder
from vecattr.encoders.vocabulary import KmerVocabulary, PieceVocabulary, Reading, Vocabulary
from vecattr.plasmid import Plasmid
from vecattr.training.checkpoint import CHECKPOINT_FILE, run_fingerprint
from vecattr.training.distributed import Workers, join_workers
from vecattr.training.examples import Examples
from vecattr.training.loop import Fit, LabMatcher, Run, Watcher
from vecattr.training.losses import new_loss
from vecattr.training.report import TrainReport, model_card
from vecattr.training.run_folder import claim_folder, write_run
from vecattr.training.settings import ResolvedTrainConfig, TrainConfig
from vecattr.training.validation import Epoch
from vecattr.vectors import EmbeddingTable, Vectors, unit_rows

_SOURCE = "plasmids held out of training: whole groups, and single plasmids of other groups"


class SilentWatcher:
    """Nobody looks on."""

    def starts(self, stage: str, total: int) -> None:
        """Do nothing."""

    def advances(self, units: int, **facts: float) -> None:
        """Do nothing."""

    def ends_epoch(self, epoch: Epoch) -> None:
        """Do nothing."""


def train_model(
    plasmids: Sequence[Plasmid],
    out: Path,
    *,
    rule: ClassRule,
    encoder: EncoderConfig,
    train: TrainConfig,
    split: Split | None = None,
    rotations: int = 1,
    resume: bool = False,
    checkpoint_minutes: float = 5.0,
    watcher: Watcher | None = None,
) -> TrainReport:
    """Train an encoder and lab vectors and write them to the folder `out`.

    `split` says which rows are for what; by default a share is held out for stopping and
    calibration both. With `train.reserve` the reserve of the plasmids is left out, and the model
    is an encoder alone: no lab vectors, nothing that calibrates, no names.
    `rotations` becomes the model's default number of test-time views. A checkpoint is written at
    epoch ends, `checkpoint_minutes` apart or more; `resume` goes on from it. Under torchrun every
    process calls this with the same arguments; rank 0 writes. Raises InputError when a plasmid
    has no lab or all have the same, UsageError when `out` holds something else.
    """
    config = train.resolved(encoder, rows=len(plasmids))
    labelled = labelled_set(plasmids, rule)
    if config.reserve:
        labelled = without_reserve(labelled)
    names = tuple(sorted(set(labelled.labels)))
    claim_folder(out, resume=resume)
    split = split or split_labelled(
        labelled,
        validation_share=config.validation_share,
        calibration_share=0 if config.reserve else config.calibration_share,  # the reserve does
        seed=config.seed,
    )
    with join_workers(config.device) as workers:
        look = watcher if watcher and workers.leads else SilentWatcher()
        task = _Task(out, names, encoder, config, workers, look, 60 * checkpoint_minutes)
        validation = labelled.where(split.validation) if split.validation.any() else None
        learned = labelled.where(split.training)
        parts, fit, examples = task.fit(learned, validation, "fit", resume=resume)
        held = None
        if workers.leads and not config.reserve:
            held = task.held_out(labelled, split, parts, fit, examples)
        report = TrainReport(
            model=out,
            plasmids=len(labelled.labels),
            reserved=len(plasmids) - len(labelled.labels),
            split=split,
            labs=len(names),
            history=fit.history,
            best=fit.history[fit.best_epoch - 1] if validation else None,
            held_out=held,
            calibration=fit_calibration(held, source=_SOURCE) if held else None,
        )
        if config.refit and validation:
            parts, fit, _ = task.refit(labelled, fit)
        if workers.leads:
            card = model_card(report, config, parts, refitted=config.refit)
            table = EmbeddingTable((*names, UNKNOWN_VECTOR), _lab_rows(fit))
            labs = None if config.reserve else table
            write_run(report, parts, labs, rotations=rotations, card=card)
        workers.agree(None)  # a process that leaves while the leader writes would abort
    return report


@dataclass(frozen=True)
class _Task:
    """What stays the same between the first fit and a refit on all rows."""

    out: Path
    names: tuple[str, ...]
    encoder: EncoderConfig
    config: ResolvedTrainConfig
    workers: Workers
    watcher: Watcher
    checkpoint_seconds: float

    def fit(
        self, training: LabelledSet, validation: LabelledSet | None, stage: str, *, resume: bool
    ) -> tuple[TrainedEncoder, Fit, Examples]:
        """Learn vocabulary and weights from `training`, which is returned as it was read; watch
        `validation` when there is one."""
        vocabulary = _learn_vocabulary(training.plasmids, self.encoder, self.config)
        features = FeatureSpace.from_plasmids(training.plasmids)
        learn = self._examples(training, vocabulary, features)
        watch = self._examples(validation, vocabulary, features) if validation else None
        torch.manual_seed(self.config.seed)
        network = new_encoder(
            self.encoder, vocabulary_size=vocabulary.size, feature_columns=features.columns
        )
        run = Run(
            LabMatcher(network, len(self.names), new_loss(self.config)),
            learn,
            watch,
            config=self.config,
            workers=self.workers,
            checkpoint=self.out / f"{stage}-{CHECKPOINT_FILE}",
            checkpoint_seconds=self.checkpoint_seconds,
            fingerprint=run_fingerprint(self.encoder, self.config, training),
        )
        fit = run.fit(self.watcher, resume=resume)
        return TrainedEncoder(network, vocabulary, features), fit, learn

    def refit(self, everything: LabelledSet, first: Fit) -> tuple[TrainedEncoder, Fit, Examples]:
        """Train again on all rows for as many epochs as were best."""
        again = replace(self.config, epochs=first.best_epoch)
        return replace(self, config=again).fit(everything, None, "refit", resume=False)

    def held_out(
        self,
        labelled: LabelledSet,
        split: Split,
        parts: TrainedEncoder,
        fit: Fit,
        learned: Examples,
    ) -> HeldOut | None:
        """The plasmids that calibrate, as the fit sees them, which did not learn from them; None
        without any. `learned` are the examples that it did learn from."""
        groups = [plasmid.group or (plasmid.id,) for plasmid in labelled.plasmids]
        new_work = first_of_each_group(groups, split.new_work)
        calibrated = new_work | split.known_work
        rows = labelled.where(calibrated)
        if not rows.labels:
            return None
        examples = self._examples(rows, parts.vocabulary, parts.features)
        self.watcher.starts("embedding to calibrate", 2 * len(examples) + len(learned))
        full, bare, stored = (
            fit.matcher.vectors(some, self.workers.device, progress=self.watcher.advances)
            for some in (examples, examples.without_features(), learned.without_features())
        )
        nearest, other = nearest_cosines(
            bare,
            stored,
            query_labs=[plasmid.lab for plasmid in rows.plasmids],
            stored_labs=[plasmid.lab for plasmid in labelled.where(split.training).plasmids],
        )
        return HeldOut(
            ids=tuple(plasmid.id for plasmid in rows.plasmids),
            labels=examples.targets,
            is_new=new_work[calibrated],
            full=full,
            bare=bare,
            nearest=nearest,
            nearest_other=other,
            labs=EmbeddingTable(self.names, _lab_rows(fit)[:-1]),
        )

    def _examples(
        self, labelled: LabelledSet, vocabulary: Vocabulary, features: FeatureSpace
    ) -> Examples:
        place = {name: row for row, name in enumerate(self.names)}
        targets = np.array([place[label] for label in labelled.labels], dtype=np.int64)
        self.watcher.starts("reading plasmids", len(targets))
        return Examples(
            labelled.plasmids,
            targets,
            vocabulary=vocabulary,
            features=features,
            threads=torch.get_num_threads(),
            progress=self.watcher.advances,
        )


def _learn_vocabulary(
    plasmids: Sequence[Plasmid], encoder: EncoderConfig, config: ResolvedTrainConfig
) -> Vocabulary:
    if isinstance(encoder, BagConfig):
        return KmerVocabulary.learn(
            [Reading(plasmid.sequence, plasmid.is_circular) for plasmid in plasmids],
            k=encoder.k,
            scaled=encoder.scaled,
            min_plasmids=encoder.min_plasmids,
        )
    rng = np.random.default_rng(config.seed)
    sample, bases = [], 0
    for row in rng.permutation(len(plasmids)):
        if bases >= config.tokenizer_bases:
            break
        sample.append(plasmids[row].sequence)
        bases += len(plasmids[row])
    return PieceVocabulary(Tokenizer.train(sample, pieces=encoder.pieces))


def _lab_rows(fit: Fit) -> Vectors:
    """Unit vectors of the labs and the unknown vector, (n + 1, d)."""
    return unit_rows(fit.matcher.lab_vectors().detach().cpu().numpy())
