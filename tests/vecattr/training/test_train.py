"""Training end to end on made plasmids."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from vecattr.calibration.calibration_file import read_calibration
from vecattr.calibration.calibration_set import read_held_out
from vecattr.datasets.classes import ClassRule
from vecattr.datasets.reserve import SplitHash, SplitHashes, reserve
from vecattr.encoders.config import BagConfig, CnnConfig, EncoderConfig
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.model_folder import (
    CALIBRATION_FILE,
    CONFIG_FILE,
    HELD_OUT_FILE,
    MODEL_FILES,
    TOKENIZER_FILE,
    UNKNOWN_VECTOR,
    WEIGHTS_FILE,
    learned_labs,
    model_identity,
    unknown_vector,
)
from vecattr.encoders.quantisation import dequantised
from vecattr.encoders.vocabulary import KmerVocabulary, Reading
from vecattr.errors import (
    ArtifactError,
    DamagedError,
    InputError,
    LockedError,
    MissingError,
    UsageError,
)
from vecattr.plasmid import POOLED, Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.cross_validation import train_folds
from vecattr.training.progress import Epoch, Validation
from vecattr.training.report import TrainReport
from vecattr.training.run_folder import HISTORY_FILE
from vecattr.training.settings import BestBy, Loss, TrainConfig
from vecattr.training.train import train_model

_BAG = BagConfig(width=32, token_width=16, scaled=4)
_CNN = CnnConfig(width=32, pieces=120, token_width=8, kernels=(1, 3), filters=16)
_SHORT = TrainConfig(loss="cosface", epochs=4, batch_size=32, crop=200, learning_rate=1e-2)
_CORPUS = synthetic_plasmids(labs=8, plasmids_per_lab=12, seed=3)


def _train(
    out: Path, encoder: EncoderConfig = _BAG, config: TrainConfig = _SHORT, **options: object
) -> TrainReport:
    rule = ClassRule(None)
    return train_model(_CORPUS, out, rule=rule, encoder=encoder, train=config, **options)  # type: ignore[arg-type]


class Interrupted:
    """A watcher that stops the run after some epochs, as a person would."""

    def __init__(self, after: int) -> None:
        self.epochs_left = after

    def notes(self, text: str) -> None: ...

    def starts(self, stage: str, total: int) -> None: ...

    def advances(self, units: int, **facts: float) -> None: ...

    def ends_epoch(self, epoch: Epoch) -> None:
        self.epochs_left -= 1
        if not self.epochs_left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("encoder", [_BAG, _CNN], ids=["bag", "cnn"])
@pytest.mark.parametrize("loss", ["triplet", "cosface", "softmax"])
def test_training_writes_a_model_that_embeds(
    tmp_path: Path, encoder: EncoderConfig, loss: Loss
) -> None:
    report = _train(tmp_path / "model", encoder, replace(_SHORT, loss=loss))
    table = learned_labs(report.model)
    assert table is not None
    assert table.names == tuple(sorted({plasmid.lab for plasmid in _CORPUS}))  # type: ignore[type-var]
    unknown = unknown_vector(report.model)
    assert unknown is not None
    assert UNKNOWN_VECTOR not in table.names
    vectors = load_embedder(report.model).embed(_CORPUS[:5])
    assert vectors.shape == (5, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_training_learns_more_than_chance(tmp_path: Path) -> None:
    config = replace(_SHORT, epochs=12, validation_share=0)
    report = _train(tmp_path / "model", _BAG, config)
    table = learned_labs(report.model)
    assert table is not None
    cosines = load_embedder(report.model).embed(_CORPUS) @ table.vectors.T
    named = np.array(table.names)[cosines.argmax(axis=1)]
    assert np.mean(named == np.array([plasmid.lab for plasmid in _CORPUS])) > 0.6


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    identities = {model_identity(_train(tmp_path / name, _CNN).model) for name in "ab"}
    assert len(identities) == 1


@pytest.mark.parametrize("loss", ["cosface", "softmax"])
def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path: Path, loss: Loss) -> None:
    config = replace(_SHORT, loss=loss)
    whole = _train(tmp_path / "whole", _CNN, config)
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "cut", _CNN, config, watcher=Interrupted(after=2), checkpoint_minutes=0)
    with pytest.raises(UsageError, match="--resume"):
        _train(tmp_path / "cut", _CNN, config)
    resumed = _train(tmp_path / "cut", _CNN, config, resume=True)
    assert model_identity(resumed.model) == model_identity(whole.model)


class Meanwhile(Interrupted):
    """A watcher that does something after the first epoch."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = [act]

    def ends_epoch(self, epoch: Epoch) -> None:
        while self.act:
            self.act.pop()()


