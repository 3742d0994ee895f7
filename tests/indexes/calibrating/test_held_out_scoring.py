"""Claims about scoring held-out plasmids: several processes find what one does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.datasets.classes import ClassRule
from vecattr.datasets.reserve import SplitHash, SplitHashes
from vecattr.encoders.model_folder import CALIBRATION_FILE, HELD_OUT_FILE
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.calibrating.held_out_scoring import Workers
from vecattr.indexes.calibrating.mean_calibration import new_calibration
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.storage.index_folder import MODEL_FOLDER, read_manifest
from vecattr.indexes.storage.index_model import index_ranker
from vecattr.indexes.storage.live_segment import open_segments
from vecattr.sequences.synthetic import synthetic_plasmids


def test_several_processes_give_the_calibration_of_one(tmp_path: Path) -> None:
    made = synthetic_plasmids(
        labs=15, plasmids_per_lab=15, seed=8, own_gene_share=0.2, lexicon=encoder_lexicon()
    )
    plasmids = [
        replace(plasmid, group=f"{plasmid.lab} paper {number % 15 // 3}")
        for number, plasmid in enumerate(made)
    ]
    path = tmp_path / "i"
    build_index(path, plasmids, model=shipped_encoder(), rule=ClassRule(None), segment_rows=150)
    manifest = read_manifest(path)
    segments, ranker = open_segments(path, manifest), index_ranker(path, manifest)
    split_hashes = SplitHashes.from_hashes(map(SplitHash.from_plasmid, plasmids))
    workers = Workers(2, path, manifest, few=0)
    contents = new_calibration(ranker, segments, split_hashes, workers)
    assert contents.keys() == {CALIBRATION_FILE, HELD_OUT_FILE}
    for name, content in contents.items():
        assert content == (path / MODEL_FOLDER / name).read_bytes()
