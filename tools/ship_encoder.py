"""The encoder that comes with vecattr: a table and a list of labs in, its model folder out.

    python tools/ship_encoder.py T --labs L -o vecattr/pretrained

Trains on the rows of --where (split=train) less their reserve, looks for every name of the table in
what was written, measures on the rows of each --ask (split=dev, split=pub_dev), and writes what it
found into the model card. Give an empty folder or a new one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import numpy as np
from compare_encoders import HEADER, accuracy_lines

from vecattr.cli.main import run
from vecattr.cli.options.decorators import together
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.cli.options.types import conditions
from vecattr.datasets.classes import ClassRule, rule_from_file
from vecattr.encoders.config import BagConfig
from vecattr.encoders.model_folder import CARD_FILE, CONFIG_FILE
from vecattr.errors import InputError
from vecattr.files.atomic import atomic_write
from vecattr.plasmid import Plasmid
from vecattr.readers.plasmids import ReadOptions
from vecattr.training.run_folder import HISTORY_FILE
from vecattr.training.settings import TrainConfig
from vecattr.training.train import train_model

ENCODER = BagConfig(scaled=32, min_plasmids=2, token_width=48, dropout=0.1, numbers="int8")
TRAINING = TrainConfig(loss="cosface", epochs=15, validation_share=0, reserve=True)
COMMAND = """\
    vecattr train T --where split=train --labs L --no-features --reserve --encoder bag \\
        --scaled 32 --kmer-plasmids 2 --token-width 48 --dropout 0.1 --kmer-numbers int8 \\
        --loss cosface --epochs 15 --validation-share 0 -o MODEL"""

#: A name of so few letters occurs in random bytes by chance.
SHORTEST_NAME = 6

CARD = """
## How it was made

{command}

with one thread; `python tools/ship_encoder.py T --labs L -o vecattr/pretrained` does this and
writes this card. T is a public catalogue of engineered plasmids with the lab that deposited each,
and L lists the labs of ten plasmids or more, which were the classes; all others were one class.

## What is in it

A vector for each 21-mer that at least two of those plasmids have (one 21-mer in 32, chosen by its
hash), and a projection. No plasmid, no lab, no name of either and no list of them. The 21-mers can
be read back from their hashes (`vecattr demo` does so); they are single words, mostly of parts that
many plasmids share, in no order.

## The fusion

`fusion.json` holds twenty thousand numbers that weigh vectors and exact k-mers, the same for every
lab. `python tools/fit_ranker.py T --labs L --work DIR -o new.json` makes a larger ranker of 24
folds of the table, and `python tools/distil_ranker.py INDEX --teacher new.json 0.7 --teacher
old.json 0.3 -o vecattr/pretrained/fusion.json` a smaller one that scores as both do on average,
where INDEX is of the table and `old.json` was made in the same way, with `--folds 8
--ranker-epochs 20` and no other teacher.

## Accuracy without lab vectors

All {stored:,} rows of `split=train` stored, sequence only, top-1 / top-10 in percent; `unread` is
the share of queries of which the encoder knows no 21-mer. `dev`: related plasmids on one side,
`pub_dev`: whole publications held out.

{figures}

## Licence and use

MIT, as the code. T was published under BSD-3-Clause; the terms of the catalogue behind it were not
checked. What it says is a lead for a person who looks further. It must not be used as proof of who
made something, to accuse or to rule out anybody, or to decide about people without a person. It
knows what one catalogue held, up to 2021, mostly of academic labs: what it says of other DNA was
not measured.
"""


def check_nameless(folder: Path, plasmids: Iterable[Plasmid]) -> None:
    """InputError when a file of the folder holds the id, the lab or the group of a plasmid: as a
    word of a text, or, unless it is short, anywhere in the bytes."""
    names = {
        name for plasmid in plasmids for name in (plasmid.id, plasmid.lab, plasmid.group) if name
    }
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        long_names = {name.encode() for name in names if len(name) >= SHORTEST_NAME}
        contained = contained_names(content, long_names)
        if path.name in (CARD_FILE, CONFIG_FILE):
            contained |= names & set(re.findall(r"\w+", content.decode()))
        if contained:
            raise InputError(f"holds the name {min(contained)!r}", where=str(path))


def contained_names(content: bytes, names: set[bytes]) -> set[str]:
    """The names, of SHORTEST_NAME bytes or more, that occur anywhere in the content."""
    letters = np.frombuffer(content, dtype=np.uint8).astype(np.uint64)
    windows = np.zeros(max(0, len(letters) - SHORTEST_NAME + 1), dtype=np.uint64)
    for place in range(SHORTEST_NAME):  # the first letters of every window as one number
        windows = windows << np.uint64(8) | letters[place : place + len(windows)]
    first_letters = {int.from_bytes(name[:SHORTEST_NAME], "big") for name in names}
    places = np.flatnonzero(np.isin(windows, np.array(sorted(first_letters), dtype=np.uint64)))
    return {
        name.decode()
        for place in places.tolist()
        for name in names
        if content.startswith(name, place)
    }


def figures(
    model: Path,
    plasmids: Sequence[Plasmid],
    table: Path,
    ask: Sequence[tuple[str, str]],
    *,
    rule: ClassRule,
) -> str:
    """The accuracy of a model folder that stores these plasmids on the rows of each condition, as
    its card shows it."""
    queries = {
        condition: load_labelled_plasmids(
            [str(table)], ReadOptions(where=(condition,), no_features=True)
        )
        for condition in ask
    }
    lines = [HEADER, *accuracy_lines(model, plasmids, queries, rule=rule)]
    return "\n".join(f"    {line}" for line in lines)


def say_sizes(folder: Path) -> None:
    """Say how large each file of a model folder is."""
    sizes = ", ".join(f"{path.name} {path.stat().st_size:,}" for path in sorted(folder.iterdir()))
    click.echo(f"{folder}: {sizes}")


table_options = together(
    click.argument("table", type=click.Path(exists=True, path_type=Path)),
    click.option("--labs", type=click.Path(exists=True, path_type=Path), required=True),
    click.option("-o", "--output", type=click.Path(path_type=Path), required=True),
    click.option("--where", multiple=True, callback=conditions, default=("split=train",)),
    click.option(
        "--ask", multiple=True, callback=conditions, default=("split=dev", "split=pub_dev")
    ),
)


@click.command()
@table_options
def main(
    table: Path,
    labs: Path,
    output: Path,
    where: tuple[tuple[str, str], ...],
    ask: Sequence[tuple[str, str]],
) -> None:
    """Train the encoder, check it and write its card."""
    plasmids = load_labelled_plasmids([str(table)], ReadOptions(where=where, no_features=True))
    rule = rule_from_file(labs)
    train_model(plasmids, output, rule=rule, encoder=ENCODER, train=TRAINING)
    (output / HISTORY_FILE).unlink()
    check_nameless(output, plasmids)
    card = (output / CARD_FILE).read_text(encoding="utf-8") + CARD.format(
        command=COMMAND,
        stored=len(plasmids),
        figures=figures(output, plasmids, table, ask, rule=rule),
    )
    atomic_write(output / CARD_FILE, card.encode())
    say_sizes(output)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="ship_encoder.py"))
