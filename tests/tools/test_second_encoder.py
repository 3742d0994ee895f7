"""The tool that joins an index and a second encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from second_encoder import (
    index_logarithms,
    log_softmax,
    main,
    model_cosines,
    second_encoder,
    told,
)

from vecattr.cli.main import run
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import UsageError
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.index import Index
from vecattr.metrics.ranking import mean_ranks
from vecattr.plasmid import POOLED, Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.vectors import EmbeddingTable


def built(path: Path, plasmids: list[Plasmid]) -> None:
    rule = ClassRule(None)
    build_index(path, plasmids, model=shipped_encoder(), rule=rule, lab_vectors="mean")


def test_ranks_count_ties_by_half() -> None:
    scores = np.array([[0.1, 0.5, 0.5], [0.9, 0.2, 0.1]])
    assert mean_ranks(scores, np.array([1, 2])).tolist() == [1.5, 3.0]


def test_shares_add_up_to_one() -> None:
    assert np.exp(log_softmax(np.array([[3.0, 1.0, -900.0]]))).sum() == pytest.approx(1)


def test_publications_count_alike() -> None:
    line = told(np.array([1.0, 1.0, 20.0]), np.array([0, 0, 1]))
    assert line.split() == ["66.7", "/", "66.7", "50.0", "/", "50.0"]


def test_labs_that_the_model_lacks_have_the_cosine_of_its_pool(workshop: Any) -> None:
    plasmids = workshop.plasmids(["a"], seed=1)
    vectors = np.eye(workshop.embedder.width, dtype=np.float32)[:2]
    labs = EmbeddingTable((POOLED, "a"), vectors)
    cosines = model_cosines(workshop.embedder, labs, ["a", "b"], plasmids)
    assert cosines.tolist() == (workshop.embedder.embed(plasmids) @ vectors[[1, 0]].T).tolist()


def test_the_index_names_its_own_plasmids_first(tmp_path: Path) -> None:
    plasmids = synthetic_plasmids(labs=5, plasmids_per_lab=6, seed=2)
    built(tmp_path / "i", plasmids)
    index = Index.open(tmp_path / "i")
    truths = np.array([index.lab_names.index(f"{plasmid.lab}") for plasmid in plasmids])
    assert np.mean(mean_ranks(index_logarithms(index, plasmids), truths) <= 1) > 0.8


def test_a_model_without_lab_vectors_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plasmids = synthetic_plasmids(labs=3, plasmids_per_lab=4, seed=2)
    built(tmp_path / "i", plasmids)
    (tmp_path / "t.csv").write_text("sequence_id,sequence,lab\n", encoding="utf-8")
    asked = [tmp_path / "t.csv", "-i", tmp_path / "i", "-m", shipped_encoder()]
    assert run(list(map(str, asked)), group=main, program="the tool") == 2
    assert "no learned lab vectors" in capsys.readouterr().err


def test_an_index_is_a_second_encoder_with_the_labs_that_were_added(tmp_path: Path) -> None:
    plasmids = synthetic_plasmids(labs=4, plasmids_per_lab=6, seed=2)
    added = [plasmid for plasmid in plasmids if plasmid.lab == plasmids[0].lab]
    built(tmp_path / "i", [plasmid for plasmid in plasmids if plasmid not in added])
    add_labs(tmp_path / "i", added[:3])
    index = Index.open(tmp_path / "i")
    with pytest.raises(UsageError, match="its own views"):
        second_encoder(tmp_path / "i", views=1)
    embedder, labs = second_encoder(tmp_path / "i", views=None)
    assert labs.names == index.lab_names
    cosines = model_cosines(embedder, labs, index.lab_names, added[3:])
    assert set(cosines.argmax(axis=1)) == {index.lab_names.index(f"{added[0].lab}")}
