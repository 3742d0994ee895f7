"""Joint answers of an index with the shipped encoder and ranker: calibrated when it is built."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from vecattr.calibration.calibration import Calibration
from vecattr.calibration.calibration_file import read_calibration
from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.answering.joint_judgement import is_calibrated
from vecattr.indexes.answering.together import PLAIN_NOTE
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.index import Index
from vecattr.indexes.scoring.confidence import ConfidenceOptions
from vecattr.indexes.storage.index_folder import MODEL_FOLDER
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids

LABS, EACH = 30, 33
EVERYTHING = synthetic_plasmids(
    labs=LABS + 1, plasmids_per_lab=EACH, seed=8, own_gene_share=0.2, lexicon=encoder_lexicon()
)
#: Of each lab three plasmids to ask about; nothing of the last lab is stored.
QUERIES = [EVERYTHING[EACH * lab : EACH * lab + 3] for lab in range(LABS + 1)]
STORED = [
    replace(plasmid, group=f"{plasmid.lab} paper {number % EACH // 3}")
    for number, plasmid in enumerate(EVERYTHING[: EACH * LABS])
    if number % EACH >= 3
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("joint") / "i"
    build_index(path, STORED, model=shipped_encoder(), rule=ClassRule(None))
    return path


@pytest.fixture(scope="module")
def index(path: Path) -> Index:
    return Index.open(path)


def calibration_of(path: Path) -> Calibration:
    calibration = read_calibration(path / MODEL_FOLDER)
    assert calibration is not None
    return calibration


def test_building_fits_joint_answers_apart_and_keeps_them(path: Path, index: Index) -> None:
    calibration = calibration_of(path)
    assert calibration == index.calibration
    for fits in (calibration.sequence, calibration.features):
        assert fits is not None
        assert fits.together is not None
        assert fits.together != fits.outcome
    assert is_calibrated(index)
    calibration_facts = index.info()["calibration"]
    assert isinstance(calibration_facts, dict)
    assert calibration_facts["together"]["expect"] == "1:1:1"


def test_probabilities_and_outside_sum_to_one(index: Index) -> None:
    for plasmids in (QUERIES[0], QUERIES[-1]):
        joint = index.query_together(plasmids, k=LABS)
        assert joint.outside is not None
        labs = math.fsum(hit.probability or 0 for hit in joint.labs)
        assert labs + joint.outside == pytest.approx(1)
        assert joint.confidence == pytest.approx(1 - joint.outside)
        assert joint.notes == ()
        assert joint.right_share is None or 0 <= joint.right_share <= 1


def test_what_is_expected_counts(index: Index) -> None:
    certain = index.query_together(QUERIES[1], options=ConfidenceOptions(work="new"))
    assert certain.outside == 0
    assert certain.work == "new"


def test_plasmids_of_a_lab_name_it_together(index: Index) -> None:
    right = 0
    for plasmids in QUERIES[:LABS]:
        joint = index.query_together(plasmids)
        right += joint.labs[0].name == plasmids[0].lab
        assert joint.strangers == ()
    assert right >= LABS - 2


def test_a_plasmid_of_another_lab_does_not_belong(index: Index) -> None:
    """Made labs share most of their genes, so that not every intruder is told; the others are."""
    told = []
    for own in range(10):
        intruder = replace(QUERIES[own + 5][0], id="intruder")
        joint = index.query_together([*QUERIES[own], intruder])
        belonging = {name: member.belonging or 0 for name, member in joint.by_query.items()}
        assert min(belonging, key=lambda name: belonging[name]) == "intruder"
        assert set(joint.strangers) <= {"intruder"}
        assert joint.by_query["intruder"].belongs is ("intruder" not in joint.strangers)
        assert joint.labs[0].name == QUERIES[own][0].lab
        told += joint.strangers
    assert len(told) >= 4


def test_the_order_of_members_changes_no_digit(index: Index) -> None:
    members = [*QUERIES[2], *QUERIES[3]]
    joint = index.query_together(members)
    other = index.query_together(members[::-1], batch_size=2)
    assert (joint.labs, joint.outside) == (other.labs, other.outside)
    assert {name: member.belonging for name, member in joint.by_query.items()} == pytest.approx(
        {name: member.belonging for name, member in other.by_query.items()}
    )


def test_an_index_without_joint_calibration_says_so(index: Index, path: Path) -> None:
    old = Index.open(path)
    calibration = calibration_of(path)
    old.calibration = replace(calibration, sequence=replace(calibration.sequence, together=None))
    plasmids = [plasmid.without_features() for plasmid in QUERIES[0]]
    joint = old.query_together(plasmids, k=LABS)
    assert joint.notes == (PLAIN_NOTE,)
    assert math.fsum(hit.probability or 0 for hit in joint.labs) == pytest.approx(
        1 - (joint.outside or 0)
    )
    assert joint.labs[0].name == index.query_together(plasmids).labs[0].name


def test_an_older_calibration_is_read(path: Path) -> None:
    import json

    content = json.loads((path / MODEL_FOLDER / "calibration.json").read_text())
    for kind in ("sequence", "features"):
        del content[kind]["together"]
    folder = path.parent / "old"
    folder.mkdir()
    (folder / "calibration.json").write_text(json.dumps(content))
    calibration = read_calibration(folder)
    assert calibration is not None
    assert calibration.sequence.together is None
    assert calibration.sequence.outcome == calibration_of(path).sequence.outcome


def test_linked_plasmids_are_calibrated_alike(index: Index) -> None:
    plasmids: list[Plasmid] = QUERIES[4]
    twin = replace(plasmids[0], id="twin")
    answers = {answer.query: answer for answer in index.query_linked([*plasmids, twin])}
    assert [link.query for link in answers["twin"].links or ()][:1] == [plasmids[0].id]
    assert answers["twin"].outside == answers[plasmids[0].id].outside