def test_a_file_of_a_persons_in_the_folder_of_a_run_stays(tmp_path: Path) -> None:
    names = ("best-checkpoint.safetensors", ".vecattr-notes", "notes.txt")

    def person() -> None:
        for name in names:
            (tmp_path / "run" / name).write_text("mine")

    _train(tmp_path / "run", watcher=Meanwhile(person), checkpoint_minutes=0)
    assert [(tmp_path / "run" / name).read_text() for name in names] == ["mine"] * 3
    assert not (tmp_path / "run" / "fit-checkpoint.safetensors").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_two_runs_do_not_train_into_one_folder(tmp_path: Path, resume: bool) -> None:
    refused: list[Exception] = []

    def colleague() -> None:
        with pytest.raises((LockedError, UsageError)) as error:
            _train(tmp_path / "run", resume=resume)
        refused.append(error.value)

    report = _train(tmp_path / "run", watcher=Meanwhile(colleague))
    assert isinstance(refused[0], LockedError)
    assert (report.model / CONFIG_FILE).exists()


@pytest.mark.parametrize("leftover", [".vecattr-half0123", "labs.h5", "tokenizer.model"])
def test_a_run_that_was_killed_while_it_wrote_can_be_resumed(tmp_path: Path, leftover: str) -> None:
    cut = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        _train(cut, _CNN, watcher=Interrupted(after=2), checkpoint_minutes=0)
    (cut / leftover).write_bytes(b"half")
    report = _train(cut, _CNN, resume=True)
    load_embedder(report.model)
    written = {path.name for path in report.model.iterdir()}
    assert written <= {*MODEL_FILES, HISTORY_FILE}


def test_history_has_one_line_an_epoch(tmp_path: Path) -> None:
    report = _train(tmp_path / "model")
    with (report.model / HISTORY_FILE).open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    shares = ("validation_top1", "validation_top10", "validation_macro_mrr")
    assert all(0 <= float(row[share]) <= 1 for row in rows for share in shares)


@pytest.mark.parametrize("best_by", ["macro-mrr", "top1"])
def test_the_epoch_that_is_best_by_the_rule_is_kept(tmp_path: Path, best_by: BestBy) -> None:
    report = _train(tmp_path / "model", config=replace(_SHORT, epochs=8, best_by=best_by))
    merits = [epoch.merit(best_by) for epoch in report.history]
    assert report.best is report.history[merits.index(max(merits))]
    table = learned_labs(report.model)
    assert table is not None
    plasmids = [_CORPUS[row] for row in np.flatnonzero(report.split.validation)]
    cosines = load_embedder(report.model).embed(plasmids) @ table.vectors.T
    targets = np.array([table.names.index(str(plasmid.lab)) for plasmid in plasmids])
    figures = Validation.from_cosines(cosines, targets)
    assert figures.macro_mrr == pytest.approx(report.best.validation_macro_mrr, abs=0.01)
    assert figures.top1 == pytest.approx(report.best.validation_top1, abs=0.01)


