"""Labs ranked by vectors and exact k-mers together, from the index to the answer."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.calibration.calibration_file import read_calibration
from vecattr.calibration.calibration_set import read_held_out
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import RANKER_FILE
from vecattr.errors import DamagedError
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.indexes.storage.index_folder import MODEL_FOLDER
from vecattr.plasmid import POOLED, Plasmid, reverse_complement
from vecattr.ranking.evidence_ranker import (
    AMOUNTS,
    COSINES,
    SHARES,
    EvidenceRanker,
    Network,
    input_count,
)
from vecattr.ranking.scores import class_scores, renormalised_scores

LABS = ["Ash", "Birch", "Cedar", "Doug"]


def network(*, phenotypes: bool) -> Network:
    """Trusts the share of rare k-mers, a little the nearest vector, and features if there are."""
    inputs = input_count(phenotypes=phenotypes)
    linear = np.zeros(inputs, dtype=np.float32)
    linear[4 * SHARES.index("rarity")] = 12
    linear[4 * len(SHARES) + 2 * len(AMOUNTS) + 2 * COSINES.index("nearest")] = 2
    if phenotypes:
        linear[-2] = 1
    nothing = np.zeros(inputs, dtype=np.float32)
    unit = np.zeros(1, dtype=np.float32)
    return Network(nothing, nothing + 1, linear, nothing[:, None], unit, unit)


FUSION = EvidenceRanker(network(phenotypes=False), network(phenotypes=True), "a test")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Path:
    """The fake model with a fusion."""
    folder = tmp_path_factory.mktemp("fused") / "model"
    shutil.copytree(workshop.model, folder)
    (folder / RANKER_FILE).write_bytes(FUSION.to_json())
    return folder


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, workshop: Any, model: Path) -> Path:
    path = tmp_path_factory.mktemp("fused") / "index"
    workshop.build(path, workshop.plasmids(LABS, each=4), model=model)
    return path


def offspring(parent: Plasmid, *, share: float, seed: int = 0, name: str = "query") -> Plasmid:
    """A plasmid that opens with a share of another one's bases and goes on at random."""
    chance = random.Random(seed)
    kept = parent.sequence[: int(share * len(parent))]
    rest = "".join(chance.choices("ACGT", k=len(parent) - len(kept)))
    return Plasmid(name, kept + rest, features=parent.features)


def queries(workshop: Any) -> list[Plasmid]:
    parents = workshop.plasmids(LABS, each=4)
    return [
        offspring(parent, share=0.3 + 0.1 * number, seed=number, name=f"q{number}")
        for number, parent in enumerate(parents[::3])
    ]


