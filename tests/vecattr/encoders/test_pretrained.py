"""The encoders that come with vecattr: small, nameless, packed; the bag is the default."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from ship_encoder import check_nameless

from vecattr import Index, Plasmid
from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.cli.main import run
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.model_folder import (
    CARD_FILE,
    CONFIG_FILE,
    RANKER_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    learned_labs,
    model_identity,
)
from vecattr.encoders.pretrained import KINDS, Kind, shipped_encoder
from vecattr.errors import InputError
from vecattr.indexes.search.embedding import are_unread, unread_vector
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.sequences.synthetic import synthetic_plasmids

MEGABYTE = 1_000_000
DATA = Path(
    os.environ.get("VECATTR_REAL_DATA") or Path(__file__).resolve().parents[3] / "../shared/data"
)


def test_the_text_cnn_is_an_encoder_of_int8_alone() -> None:
    sizes = {path.name: path.stat().st_size for path in shipped_encoder("cnn").iterdir()}
    assert sorted(sizes) == sorted([CARD_FILE, CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE])
    assert sum(sizes.values()) <= 16 * MEGABYTE
    arrays = load_file(shipped_encoder("cnn") / WEIGHTS_FILE)
    assert {array.dtype.name for array in arrays.values() if array.ndim > 1} == {"int8"}


def test_it_is_small_and_holds_an_encoder_and_a_fusion_alone() -> None:
    sizes = {path.name: path.stat().st_size for path in shipped_encoder().iterdir()}
    assert sorted(sizes) == sorted([CARD_FILE, CONFIG_FILE, RANKER_FILE, WEIGHTS_FILE])
    assert max(sizes.values()) <= 15 * MEGABYTE
    assert sum(sizes.values()) <= 25 * MEGABYTE
    assert learned_labs(shipped_encoder()) is None


@pytest.mark.parametrize("kind", KINDS)
def test_it_holds_numbers_and_no_names(kind: Kind) -> None:
    folder = shipped_encoder(kind)
    tensors = load_file(folder / WEIGHTS_FILE)
    assert all(array.dtype.kind in "if" for array in tensors.values())
    for name in (CARD_FILE, CONFIG_FILE, *([RANKER_FILE] if kind == "bag" else [])):
        text = (folder / name).read_text(encoding="utf-8")
        assert not re.search(r"\b(AP|PI)\d+", text), name
        assert not re.search(r"[ACGT]{15}", text), name


def test_a_name_is_found_wherever_it_stands(tmp_path: Path) -> None:
    plasmids = [Plasmid("ZQ12345", "ACGT", lab="LQ1", group="0000937")]
    for name, content in (
        ("encoder.safetensors", b"\x00\xffxZQ12345\x01"),
        ("encoder.safetensors", b"0000937"),
        (CARD_FILE, b"plasmids of LQ1."),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=r"ZQ12345|LQ1|0000937"):
            check_nameless(tmp_path, plasmids)
        (tmp_path / name).write_bytes(b"ZQ1234 LQ12 000093")
        check_nameless(tmp_path, plasmids)


@pytest.mark.proof
@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS)
def test_it_holds_no_name_of_its_table(kind: Kind) -> None:
    if not (DATA / "plasmids.csv.xz").exists():
        pytest.skip("the real table is not here")
    reads = ReadOptions(no_features=True)
    plasmids = [
        plasmid
        for plasmid in read_plasmids([str(DATA / "plasmids.csv.xz")], reads)
        if isinstance(plasmid, Plasmid)
    ]
    assert len(plasmids) > 40_000
    check_nameless(shipped_encoder(kind), plasmids)


def test_build_index_takes_it_when_no_model_is_named(shelf: Any, tmp_path: Path) -> None:
    target = tmp_path / "made.index"
    assert run(["build-index", str(shelf.table), "-i", str(target), "-q"]) == 0
    index = Index.open(target)
    assert index.model_identity == model_identity(shipped_encoder())
    assert {lab.origin for lab in index.labs()} == {"mean"}


def test_build_index_and_embed_take_one_by_its_kind(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["build-index", str(shelf.table), "-m", "cnn", "-i", "made.index", "-q"]) == 0
    assert Index.open("made.index").model_identity == model_identity(shipped_encoder("cnn"))
    assert run(["embed", str(shelf.table), "-m", "cnn", "-o", "a.npy", "-q"]) == 0
    assert run(["embed", str(shelf.table), "-m", str(shipped_encoder("cnn")), "-o", "b.npy"]) == 0
    assert Path("a.npy").read_bytes() == Path("b.npy").read_bytes()


def test_a_folder_of_the_same_name_is_the_users(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shipped_encoder("bag"), "cnn")
    assert run(["build-index", str(shelf.table), "-m", "cnn", "-i", "made.index", "-q"]) == 0
    assert Index.open("made.index").model_identity == model_identity(shipped_encoder("bag"))


def test_it_reads_words_it_knows_and_tells_labs_apart_by_them() -> None:
    plasmids = synthetic_plasmids(labs=6, plasmids_per_lab=12, seed=2, lexicon=encoder_lexicon())
    embedder = load_embedder(shipped_encoder(), device="cpu")
    vectors = embedder.embed(plasmids)
    assert not are_unread(vectors, unread_vector(embedder)).any()
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    labs = np.array([plasmid.lab for plasmid in plasmids])
    assert np.mean(labs[cosines.argmax(axis=1)] == labs) > 0.9
    mute = [replace(plasmid, sequence="N" * 200) for plasmid in plasmids[:1]]
    assert are_unread(embedder.embed(mute), unread_vector(embedder)).all()


def test_the_card_of_the_text_cnn_tells_how_it_was_trained() -> None:
    card = (shipped_encoder("cnn") / CARD_FILE).read_text(encoding="utf-8")
    config = json.loads((shipped_encoder("cnn") / CONFIG_FILE).read_text())["encoder"]
    for text in ("tools/gpu/published.py train", "--fusion shares", "pub_dev", "Licence"):
        assert text in card
    assert f'"kernels": {config["kernels"]}' in card
    assert "- reserve: True" in card


def test_its_card_tells_the_command_and_the_figures() -> None:
    card = (shipped_encoder() / CARD_FILE).read_text(encoding="utf-8")
    config = json.loads((shipped_encoder() / CONFIG_FILE).read_text())["encoder"]
    for text in ("vecattr train T", "--reserve", "pub_dev", "Licence", "must not"):
        assert text in card
    for flag, name in (("--scaled", "scaled"), ("--kmer-plasmids", "min_plasmids")):
        assert f"{flag} {config[name]}" in card


def test_the_built_package_holds_it(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    root = Path(__file__).resolve().parents[3]
    if not (root / "setup.cfg").exists():
        pytest.skip("not in a checkout")
    build = "import setuptools; setuptools.setup()"
    subprocess.run(
        [sys.executable, "-c", build, "-q", "build_py", "--build-lib", str(tmp_path)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    for kind in KINDS:
        folder = shipped_encoder(kind)
        packed = tmp_path / "vecattr" / folder.name
        assert {path.name: path.read_bytes() for path in packed.iterdir()} == {
            path.name: path.read_bytes() for path in folder.iterdir()
        }
