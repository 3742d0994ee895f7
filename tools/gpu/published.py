"""The published network on a GPU in ten minutes.

A table in, its tokens out; tokens in, weights out; weights in, a model folder out:

    python tools/gpu/published.py prepare T --labs L -o tokens.xz
    python tools/gpu/published.py train tokens.xz -o OUT [--objective classify]
    python tools/gpu/published.py collect OUT T --labs L -o MODEL

`train` runs where torch, NumPy, safetensors and this checkout (on PYTHONPATH) are, with a GPU or
without. It measures the searches of a step, takes the faster one, sets the epochs (200 at most) by
its rate and the minutes, validates every ten epochs, and writes weights every minute: float16, in
parts of at most 15 MiB, beside a log of JSON lines. Called again it goes on from OUT.state.
`--train` and `--cnn` are JSON objects of fields of TrainConfig and CnnConfig that override the
preset. `--start OUT/best` (or `OUT/last`) begins with the weights of another run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it runs as a script

from gpu.tokens import EVERY, Tokens, digest_of, plan_of_table, prepare, published
from gpu.weights import Recorder, TimeIsUpError, read_history, read_weights, weights_digest
from vecattr.encoders.config import CnnConfig
from vecattr.encoders.networks.search_choice import Search, compiled_search_fault
from vecattr.encoders.networks.text_cnn import TextCnn
from vecattr.encoders.torch_encoder import TrainedEncoder
from vecattr.errors import MismatchError
from vecattr.files.atomic import atomic_write
from vecattr.training.checkpoint import Checkpoints
from vecattr.training.data import TrainingData, read_training_data
from vecattr.training.distributed import ProcessGroup, join_process_group
from vecattr.training.examples import Examples
from vecattr.training.fitting.fit import new_network
from vecattr.training.fitting.loop import TrainingLoop
from vecattr.training.fitting.network import AttributionNetwork, FittedModel
from vecattr.training.progress import Epoch, SilentWatcher, Validation
from vecattr.training.settings import ResolvedTrainConfig

SPARE = 0.9  # the share of the time that the epochs are set for


class Stopwatch(SilentWatcher):
    """Times the steps after the first two; raises TimeIsUpError when there are enough."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.steps, self.began, self.ended = seconds, -2, 0.0, 0.0

    def advances(self, units: int, **figures: float) -> None:
        """Count a step."""
        if not figures:
            return
        self.steps += 1
        self.ended = time.perf_counter()
        if self.steps == 0:
            self.began = self.ended
        if self.steps >= 3 and self.ended - self.began >= self.seconds:
            raise TimeIsUpError


def step_rate(data: TrainingData, search: Search, group: ProcessGroup, *, seconds: float) -> float:
    """Plasmids a second of training steps with a search, on a network that is thrown away."""
    network = new_network(data)
    assert isinstance(network.encoder, TextCnn)
    network.encoder.search = search
    watch = Stopwatch(seconds)
    with tempfile.TemporaryDirectory() as scratch:
        checkpoints = Checkpoints(Path(scratch), math.inf, resume=False)
        settings = replace(data.plan.settings, max_steps=10_000, epochs=10_000)
        timed = replace(data, plan=replace(data.plan, settings=settings), validation=None)
        loop = TrainingLoop(network, timed, group=group, checkpoints=checkpoints, fingerprint="")
        with contextlib.suppress(TimeIsUpError):
            loop.run(watch)
    return watch.steps * data.plan.settings.batch_size / (watch.ended - watch.began)


def searches_of(device: str) -> tuple[Search, ...]:
    """The searches to compare on a device."""
    if device == "cpu" and not compiled_search_fault():
        return ("convolution", "compiled")
    return ("convolution", "lookup")


def epochs_within(
    seconds: float, rate: float, tokens: Tokens, settings: ResolvedTrainConfig
) -> int:
    """How many epochs, with their validations and the last figures, take so many seconds; a crop
    of full length takes about as long to validate as to train on."""

    def crops(examples: Examples | None) -> float:
        return 0.0 if examples is None else len(examples.strands[0].flat) / settings.crop

    asked = sum(2 * crops(part) for name, part in tokens.parts.items() if "=" in name)
    epoch = len(tokens.parts["training"]) + crops(tokens.parts.get("validation")) / EVERY
    return max(1, min(settings.epochs, int((SPARE * seconds * rate - asked) / epoch)))


def begin(
    options: argparse.Namespace, state: Path, tokens: Tokens, group: ProcessGroup, began: float
) -> dict[str, Any]:
    """What a run is: its options, and the search and epochs that it measured, or that the run
    which it goes on with measured. MismatchError when that one had other options."""
    path = state / "run.json"
    options_of_run: dict[str, Any] = {
        "digest": tokens.facts["digest"],
        "objective": options.objective,
        "train": options.train,
        "cnn": options.cnn,
    }
    if options.start:
        options_of_run["start"] = weights_digest(options.start.parent, options.start.name)
    if path.exists():
        facts: dict[str, Any] = json.loads(path.read_text())
        if facts["options"] != options_of_run:
            raise MismatchError("a run with other options is there", where=str(state))
        return facts
    run = published(options.objective, train=options.train, cnn=options.cnn)
    data = tokens.data(run)
    seconds = options.measure_seconds
    rates = {
        name: step_rate(data, name, group, seconds=seconds)
        for name in searches_of(group.device.type)
    }
    search = max(rates, key=lambda name: rates[name])
    left = 60 * options.minutes - (time.monotonic() - began)
    epochs = epochs_within(left, rates[search], tokens, run[1])
    facts = {"options": options_of_run, "rates": rates, "search": search, "epochs": epochs}
    atomic_write(path, json.dumps(facts).encode())
    return facts


