"""`vecattr demo`: a seed in, a synthetic collection indexed, queried and extended out.

Nothing is trained. The encoder that comes with vecattr reads real k-mers only, and random bases
contain none of them, so the synthetic parts are joined from single k-mers that it knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.compute import limit_threads
from vecattr.cli.options.output import refuse_inputs
from vecattr.cli.options.types import FOLDER
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.answers import table_block
from vecattr.cli.rendering.output import utf8, write_file, write_results
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError
from vecattr.files.disk import delete_tree, disk, make_folders

if TYPE_CHECKING:
    from vecattr.indexes.index import Index
    from vecattr.plasmid import Plasmid
    from vecattr.sequences.synthetic import Lexicon

LABS = 24
PLASMIDS_PER_LAB = 80
OWN_GENE_SHARE = 0.9  # share of publications about a gene of the lab itself
QUERIES_PER_LAB = 2  # plasmids of each lab that are not stored
NEW_PLASMIDS = 10  # plasmids of the new lab that are added


@dataclass(frozen=True)
class Collection:
    """A synthetic collection: what the index is built of, and queries of the same labs; what is
    then added of a new lab, and queries of that lab."""

    stored: tuple[Plasmid, ...]
    queries: tuple[Plasmid, ...]
    new_stored: tuple[Plasmid, ...]
    new_queries: tuple[Plasmid, ...]


@click.command("demo")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", help="Keep everything in this folder.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Seed of the collection.",
)
@verbosity_options
def command(output: Path | None, seed: int) -> None:
    """Show everything on a synthetic collection: build an index, query it, add a lab, query again.

    The labs share backbones and parts, and each has its own habits. The encoder is the one that
    comes with vecattr; it was not trained on these plasmids.
    """
    refuse_inputs(output)
    limit_threads(1)  # tensors are small: more threads gain nothing, and lose on a busy machine
    with _folder(output) as folder:
        _run_demo(synthetic_collection(seed), folder)
        if output is not None:
            _say("\nThe files were kept. To continue:\n")
            _say(f"  vecattr query {output}/held_out.fasta -i {output}/demo.index --neighbors 3")
            _say(
                f"  vecattr evaluate {output}/plasmids.csv --where split=dev -i {output}/demo.index"
            )


def synthetic_collection(seed: int) -> Collection:
    """A seeded collection: the last lab is the new one, of each other lab some are queries."""
    from vecattr.sequences.synthetic import synthetic_plasmids  # start-up

    plasmids = synthetic_plasmids(
        labs=LABS + 1,
        plasmids_per_lab=PLASMIDS_PER_LAB,
        seed=seed,
        own_gene_share=OWN_GENE_SHARE,
        lexicon=encoder_lexicon(),
    )
    by_lab = [
        plasmids[start : start + PLASMIDS_PER_LAB]
        for start in range(0, len(plasmids), PLASMIDS_PER_LAB)
    ]
    *old_labs, new_lab = by_lab
    return Collection(
        stored=tuple(plasmid for lab in old_labs for plasmid in lab[QUERIES_PER_LAB:]),
        queries=tuple(plasmid for lab in old_labs for plasmid in lab[:QUERIES_PER_LAB]),
        new_stored=tuple(new_lab[:NEW_PLASMIDS]),
        new_queries=tuple(new_lab[NEW_PLASMIDS:]),
    )


def encoder_lexicon() -> Lexicon:
    """K-mers that the shipped encoder knows: the half with the shortest vectors, as of common
    backbones, is shared by all labs; the fiftieth with the longest are labs' own."""
    import numpy as np  # start-up

    from vecattr.encoders.config import BagConfig  # start-up
    from vecattr.encoders.model_folder import read_config  # start-up
    from vecattr.encoders.pretrained import shipped_encoder  # start-up
    from vecattr.encoders.weights import (  # start-up
        StoredKmerVectors,
        read_weights,
        vocabulary_hashes,
    )
    from vecattr.sequences.kmers import spelled  # start-up
    from vecattr.sequences.synthetic import Lexicon  # start-up

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
    """The folder to keep, or a temporary one."""
    if output is None:
        folder = disk().make_temporary_folder(None, "vecattr-demo-")
        try:
            yield folder
        finally:
            delete_tree(folder)
        return
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} exists and is not an empty folder", hint="name a new one")
    make_folders(output)
    yield output