def test_scores_are_those_of_the_fusion_over_the_columns(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    plasmids = queries(workshop)
    vectors = opened.embed(plasmids)
    cosines = opened.lab_cosines(vectors)
    scores = opened.lab_scores(vectors, cosines)
    scorer = opened.scorer
    assert isinstance(scorer, LabScorer)
    assert opened.info()["ranked_by"] == "vectors and k-mers"
    for row, plasmid in enumerate(plasmids):
        columns = scorer.columns(plasmid, vectors.bare[row], cosines[row], np.zeros(0, np.int64))
        assert ("phenotypes" in columns) == bool(plasmid.features)
        logits = FUSION.logits(columns)
        expected = class_scores(
            logits, scorer.catalogue.class_of_lab, classes=len(opened.lab_names)
        )
        assert scores[row] == pytest.approx(expected, abs=1e-7)
        assert np.exp(20 * scores[row]).sum() == pytest.approx(1)


def test_an_answer_is_ranked_by_its_scores_and_keeps_the_cosines(
    index: Path, workshop: Any
) -> None:
    opened = workshop.open(index)
    for plasmid in queries(workshop):
        answer = opened.query(plasmid, k=4)
        vectors = opened.embed([plasmid])
        [cosines] = opened.lab_cosines(vectors)
        [scores] = opened.lab_scores(vectors, cosines[None, :])
        ranked = sorted(scores.tolist(), reverse=True)
        assert [hit.score for hit in answer.labs] == pytest.approx(ranked, abs=1e-12)
        for hit in answer.labs:
            assert hit.cosine == cosines[opened.lab_names.index(hit.name)]


def test_the_lab_of_shared_kmers_comes_first(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    for parent in workshop.plasmids(LABS, each=4):
        assert opened.query(offspring(parent, share=0.4)).labs[0].name == parent.lab


def test_rotation_strand_and_company_change_nothing(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    plasmids = queries(workshop)
    scores = opened.lab_scores(
        vectors := opened.embed(plasmids), cosines := opened.lab_cosines(vectors)
    )
    for row, plasmid in enumerate(plasmids):
        turned = plasmid.sequence[97:] + plasmid.sequence[:97]
        for bases in (plasmid.sequence, turned, reverse_complement(turned)):
            variant = replace(plasmid, sequence=bases)
            lone_vectors = replace(opened.embed([variant]), bare=vectors.bare[row : row + 1])
            variant_scores = opened.lab_scores(lone_vectors, cosines[row : row + 1])
            assert variant_scores[0] == pytest.approx(scores[row], abs=1e-7)


def test_a_query_that_shares_nothing_is_still_ranked(index: Path, workshop: Any) -> None:
    stranger = Plasmid("stranger", "".join(random.Random(99).choices("ACGT", k=400)))
    answer = workshop.open(index).query(stranger, k=4)
    assert len(answer.labs) == 4
    assert all(-1 <= hit.score <= 0 for hit in answer.labs)


def test_without_kmers_or_fusion_vectors_answer_alone(
    tmp_path: Path, workshop: Any, model: Path
) -> None:
    plasmids = workshop.plasmids(LABS, each=4)
    workshop.build(tmp_path / "bare", plasmids, model=model, keep_sequences=False)
    workshop.build(tmp_path / "plain", plasmids)
    for name in ("bare", "plain"):
        opened = workshop.open(tmp_path / name)
        assert opened.scorer is None
        assert opened.info()["ranked_by"] == "vectors"
        for hit in opened.query(plasmids[0]).labs:
            assert hit.score == hit.cosine


def test_an_added_lab_is_found_by_its_kmers(tmp_path: Path, workshop: Any, index: Path) -> None:
    path = tmp_path / "index"
    shutil.copytree(index, path)
    new = workshop.plasmids(["Elm"], each=2, seed=5)
    child = offspring(new[0], share=0.4)
    assert workshop.open(path).query(child).labs[0].name != "Elm"
    add_labs(path, new, embedder=workshop.embedder)
    assert workshop.open(path).query(child).labs[0].name == "Elm"
    assert verify_index(path).ok


def test_pooled_labs_are_ranked_by_name_and_share_a_class(
    tmp_path: Path, workshop: Any, model: Path
) -> None:
    plasmids = workshop.plasmids(LABS, each=4)
    rule = ClassRule(frozenset({"Ash", "Birch"}))
    workshop.build(tmp_path / "i", plasmids, model=model, rule=rule)
    opened = workshop.open(tmp_path / "i")
    [query] = [offspring(plasmid, share=0.5) for plasmid in plasmids if plasmid.id == "Cedar-0-0"]
    assert opened.query(query).labs[0].name == "Cedar"
    assert opened.answer_names == tuple(sorted(LABS))
    vectors = opened.embed([query])
    [scores] = opened.lab_scores(vectors, opened.lab_cosines(vectors))
    assert opened.lab_names[int(np.argmax(scores))] == POOLED


def test_left_out_copies_change_the_ranking_as_if_they_were_not_stored(
    tmp_path: Path, workshop: Any, model: Path
) -> None:
    plasmids = workshop.plasmids(LABS, each=4)
    workshop.build(tmp_path / "all", plasmids, model=model)
    workshop.build(tmp_path / "less", plasmids[1:], model=model)
    whole, smaller = (workshop.open(tmp_path / name) for name in ("all", "less"))
    vectors = replace(whole.embed(plasmids[:1]), left_out=(frozenset({plasmids[0].id}),))
    scores = whole.lab_scores(vectors, cosines := smaller.lab_cosines(smaller.embed(plasmids[:1])))
    assert scores == pytest.approx(
        smaller.lab_scores(smaller.embed(plasmids[:1]), cosines), abs=1e-9
    )


def test_the_index_is_calibrated_on_fused_scores(
    tmp_path: Path, workshop: Any, model: Path
) -> None:
    labs = [f"Lab {number:02}" for number in range(12)]
    plasmids = [
        replace(plasmid, group=f"{plasmid.lab} paper {number // 3}")
        for number, plasmid in enumerate(workshop.plasmids(labs, each=30))
    ]
    workshop.build(tmp_path / "i", plasmids, model=model, segment_rows=100)
    held_out = read_held_out(tmp_path / "i" / MODEL_FOLDER)
    assert held_out is not None
    assert held_out.lab_scores is not None
    assert read_calibration(tmp_path / "i" / MODEL_FOLDER) is not None
    opened = workshop.open(tmp_path / "i")
    plasmid_by_id = {plasmid.id: plasmid for plasmid in plasmids}
    for features in (False, True):
        scores = held_out.scores(features=features)
        for row in range(0, len(held_out), 7):
            plasmid = plasmid_by_id[held_out.ids[row]]
            left_out_ids = [
                other.id
                for other in plasmids
                if other.id == plasmid.id or (held_out.is_new[row] and other.group == plasmid.group)
            ]
            query = plasmid if features else plasmid.without_features()
            vectors = replace(opened.embed([query]), left_out=(frozenset(left_out_ids),))
            cosines = held_out.bare[row].astype(float) @ held_out.labs.vectors.T.astype(float)
            query_scores = opened.lab_scores(vectors, cosines[None, :])
            assert scores[row] == pytest.approx(query_scores[0], abs=1e-5)


def test_a_hidden_lab_leaves_its_share_to_the_others() -> None:
    scores = np.log(np.array([[0.7, 0.2, 0.1]])) / 20
    scores[0, 0] = -1
    assert np.exp(20 * renormalised_scores(scores))[0, 1:].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_a_damaged_fusion_is_told(tmp_path: Path, workshop: Any, index: Path) -> None:
    path = tmp_path / "index"
    shutil.copytree(index, path)
    file = path / MODEL_FOLDER / RANKER_FILE
    file.write_bytes(file.read_bytes().replace(b"12.0", b"21.0"))
    with pytest.raises(DamagedError, match="fusion"):
        workshop.open(path)
    assert not verify_index(path).ok
