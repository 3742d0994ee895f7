"""Asking an index: the right ranking, honest verdicts, and nothing written by reading."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr import Index, Plasmid
from vecattr.attribution import SHORTEST_TRUSTED
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import CALIBRATION_FILE
from vecattr.errors import (
    ArtifactError,
    DamagedError,
    InputError,
    MismatchError,
    MissingError,
    UsageError,
)
from vecattr.indexes.editing.edit import remove_lab
from vecattr.indexes.scoring.confidence import ConfidenceOptions
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.plasmid import ALPHABET, POOLED
from vecattr.vectors import Vectors

LABS = [f"Lab {number:02}" for number in range(12)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Path:
    """Ten named labs and a pool, in several segments."""
    path = tmp_path_factory.mktemp("engine") / "i"
    rule = ClassRule(frozenset(LABS[:10]))
    workshop.build(path, workshop.plasmids(LABS, each=5), rule=rule, segment_rows=25)
    return path


def test_every_stored_plasmid_finds_itself_first(index: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(LABS, each=5)
    for plasmid, answer in zip(
        plasmids, workshop.open(index).query_many(plasmids, neighbors=1), strict=True
    ):
        [near] = answer.neighbors
        assert (near.id, near.lab, near.length) == (plasmid.id, plasmid.lab, len(plasmid))
        assert near.cosine == pytest.approx(1, abs=1e-12)


@settings(deadline=None)
@given(st.text(alphabet=ALPHABET, min_size=1, max_size=500), st.integers(1, 15))
def test_the_ranking_is_that_of_plain_numpy(
    index: Path, workshop: Any, sequence: str, k: int
) -> None:
    plasmid = Plasmid("q", sequence)
    opened = workshop.open(index)
    answer = opened.query(plasmid, k=k, neighbors=k)
    [query] = workshop.embedder.embed([plasmid]).astype(np.float64)
    table = opened.lab_table()
    cosines = table.vectors.astype(np.float64) @ query / np.linalg.norm(query)
    expected = sorted(zip(-cosines, table.names, strict=True))[:k]
    assert [hit.name for hit in answer.labs] == [name for _, name in expected]
    np.testing.assert_allclose([-c for c, _ in expected], [h.score for h in answer.labs], atol=1e-6)
    stored = workshop.plasmids(LABS, each=5)
    rows = workshop.embedder.embed(stored).astype(np.float64) @ query / np.linalg.norm(query)
    near = sorted(zip(-rows, [plasmid.id for plasmid in stored], strict=True))[:k]
    assert [hit.id for hit in answer.neighbors] == [name for _, name in near]


def test_nearest_cosines_are_those_of_the_first_neighbors(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    vectors = opened.embed(workshop.plasmids(["Lab 03", "new"], seed=5))
    without = replace(vectors, left_out=(frozenset({"Lab 03-0-0"}),) * len(vectors))
    for some in (vectors, without):
        found = opened.nearest_cosines(some).tolist()
        assert found == [near[0].cosine for near in opened.neighbors(some, n=1)]


def test_the_batch_size_does_not_matter(index: Path, workshop: Any) -> None:
    queries = workshop.plasmids(["Lab 03", "new"], each=20, seed=5)
    answers = [
        list(workshop.open(index).query_many(iter(queries), k=4, neighbors=3, batch_size=size))
        for size in (1, 7, 64)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert [answer.query for answer in answers[0]] == [query.id for query in queries]


def test_answers_come_before_the_input_ends(index: Path, workshop: Any) -> None:
    def stream() -> Any:
        yield from workshop.plasmids(["q"], each=2)
        raise ZeroDivisionError

    answers = workshop.open(index).query_many(stream(), batch_size=2)
    assert [next(answers).query, next(answers).query] == ["q-0-0", "q-0-1"]


def test_more_labs_than_there_are_gives_fewer_and_says_so(index: Path, workshop: Any) -> None:
    [query] = workshop.plasmids(["q"], each=1)
    answer = workshop.open(index).query(query, k=100)
    assert len(answer.labs) == 11
    assert answer.notes == ("the index holds 11 classes, fewer than 100",)
    assert workshop.open(index).query(query, k=11).notes == ()


@pytest.mark.parametrize("options", [{"k": 0}, {"neighbors": -1}, {"batch_size": 0}])
def test_numbers_that_cannot_be_are_refused_at_once(
    index: Path, workshop: Any, options: dict[str, int]
) -> None:
    with pytest.raises(UsageError, match="expected"):
        workshop.open(index).query_many([], **options)


def test_one_base_is_answered_and_not_trusted(index: Path, workshop: Any) -> None:
    answer = workshop.open(index).query(Plasmid("tiny", "A"), k=3)
    assert len(answer.labs) == 3
    assert answer.verdict == "unknown"
    assert answer.notes == ("only 1 base: too short to trust",)
    longer = workshop.open(index).query(Plasmid("ok", "ACGT" * (SHORTEST_TRUSTED // 4)), k=3)
    assert longer.notes == ()


def test_a_sequence_without_clear_bases_is_not_trusted(index: Path, workshop: Any) -> None:
    answer = workshop.open(index).query(Plasmid("gap", "N" * 400 + "ACGT"), k=3)
    assert answer.verdict == "unknown"
    assert answer.notes == ("only 4 of 404 bases are A, C, G or T: too few to trust",)


class HalfDeaf:
    """An embedder that reads a sequence without G as if it were empty, like a bag of k-mers."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.identity, self.width = inner, inner.identity, inner.width

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        heard = [one.sequence if "G" in one.sequence else "N" for one in plasmids]
        return np.asarray(self.inner.embed([Plasmid("x", bases) for bases in heard]))


