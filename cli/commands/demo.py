"""`vecattr demo`: nothing in, a made collection attributed from end to end out.

Nothing is trained. The encoder that comes with vecattr reads real k-mers only, and random bases
have none of them, so the made parts are strung together of single k-mers that it knows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.compute import limit_threads
from vecattr.cli.options.types import FOLDER
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.answers import table_block
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError

if TYPE_CHECKING:
    from vecattr.indexes.index import Index
    from vecattr.plasmid import Plasmid
    from vecattr.sequences.synthetic import Lexicon

LABS = 24
PLASMIDS_PER_LAB = 80
OWN_GENES = 0.9  # share of publications about a gene of the lab itself
HELD_OUT = 2  # plasmids of each lab that the index never sees
SUPPORTS = 10  # plasmids of the new lab that are added


@dataclass(frozen=True)
class Collection:
    """A made collection in its parts; `newcomers` and `late` are of a lab that the index is built
    without: the former are added to it, the latter ask."""

    stored: tuple[Plasmid, ...]
    held_out: tuple[Plasmid, ...]
    newcomers: tuple[Plasmid, ...]
    late: tuple[Plasmid, ...]


@click.command("demo")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", help="Keep everything in this folder.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=3, show_default=True, help="Of the collection."
)
@verbosity_options
def command(output: Path | None, seed: int) -> None:
    """Show everything on a made collection: build, query, add a lab, query it.

    The plasmids are made up; backbones and parts are shared by all labs, habits are each lab's own.
    The encoder is the one that comes with vecattr, and has seen none of them.
    """
    limit_threads(1)  # the tensors are small: more threads gain nothing, and lose on a busy machine
    with _folder(output) as folder:
        _tell(made_collection(seed), folder)
        if output is not None:
            _say("\nKept, to go on with:\n")
            _say(f"  vecattr query {output}/held_out.fasta -i {output}/demo.index --neighbors 3")
            _say(
                f"  vecattr evaluate {output}/plasmids.csv --where split=dev -i {output}/demo.index"
            )


def made_collection(seed: int) -> Collection:
    """A seeded collection: the last lab is new, of each other lab some plasmids are held out."""
    from vecattr.sequences.synthetic import synthetic_plasmids

    plasmids = synthetic_plasmids(
        labs=LABS + 1,
        plasmids_per_lab=PLASMIDS_PER_LAB,
        seed=seed,
        own_gene_share=OWN_GENES,
        lexicon=known_words(),
    )
    by_lab = [
        plasmids[start : start + PLASMIDS_PER_LAB]
        for start in range(0, len(plasmids), PLASMIDS_PER_LAB)
    ]
    *known, new = by_lab
    return Collection(
        stored=tuple(plasmid for lab in known for plasmid in lab[HELD_OUT:]),
        held_out=tuple(plasmid for lab in known for plasmid in lab[:HELD_OUT]),
        newcomers=tuple(new[:SUPPORTS]),
        late=tuple(new[SUPPORTS:]),
    )


def known_words() -> Lexicon:
    """K-mers that the shipped encoder knows: the half that it heeds least, as common backbones
    are, to be shared by all labs, and the fiftieth that it heeds most, to be labs' own."""
    import numpy as np

    from vecattr.encoders.config import BagConfig
    from vecattr.encoders.model_folder import read_config
    from vecattr.encoders.pretrained import shipped_encoder
    from vecattr.encoders.weights import StoredKmerVectors, read_weights, vocabulary_hashes
    from vecattr.sequences.kmers import spelled
    from vecattr.sequences.synthetic import Lexicon

    folder = shipped_encoder()
    config, arrays = read_config(folder).encoder, read_weights(folder)
    assert isinstance(config, BagConfig)
    hashes = vocabulary_hashes(folder, arrays)
    stored = StoredKmerVectors.from_arrays(folder, arrays, config, size=len(hashes) + 1)
    rows = stored.all()  # (n + 1, e)
    lengths = np.linalg.norm(rows[1:], axis=1)  # (n,), no padding
    ordered = hashes[lengths.argsort(kind="stable")]
    half, fiftieth = len(ordered) // 2, len(ordered) // 50
    k = config.k
    return Lexicon(shared=spelled(ordered[:half], k), own=spelled(ordered[-fiftieth:], k))


