"""Collecting: what gets into the table and what does not, whatever interrupts it."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from made_release import write_release

from vecattr.collection.collected import COLUMNS
from vecattr.collection.collecting import CollectOptions, CollectReport, Listener, collect
from vecattr.collection.settled import DEFAULT_SOURCES
from vecattr.collection.sources import Item, file_sources
from vecattr.collection.work_file import WorkFile
from vecattr.designers.public_files import read_public_file
from vecattr.errors import ArtifactError, InputError, LockedError, UsageError
from vecattr.files.disk import Disk, using
from vecattr.inputs.limits import DEFAULT_LIMITS
from vecattr.plasmid import reverse_complement

Rows = Callable[[Path], list[dict[str, str]]]
Text = Callable[..., str]


def run(sources: list[Path], output: Path, **options: Any) -> CollectReport:
    """Collect files, and write a report beside the table."""
    chosen = {"lab_from": DEFAULT_SOURCES, "report": output.with_name("report.csv"), **options}
    return collect(file_sources(sources, limits=DEFAULT_LIMITS), output, CollectOptions(**chosen))


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A made release file of every kind of record."""
    write_release(tmp_path / "made.seq", count=200, labs=6)
    return tmp_path / "made.seq"


def test_the_table_has_its_columns_and_its_records(release: Path, rows: Rows) -> None:
    table = release.with_name("t.csv")
    report = run([release], table)
    collected = rows(table)
    assert tuple(collected[0]) == COLUMNS
    assert len(collected) == report.rows
    assert {row["lab_source"] for row in collected} == {"submission"}
    assert all(row["source"] == "made.seq" for row in collected)
    assert all(row["source_url"].endswith(row["sequence_id"]) for row in collected)
    assert len({row["sequence_id"] for row in collected}) == len(collected)


def test_every_record_is_in_the_table_or_in_the_report(release: Path, rows: Rows) -> None:
    run([release], release.with_name("t.csv"))
    left_out = rows(release.with_name("report.csv"))
    ids = [row["sequence_id"] for row in [*rows(release.with_name("t.csv")), *left_out]]
    assert sorted(ids) == sorted(record.id for record in read_public_file(release))
    assert {row["reason"] for row in left_out} == {
        "too short",
        "oligonucleotide",
        "patent",
        "protein",
        "RNA",
        "natural",
        "no lab",
        "duplicate",
    }


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz", "csv.zst", "csv.xz", "csv.bz2"])
def test_the_same_input_gives_the_same_bytes(release: Path, suffix: str) -> None:
    tables = [release.with_name(f"{name}.{suffix}") for name in "ab"]
    for table in tables:
        run([release], table)
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_packed_files_give_what_they_hold(release: Path) -> None:
    run([release], release.with_name("t.csv"))
    plain = release.with_name("t.csv").read_bytes()
    packed = release.with_name("packed")
    packed.mkdir()
    (packed / "made.seq").write_bytes(gzip.compress(release.read_bytes()))
    run([packed / "made.seq"], packed / "t.csv")
    assert (packed / "t.csv").read_bytes() == plain


def test_the_first_depositor_of_a_plasmid_is_kept(
    tmp_path: Path, record_text: Text, bases: Text, rows: Rows
) -> None:
    plasmid = bases(1, 3000)
    turned = reverse_complement(plasmid[700:] + plasmid[:700])
    texts = [
        record_text("ZZ000001.1", plasmid, day="05-MAR-2004", topology="linear"),
        record_text("ZZ000002.1", turned, day="05-FEB-1999", authors="Early,B.C."),
        record_text("ZZ000003.1", turned, day="05-FEB-1998", authors=""),
        record_text("ZZ000004.1", bases(2)),
    ]
    (tmp_path / "a.gb").write_text("".join(texts))
    run([tmp_path / "a.gb"], tmp_path / "t.csv")
    assert [row["sequence_id"] for row in rows(tmp_path / "t.csv")] == ["ZZ000002.1", "ZZ000004.1"]
    left_out = {row["sequence_id"]: row for row in rows(tmp_path / "report.csv")}
    assert left_out["ZZ000003.1"]["reason"] == "no lab"
    duplicate = left_out["ZZ000001.1"]
    assert (duplicate["reason"], duplicate["kept_id"]) == ("duplicate", "ZZ000002.1")
    assert duplicate["lab"] == "Lomnor, B.C."