def test_plasmids_that_calibrate_are_kept_and_were_not_learned_from(tmp_path: Path) -> None:
    shares = {"validation_share": 0.3, "calibration_share": 0.2}
    report = _train(tmp_path / "model", config=replace(_SHORT, **shares))  # type: ignore[arg-type]
    held_out = read_held_out(report.model)
    labs = learned_labs(report.model)
    assert held_out is not None
    assert labs is not None
    assert read_calibration(report.model) == report.calibration is not None
    plasmids = {plasmid.id: plasmid for plasmid in _CORPUS}
    training = [_CORPUS[row] for row in np.flatnonzero(report.split.training)]
    assert not {plasmid.id for plasmid in training} & set(held_out.ids)
    groups = {plasmid.group for plasmid in training}
    for name, is_new in zip(held_out.ids, held_out.is_new.tolist(), strict=True):
        assert is_new == (plasmids[name].group not in groups)
    assert held_out.labs.names == labs.names
    assert np.array_equal(held_out.labs.vectors, labs.vectors)
    assert [labs.names[label] for label in held_out.labels] == [
        plasmids[name].lab for name in held_out.ids
    ]
    embed = load_embedder(report.model).embed
    full = embed([plasmids[name] for name in held_out.ids])
    bare = embed([plasmids[name].without_features() for name in held_out.ids])
    stored = embed([plasmid.without_features() for plasmid in training])
    assert np.allclose(held_out.full, full, atol=1e-4)
    assert np.allclose(held_out.bare, bare, atol=1e-4)
    assert held_out.has_features
    for row, name in enumerate(held_out.ids):
        cosines = stored @ bare[row]
        other_labs = [plasmid.lab != plasmids[name].lab for plasmid in training]
        assert held_out.nearest[row] == pytest.approx(cosines.max(), abs=1e-4)
        assert held_out.nearest_other[row] == pytest.approx(cosines[other_labs].max(), abs=1e-4)


def test_epochs_between_validations_are_not_validated_but_the_last_one_is(tmp_path: Path) -> None:
    report = _train(tmp_path / "model", config=replace(_SHORT, epochs=5, validate_every=2))
    validated = [np.isfinite(epoch.validation_top1) for epoch in report.history]
    assert validated == [False, True, False, True, True]
    assert report.best in (report.history[1], report.history[3], report.history[4])


def test_patience_waits_for_a_validation(tmp_path: Path) -> None:
    config = replace(_SHORT, epochs=12, validate_every=4, patience=1, learning_rate=1e-12)
    report = _train(tmp_path / "model", config=config)
    assert report.epochs == 8  # the first validation is the best; the second is not better
    assert report.best is report.history[3]


def test_without_plasmids_held_out_nothing_is_calibrated(tmp_path: Path) -> None:
    shares = {"validation_share": 0.0, "calibration_share": 0.0}
    report = _train(tmp_path / "model", config=replace(_SHORT, **shares))  # type: ignore[arg-type]
    assert (report.held_out, report.calibration) == (None, None)
    written = {path.name for path in report.model.iterdir()}
    assert not written & {HELD_OUT_FILE, CALIBRATION_FILE}


def test_max_steps_ends_a_run_early(tmp_path: Path) -> None:
    report = _train(tmp_path / "model", _BAG, replace(_SHORT, max_steps=5))
    with (report.model / HISTORY_FILE).open() as stream:
        assert list(csv.DictReader(stream))[-1]["steps"] == "5"


@pytest.mark.parametrize("loss", ["cosface", "softmax"])
def test_refitting_learns_from_every_row(tmp_path: Path, loss: Loss) -> None:
    config = replace(_SHORT, loss=loss)
    fitted = _train(tmp_path / "fitted", _BAG, config)
    refitted = _train(tmp_path / "refitted", _BAG, replace(config, refit=True))
    assert model_identity(fitted.model) != model_identity(refitted.model)
    assert "fitted again on all" in (refitted.model / "MODEL_CARD.md").read_text()


def test_rare_labs_are_pooled_into_one_class(tmp_path: Path) -> None:
    named = frozenset({"Lab 01", "Lab 02"})
    train_model(_CORPUS, tmp_path / "m", rule=ClassRule(named), encoder=_BAG, train=_SHORT)
    table = learned_labs(tmp_path / "m")
    assert table is not None
    assert set(table.names) == named | {POOLED}


