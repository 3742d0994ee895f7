"""Whatever strangers write into files and options, only vecattr's own errors come out."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from faults.fuzz import outcome
from faults.fuzz_targets import targets
from faults.mutation import mutated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vecattr.cli.main import run

NAMES = ["fasta", "table", "genbank", "snapgene", "labels", "features", "manifest"]
NAMES += ["embl", "fasta of old", "fastq", "gff3", "bare", "traces", "editors", "xml", "archive"]
NAMES += [
    "lying manifest",
    "segment",
    "resealed segment",
    "directory",
    "fusion",
    "folds",
    "calibration",
    "lab info",
    "table of labs",
    "map",
]


def test_every_reader_is_fuzzed() -> None:
    assert sorted(targets()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_whole_files_are_read(name: str) -> None:
    target = targets()[name]
    assert "read" in {outcome(target, seed) for seed in target.seeds}


@pytest.mark.proof
@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_lead_to_our_own_errors(name: str, data: st.DataObject) -> None:
    target = targets()[name]
    whole = data.draw(st.sampled_from(target.seeds))
    outcome(target, mutated(whole, data.draw(st.randoms(use_true_random=False))))


@pytest.mark.proof
@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
@given(junk=st.binary(max_size=300))
def test_any_bytes_lead_to_our_own_errors(name: str, junk: bytes) -> None:
    outcome(targets()[name], junk)


odd = st.text(max_size=12) | st.sampled_from(["-1", "0", "1e999", "nan", "", "-", "=1", "a=b"])
OPTIONS = ["-k", "--neighbors", "--common-labs", "--coverage", "--false-alarm", "--work", "-o"]
OPTIONS += ["--format", "--where", "--topology", "--group-by", "--max-bases", "--max-unpacked"]
FLAGS = ["--evidence", "--exclude-near-copies", "--as-one", "--no-features", "-q"]
FITTING = """-k 1;--coverage 0.9;--format html;--work new;-k 999999999999999999999;--max-bases 3
--neighbors 99999999999;--max-unpacked 1e300;--false-alarm 0;--common-labs 99999999999999999999
--topology linear;--max-unpacked NaN""".replace("\n", ";").split(";")
options, flags = st.sampled_from(OPTIONS), st.sampled_from(FLAGS)
fitting = st.sampled_from([pair.split() for pair in FITTING])
words = st.tuples(options, odd).map(list) | flags.map(lambda one: [one]) | fitting


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(given=st.lists(words, max_size=4), text=st.text(alphabet="ACGTN>\n x", max_size=80))
def test_any_options_of_query_have_an_exit_code_of_ours(
    shelf: Any, tmp_path_factory: pytest.TempPathFactory, given: list[list[str]], text: str
) -> None:
    folder = tmp_path_factory.mktemp("q")
    query = folder / "q.fa"
    query.write_text(f">q\n{text}ACGT\n")
    arguments = [word for pair in given for word in pair]
    arguments = [str(folder / "out") if one == "-o" else one for one in arguments if one != "-o"]
    code = run(["query", str(query), "-i", str(shelf.index), *arguments])
    assert code in (0, 2, 3, 4), arguments


def test_the_same_chance_makes_the_same_damage() -> None:
    seed = Path(__file__).read_bytes()
    assert mutated(seed, Random(3)) == mutated(seed, Random(3))
    assert mutated(seed, Random(3)) != mutated(seed, Random(4))