def test_the_newest_version_of_a_record_is_kept(
    tmp_path: Path, record_text: Text, bases: Text, rows: Rows
) -> None:
    for name, version in (("a.gb", 2), ("b.gb", 1)):
        (tmp_path / name).write_text(record_text(f"ZZ000001.{version}", bases(version)))
    run([tmp_path / "a.gb", tmp_path / "b.gb"], tmp_path / "t.csv")
    [row] = rows(tmp_path / "t.csv")
    assert (row["sequence_id"], row["sequence"]) == ("ZZ000001.2", bases(2))
    [older] = rows(tmp_path / "report.csv")
    assert (older["reason"], older["kept_id"]) == ("older version", "ZZ000001.2")


def test_plasmids_with_one_id_are_told_apart_in_any_order(
    tmp_path: Path, record_text: Text, bases: Text, rows: Rows
) -> None:
    for name in "ab":
        text = record_text("pSAME", bases(ord(name)))
        (tmp_path / f"{name}.gb").write_text(text)
    ids = {}
    for order in ("ab", "ba"):
        report = run([tmp_path / f"{name}.gb" for name in order], tmp_path / "t.csv")
        assert report.changed_ids == 1
        ids[order] = {row["sequence"]: row["sequence_id"] for row in rows(tmp_path / "t.csv")}
    assert ids["ab"][bases(ord("a"))] == ids["ba"][bases(ord("b"))] == "pSAME"
    changed = ids["ab"][bases(ord("b"))]
    assert changed.startswith("pSAME~")
    write = "a.gb", "b.gb", "c.gb"
    (tmp_path / "c.gb").write_text(record_text("pSAME", bases(99)))
    run([tmp_path / name for name in write], tmp_path / "t.csv")
    again = {row["sequence"]: row["sequence_id"] for row in rows(tmp_path / "t.csv")}
    assert again[bases(ord("b"))] == changed


def test_one_bad_record_does_not_lose_the_good_ones(
    tmp_path: Path, record_text: Text, bases: Text, rows: Rows
) -> None:
    broken = record_text("ZZ000002.1", bases(2)).replace("1500 bp", "1700 bp")
    strange = record_text("ZZ000003.1", bases(3)).replace("\n        1 ", "\n        1 !e", 1)
    texts = [record_text("ZZ000001.1", bases(1)), broken, strange]
    (tmp_path / "a.gb").write_text("".join([*texts, record_text("ZZ000004.1", bases(4))]))
    complaints: list[InputError] = []
    report = collect(
        file_sources([tmp_path / "a.gb"], limits=DEFAULT_LIMITS),
        tmp_path / "t.csv",
        CollectOptions(lab_from=DEFAULT_SOURCES, report=tmp_path / "report.csv"),
        listener=Listener(complain=complaints.append),
    )
    assert [row["sequence_id"] for row in rows(tmp_path / "t.csv")] == ["ZZ000001.1", "ZZ000004.1"]
    assert report.bad == len(complaints) == 2
    assert {row["reason"] for row in rows(tmp_path / "report.csv")} == {"unreadable"}