def test_what_the_model_cannot_read_is_never_known(tmp_path: Path, workshop: Any) -> None:
    model = workshop.calibrated_model(tmp_path / "m", cosine=-0.99)
    embedder = HalfDeaf(workshop.embedder)
    workshop.build(tmp_path / "i", workshop.plasmids(LABS[:2]), model=model, embedder=embedder)
    opened = Index.open(tmp_path / "i", embedder=embedder)
    read, unread = opened.query_many([Plasmid("read", "ACG" * 99), Plasmid("unread", "ACT" * 99)])
    assert (read.verdict, unread.verdict) == ("known", "unknown")
    assert unread.notes[0] == "the model knows no part of this sequence: nothing to trust"
    assert not any("model" in note for note in read.notes)


def test_without_a_calibration_nothing_is_claimed(index: Path, workshop: Any) -> None:
    answer = workshop.open(index).query(workshop.plasmids(["Lab 01"])[0])
    assert (answer.verdict, answer.threshold) == ("uncalibrated", None)


def test_the_verdict_compares_the_best_named_lab_with_the_threshold(
    tmp_path: Path, workshop: Any
) -> None:
    plasmids = workshop.plasmids(LABS[:3])
    rule = ClassRule(frozenset(LABS[:2]))
    verdicts = {}
    for threshold in (-0.99, 0.9999):
        model = workshop.calibrated_model(tmp_path / f"m{threshold}", cosine=threshold)
        workshop.build(tmp_path / f"i{threshold}", plasmids, model=model, rule=rule)
        answer = workshop.open(tmp_path / f"i{threshold}").query(plasmids[-1], k=1)
        assert answer.labs[0].name == POOLED
        assert answer.confidence < workshop.open_set_score(
            answer.labs[0].cosine
        )  # the pool does not count
        assert answer.threshold == pytest.approx(workshop.open_set_score(threshold))
        verdicts[threshold] = answer.verdict
    assert verdicts == {-0.99: "known", 0.9999: "unknown"}


def test_an_index_of_a_pool_alone_knows_nobody(tmp_path: Path, workshop: Any) -> None:
    model = workshop.calibrated_model(tmp_path / "m", cosine=0.5)
    plasmids = workshop.plasmids(["x"])
    workshop.build(tmp_path / "i", plasmids, model=model, rule=ClassRule(frozenset({"y"})))
    answer = workshop.open(tmp_path / "i").query(plasmids[0])
    assert answer.verdict == "unknown"
    assert answer.confidence == pytest.approx(workshop.open_set_score(-1))


