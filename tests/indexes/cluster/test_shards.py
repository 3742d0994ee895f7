"""Claims about an index that is divided among shards: its answers are those of one process."""

from __future__ import annotations

import pickle
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vecattr.attribution import Attribution
from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.datasets.classes import ClassRule
from vecattr.datasets.lab_shards import LabShard, shard_of
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import ArtifactError, UsageError
from vecattr.indexes.checking.recalibrate import recalibrate
from vecattr.indexes.cluster.cluster import Cluster
from vecattr.indexes.cluster.sharded_index import ShardedIndex, divided_panel
from vecattr.indexes.cluster.shards import OpenedShard
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.editing.edit import compact, remove_lab, rename_lab
from vecattr.indexes.evaluation.true_ranks import true_ranks
from vecattr.indexes.index import Panel, open_panel
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids

if TYPE_CHECKING:
    from tests.indexes.cluster.conftest import Collection

#: What a score may be from that of one process on the same plasmids, stored in another order.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Done:
    """A task that was done at once."""

    data: bytes

    def result(self) -> Any:
        return pickle.loads(self.data)


class HereAndNow:
    """A workplace without other processes: what goes to a worker and back is pickled all the
    same. `forgetful`: each task meets a worker that was just started."""

    def __init__(self, *, forgetful: bool = False) -> None:
        self._forgetful = forgetful

    def workers(self) -> list[str]:
        return ["here"]

    def submit(self, task: Callable[..., Any], *arguments: Any, worker: str | None = None) -> Done:
        if self._forgetful:
            from vecattr.indexes.cluster import sharded_index

            sharded_index._opened_shard.cache_clear()
        return Done(pickle.dumps(task(*pickle.loads(pickle.dumps(arguments)))))


def divided(path: Path, *, count: int, forgetful: bool = False) -> Panel:
    return divided_panel(HereAndNow(forgetful=forgetful), open_panel([path]), count=count)


def asked(panel: Panel, queries: Sequence[Plasmid], **options: Any) -> list[Attribution]:
    return list(panel.query_many(queries, **{"k": 50, "neighbors": 4, **options}))


