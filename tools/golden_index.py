"""A golden index of the present format, which every later vecattr must read.

    python tools/golden_index.py tests/contract/golden/index-3.tar.xz

Run it once for each version of the manifest and of sealed files, with a vecattr that writes it, and
never again: the archive (a toy index and the answers that it gave) is kept as it is. The vectors
are hashed k-mers, so that no encoder has to be kept.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from toy_index import HashedKmers, toy_model, toy_plasmids

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import model_identity
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.editing.edit import add_labs, remove_lab, rename_lab
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.indexes.index import Index
from vecattr.info import LabInfo, PlasmidInfo
from vecattr.plasmid import Plasmid


def answers(index: Path, queries: Sequence[Plasmid]) -> list[dict[str, object]]:
    """The labs and nearest plasmids that the index gives for the queries, with their cosines."""
    opened = Index.open(index, embedder=HashedKmers(model_identity(index / "model")))
    return [
        {
            "query": answer.query,
            "labs": [[hit.name, hit.cosine] for hit in answer.labs],
            "neighbors": [
                [neighbor.id, neighbor.lab, neighbor.cosine] for neighbor in answer.neighbors
            ],
            "lab_info": [
                [hit.print_name, hit.institution, hit.url, hit.contact] for hit in answer.labs
            ],
            "plasmid_info": [
                [neighbor.publication, neighbor.year, neighbor.source_url]
                for neighbor in answer.neighbors
            ],
        }
        for answer in opened.query_many(queries, k=10, neighbors=3)
    ]


def main() -> None:
    """Make the archive."""
    parser = argparse.ArgumentParser(description="Make the golden index of this format version.")
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        facts = {"answers": fill(folder / "index", toy_model(folder / "model"))}
        (folder / "expected.json").write_text(json.dumps(facts, indent=1) + "\n")
        with tarfile.open(out, "w:xz") as archive:
            for name in ("expected.json", "index"):
                archive.add(folder / name, arcname=name, filter=without_owner)


def fill(index: Path, model: Path) -> list[dict[str, object]]:
    """Build an index of five generations; returns its answers."""
    embedder = HashedKmers(model_identity(model))
    first = with_info(toy_plasmids(["Ash", "Birch", "実験室", "=cmd()"], each=3, seed=1))
    rule = ClassRule(frozenset({"Ash", "Birch", "=cmd()"}))
    build_index(index, first, model=model, rule=rule, embedder=embedder, search="approximate")
    add_labs(index, toy_plasmids(["Cedar", "Ash"], each=2, seed=2), embedder=embedder)
    infos = {
        "Ash": LabInfo(
            "Ash lab", "実験室 University", "https://ash.example.org/?a=1&b=2", "ash@x.org"
        ),
        "Cedar": LabInfo(print_name="<Cedar>", contact="Dr. Cedar"),
        "Birch": LabInfo("Birch lab"),
    }
    set_lab_info(index, infos)
    rename_lab(index, "Cedar", "Cedar & Co")
    remove_lab(index, "Birch")
    log = index / "log.jsonl"
    lines = [json.loads(line) | {"user": "golden"} for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return answers(index, [*toy_plasmids(["Ash", "Cedar", "nobody"], each=1, seed=3), *first[:3]])


def with_info(plasmids: Sequence[Plasmid]) -> list[Plasmid]:
    """The plasmids, some of them with a publication of their own, a year and a page."""
    infos = [
        PlasmidInfo(plasmid.group, 2000 + number, f"https://plasmids.example.org/{number}")
        if number % 3
        else PlasmidInfo(f"実験 {number}")
        for number, plasmid in enumerate(plasmids)
    ]
    return [replace(plasmid, info=info) for plasmid, info in zip(plasmids, infos, strict=True)]


def without_owner(file: tarfile.TarInfo) -> tarfile.TarInfo:
    """The archive member without owner and time."""
    file.uid = file.gid = file.mtime = 0
    file.uname = file.gname = ""
    return file


if __name__ == "__main__":
    main()