def test_probabilities_are_a_softmax_over_all_classes(tmp_path: Path, workshop: Any) -> None:
    model = workshop.calibrated_model(tmp_path / "m", cosine=0.0)
    workshop.build(tmp_path / "i", workshop.plasmids(LABS[:5]), model=model)
    opened = workshop.open(tmp_path / "i")
    [query] = workshop.plasmids(["Lab 01"], each=1, seed=5)
    cosines = opened.lab_cosines(opened.embed([query]))[0]
    weights = [math.exp(10 * cosine) for cosine in cosines]
    expected = dict(zip(opened.lab_names, [w / sum(weights) for w in weights], strict=True))
    hits = opened.query(query, k=3).labs
    assert [hit.probability for hit in hits] == pytest.approx([expected[h.name] for h in hits])


def test_a_coverage_names_as_many_labs_as_it_takes(tmp_path: Path, workshop: Any) -> None:
    model = workshop.calibrated_model(tmp_path / "m", cosine=0.0)
    workshop.build(tmp_path / "i", workshop.plasmids(LABS), model=model)
    opened = workshop.open(tmp_path / "i")
    queries = workshop.plasmids(LABS[:6], each=1, seed=5)
    sizes = []
    for coverage in (0.5, 0.9):
        mass = opened.calibration.sequence.works["known"].mass(coverage)
        for answer in opened.query_many(queries, options=ConfidenceOptions(coverage=coverage)):
            shares = [hit.probability for hit in answer.labs]
            assert sum(shares[:-1]) <= mass + 1e-9
            assert sum(shares) > mass or len(shares) == 12
            assert answer.notes[-1].startswith(f"candidate set of {len(shares)}: ")
            sizes.append(len(shares))
    assert sum(sizes[:6]) < sum(sizes[6:])


def test_a_coverage_that_nobody_can_promise_is_refused(index: Path, workshop: Any) -> None:
    with pytest.raises(UsageError, match="no calibration for known work"):
        workshop.open(index).query_many([], options=ConfidenceOptions(coverage=0.9))


def test_a_false_alarm_moves_the_threshold(tmp_path: Path, workshop: Any) -> None:
    scores = tuple(np.linspace(0.2, 0.8, 101).tolist())
    usual = workshop.calibration(0.0)
    verdicts = replace(usual.sequence.verdicts, scores=scores)
    calibration = replace(usual, sequence=replace(usual.sequence, verdicts=verdicts))
    model = workshop.calibrated_model(tmp_path / "m", cosine=0.0)
    (model / CALIBRATION_FILE).write_bytes(calibration.to_json())
    workshop.build(tmp_path / "i", workshop.plasmids(LABS[:3]), model=model)
    opened = workshop.open(tmp_path / "i")
    [query] = workshop.plasmids(["Lab 01"], each=1)
    found = [
        opened.query(query, options=ConfidenceOptions(false_alarm=x)).threshold
        for x in (0.0, 0.05, 0.5)
    ]
    assert found == pytest.approx([0.2, 0.23, 0.5])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"work": "old"}, "work is 'old'"),
        ({"false_alarm": 1.0}, "false alarm must"),
        ({"coverage": 1.0}, "coverage must"),
    ],
)
def test_sureness_that_cannot_be_asked_for_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConfidenceOptions(**wrong)