@pytest.fixture(scope="module")
def edited(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index with a lab removed, one renamed and two made one."""
    path = tmp_path_factory.mktemp("edited") / "edited.index"
    shutil.copytree(collection.index, path)
    labs = sorted({plasmid.lab or "" for plasmid in collection.stored})
    remove_lab(path, labs[1])
    rename_lab(path, labs[2], "Zebra lab")
    rename_lab(path, labs[3], labs[4])
    return path


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from([1, 2, 5, 40]), st.integers(1, 7), st.booleans(), st.booleans())
def test_answers_are_those_of_one_process_to_the_last_digit(
    edited: Path,
    collection: Collection,
    count: int,
    batch_size: int,
    exclude_near_copies: bool,
    forgetful: bool,
) -> None:
    options = {"batch_size": batch_size, "exclude_near_copies": exclude_near_copies}
    expected = asked(open_panel([edited]), collection.queries, **options)
    panel = divided(edited, count=count, forgetful=forgetful)
    assert asked(panel, collection.queries, **options) == expected


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9), st.sampled_from([2, 5]))
def test_the_same_plasmids_in_other_segments_rank_labs_alike(
    tmp_path_factory: pytest.TempPathFactory,
    collection: Collection,
    seed: int,
    segment_rows: int,
    count: int,
) -> None:
    folder = tmp_path_factory.mktemp("layouts")
    options: dict[str, Any] = {"model": shipped_encoder(), "rule": ClassRule(None)}
    chosen = random.Random(seed).sample(collection.stored, 30)
    build_index(folder / "one", chosen, **options)
    build_index(folder / "many", chosen, segment_rows=segment_rows, **options)
    expected = asked(open_panel([folder / "one"]), collection.queries)
    answers = asked(divided(folder / "many", count=count), collection.queries)
    for answer, one in zip(answers, expected, strict=True):
        scores = {hit.name: hit.score for hit in one.labs}
        assert [scores[hit.name] for hit in answer.labs] == pytest.approx(
            [hit.score for hit in answer.labs], abs=TOLERANCE
        )
        assert np.all(np.diff([scores[hit.name] for hit in answer.labs]) <= TOLERANCE)
        assert answer.neighbors == one.neighbors


def test_evidence_of_a_divided_index_is_that_of_one_process(
    edited: Path, collection: Collection
) -> None:
    options: dict[str, Any] = {"evidence": 20}
    expected = asked(open_panel([edited]), collection.queries[:4], **options)
    assert asked(divided(edited, count=3), collection.queries[:4], **options) == expected


def test_a_calibrated_index_states_the_same_probabilities(tmp_path: Path) -> None:
    plasmids = synthetic_plasmids(
        labs=16, plasmids_per_lab=16, seed=4, lexicon=encoder_lexicon(), own_gene_share=0.3
    )
    index = tmp_path / "means.index"
    rule = ClassRule(frozenset(sorted({plasmid.lab or "" for plasmid in plasmids})[:12]))
    build_index(index, plasmids, model=shipped_encoder(), rule=rule, lab_vectors="mean")
    panel, queries = open_panel([index]), plasmids[::31]
    assert panel.indexes[0].calibration is not None
    expected = asked(panel, queries)
    assert expected[0].labs[0].probability is not None
    assert asked(divided(index, count=3), queries) == expected


def test_labs_added_after_calibration_gain_in_shards_too(tmp_path: Path) -> None:
    lexicon = encoder_lexicon()
    plasmids = synthetic_plasmids(labs=14, plasmids_per_lab=16, seed=4, lexicon=lexicon)
    index = tmp_path / "means.index"
    model = shipped_encoder()
    build_index(index, plasmids, model=model, rule=ClassRule(None), lab_vectors="mean")
    more = synthetic_plasmids(labs=2, plasmids_per_lab=3, seed=9, lexicon=lexicon)
    added = [
        replace(plasmid, id=f"n{n}", lab=f"New {plasmid.lab}") for n, plasmid in enumerate(more)
    ]
    add_labs(index, added)
    rename_lab(index, plasmids[0].lab or "", "Zebra lab")
    rename_lab(index, added[0].lab or "", "A newer one")
    compact(index)
    panel, queries = open_panel([index]), (*plasmids[::61], *added[1::3])
    scorer = panel.indexes[0].scorer
    assert scorer is not None
    newcomers = np.array(scorer.catalogue.lab_names)[scorer.newcomers].tolist()
    assert newcomers == ["A newer one", added[-1].lab]
    expected = asked(panel, queries)
    assert asked(divided(index, count=3), queries) == expected
    recalibrate(index)
    later = open_panel([index])
    assert later.indexes[0].scorer is not None
    assert not later.indexes[0].scorer.newcomers.any()
    assert asked(later, queries) != expected


def test_workers_give_the_answers_and_ranks_of_one_process(
    cluster: Cluster, edited: Path, collection: Collection
) -> None:
    panel = open_panel([edited])
    several = divided_panel(cluster, panel, count=3)
    expected = asked(panel, collection.queries)
    assert asked(several, collection.queries, batch_size=5) == expected
    ranks = true_ranks(panel, collection.queries, progress=lambda _: None)
    same = true_ranks(several, collection.queries, progress=lambda _: None)
    for name, values in vars(ranks).items():
        np.testing.assert_array_equal(getattr(same, name), values, err_msg=name)


def test_shards_hold_each_lab_once_and_count_each_segment_once(edited: Path) -> None:
    index = open_panel([edited]).indexes[0]
    shards = [OpenedShard(index, LabShard(number, 5)) for number in range(5)]
    labs = [lab for shard in shards for lab in shard.facts.labs]
    assert index.scorer is not None
    assert sorted(labs) == list(index.scorer.catalogue.lab_names)
    counted = [view.place for shard in shards for view in shard._views if view.is_counted]
    assert sorted(counted) == list(range(len(index.segments)))


def test_a_shard_of_many_is_part_of_a_shard_of_few() -> None:
    names = [f"Lab {number}" for number in range(300)]
    assert all(shard_of(name, count=12) % 4 == shard_of(name, count=4) for name in names)
    sizes = np.bincount([shard_of(name, count=4) for name in names], minlength=4)
    assert sizes.min() > 300 / 4 / 2


def test_what_cannot_be_divided_is_refused(collection: Collection, tmp_path: Path) -> None:
    bare = tmp_path / "bare.index"
    build_index(
        bare,
        collection.stored[:20],
        model=shipped_encoder(),
        rule=ClassRule(None),
        keep_sequences=False,
    )
    with pytest.raises(UsageError, match="nothing to divide"):
        divided(bare, count=2)
    with pytest.raises(UsageError, match="divides one index"):
        divided_panel(HereAndNow(), open_panel([bare, collection.index]), count=2)
    with pytest.raises(UsageError, match="0 shards"):
        divided(collection.index, count=0)


def test_shards_of_another_generation_are_refused(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "changed.index"
    shutil.copytree(collection.index, path)
    panel = open_panel([path])
    opened = ShardedIndex.open(path)
    remove_lab(path, panel.lab_names[0])
    with pytest.raises(ArtifactError, match="changed while it was asked"):
        divided_panel(HereAndNow(), panel, count=2)
    with pytest.raises(ArtifactError, match="changed while it was asked"):
        opened.divide(HereAndNow(), count=2)


def test_a_query_without_any_kmer_is_answered_alike(edited: Path) -> None:
    nothing = replace(Plasmid("n", "N" * 40), topology="linear")
    expected = asked(open_panel([edited]), [nothing])
    assert asked(divided(edited, count=5), [nothing]) == expected