def test_a_file_that_is_cut_short_keeps_its_whole_records(release: Path, rows: Rows) -> None:
    whole = gzip.compress(release.read_bytes())
    release.with_name("cut.seq.gz").write_bytes(whole[: len(whole) // 2])
    report = run([release.with_name("cut.seq.gz")], release.with_name("t.csv"))
    assert report.bad == 1
    assert 0 < report.rows < 100
    assert rows(release.with_name("report.csv"))[-1]["reason"] == "unreadable"


def test_a_folder_is_read_in_order_and_foreign_files_are_left_out(
    tmp_path: Path, record_text: Text, bases: Text, rows: Rows
) -> None:
    folder = tmp_path / "files"
    (folder / "deep").mkdir(parents=True)
    for number, name in enumerate(["z.gb", "deep/b.gb", "a.gb"]):
        (folder / name).write_text(record_text(f"ZZ00000{number}.1", bases(number)))
    (folder / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(50))
    (folder / ".hidden").write_text("nothing")
    report = run([folder], tmp_path / "t.csv")
    assert [row["source"] for row in rows(tmp_path / "t.csv")] == [
        "files/a.gb",
        "files/deep/b.gb",
        "files/z.gb",
    ]
    assert report.bad == 0
    assert report.left_out == {"no sequence file": 1}


def test_an_archive_is_read_file_by_file(
    tmp_path: Path, record_text: Text, bases: Text, rows: Rows
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b.gb", record_text("ZZ000001.1", bases(1)))
        archive.writestr("notes.jpg", b"\xff\xd8\xff\xe0" + bytes(50))
        archive.writestr("own.fasta", f">p1\n{bases(2)}\n")
        archive.writestr("own.csv", f"sequence_id,sequence,lab\nx,{bases(4)},Own lab\n")
        archive.writestr("c.gb", record_text("ZZ000003.1", bases(3)))
    report = run([tmp_path / "a.zip"], tmp_path / "t.csv")
    assert [row["sequence_id"] for row in rows(tmp_path / "t.csv")] == ["ZZ000001.1", "ZZ000003.1"]
    reasons = [row["reason"] for row in rows(tmp_path / "report.csv")]
    assert reasons == ["no sequence file", "no lab", "unreadable"]
    assert report.bad == 1


def test_a_lab_is_only_read_where_it_may_stand(
    tmp_path: Path, record_text: Text, bases: Text, rows: Rows
) -> None:
    (tmp_path / "Some lab").mkdir()
    (tmp_path / "Some lab" / "a.gb").write_text(record_text("ZZ000001.1", bases(1)))
    with pytest.raises(InputError, match="no record names a lab"):
        run([tmp_path], tmp_path / "t.csv", lab_from=frozenset({"depositor"}))
    run([tmp_path / "Some lab"], tmp_path / "t.csv", lab_from=frozenset({"submission"}))
    assert rows(tmp_path / "t.csv")[0]["lab"] == "Lomnor, B.C."
    top = tmp_path / "labs"
    top.mkdir()
    shutil.move(tmp_path / "Some lab", top / "Some lab")
    run([top], tmp_path / "t.csv", lab_from=DEFAULT_SOURCES | {"folder"})
    [row] = rows(tmp_path / "t.csv")
    assert (row["lab"], row["lab_source"]) == ("Some lab", "folder")


def test_a_labelled_table_is_a_source(tmp_path: Path, bases: Text, rows: Rows) -> None:
    lines = ["sequence_id,sequence,lab,publication", f"p1,{bases(1)},Own lab,7", f"p2,{bases(2)},,"]
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    run([tmp_path / "own.csv"], tmp_path / "t.csv")
    [row] = rows(tmp_path / "t.csv")
    assert (row["lab"], row["lab_source"], row["publication"]) == ("Own lab", "column", "7")
    assert rows(tmp_path / "report.csv")[0]["reason"] == "no lab"


def test_a_collected_table_is_a_source_that_loses_nothing(release: Path, rows: Rows) -> None:
    run([release], release.with_name("t.csv"))
    run([release.with_name("t.csv")], release.with_name("again.csv"))
    assert rows(release.with_name("again.csv")) == rows(release.with_name("t.csv"))


@dataclass
class Interrupted:
    """The records of a file, which break off at one of them; `starts` has where each run began."""

    path: Path
    at: int | None
    name: str = "made.seq"
    state: str = "same"
    lab: str = ""
    is_named: bool = True
    starts: list[int] = field(default_factory=list)

    def items(self, start: int) -> Iterator[Item]:
        self.starts.append(start)
        for number, record in enumerate(read_public_file(self.path)):
            if number == self.at:
                raise KeyboardInterrupt
            if number >= start:
                yield record


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    write_release(tmp_path / "made.seq", count=1300, labs=6)
    options = CollectOptions(lab_from=DEFAULT_SOURCES)
    source = Interrupted(tmp_path / "made.seq", at=1200)
    with pytest.raises(KeyboardInterrupt):
        collect([source], tmp_path / "t.csv", options)
    assert not (tmp_path / "t.csv").exists()
    source.at = None
    notes: list[str] = []
    collect([source], tmp_path / "t.csv", options, listener=Listener(note=notes.append))
    assert source.starts == [0, 1000]
    assert "going on" in notes[0]
    collect([Interrupted(tmp_path / "made.seq", None)], tmp_path / "whole.csv", options)
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"made.seq", "t.csv", "whole.csv"}


def test_a_file_behind_a_link_has_another_state_when_it_changes(tmp_path: Path) -> None:
    """As data sets keep files in a hidden folder, by links."""
    (tmp_path / ".kept").mkdir()
    kept = tmp_path / ".kept" / "x.csv"
    (tmp_path / "a.csv").symlink_to(kept)

    def states() -> list[str]:
        return [source.state for source in file_sources([tmp_path], limits=DEFAULT_LIMITS)]

    assert len(states()) == 1  # a link that leads nowhere is told when it is read
    kept.write_text("one")
    before = states()
    kept.write_text("other")
    assert states() != before


def test_another_plan_begins_again(tmp_path: Path) -> None:
    write_release(tmp_path / "made.seq", count=700, labs=6)
    source = Interrupted(tmp_path / "made.seq", at=650)
    with pytest.raises(KeyboardInterrupt):
        collect([source], tmp_path / "t.csv", CollectOptions(lab_from=DEFAULT_SOURCES))
    source.at = None
    collect([source], tmp_path / "t.csv", CollectOptions(DEFAULT_SOURCES, shortest=2000))
    assert source.starts == [0, 0]


KILLED = """
import os, sys
from pathlib import Path
from vecattr.collection.collecting import CollectOptions, Listener, collect
from vecattr.collection.settled import DEFAULT_SOURCES
from vecattr.collection.sources import file_sources
from vecattr.inputs.limits import DEFAULT_LIMITS

sources = file_sources([sys.argv[1]], limits=DEFAULT_LIMITS)
batches = iter(range(int(sys.argv[3])))
listener = Listener(progress=lambda done: done and next(batches, None) is None and os._exit(9))
collect(sources, Path(sys.argv[2]), CollectOptions(lab_from=DEFAULT_SOURCES), listener=listener)
"""


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    write_release(tmp_path / "made.seq", count=1300, labs=6)
    arguments = [str(tmp_path / "made.seq"), str(tmp_path / "t.csv")]
    for batches in (0, 1):
        done = subprocess.run([sys.executable, "-c", KILLED, *arguments, str(batches)], check=False)
        assert done.returncode == 9
        assert not (tmp_path / "t.csv").exists()
    run([tmp_path / "made.seq"], tmp_path / "t.csv", report=None)
    run([tmp_path / "made.seq"], tmp_path / "whole.csv", report=None)
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


class FullDisk(Disk):
    """A disk that is full when the table is put in its place."""

    def replace(self, source: Any, target: Any, **folders: Any) -> None:
        if os.path.basename(str(target)) == "t.csv":
            raise OSError(28, "No space left on device")
        super().replace(source, target, **folders)


def test_a_disk_that_is_full_leaves_the_old_table(release: Path) -> None:
    table = release.with_name("t.csv")
    table.write_text("the old one")
    with using(FullDisk()), pytest.raises(ArtifactError, match="No space"):
        run([release], table)
    assert table.read_text() == "the old one"
    run([release], table)
    assert table.read_text() != "the old one"
    assert not list(release.parent.glob("*.part*"))
    assert not list(release.parent.glob(".vecattr-*"))


def test_two_runs_do_not_write_one_table(release: Path) -> None:
    with (
        WorkFile(release.with_name("t.csv.part"), plan="another"),
        pytest.raises(LockedError, match="another process"),
    ):
        run([release], release.with_name("t.csv"))


def test_a_file_that_is_no_work_file_is_left_alone(release: Path) -> None:
    own = release.with_name("t.csv.part")
    own.write_bytes(b"my own notes")
    with pytest.raises(UsageError, match="not a work file"):
        run([release], release.with_name("t.csv"))
    assert own.read_bytes() == b"my own notes"


def test_a_database_of_somebody_else_is_left_alone(release: Path) -> None:
    own = release.with_name("t.csv.part")
    with sqlite3.connect(own) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    before = own.read_bytes()
    with pytest.raises(UsageError, match="not a work file"):
        run([release], release.with_name("t.csv"))
    assert own.read_bytes() == before
