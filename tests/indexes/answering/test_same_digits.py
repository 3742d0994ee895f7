"""The same question has the same digits: batches, orders and threads change no bit of an answer,
nor do processes (`test_worker_pool`); another processor changes it by TOLERANCE at most."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy._core import _multiarray_umath as numpy_features

from vecattr.attribution import Attribution
from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.index import Index, Panel, open_panel
from vecattr.plasmid import Plasmid
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.sequences.synthetic import synthetic_plasmids

DATA = Path(
    os.environ.get("VECATTR_REAL_DATA") or Path(__file__).resolve().parents[3] / "../shared/data"
)

#: What another processor may change of a score, a cosine, a probability or a confidence, at most.
TOLERANCE = 1e-6

PLASMIDS = synthetic_plasmids(labs=40, plasmids_per_lab=6, seed=5, lexicon=encoder_lexicon())


def stored_and_queries() -> tuple[list[Plasmid], list[Plasmid]]:
    """Five plasmids of each lab; and the sixth, whole, in part, and with features."""
    queries = []
    for number, plasmid in enumerate(PLASMIDS[5::6]):
        part = replace(plasmid, sequence=plasmid.sequence[: 300 + 40 * number], topology="linear")
        whole = plasmid if number % 3 else plasmid.without_features()
        queries.append(replace(part if number % 2 else whole, id=f"q{number}", lab=None))
    return [plasmid for number, plasmid in enumerate(PLASMIDS) if number % 6 != 5], queries


STORED, QUERIES = stored_and_queries()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the shipped encoder and ranker in two segments, and one without k-mers."""

    folder = tmp_path_factory.mktemp("same-digits")
    options: dict[str, Any] = {"model": shipped_encoder(), "rule": ClassRule(None)}
    build_index(folder / "whole", STORED[:170], **options)
    add_labs(folder / "whole", STORED[170:])
    build_index(folder / "bare", STORED[:120], keep_sequences=False, **options)
    return folder


def asked(panel: Panel | Index, queries: Sequence[Plasmid], **options: Any) -> list[Attribution]:
    return list(panel.query_many(queries, k=40, neighbors=5, **options))


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 41), st.integers(0, 10**6), st.integers(1, len(QUERIES)))
def test_neither_batch_nor_order_nor_company_changes_a_bit(
    built: Path, batch_size: int, seed: int, company: int
) -> None:
    index = Index.open(built / "whole")
    expected = {answer.query: answer for answer in asked(index, QUERIES)}
    chosen = random.Random(seed).sample(QUERIES, company)
    for answer in asked(index, chosen, batch_size=batch_size):
        assert answer == expected[answer.query]


def test_the_bits_of_several_indexes_depend_on_no_batch(built: Path) -> None:
    panel = open_panel([built / "whole", built / "bare"])
    assert asked(panel, QUERIES, batch_size=7) == asked(panel, QUERIES, batch_size=1)


def test_near_copies_left_out_depend_on_no_batch(built: Path) -> None:
    index, copies = Index.open(built / "whole"), [*STORED[:6], *QUERIES[:6]]
    answers = asked(index, copies, exclude_near_copies=True)
    assert asked(index, copies, exclude_near_copies=True, batch_size=1) == answers


#: Answers of another process with every digit.
ASK = """
import json, sys
from vecattr import Index, Plasmid
queries = [Plasmid(*query) for query in json.load(sys.stdin)]
index = Index.open(sys.argv[1])
answers = [index.query_many(queries, k=40, neighbors=5, batch_size=size) for size in (64, 1)]
print(json.dumps([[
    {"verdict": a.verdict, "confidence": a.confidence,
     "labs": [[hit.name, hit.score, hit.cosine, hit.probability] for hit in a.labs],
     "neighbors": [[n.id, n.cosine] for n in a.neighbors]} for a in batch] for batch in answers]))
"""


def answers_elsewhere(index: Path, **variables: str) -> Any:
    """The answers of a process with these environment variables, the same for two batch sizes."""
    queries = json.dumps([[query.id, query.sequence, query.topology] for query in QUERIES[:24]])
    process = subprocess.run(
        [sys.executable, "-c", ASK, str(index)],
        input=queries,
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
        text=True,
    )
    together, alone = json.loads(process.stdout)
    assert together == alone
    return together


def every_number_of_threads(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(names, str(threads))


@pytest.fixture(scope="module")
def of_one_thread(built: Path) -> Any:
    return answers_elsewhere(built / "whole", **every_number_of_threads(1))


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_no_bit(built: Path, of_one_thread: Any, threads: int) -> None:
    many = answers_elsewhere(built / "whole", **every_number_of_threads(threads))
    assert many == of_one_thread


def numpy_without(*beginnings: str) -> str:
    """What NumPy is to do without, of what this processor has."""
    return " ".join(
        name
        for name in numpy_features.__cpu_dispatch__
        if name.startswith(beginnings) and numpy_features.__cpu_features__[name]
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
        {"OPENBLAS_CORETYPE": "Nehalem", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
        {"NPY_DISABLE_CPU_FEATURES": numpy_without("AVX512", "X86_V4"), "FAISS_OPT_LEVEL": "avx2"},
        {"NPY_DISABLE_CPU_FEATURES": numpy_without(""), "FAISS_OPT_LEVEL": "generic"},
    ],
    ids=["BLAS AVX2", "BLAS SSE", "NumPy AVX2", "NumPy baseline"],
)
def test_another_processor_changes_the_last_digits_alone(
    built: Path, of_one_thread: Any, variables: dict[str, str]
) -> None:
    there = answers_elsewhere(built / "whole", **variables)
    for answer, other in zip(of_one_thread, there, strict=True):
        assert answer["verdict"] == other["verdict"]
        assert answer["confidence"] == pytest.approx(other["confidence"], abs=TOLERANCE)
        for kind in ("labs", "neighbors"):
            assert [row[0] for row in answer[kind]] == [row[0] for row in other[kind]]
            for row, other_row in zip(answer[kind], other[kind], strict=True):
                assert row[1:] == pytest.approx(other_row[1:], abs=TOLERANCE)


def test_labs_that_nothing_tells_apart_stay_in_the_order_of_their_names(tmp_path: Path) -> None:
    twins = [
        replace(plasmid, id=f"{plasmid.id} {twin}", lab=f"{plasmid.lab} {twin}", group=None)
        for plasmid in STORED[:60]
        for twin in "ba"
    ]
    build_index(tmp_path / "i", twins, model=shipped_encoder(), rule=ClassRule(None))
    index = Index.open(tmp_path / "i")
    for batch_size in (1, 3, 64):
        for answer in asked(index, QUERIES[:12], batch_size=batch_size):
            names = [hit.name for hit in answer.labs]
            assert all(a == f"{b[:-1]}a" for a, b in zip(names[::2], names[1::2], strict=True))
            scores = [hit.score for hit in answer.labs]
            assert scores[::2] == scores[1::2]


@pytest.mark.proof
@pytest.mark.real
def test_real_plasmids_have_the_same_bits_in_every_batch(tmp_path: Path) -> None:
    if not (DATA / "plasmids.csv.xz").exists():
        pytest.skip("the real table is not here")
    records = read_plasmids([DATA / "plasmids.csv.xz"], ReadOptions())
    rows = [record for record in records if isinstance(record, Plasmid)][::60]
    stored, queries = rows[::2], rows[1::6]
    build_index(tmp_path / "i", stored, model=shipped_encoder(), rule=ClassRule(None))
    index = Index.open(tmp_path / "i")
    together = asked(index, queries)
    assert asked(index, queries[::-1], batch_size=5)[::-1] == together