@contextmanager
def _folder(output: Path | None) -> Iterator[Path]:
    """The folder to keep, or one that is gone afterwards."""
    if output is None:
        with tempfile.TemporaryDirectory(prefix="vecattr-demo-") as folder:
            yield Path(folder)
        return
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} is there and is not an empty folder", hint="name a new one")
    output.mkdir(parents=True, exist_ok=True)
    yield output


def _tell(made: Collection, folder: Path) -> None:
    """The story, step by step, on stdout."""
    from vecattr.indexes.editing.add import add_labs
    from vecattr.indexes.index import Index

    write_table(folder / "plasmids.csv", made)
    write_fasta(folder / "held_out.fasta", made.held_out)
    write_fasta(folder / "new_lab.fasta", made.newcomers)
    _say(f"1. A made collection: {len(made.stored)} plasmids of {LABS} labs, strung together of")
    _say(
        "   k-mers that the encoder which comes with vecattr can read; it never saw such plasmids."
    )
    _say("2. Building an index of them, and of all labs; nothing is trained ...")
    index = _build(made.stored, folder)

    query = made.held_out[0]
    _say(f"3. Asking for a held-out plasmid, really of {query.lab}:\n")
    _ask(index, query)
    _say(_success(index, made.held_out))

    path = folder / "demo.index"
    late, new_lab = made.late[0], made.late[0].lab
    _say(f"\n4. Asking for a plasmid of {new_lab}, which the index has never seen:\n")
    _ask(index, late)
    add_labs(path, made.newcomers)
    _say(f"5. Adding {SUPPORTS} other plasmids of {new_lab}, without retraining; asking again:\n")
    index = Index.open(path)
    _ask(index, late)
    _say(_success(index, made.late))


def _build(plasmids: Sequence[Plasmid], folder: Path) -> Index:
    from vecattr.datasets.classes import ClassRule
    from vecattr.encoders.pretrained import shipped_encoder
    from vecattr.indexes.editing.build import build_index
    from vecattr.indexes.index import Index

    path = folder / "demo.index"
    with terminal().progress("embedding", total=len(plasmids)) as advance:
        build_index(path, plasmids, model=shipped_encoder(), rule=ClassRule(), progress=advance)
    return Index.open(path)


def _ask(index: Index, plasmid: Plasmid) -> None:
    answer = index.query(plasmid, k=3, neighbors=2)
    click.echo(table_block(answer), nl=False)
    first = answer.labs[0].name
    if plasmid.lab not in index.lab_names:
        right = "right" if answer.verdict == "unknown" else "wrong"
        _say(f"   The verdict {answer.verdict} is {right}: the index has no {plasmid.lab}.\n")
    elif first == plasmid.lab:
        _say(f"   The answer {first} is right.")
    else:
        _say(f"   The answer {first} is wrong: it is {plasmid.lab}.")


def _success(index: Index, plasmids: Sequence[Plasmid]) -> str:
    first = three = 0
    for answer, plasmid in zip(index.query_many(plasmids, k=3), plasmids, strict=True):
        names = [hit.name for hit in answer.labs]
        first += names[0] == plasmid.lab
        three += plasmid.lab in names
    return (
        f"   Of {len(plasmids)} such plasmids {first} have their lab first, "
        f"{three} among the first three."
    )


def write_table(path: Path, made: Collection) -> None:
    """What is stored and what is held out, as one table."""
    from vecattr.readers.plasmid_table import table_text

    split = {one.id: "train" for one in made.stored} | {one.id: "dev" for one in made.held_out}
    path.write_text(table_text([*made.stored, *made.held_out], split=split), encoding="utf-8")


def write_fasta(path: Path, plasmids: Sequence[Plasmid]) -> None:
    """The plasmids as a FASTA file, one line a sequence."""
    text = "".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in plasmids)
    path.write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    click.echo(text)