def test_an_answer_names_the_tool_the_model_and_the_index(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    provenance = opened.query(workshop.plasmids(["q"])[0]).provenance
    assert (provenance.model, provenance.index) == (opened.model_identity, opened.identity)


def test_lab_cosines_and_ranking_agree(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    queries = workshop.plasmids(["q", "r"])
    cosines = opened.lab_cosines(opened.embed(queries))
    for row, answer in zip(cosines, opened.query_many(queries, k=11), strict=True):
        assert {hit.name: hit.cosine for hit in answer.labs} == dict(
            zip(opened.lab_names, row.tolist(), strict=True)
        )


@pytest.mark.parametrize("harm", ["deleted", "truncated", "swapped", "junk", "one vector"])
def test_a_lost_or_damaged_cache_changes_no_answer(
    tmp_path: Path, workshop: Any, harm: str
) -> None:
    plasmids = workshop.plasmids(LABS, each=50, length=60)  # enough rows for FAISS to be asked
    workshop.build(tmp_path / "i", plasmids, segment_rows=300)
    query = plasmids[70]
    before = workshop.open(tmp_path / "i").query(query, neighbors=3)
    caches = sorted((tmp_path / "i" / "segments").glob("*.faiss"))
    data = [cache.read_bytes() for cache in caches]
    for cache, other in zip(caches, [*data[1:], data[0]], strict=True):
        match harm:
            case "deleted":
                cache.unlink()
            case "truncated":
                cache.write_bytes(cache.read_bytes()[:-100])
            case "swapped":
                cache.write_bytes(other)
            case "junk":
                cache.write_bytes(b"junk")
            case "one vector":
                vector = workshop.embedder.embed([query]).tobytes()
                cache.write_bytes(cache.read_bytes().replace(vector, bytes(len(vector))))
    assert workshop.open(tmp_path / "i").query(query, neighbors=3) == before


def test_reading_changes_nothing(index: Path, workshop: Any) -> None:
    def state() -> list[tuple[str, int]]:
        return sorted((str(f), f.stat().st_mtime_ns) for f in [index, *index.rglob("*")])

    before = state()
    opened = workshop.open(index)
    opened.query(workshop.plasmids(["q"])[0], neighbors=3)
    json.dumps(opened.info())
    assert state() == before


def test_info_counts_what_is_there(index: Path, tmp_path: Path, workshop: Any) -> None:
    shutil.copytree(index, tmp_path / "i")
    remove_lab(tmp_path / "i", "Lab 11")
    facts = workshop.open(tmp_path / "i").info()
    assert (facts["plasmids"], facts["labs"], facts["pooled_plasmids"]) == (55, 11, 5)
    assert facts["generation"] == 2


def test_what_is_not_an_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="vecattr build-index"):
        Index.open(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="is a file"):
        Index.open(tmp_path / "file")


def test_another_model_is_refused_with_both_values(
    index: Path, workshop: Any, other_workshop: Any
) -> None:
    with pytest.raises(MismatchError) as caught:
        Index.open(index, embedder=other_workshop.embedder)
    assert workshop.embedder.identity[:16] in str(caught.value)
    assert other_workshop.embedder.identity[:16] in str(caught.value)


def test_queries_without_a_direction_are_refused(index: Path, workshop: Any) -> None:
    width = workshop.embedder.width
    lost, wide = np.full((1, width), np.nan), np.ones((1, width + 1))
    with pytest.raises(InputError):
        workshop.open(index).lab_cosines(QueryVectors(lost, lost))
    with pytest.raises(MismatchError):
        workshop.open(index).lab_cosines(QueryVectors(wide, wide))


def test_an_index_can_be_moved(index: Path, tmp_path: Path, workshop: Any) -> None:
    shutil.copytree(index, tmp_path / "elsewhere")
    os.chmod(tmp_path / "elsewhere", 0o555)  # and be read where nothing may be written
    assert workshop.open(tmp_path / "elsewhere").identity == workshop.open(index).identity
    os.chmod(tmp_path / "elsewhere", 0o755)


def test_the_newest_kept_manifest_is_a_copy_of_a_damaged_one(index: Path, workshop: Any) -> None:
    identity = workshop.open(index).identity
    (index / "manifest.json").write_text("{}")
    with pytest.raises(DamagedError, match="newest file in manifests"):
        workshop.open(index)
    shutil.copy(max((index / "manifests").iterdir()), index / "manifest.json")
    assert workshop.open(index).identity == identity


def test_faiss_ranks_labs_in_the_order_of_their_cosines(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    vectors = opened.embed(workshop.plasmids(["q", "r", "Lab 02"]))
    for k in (1, 3, 50):
        for row, columns in zip(
            opened.lab_cosines(vectors), opened.ranked_labs(vectors, k=k), strict=True
        ):
            assert columns.tolist() == np.argsort(-row, kind="stable")[:k].tolist()