def _run_demo(collection: Collection, folder: Path) -> None:
    """Build, query, add and query again, with an explanation of each step on stdout."""
    from vecattr.indexes.editing.add import add_labs  # start-up
    from vecattr.indexes.index import Index  # start-up

    write_table(folder / "plasmids.csv", collection)
    write_fasta(folder / "held_out.fasta", collection.queries)
    write_fasta(folder / "new_lab.fasta", collection.new_stored)
    _say(
        f"1. A synthetic collection: {len(collection.stored)} plasmids of {LABS} labs, joined from"
    )
    _say("   k-mers that the encoder of vecattr can read; it was not trained on such plasmids.")
    _say("2. Building an index of these plasmids and their labs; nothing is trained ...")
    index = _build(collection.stored, folder)

    query = collection.queries[0]
    _say(f"3. Querying a plasmid that is not in the index, of {query.lab}:\n")
    _query(index, query)
    _say(_accuracy(index, collection.queries))

    path = folder / "demo.index"
    query = collection.new_queries[0]
    _say(f"\n4. Querying a plasmid of {query.lab}, a lab that the index lacks:\n")
    _query(index, query)
    add_labs(path, collection.new_stored)
    _say(
        f"5. Adding {NEW_PLASMIDS} other plasmids of {query.lab}, without retraining; then again:\n"
    )
    index = Index.open(path)
    _query(index, query)
    _say(_accuracy(index, collection.new_queries))


def _build(plasmids: Sequence[Plasmid], folder: Path) -> Index:
    from vecattr.datasets.classes import ClassRule  # start-up
    from vecattr.encoders.pretrained import shipped_encoder  # start-up
    from vecattr.indexes.editing.build import build_index  # start-up
    from vecattr.indexes.index import Index  # start-up

    path = folder / "demo.index"
    with terminal().progress("embedding", total=len(plasmids)) as advance:
        build_index(path, plasmids, model=shipped_encoder(), rule=ClassRule(), progress=advance)
    return Index.open(path)


def _query(index: Index, plasmid: Plasmid) -> None:
    answer = index.query(plasmid, k=3, neighbors=2)
    write_results([table_block(answer)], None, form="table")
    first = answer.labs[0].name
    if plasmid.lab not in index.lab_names:
        judgement = "right" if answer.verdict == "unknown" else "wrong"
        _say(f"   The verdict {answer.verdict} is {judgement}: the index has no {plasmid.lab}.\n")
    elif first == plasmid.lab:
        _say(f"   The answer {first} is right.")
    else:
        _say(f"   The answer {first} is wrong: it is {plasmid.lab}.")


def _accuracy(index: Index, plasmids: Sequence[Plasmid]) -> str:
    first = first_three = 0
    for answer, plasmid in zip(index.query_many(plasmids, k=3), plasmids, strict=True):
        names = [hit.name for hit in answer.labs]
        first += names[0] == plasmid.lab
        first_three += plasmid.lab in names
    return (
        f"   Of {len(plasmids)} such plasmids, {first} have their lab first, "
        f"{first_three} among the first three."
    )


def write_table(path: Path, collection: Collection) -> None:
    """Stored plasmids (split=train) and queries (split=dev) as one table."""
    from vecattr.readers.plasmid_table import table_text  # start-up

    split = {plasmid.id: "train" for plasmid in collection.stored}
    split |= {plasmid.id: "dev" for plasmid in collection.queries}
    plasmids = [*collection.stored, *collection.queries]
    with terminal().going_on():
        write_file(path, utf8(table_text(plasmids, split=split)))


def write_fasta(path: Path, plasmids: Sequence[Plasmid]) -> None:
    """The plasmids as a FASTA file with their topology, one line per sequence."""
    text = "".join(
        f">{plasmid.id} [topology={plasmid.topology}]\n{plasmid.sequence}\n" for plasmid in plasmids
    )
    with terminal().going_on():
        write_file(path, utf8(text))


def _say(text: str) -> None:
    click.echo(text)