def test_views_batches_and_spelling_do_not_change_a_vector(tmp_path: Path) -> None:
    model = _train(tmp_path / "model", _CNN).model
    embedder = load_embedder(model, views=3)
    plasmids = _CORPUS[:12]
    together = embedder.embed(plasmids)
    for row, plasmid in enumerate(plasmids):
        other = plasmid.reverse_complement()
        turned = other.rotated(501) if other.is_circular else other
        assert np.allclose(embedder.embed([turned])[0], together[row], atol=1e-5)


@pytest.mark.parametrize("encoder", [_BAG, _CNN], ids=["bag", "cnn"])
def test_one_base_and_unseen_letters_embed(tmp_path: Path, encoder: EncoderConfig) -> None:
    embedder = load_embedder(_train(tmp_path / "model", encoder).model)
    vectors = embedder.embed([Plasmid("one", "A"), Plasmid("n", "N" * 500, "linear")])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_plasmid_without_a_lab_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'bare'"):
        train_model(
            [*_CORPUS, Plasmid("bare", "ACGT")],
            tmp_path / "m",
            rule=ClassRule(None),
            encoder=_BAG,
            train=_SHORT,
        )


def test_one_lab_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 labs"):
        train_model(_CORPUS[:12], tmp_path / "m", rule=ClassRule(None), encoder=_BAG, train=_SHORT)


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE])
@pytest.mark.parametrize("content", [b"", b"{}", b"junk"])
def test_a_damaged_model_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    model = _train(tmp_path / "model").model
    (model / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=name):
        load_embedder(model)


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE])
def test_a_model_that_lacks_a_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    model = _train(tmp_path / "model", _CNN).model
    (model / name).unlink()
    with pytest.raises(MissingError, match=name):
        load_embedder(model)


def test_a_model_from_before_dropout_of_tokens_is_read(tmp_path: Path) -> None:
    model = _train(tmp_path / "model", _CNN).model
    before = load_embedder(model).embed(_CORPUS[:3])
    config = json.loads((model / CONFIG_FILE).read_text())
    assert config["encoder"].pop("dropout_of") == "numbers"
    (model / CONFIG_FILE).write_text(json.dumps(config))
    assert np.array_equal(load_embedder(model).embed(_CORPUS[:3]), before)


def test_a_vocabulary_out_of_order_is_refused(tmp_path: Path) -> None:
    model = _train(tmp_path / "model").model
    tensors = load_file(model / WEIGHTS_FILE)
    tensors["vocabulary.hashes"] = tensors["vocabulary.hashes"].flip(0)
    save_file(tensors, model / WEIGHTS_FILE)
    with pytest.raises(ArtifactError, match="out of order"):
        load_embedder(model)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty"):
        _train(tmp_path)


_TORCHRUN_SCRIPT = """
import sys
from pathlib import Path
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.config import {config}
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.settings import TrainConfig
from vecattr.training.train import train_model

train_model(
    synthetic_plasmids(labs=8, plasmids_per_lab=12, seed=3), Path(sys.argv[1]),
    rule=ClassRule(None),
    encoder={encoder!r}, train={train!r},
)
"""


@pytest.mark.proof
@pytest.mark.parametrize("loss", ["cosface", "softmax"])
@pytest.mark.parametrize("encoder", [_BAG, replace(_CNN, dropout=0.0)], ids=["bag", "cnn"])
def test_two_processes_give_the_result_of_one(
    tmp_path: Path, encoder: EncoderConfig, loss: Loss
) -> None:
    config = replace(_SHORT, loss=loss, reverse_complement=0, feature_dropout=0, bf16=False)
    config = replace(config, calibration_share=0)  # an even number of plasmids to share
    if isinstance(encoder, BagConfig):
        encoder = replace(encoder, dropout=0.0)
    script = tmp_path / "run.py"
    script.write_text(
        _TORCHRUN_SCRIPT.format(config=type(encoder).__name__, encoder=encoder, train=config)
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(tmp_path / "two")], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    single = _train(tmp_path / "one", encoder, config)
    losses_of_one, losses_of_two = (_losses(tmp_path / name) for name in ("one", "two"))
    assert single.epochs == len(losses_of_two)
    assert np.allclose(losses_of_one, losses_of_two, rtol=1e-3)