def train(options: argparse.Namespace) -> None:
    """Train within the minutes, or go on."""
    began = time.monotonic()
    out, tokens = Path(options.output), Tokens.from_file(options.tokens)
    state = out.with_name(f"{out.name}.state")
    for folder in (out, state):
        folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    with join_process_group(options.device) as group:
        facts = begin(options, state, tokens, group, began)
        atomic_write(out / "run.json", json.dumps(facts).encode())
        data = tokens.data(run_of(facts))
        network = new_network(data)
        if options.start:
            network.load_state_dict(read_weights(options.start.parent, options.start.name))
        assert isinstance(network.encoder, TextCnn)
        network.encoder.search = facts["search"]
        recorder = Recorder(out, network, began + 60 * options.minutes)
        recorder.log("begin", device=str(group.device), **facts)
        recorder.loop = TrainingLoop(
            network,
            data,
            group=group,
            checkpoints=Checkpoints(state, options.checkpoint_minutes, resume=True),
            fingerprint=json.dumps(facts, sort_keys=True),
        )
        try:
            recorder.loop.run(recorder)
        except TimeIsUpError:
            epochs = len(recorder.loop.history)
            print(f"time is up after {epochs} of {facts['epochs']} epochs; the command goes on")
            return
        recorder.write("best")
        measure(network, tokens, recorder)


def run_of(facts: dict[str, Any]) -> tuple[CnnConfig, ResolvedTrainConfig, int]:
    """Encoder, settings and views of a run that has begun."""
    options = facts["options"]
    overrides = {**options["train"], "epochs": facts["epochs"]}
    return published(options["objective"], train=overrides, cnn=options["cnn"])


def measure(network: AttributionNetwork, tokens: Tokens, recorder: Recorder) -> None:
    """Log how the labs of the rows that were asked for are ranked, sequence only and with
    features."""
    for name, part in tokens.parts.items():
        for features, examples in {False: part.without_features(), True: part}.items():
            if name != "training":
                cosines = network.cosines(examples)[:, :-1]
                figures = asdict(Validation.from_cosines(cosines, part.targets))
                recorder.log("rows", rows=name, features=features, **figures)
                print(f"{name}, {'with' if features else 'no'} features: {figures}")


def collect(options: argparse.Namespace) -> None:
    """Make a model folder of the weights, calibrated on the held-out rows of the table."""
    from vecattr.training.held_out import calibrate
    from vecattr.training.report import TrainReport
    from vecattr.training.run_folder import claim_folder, write_run

    folder, out = Path(options.folder), Path(options.output)
    facts = json.loads((folder / "run.json").read_text())
    plan = plan_of_table(options.table, options.labs, options.where, run_of(facts))
    claim_folder(out, resume=False)
    data = read_training_data(plan, options.threads, SilentWatcher(), calibrates=True)
    if digest_of(data) != facts["options"]["digest"]:
        raise MismatchError(
            "these weights were learned from other rows",
            where=options.folder,
            hint="give the table, labs, --where and --cnn that the tokens were made with",
        )
    network = new_network(data)
    assert isinstance(network.encoder, TextCnn)
    network.encoder.search = searches_of("cpu")[-1]
    network.load_state_dict(read_weights(folder, options.weights))
    history = read_history(folder)
    kept = json.loads((folder / f"{options.weights}.json").read_text())["epochs"]
    model = FittedModel(
        network=network,
        encoder=TrainedEncoder(network.encoder, data.vocabulary, data.features),
        lab_names=plan.lab_names,
        history=tuple(history.values()),
        best=validated(history.get(kept)),
    )
    calibrated = calibrate(data, model, SilentWatcher())
    write_run(TrainReport.from_run(plan, model, calibrated, folder=out), model, plan)
    print(f"{out}: the weights of epoch {kept}")


def validated(epoch: Epoch | None) -> Epoch | None:
    """The epoch, if it was validated."""
    return None if epoch is None or math.isnan(epoch.validation_top1) else epoch


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("prepare", help=prepare.__doc__)
    _of_table(first)
    first.add_argument("--ask", nargs="*", default=["split=dev", "split=pub_dev"])
    first.add_argument("--rows", type=int, default=2_000, help="at most, of each --ask")
    second = commands.add_parser("train", help=train.__doc__)
    second.add_argument("tokens")
    second.add_argument("--objective", choices=["match", "classify"], default="match")
    second.add_argument("--start", type=Path, help="weights of another run")
    second.add_argument("--minutes", type=float, default=9.5)
    second.add_argument("--measure-seconds", type=float, default=15.0, help="of each search")
    second.add_argument("--checkpoint-minutes", type=float, default=1.0)
    second.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    third = commands.add_parser("collect", help=collect.__doc__)
    third.add_argument("folder")
    _of_table(third)
    third.add_argument("--weights", choices=["best", "last"], default="best")
    for command in (first, second):
        command.add_argument("--train", type=json.loads, default={}, help="JSON of TrainConfig")
        command.add_argument("--cnn", type=json.loads, default={}, help="JSON of CnnConfig")
    for command, function in ((first, prepare), (second, train), (third, collect)):
        command.add_argument("-o", "--output", required=True)
        command.add_argument("--threads", type=int, default=torch.get_num_threads())
        command.set_defaults(function=function)
    options = parser.parse_args(arguments)
    options.function(options)


def _of_table(command: argparse.ArgumentParser) -> None:
    command.add_argument("table")
    command.add_argument("--labs", help="a file of the labs that are classes")
    command.add_argument("--where", default="split=train", help="the rows to learn from")


if __name__ == "__main__":
    main()
