"""The encoder that comes with vecattr: small, nameless, packed, and the default."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from vecattr import Index
from vecattr.cli.demo import known_words
from vecattr.cli.main import run
from vecattr.corpus import make_corpus
from vecattr.embedder import load_embedder
from vecattr.indexes.embedding import are_unread, unread_vector
from vecattr.model import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, learned_labs, model_identity
from vecattr.shipped import shipped_encoder

MEGABYTE = 1_000_000


def test_it_is_small_and_holds_an_encoder_alone() -> None:
    sizes = {path.name: path.stat().st_size for path in shipped_encoder().iterdir()}
    assert sorted(sizes) == sorted([CARD_FILE, CONFIG_FILE, WEIGHTS_FILE])
    assert max(sizes.values()) <= 15 * MEGABYTE
    assert sum(sizes.values()) <= 25 * MEGABYTE
    assert learned_labs(shipped_encoder()) is None


def test_it_holds_numbers_and_no_names() -> None:
    tensors = load_file(shipped_encoder() / WEIGHTS_FILE)
    assert all(array.dtype.kind in "if" for array in tensors.values())
    for name in (CARD_FILE, CONFIG_FILE):
        text = (shipped_encoder() / name).read_text(encoding="utf-8")
        assert not re.search(r"\b(AP|PI)\d+", text), name
        assert not re.search(r"[ACGT]{15}", text), name


@pytest.mark.real
def test_it_holds_no_lab_and_no_plasmid_of_its_table() -> None:
    from tests.test_real_table import DATA
    from vecattr.readers import ReadOptions, read_plasmids

    if not (DATA / "plasmids.csv.xz").exists():
        pytest.skip("the real table is not here")
    content = b"".join(path.read_bytes() for path in sorted(shipped_encoder().iterdir()))
    found = set(re.findall(rb"(?:AP|PI)[0-9]{2,}", content))
    names = set()
    for one in read_plasmids([str(DATA / "plasmids.csv.xz")], ReadOptions(no_features=True)):
        names |= {one.id.encode(), one.lab.encode()}  # type: ignore[union-attr]
    assert not {name for name in found & names if len(name) > 5}  # shorter ones occur by chance


def test_build_index_takes_it_when_no_model_is_named(shelf: Any, tmp_path: Path) -> None:
    target = tmp_path / "made.index"
    assert run(["build-index", str(shelf.table), "-i", str(target), "-q"]) == 0
    index = Index.open(target)
    assert index.model_identity == model_identity(shipped_encoder())
    assert {lab.origin for lab in index.labs()} == {"mean"}


def test_it_reads_words_it_knows_and_tells_labs_apart_by_them() -> None:
    plasmids = make_corpus(labs=6, plasmids_per_lab=12, seed=2, lexicon=known_words())
    embedder = load_embedder(shipped_encoder(), device="cpu")
    vectors = embedder.embed(plasmids)
    assert not are_unread(vectors, unread_vector(embedder)).any()
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    labs = np.array([one.lab for one in plasmids])
    assert np.mean(labs[cosines.argmax(axis=1)] == labs) > 0.9
    mute = [replace(one, sequence="N" * 200) for one in plasmids[:1]]
    assert are_unread(embedder.embed(mute), unread_vector(embedder)).all()


def test_its_card_tells_the_command_and_the_figures() -> None:
    card = (shipped_encoder() / CARD_FILE).read_text(encoding="utf-8")
    config = json.loads((shipped_encoder() / CONFIG_FILE).read_text())["encoder"]
    for told in ("vecattr train T", "--reserve", "pub_dev", "licence", "must not"):
        assert told in card
    for flag, name in (("--scaled", "scaled"), ("--kmer-plasmids", "min_plasmids")):
        assert f"{flag} {config[name]}" in card


@pytest.mark.slow
def test_a_wheel_holds_it(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parent.parent
    if not (root / "setup.cfg").exists():
        pytest.skip("not in a checkout")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "-q", "-w", str(tmp_path), str(root)], capture_output=True, text=True
    )
    if "No module named" in done.stderr:
        pytest.skip("setuptools is not installed here")
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if "pretrained" in name}
    expected = {f"vecattr/pretrained/{path.name}" for path in shipped_encoder().iterdir()}
    assert packed == expected