def _losses(model: Path) -> list[float]:
    with (model / HISTORY_FILE).open() as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream)]


def _with_telling_names(corpus: list[Plasmid]) -> list[Plasmid]:
    """The same plasmids, with names that cannot occur in a model by chance."""
    return [
        replace(
            plasmid,
            id=f"ROW-{plasmid.id}",
            lab=f"NAME-{plasmid.lab}",
            group=f"PAPER-{plasmid.group}",
        )
        for plasmid in corpus
    ]


def test_an_encoder_to_hand_on_holds_no_name_and_was_trained_without_the_reserve(
    tmp_path: Path,
) -> None:
    corpus = _with_telling_names(synthetic_plasmids(labs=8, plasmids_per_lab=30, seed=5))
    config = replace(_SHORT, reserve=True, refit=True)
    report = train_model(
        corpus, tmp_path / "model", rule=ClassRule(None), encoder=_BAG, train=config
    )
    split_hashes = SplitHashes.from_hashes(map(SplitHash.from_plasmid, corpus))
    reserved = reserve([str(plasmid.lab) for plasmid in corpus], split_hashes).rows
    assert (report.plasmids, report.reserved) == (240 - reserved.sum(), reserved.sum())
    assert report.held_out is None
    assert report.calibration is None
    files = sorted(path.name for path in report.model.iterdir())
    assert files == ["MODEL_CARD.md", "config.json", "encoder.safetensors", "history.csv"]
    content = b"".join(path.read_bytes() for path in report.model.iterdir())
    for word in (b"ROW-", b"NAME-", b"PAPER-"):
        assert word not in content
    hashes = load_file(report.model / WEIGHTS_FILE)["vocabulary.hashes"].numpy().view(np.uint64)
    unreserved = [plasmid for plasmid, out in zip(corpus, reserved, strict=True) if not out]
    readings = [Reading(plasmid.sequence, plasmid.is_circular) for plasmid in unreserved]
    vocabulary = KmerVocabulary.learn(readings, k=_BAG.k, scaled=_BAG.scaled, min_plasmids=2)
    assert hashes.tolist() == vocabulary.hashes.tolist()


def test_folds_keep_no_reserve(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="reserve"):
        train_folds(
            _CORPUS,
            tmp_path / "model",
            folds=2,
            rule=ClassRule(None),
            encoder=_BAG,
            train=replace(_SHORT, reserve=True),
        )


def test_a_table_of_int8_embeds_as_the_same_of_float16(tmp_path: Path) -> None:
    wide = replace(_BAG, width=48, token_width=32)
    models = [
        _train(tmp_path / numbers, replace(wide, numbers=numbers)).model
        for numbers in ("float16", "int8")
    ]
    float16, int8 = (load_embedder(model).embed(_CORPUS) for model in models)
    assert (float16 * int8).sum(axis=1).min() > 0.999
    assert not np.array_equal(float16, int8)
    stored = [load_file(model / WEIGHTS_FILE) for model in models]
    rows, steps = stored[1]["tokens.weight"].numpy(), stored[1]["tokens.steps"].numpy()
    assert (rows.dtype, steps.dtype) == (np.int8, np.float32)
    back, plain = dequantised(rows, steps), stored[0]["tokens.weight"].float().numpy()
    assert np.all(np.abs(back - plain) <= 0.5 * steps[:, None] + 1e-3 * np.abs(plain))


def test_steps_that_do_not_fit_their_table_are_damage(tmp_path: Path) -> None:
    model = _train(tmp_path / "model", replace(_BAG, numbers="int8")).model
    tensors = load_file(model / WEIGHTS_FILE)
    save_file({**tensors, "tokens.steps": tensors["tokens.steps"][:-1]}, model / WEIGHTS_FILE)
    with pytest.raises(DamagedError, match="do not fit"):
        load_embedder(model)
