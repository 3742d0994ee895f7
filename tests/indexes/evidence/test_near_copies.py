"""Near copies: said in the answer, and left out of neighbours and of means of plasmids."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr import Plasmid
from vecattr.cli.main import run
from vecattr.errors import UsageError
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.evidence.near_copies import near_copies
from vecattr.indexes.index import Panel

Capture = pytest.CaptureFixture[str]


def variants(plasmid: Plasmid, count: int) -> list[Plasmid]:
    """Copies with one point mutation each, opened elsewhere."""
    made = []
    for number in range(count):
        place = 40 * number
        letter = "CGTA"["ACGT".index(plasmid.sequence[place])]
        bases = plasmid.sequence[:place] + letter + plasmid.sequence[place + 1 :]
        made.append(replace(plasmid, id=f"variant {number:02}", sequence=bases).rotated(99))
    return made


def original(lab: str = "Ash") -> Plasmid:
    return Plasmid("query", "".join(random.Random(5).choices("ACGT", k=4000)), lab=lab)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Path:
    """An index of three labs, with 50 near copies of `original` spread over two of them."""
    path: Path = tmp_path_factory.mktemp("copies") / "i"
    copies = variants(original(), 50)
    spread = [replace(one, lab="Birch") if number % 2 else one for number, one in enumerate(copies)]
    others = workshop.plasmids(["Ash", "Birch", "Cedar"], each=20, length=3000)
    workshop.build(path, [*others, *spread], segment_rows=30)
    return path


def test_the_answer_names_the_most_similar_near_copy(index: Path, workshop: Any) -> None:
    answer = workshop.open(index).query(original(), k=3)
    [note] = answer.notes
    assert note.startswith("a near copy is stored: 'variant ")
    assert "Jaccard similarity 0.9896 of 21-mers; 19 more among the nearest" in note


def test_an_identical_copy_is_named_before_its_siblings(index: Path, workshop: Any) -> None:
    query = replace(variants(original(), 4)[3].rotated(1000), id="again")
    [note] = workshop.open(index).query(query, k=3).notes
    assert "'variant 03' of 'Birch', identical up to rotation and strand" in note


def test_another_plasmid_of_a_stored_lab_is_no_near_copy(index: Path, workshop: Any) -> None:
    [query] = workshop.plasmids(["Ash"], each=1, seed=1, length=3000)
    assert workshop.open(index).query(query, k=3).notes == ()


def test_all_near_copies_are_found_however_many(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    [found] = near_copies(opened, [original()], opened.embed([original()]))
    assert sorted(one.id for one in found) == [one.id for one in variants(original(), 50)]


def test_neighbors_without_near_copies_are_the_next_ones(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    everything = opened.query(original(), k=3, neighbors=110).neighbors
    assert len(everything) == 110
    for wanted in (1, 30, 60, 80):
        answer = opened.query(original(), k=3, neighbors=wanted, exclude_near_copies=True)
        others = [near for near in everything if not near.id.startswith("variant")]
        assert list(answer.neighbors) == others[:wanted]
        assert "near copies left out: 50, the most alike 'variant" in answer.notes[0]
        assert "learned" not in answer.notes[0]


def test_a_query_without_near_copies_is_answered_as_ever(index: Path, workshop: Any) -> None:
    opened = workshop.open(index)
    queries = [original(), *workshop.plasmids(["Ash", "x"], seed=1, length=3000)]
    plain = list(opened.query_many(queries, neighbors=4))
    without = list(opened.query_many(queries, neighbors=4, exclude_near_copies=True))
    assert plain[1:] == without[1:]
    assert plain[0] != without[0]


def test_a_mean_without_the_copies_is_that_of_an_index_without_them(
    tmp_path: Path, workshop: Any
) -> None:
    """Also when plasmids came in several calls; only the added lab owes anything to copies."""
    base = workshop.plasmids(["Ash", "Birch"], each=9, length=800)
    added = workshop.plasmids(["Cedar"], each=4, length=800)
    copies = [replace(one, lab="Cedar") for one in variants(original(), 6)]
    cosines = {}
    for name, batches in {"with": [[*added, *copies[:4]], copies[4:]], "without": [added]}.items():
        workshop.build(tmp_path / name, base)
        for batch in batches:
            add_labs(tmp_path / name, batch, embedder=workshop.embedder)
        panel = Panel((workshop.open(tmp_path / name),))
        cosines[name] = panel.judge([original()], exclude_near_copies=True).cosines
        if name == "with":
            assert abs(panel.judge([original()]).cosines - cosines[name]).max() > 0.05
    np.testing.assert_allclose(cosines["with"], cosines["without"], atol=1e-6)


def test_a_lab_of_nothing_but_copies_comes_last(tmp_path: Path, workshop: Any) -> None:
    copies = [replace(one, lab="Copycat") for one in variants(original(), 3)]
    workshop.build(tmp_path / "i", [*workshop.plasmids(["Ash", "Birch"]), *copies])
    opened = workshop.open(tmp_path / "i")
    assert opened.query(original()).labs[0].name == "Copycat"
    last = opened.query(original(), exclude_near_copies=True).labs[-1]
    assert (last.name, last.cosine) == ("Copycat", -1.0)


def test_a_panel_says_and_leaves_out_what_its_indexes_hold(
    index: Path, tmp_path: Path, workshop: Any
) -> None:
    twin = replace(original(), id="twin", lab="Dogwood")
    workshop.build(tmp_path / "i", [twin, *workshop.plasmids(["Dogwood"], each=5)])
    panel = Panel((workshop.open(index), workshop.open(tmp_path / "i")))
    [answer] = panel.query_many([original()], k=4)
    assert "'twin' of 'Dogwood', identical up to rotation and strand; 20 more" in answer.notes[0]
    [answer] = panel.query_many([original()], k=4, neighbors=9, exclude_near_copies=True)
    assert "near copies left out: 51, the most alike 'twin'" in answer.notes[0]
    assert len(answer.neighbors) == 9
    assert not {near.id for near in answer.neighbors} & {"twin", "variant 00"}


def test_without_sequences_leaving_copies_out_is_refused_at_once(
    index: Path, tmp_path: Path, workshop: Any
) -> None:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]), keep_sequences=False)
    bare = workshop.open(tmp_path / "i")
    for asked in (bare, Panel((workshop.open(index), bare))):
        with pytest.raises(UsageError, match="keeps no sequences"):
            asked.query_many([], exclude_near_copies=True)


def test_the_commands_leave_near_copies_out(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    query = replace(shelf.plasmids[1], id="again").rotated(50)
    fasta = shelf.fasta(tmp_path / "q.fasta", [query])
    arguments = ["query", str(fasta), "-i", str(shelf.index), "--neighbors", "5", "--format"]
    assert run([*arguments, "json"]) == 0
    [plain] = json.loads(capsys.readouterr().out)
    assert f"a near copy is stored: {shelf.plasmids[1].id!r}" in plain["notes"][0]
    assert shelf.plasmids[1].id in {near["id"] for near in plain["neighbors"]}
    assert run([*arguments, "json", "--exclude-near-copies"]) == 0
    [without] = json.loads(capsys.readouterr().out)
    assert "learned lab vectors keep what they learned of them" in without["notes"][0]
    assert shelf.plasmids[1].id not in {near["id"] for near in without["neighbors"]}
    assert len(without["neighbors"]) == 5
    assert without["labs"] == plain["labs"]  # all learned


def test_evaluate_counts_the_queries_that_had_near_copies(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    means = tmp_path / "means"
    table, chosen = str(shelf.table), ["--where", "split=train"]
    build = ["build-index", table, *chosen, "-m", str(shelf.model), "-i", str(means)]
    assert run([*build, "--lab-vectors", "mean", "-q"]) == 0
    figures = {}
    for exclude in ([], ["--exclude-near-copies"]):
        capsys.readouterr()
        assert (
            run(["evaluate", table, *chosen, "-i", str(means), "--format", "json", *exclude]) == 0
        )
        figures[bool(exclude)] = json.loads(capsys.readouterr().out)
    assert "near_copies" not in figures[False]
    assert figures[True]["near_copies"] == {"queries": 48, "learned_labs": 0}
    assert figures[True]["top1"] < figures[False]["top1"]  # its own vector was in the mean


def test_evaluate_says_what_it_cannot_leave_out(shelf: Any, capsys: Capture) -> None:
    asked = ["evaluate", str(shelf.table), "-i", str(shelf.index), "--exclude-near-copies"]
    assert run([*asked, "--where", "split=dev"]) == 0
    assert "keep what they learned of near copies" in capsys.readouterr().err
    assert run([*asked, "--few-shot-where", "split=dev"]) == 2
    assert "does not reach" in capsys.readouterr().err
