"""The text CNN that comes with vecattr: weights of a run in, its model folder out.

    python tools/gpu/published.py collect OUT T --labs L -o MODEL
    python tools/ship_text_cnn.py MODEL T --labs L -o vecattr/pretrained_cnn

MODEL is an encoder alone, from a run with a reserve. It is stored without phenotype features, its
weights as int8; every name of the table is looked for in what was written, and what is measured on
the rows of each --ask (split=dev, split=pub_dev) goes into the model card. Give an empty folder or
a new one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import torch
from ship_encoder import check_nameless, figures, say_sizes, table_options

from vecattr.cli.main import run
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.datasets.classes import rule_from_file
from vecattr.encoders.features import FeatureSpace
from vecattr.encoders.model_folder import CARD_FILE, LABS_FILE, read_config
from vecattr.encoders.networks.text_cnn import TextCnn
from vecattr.encoders.torch_encoder import TrainedEncoder, load_encoder, save_encoder
from vecattr.errors import UsageError
from vecattr.files.atomic import atomic_write
from vecattr.files.disk import make_folders
from vecattr.readers.plasmids import ReadOptions

#: What a card says of the features that a model was trained with.
FEATURES = re.compile(r"^(\d+ phenotype features): .*$", flags=re.MULTILINE)

CARD = """
## How it was made

    python tools/gpu/published.py prepare T --labs L -o tokens.xz --train '{{"reserve": true,
        "validation_share": 0, "calibration_share": 0}}'
    python tools/gpu/published.py train tokens.xz -o OUT --device cpu --threads 1 --minutes 20000
        --cnn '{{"kernels": [1, 2, 3, 4], "activation": "tanh"}}'
        --train '{{"reserve": true, "validation_share": 0, "calibration_share": 0,
                  "loss": "cosface", "scale": 24, "margin": 0.1, "learning_rate": 0.003,
                  "epochs": 40, "feature_dropout": 0.5, "reverse_complement": 0.5}}'
    python tools/gpu/published.py collect OUT T --labs L -o MODEL
    python tools/ship_text_cnn.py MODEL T --labs L -o vecattr/pretrained_cnn

T and L are those of the encoder that `build-index` takes by itself. It learned with the 39
phenotype features of T for half of the crops, and is stored as it reads plasmids whose features are
not known. The weights are int8, with a step for each filter, token and unit.

## What it is for

To be asked beside that encoder, in an index of its own (`--fusion shares --weights 1,0.1`), where
labs were added to the collection, with lab vectors that are learned from the collection
(`vecattr train --start-from cnn --freeze-encoder`). Alone it finds fewer labs.

## What is in it

Byte pairs of bases (1,000 pieces of up to sixteen letters), vectors for them, filters, and a
projection. No plasmid, no lab, no name of either and no list of them.

## Accuracy without lab vectors

All {stored:,} rows of `split=train` stored, sequence only, top-1 / top-10 in percent; `unread` is
the share of queries of which the encoder knows no piece. `dev`: related plasmids on one side,
`pub_dev`: whole publications held out.

{figures}

## Licence and use

MIT, as the code. T was published under BSD-3-Clause; the terms of the catalogue behind it were not
checked. What it says is a lead for a person who looks further. It must not be used as proof of who
made something, to accuse or to rule out anybody, or to decide about people without a person. It
knows what one catalogue held, up to 2021, mostly of academic labs: what it says of other DNA was
not measured.
"""


def store_compact(model: Path, output: Path) -> None:
    """Write the encoder of a model folder without features, with weights of int8 and one view of a
    plasmid, both of its strands; UsageError for a model that names labs or is no text CNN, or when
    the output has anything in it."""
    if (model / LABS_FILE).exists():
        raise UsageError("the model has lab vectors", where=str(model), hint="train with a reserve")
    make_folders(output)
    if any(output.iterdir()):
        raise UsageError(f"{output} is not empty", hint="name a new folder")
    parts = without_features(load_encoder(model, read_config(model)))
    save_encoder(output, parts, rotations=1, compact=True)


def without_features(parts: TrainedEncoder) -> TrainedEncoder:
    """A text CNN that gives every plasmid the vector that it has without features."""
    network, features = parts.encoder, FeatureSpace()
    if not isinstance(network, TextCnn):
        raise UsageError("the model is no text CNN", hint="train with --encoder cnn")
    weights = dict(network.state_dict())
    project = weights["project.weight"]  # (d, c + f), the last column for what is not known
    pooled = project.shape[1] - parts.features.columns
    weights["project.weight"] = torch.cat([project[:, :pooled], project[:, -1:]], dim=1)
    bare = TextCnn(
        network.config,
        vocabulary_size=parts.vocabulary.size,
        feature_columns=features.columns,
    )
    bare.load_state_dict(weights)
    return TrainedEncoder(bare, parts.vocabulary, features)


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@table_options
def main(
    model: Path,
    table: Path,
    labs: Path,
    output: Path,
    where: tuple[tuple[str, str], ...],
    ask: Sequence[tuple[str, str]],
) -> None:
    """Store the encoder of MODEL, check it and write its card."""
    store_compact(model, output)
    plasmids = load_labelled_plasmids([str(table)], ReadOptions(where=where, no_features=True))
    card = FEATURES.sub(
        r"\1 in training, none in this folder.", (model / CARD_FILE).read_text("utf-8")
    )
    card += CARD.format(
        stored=len(plasmids),
        figures=figures(output, plasmids, table, ask, rule=rule_from_file(labs)),
    )
    atomic_write(output / CARD_FILE, card.encode())
    check_nameless(output, plasmids)
    say_sizes(output)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="ship_text_cnn.py"))
