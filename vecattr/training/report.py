"""The report of a training run: as a value, and as a model card in Markdown for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vecattr.calibration.calibration import Calibration
from vecattr.calibration.calibration_set import HeldOut
from vecattr.datasets.splits import Split
from vecattr.encoders.config import as_json
from vecattr.encoders.torch_encoder import TrainedEncoder
from vecattr.training.data import TrainingPlan
from vecattr.training.fitting.network import FittedModel
from vecattr.training.held_out import Calibrated
from vecattr.training.progress import Epoch
from vecattr.training.settings import ResolvedTrainConfig
from vecattr.training.start import StartModel
from vecattr.version import __version__


@dataclass(frozen=True)
class TrainReport:
    """What was learned from what, and how well."""

    model: Path
    plasmids: int
    reserved: int  # plasmids of the table that the run did not touch
    split: Split
    labs: int
    history: tuple[Epoch, ...]
    best: Epoch | None  # the epoch whose weights were kept, when there was a validation part
    held_out: HeldOut | None
    calibration: Calibration | None
    start: StartModel | None = None  # the model that the run began with

    @classmethod
    def from_run(
        cls, plan: TrainingPlan, model: FittedModel, calibrated: Calibrated | None, *, folder: Path
    ) -> TrainReport:
        """The report of a plan's fit in a folder, which calibrates where it could."""
        return cls(
            model=folder,
            plasmids=len(plan.labelled.labels),
            reserved=plan.reserved,
            split=plan.split,
            labs=len(plan.lab_names),
            history=model.history,
            best=model.best,
            held_out=calibrated.held_out if calibrated else None,
            calibration=calibrated.calibration if calibrated else None,
            start=plan.start,
        )

    def __repr__(self) -> str:
        judged = "calibrated" if self.calibration else "uncalibrated"
        return (
            f"<TrainReport {self.model}: {self.plasmids:,} plasmids of {self.labs:,} labs, "
            f"{self.epochs} epochs, {judged}>"
        )

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.history)


def model_card(report: TrainReport, trained: TrainedEncoder, settings: ResolvedTrainConfig) -> str:
    """What the model learned from, how, and how well it did on plasmids it did not see."""
    encoder, features = trained.encoder.config, trained.features
    names = ": " + ", ".join(features.names) if features.names else ""
    refitted = " The weights were then fitted again on all of them." if settings.refit else ""
    sections = [
        "# Model card",
        f"Made by vecattr {__version__}. Turns a plasmid into a unit vector of width "
        f"{encoder.width}, to be compared with lab vectors by cosine.",
        "## Data",
        f"{report.plasmids:,} plasmids of {report.labs:,} classes; {_held_out(report)}" + refitted,
        f"{len(features.names)} phenotype features{names}.",
        "## Figures",
        _figures(report),
        "## Encoder",
        _bullets(as_json(encoder)),
        "## Training",
        _start(report.start) + _bullets(as_json(settings)),
        "## Limits",
        "A rank is a lead, not proof. Labs that share plasmids share vectors. A lab that was not "
        "in the data cannot be named; the verdict says so as often as its threshold lets it.",
    ]
    return "\n\n".join(sections) + "\n"


def _start(start: StartModel | None) -> str:
    if start is None:
        return ""
    labs = "and, where names agree, its lab vectors " if start.labs else ""
    return (
        f"The run started from the weights, the vocabulary and the features of the model "
        f"{start.name} {labs}(identity {start.identity[:16]}).\n\n"
    )


def _held_out(report: TrainReport) -> str:
    if report.reserved:
        return _reserved(report)
    split = report.split
    validation, groups, singles = (
        int(mask.sum()) for mask in (split.validation, split.new_work, split.known_work)
    )
    stopping = f"{validation:,} of the plasmids were held out, in whole groups, to stop training"
    calibrating = (
        f", and {groups:,} others, out of every fold, to calibrate"
        if split.is_fold
        else " and to calibrate"
    )
    return f"{stopping}{calibrating}; to calibrate, {singles:,} single ones, too."


def _reserved(report: TrainReport) -> str:
    validation = int(report.split.validation.sum())
    return (
        f"{validation:,} of them were held out, in whole groups, to stop training. "
        f"{report.reserved:,} more were reserved: an index of the same table is calibrated on "
        "them. The model holds neither plasmids nor lab vectors, and no name of either."
    )


def _figures(report: TrainReport) -> str:
    lines = [f"Epochs: {report.epochs}."]
    if report.best:
        lines.append(
            f"Held-out plasmids (epoch {report.best.epoch}): top-1 "
            f"{100 * report.best.validation_top1:.1f} %, top-10 "
            f"{100 * report.best.validation_top10:.1f} %, mean reciprocal rank, labs counting "
            f"alike, {report.best.validation_macro_mrr:.3f}."
        )
    if report.calibration:
        lines.append(
            f"Verdict: unknown below {report.calibration.threshold:.3f}, which called "
            f"{100 * report.calibration.false_alarm:.1f} % of {report.calibration.named:,} "
            "held-out plasmids of named labs unknown (whole groups, sequence only)."
        )
    return " ".join(lines)


def _bullets(values: dict[str, object]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in values.items())
