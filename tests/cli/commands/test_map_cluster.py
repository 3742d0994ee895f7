"""`vecattr map` and `vecattr cluster` on a small real index: what they write and refuse."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.cli.main import run
from vecattr.datasets.classes import ClassRule
from vecattr.errors import UsageError
from vecattr.indexes.editing.edit import remove_lab, rename_lab
from vecattr.indexes.storage.stored_plasmids import stored_plasmids
from vecattr.plasmid import POOLED

for library in ("openTSNE", "sklearn", "matplotlib"):
    pytest.importorskip(library)

Capture = pytest.CaptureFixture[str]


def rows_of(path: Path) -> list[dict[str, str]]:
    text = path.read_text().splitlines()
    return list(csv.DictReader(text, delimiter="," if path.suffix == ".csv" else "\t"))


@pytest.mark.parametrize("suffix", ["html", "png", "svg"])
def test_the_same_map_gives_the_same_bytes(shelf: Any, tmp_path: Path, suffix: str) -> None:
    first, again = tmp_path / f"1.{suffix}", tmp_path / f"2.{suffix}"
    for path in (first, again):
        assert run(["map", "-i", str(shelf.index), "-o", str(path), "--seed", "3", "-q"]) == 0
    assert first.read_bytes() == again.read_bytes()


def test_a_map_tells_where_everything_lies(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    stored = [one for number, one in enumerate(shelf.plasmids) if number % 5]
    twin = replace(stored[7].reverse_complement(), id="=twin")
    fasta = shelf.fasta(tmp_path / "q.fa", [twin])
    table = tmp_path / "map.tsv"
    arguments = ["map", "-i", str(shelf.index), "-o", str(tmp_path / "map.html")]
    assert run([*arguments, "--query", str(fasta), "--table", str(table)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "48 plasmids, 4 labs, 1 queries" in captured.err
    lines = rows_of(table)
    assert [line["kind"] for line in lines] == ["plasmid"] * 48 + ["lab"] * 4 + ["query"]
    assert {line["id"]: line["lab"] for line in lines[:48]} == {one.id: one.lab for one in stored}
    points = np.array([[float(line["x"]), float(line["y"])] for line in lines])
    nearest = np.linalg.norm(points[:48] - points[-1], axis=1).argmin()
    assert lines[int(nearest)]["lab"] == twin.lab
    assert lines[-1]["id"] == "'=twin"


def test_a_sample_is_drawn_with_the_seed(shelf: Any, tmp_path: Path) -> None:
    def drawn(seed: str) -> list[str]:
        table = tmp_path / "map.tsv"
        arguments = ["map", "-i", str(shelf.index), "-o", str(tmp_path / "map.html"), "-q"]
        assert run([*arguments, "--sequences", "9", "--seed", seed, "--table", str(table)]) == 0
        return [line["id"] for line in rows_of(table) if line["kind"] == "plasmid"]

    assert drawn("1") == drawn("1")
    assert len(drawn("1")) == 9
    assert drawn("1") != drawn("2")


def test_stored_plasmids_are_those_that_live_as_they_are_named_now(
    workshop: Any, tmp_path: Path
) -> None:
    plasmids = workshop.plasmids(["a", "b", "c", "d"])
    rule = ClassRule(frozenset({"a", "b", "c"}))
    path = tmp_path / "some.index"
    workshop.build(path, plasmids, rule=rule)
    remove_lab(path, "a")
    rename_lab(path, "b", "B")
    held = stored_plasmids(workshop.open(path).segments)
    expected = {
        one.id: {"b": ("B", "B"), "c": ("c", "c"), "d": ("d", POOLED)}[one.lab or ""]
        for one in plasmids
        if one.lab != "a"
    }
    assert dict(zip(held.ids, zip(held.labs, held.labels, strict=True), strict=True)) == expected
    for name, vector in zip(held.ids, held.vectors, strict=True):
        (one,) = [plasmid for plasmid in plasmids if plasmid.id == name]
        own = workshop.embedder.embed([one.without_features()])[0]
        np.testing.assert_allclose(vector, own, atol=1e-6)
    assert len(held.sample(100, seed=0)) == len(held)


def test_cluster_writes_every_lab_once_and_draws_the_elbow(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    table, picture = tmp_path / "groups.csv", tmp_path / "elbow.png"
    arguments = ["cluster", "-i", str(shelf.index), "--k", "1-3", "-o", str(table)]
    assert run([*arguments, "--picture", str(picture)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "groups of labs" in captured.err
    assert picture.read_bytes().startswith(b"\x89PNG")
    lines = rows_of(table)
    assert list(lines[0]) == ["name", "group", "similarity"]
    assert sorted(line["name"] for line in lines) == ["Lab 01", "Lab 02", "Lab 03", "Lab 04"]
    before = table.read_bytes()
    assert run([*arguments, "-q"]) == 0
    assert table.read_bytes() == before


def test_cluster_writes_every_plasmid_once_group_by_group(shelf: Any, capsys: Capture) -> None:
    arguments = ["cluster", "-i", str(shelf.index), "--what", "sequences", "--k", "4", "-q"]
    assert run([*arguments, "--format", "tsv"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = list(csv.DictReader(captured.out.splitlines(), delimiter="\t"))
    truth = {one.id: one.lab for number, one in enumerate(shelf.plasmids) if number % 5}
    assert {line["name"]: line["lab"] for line in lines} == truth
    assert len(lines) == 48
    sizes = Counter(int(line["group"]) for line in lines)
    assert list(sizes) == [1, 2, 3, 4]
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
    keys = [(int(line["group"]), -float(line["similarity"]), line["name"]) for line in lines]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    "arguments",
    [
        ["map", "-o", "map.pdf"],
        ["map", "-o", "nowhere/map.png"],
        ["map", "-o", "map.png", "--sequences", "0"],
        ["map", "-o", "map.png", "--colors", "21"],
        ["cluster", "--k", "9-2"],
        ["cluster", "--k", "0-3"],
        ["cluster", "--k", "two"],
        ["cluster", "--k", "2-5"],
        ["cluster", "--k", "2-3", "--picture", "elbow.png"],
        ["cluster", "--picture", "elbow.gif"],
    ],
)
def test_what_does_not_fit_is_a_usage_error(
    shelf: Any, tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*arguments, "-i", str(shelf.index)]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("library", "arguments"),
    [
        ("openTSNE", ["map", "-o", "map.html"]),
        ("matplotlib", ["map", "-o", "map.png"]),
        ("sklearn", ["cluster"]),
        ("matplotlib", ["cluster", "--picture", "elbow.png"]),
    ],
)
def test_a_missing_library_is_named_with_its_extra(library: str, arguments: list[str]) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from vecattr.cli.main import run\n"
        f"sys.exit(run({arguments!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == UsageError.exit_code
    assert library in done.stderr
    assert "pip install 'vecattr[viz]'" in done.stderr


def test_a_second_picture_takes_the_first_map_and_an_edit_forgets_it(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    index = tmp_path / "i"
    shutil.copytree(shelf.index, index, ignore=shutil.ignore_patterns("*.map"))
    queries = str(shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:2]))
    pages = []
    for number in (1, 2):
        arguments = ["map", "-i", str(index), "--query", queries]
        assert run([*arguments, "-o", str(tmp_path / f"{number}.html")]) == 0
        assert ("finding neighbours" in capsys.readouterr().err) == (number == 1)
        pages.append((tmp_path / f"{number}.html").read_bytes())
    assert pages[0] == pages[1]
    [kept] = (index / "segments").glob("*.map")
    assert run(["verify", "-i", str(index), "-q"]) == 0
    data = kept.read_bytes()
    kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # a damaged cache is drawn again
    assert run([*arguments, "-o", str(tmp_path / "3.html"), "-q"]) == 0
    assert (tmp_path / "3.html").read_bytes() == pages[0]
    assert kept.read_bytes() == data
    assert run(["rename-lab", "Lab 01", "Lab X", "-i", str(index), "-q"]) == 0
    assert not kept.exists()


def test_the_page_runs_its_own_script_alone(shelf: Any, tmp_path: Path) -> None:
    path = tmp_path / "map.html"
    assert run(["map", "-i", str(shelf.index), "-o", str(path), "-q"]) == 0
    page = path.read_text()
    [policy] = re.findall(r'content="(default-src[^"]+)"', page)
    assert "unsafe" not in policy
    for element in ("style", "script"):
        [content] = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert not re.findall(r"(?:src|href)=|https?:", page)
