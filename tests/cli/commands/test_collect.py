"""From a release file to an answer by commands alone: collect, build, ask, bring up to date."""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from made_release import MadeRecord, records, write_release

from vecattr.cli.commands.collect import _LAB_SOURCES
from vecattr.cli.main import run
from vecattr.collection.settled import ALL_SOURCES
from vecattr.indexes.storage.snapshot import open_snapshot
from vecattr.indexes.storage.stored_plasmids import stored_plasmids

Capture = pytest.CaptureFixture[str]
LABS, COUNT, SEED = 4, 130, 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release file, a later one, the table of the first and its index."""
    folder = tmp_path_factory.mktemp("collect")
    write_release(folder / "first.seq", count=COUNT, labs=LABS, seed=SEED)
    write_release(folder / "later.seq", count=COUNT + 20, labs=LABS, seed=SEED, release=4)
    table = str(folder / "t.csv.zst")
    assert run(["collect", str(folder / "first.seq"), "-o", table, "-q"]) == 0
    assert run(["build-index", table, "-i", str(folder / "i"), "-q"]) == 0
    return folder


def later_plasmid() -> MadeRecord:
    """A plasmid that no release of the fixture holds, of a lab that they hold."""
    everything = islice(records(SEED, labs=LABS), COUNT + 40, None)
    return next(record for record in everything if record.kind == "plasmid")


def contents(index: Path) -> set[tuple[str, str]]:
    """Ids and labs of an index."""
    stored = stored_plasmids(open_snapshot(index).segments)
    return set(zip(stored.ids, stored.labs, strict=True))


def rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(2**31 - 1)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_release_file_comes_to_an_answer(made: Path, tmp_path: Path, capsys: Capture) -> None:
    query = later_plasmid()
    assert query.lab is not None
    (tmp_path / "q.gb").write_bytes(query.text)
    capsys.readouterr()
    assert run(["query", str(tmp_path / "q.gb"), "-i", str(made / "i"), "-k", "1"]) == 0
    [answer] = csv.DictReader(capsys.readouterr().out.splitlines(), delimiter="\t")
    assert answer["lab"].startswith(f"{query.lab.family}, {query.lab.initials[:2]}")


def test_an_index_and_its_own_export_give_equal_answers(made: Path, tmp_path: Path) -> None:
    assert run(["collect", str(made / "i"), "-o", str(tmp_path / "t.csv"), "-q"]) == 0
    assert {row["lab_source"] for row in rows(tmp_path / "t.csv")} == {"index"}
    assert run(["build-index", str(tmp_path / "t.csv"), "-i", str(tmp_path / "i"), "-q"]) == 0
    identities = {open_snapshot(path).manifest.identity for path in (made / "i", tmp_path / "i")}
    assert len(identities) == 1


def test_labs_come_with_their_institutions(made: Path, tmp_path: Path) -> None:
    info = tmp_path / "info.csv"
    command = ["collect", str(made / "first.seq"), "-o", str(tmp_path / "t.csv"), "-q"]
    assert run([*command, "--lab-info", str(info)]) == 0
    told = rows(info)
    assert [row["lab"] for row in told] == sorted({row["lab"] for row in rows(tmp_path / "t.csv")})
    assert all(row["institution"].startswith("University of") for row in told)
    first = told[0] | {"institution": "Mine", "url": "https://one.example.org/"}
    lines = [",".join(told[0]), ",".join(f'"{value}"' for value in first.values())]
    info.write_text("\n".join([*lines, '"Another lab",,"Elsewhere",,""', ""]))
    assert run([*command, "--lab-info", str(info)]) == 0
    assert first in rows(info)  # what is there stays
    assert {row["lab"] for row in rows(info)} == {row["lab"] for row in told} | {"Another lab"}
    table = str(tmp_path / "t.csv")
    index = str(tmp_path / "i")
    assert run(["build-index", table, "-i", index, "--lab-info", str(info), "-q"]) == 0
    exported = ["collect", index, "-o", str(tmp_path / "again.csv"), "-q"]
    assert run([*exported, "--lab-info", str(tmp_path / "again_info.csv")]) == 0
    assert rows(tmp_path / "again_info.csv") == [
        row for row in rows(info) if row["lab"] != "Another lab"
    ]


def test_an_index_follows_its_sources(made: Path, tmp_path: Path, capsys: Capture) -> None:
    table, changes = tmp_path / "t.csv.zst", tmp_path / "changes.csv"
    index = shutil.copytree(made / "i", tmp_path / "i")
    shutil.copy(made / "t.csv.zst", table)
    update = ["--update", str(table), "--changes", str(changes)]
    assert run(["collect", str(made / "later.seq"), *update]) == 0
    assert {row["change"] for row in rows(changes)} == {"added", "changed", "withdrawn"}
    assert run(["remove-lab", "--from-changes", str(changes), "-i", str(index)]) == 0
    assert run(["add-lab", "--from-changes", str(changes), "-i", str(index)]) == 0
    assert run(["build-index", str(table), "-i", str(tmp_path / "new"), "-q"]) == 0
    assert contents(index) == contents(tmp_path / "new") != contents(made / "i")
    assert run(["verify", "-i", str(index)]) == 0
    capsys.readouterr()
    assert run(["collect", str(made / "later.seq"), *update]) == 0
    assert "0 added, 0 changed, 0 withdrawn" in capsys.readouterr().err
    assert run(["remove-lab", "--from-changes", str(changes), "-i", str(index)]) == 0
    assert run(["add-lab", "--from-changes", str(changes), "-i", str(index)]) == 0
    assert "no plasmid changed or was withdrawn" in capsys.readouterr().err


def test_a_bad_record_is_told_and_the_exit_code_is_3(
    made: Path, tmp_path: Path, capsys: Capture
) -> None:
    text = (made / "first.seq").read_bytes().replace(b" bp    DNA", b"000 bp    DNA", 1)
    (tmp_path / "a.seq").write_bytes(text)
    arguments = [str(tmp_path / "a.seq"), "-o", str(tmp_path / "t.csv")]
    assert run(["collect", *arguments, "--report", str(tmp_path / "r.csv")]) == 3
    error = capsys.readouterr().err
    assert "states" in error
    assert "1 bad record" in error
    assert len(rows(tmp_path / "t.csv")) > 50
    assert "unreadable" in {row["reason"] for row in rows(tmp_path / "r.csv")}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["a.seq"], 2),
        (["a.seq", "-o", "t.json"], 2),
        (["a.seq", "-o", "no/such/t.csv"], 2),
        (["a.seq", "-o", "t.csv", "--report", "t.csv"], 2),
        (["a.seq", "-o", "t.csv", "--changes", "c.csv"], 2),
        (["a.seq", "-o", "t.csv", "--partial"], 2),
        (["a.seq", "-o", "t.csv", "--lab-from", "rumour"], 2),
        (["none.seq", "-o", "t.csv"], 3),
        (["a.seq", "-o", "t.csv", "--update", "none.csv"], 3),
        (["a.seq", "--update", "a.seq", "-o", "t.csv"], 3),
        (["notes.txt", "-o", "t.csv"], 3),
        (["empty", "-o", "t.csv"], 3),
    ],
)
def test_what_cannot_be_has_its_exit_code(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    arguments: list[str],
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(made / "first.seq", "a.seq")
    Path("notes.txt").write_text("what I did on Monday\n")
    Path("empty").mkdir()
    assert run(["collect", *arguments]) == code
    assert capsys.readouterr().err.startswith("vecattr: error: ")
    assert not Path("t.csv").exists()


@pytest.mark.parametrize("arguments", [["remove-lab"], ["remove-lab", "A", "--from-changes", "c"]])
def test_a_name_or_a_list_is_needed(
    made: Path, arguments: list[str], capsys: Capture, tmp_path: Path
) -> None:
    assert run([*arguments, "-i", str(made / "i")]) == 2
    assert run(["add-lab", "-i", str(made / "i")]) == 2
    assert "is needed" in capsys.readouterr().err


def test_ctrl_c_leaves_what_was_read_for_the_next_run(tmp_path: Path) -> None:
    write_release(tmp_path / "made.seq", count=600, labs=LABS)
    code = (
        "import os, signal, sys\n"
        "from vecattr.cli.signals import catch_signals\n"
        "from vecattr.cli.main import run\n"
        "from vecattr.collection.work_file import WorkFile\n"
        "add = WorkFile.add\n"
        "def interrupted(*values, **more):\n"
        "    add(*values, **more)\n"
        f"    os.kill(os.getpid(), {signal.SIGINT:d})\n"
        "WorkFile.add = interrupted\n"
        "catch_signals()\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    command = ["collect", str(tmp_path / "made.seq"), "-o", str(tmp_path / "t.csv")]
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert {path.name for path in tmp_path.iterdir()} == {"made.seq", "t.csv.part"}
    assert run([*command, "-q"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"made.seq", "t.csv"}


def test_the_options_name_every_place_of_a_lab() -> None:
    assert sorted(_LAB_SOURCES) == sorted(ALL_SOURCES)


def folder_source(folder: Path) -> None:
    """A folder with one good record."""
    folder.mkdir()
    (folder / "good.csv").write_text(
        "sequence_id,lab,sequence\ngood,Ash," + "ACGTTGCA" * 200 + "\n"
    )


def test_a_link_out_of_a_folder_of_sources_is_one_bad_record(tmp_path: Path) -> None:
    folder_source(tmp_path / "top")
    (tmp_path / "secret.csv").write_text(
        "sequence_id,lab,sequence\nsecret,Elm," + "ACCTTGGA" * 200 + "\n"
    )
    (tmp_path / "top" / "more.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "top" / "nothing.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "top" / "same.csv").symlink_to("good.csv")
    report = tmp_path / "report.csv"
    command = ["collect", str(tmp_path / "top"), "-o", str(tmp_path / "t.csv")]
    assert run([*command, "--report", str(report), "-q"]) == 3
    assert [row["sequence_id"] for row in rows(tmp_path / "t.csv")] == ["good"]
    told = [row["detail"] for row in rows(report) if row["reason"] == "unreadable"]
    assert len([text for text in told if "a link out of its folder" in text]) == 2
    assert "secret" not in "".join(row["sequence_id"] for row in rows(report))


@pytest.mark.parametrize("command", ["collect", "build-index"])
def test_a_pipe_in_a_folder_of_sources_is_one_bad_record(
    tmp_path: Path, capsys: Capture, command: str
) -> None:
    folder_source(tmp_path / "top")
    os.mkfifo(tmp_path / "top" / "endless.csv")
    (tmp_path / "top" / "Birch").mkdir()
    (tmp_path / "top" / "Birch" / "b.fasta").write_text(">b\n" + "ACCATGCA" * 200 + "\n")
    os.mkfifo(tmp_path / "top" / "Birch" / "c.fasta")
    to = "-o" if command == "collect" else "-i"
    lab = ["--lab-from", "folder", "--lab-from", "column"] if command == "collect" else []
    assert run([command, str(tmp_path / "top"), to, str(tmp_path / "t.csv"), *lab, "-q"]) == 3
    assert capsys.readouterr().err.count("is a pipe, a socket or a device") == 2
    assert (tmp_path / "t.csv").exists()


@pytest.mark.parametrize("option", ["--aliases", "--lab-info", "--update"])
def test_a_column_of_a_persons_is_not_lost(tmp_path: Path, capsys: Capture, option: str) -> None:
    folder_source(tmp_path / "top")
    table, listed = tmp_path / "t.csv", tmp_path / "list.csv"
    command = ["collect", str(tmp_path / "top"), "-o", str(table), "-q"]
    assert run([*command, "--aliases", str(listed)]) == 0
    if option == "--lab-info":
        listed.write_text("lab,url\nAsh,https://ash.example.org/\n")
    file = table if option == "--update" else listed
    assert run([*command, option, str(file)]) == 0
    lines = file.read_text().splitlines()
    file.write_text(
        "\n".join(f"{line},{'freezer' if n == 0 else 'box 3'}" for n, line in enumerate(lines))
    )
    before = file.read_bytes()
    capsys.readouterr()
    assert run([*command, option, str(file)]) == 3
    assert "the column 'freezer' would be lost" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_database_of_another_program_is_no_work_file(tmp_path: Path, capsys: Capture) -> None:
    folder_source(tmp_path / "top")
    database = sqlite3.connect(tmp_path / "t.csv.part")
    database.execute("CREATE TABLE facts (name TEXT, value TEXT)")
    database.execute("INSERT INTO facts VALUES ('mine', 'precious')")
    database.commit()
    database.close()
    assert run(["collect", str(tmp_path / "top"), "-o", str(tmp_path / "t.csv"), "-q"]) == 2
    assert "not a work file of vecattr" in capsys.readouterr().err
    with sqlite3.connect(tmp_path / "t.csv.part") as database:
        assert database.execute("SELECT value FROM facts").fetchone() == ("precious",)


def test_a_spreadsheet_runs_nothing_of_a_collection_and_names_come_back(tmp_path: Path) -> None:
    """A semicolon divides cells where lists are divided by semicolons."""
    names = ["=cmd()", "+1", "-2", "@SUM(A1)", "a;=cmd()", 'b; "=1"', "'=kept"]
    bases = ["".join(random.Random(name).choices("ACGT", k=1500)) for name in names]
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["sequence_id", "lab", "sequence"], *zip(names, names, bases, strict=True)]
        )
    lists = [["--report", "r.csv"], ["--aliases", "a.csv"], ["--lab-info", "l.csv"]]
    command = ["collect", str(tmp_path / "in.csv"), "-o", str(tmp_path / "t.csv"), "-q"]
    for option, name in lists:
        command += [option, str(tmp_path / name)]
    assert run(command) == 0
    for name in ("t.csv", "a.csv", "l.csv"):
        text = (tmp_path / name).read_text()
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        parts = [part.strip(' "') for cell in cells for part in cell.split(";")]
        assert not [part for part in parts if part.startswith(("=", "+", "-", "@"))]
    assert run(command) == 0  # which reads the lists again
    index = tmp_path / "i"
    assert run(["build-index", str(tmp_path / "t.csv"), "-i", str(index), "-q"]) == 0
    expected = [name.removeprefix("'") if name == "'=kept" else name for name in names]
    assert contents(index) == {(name, name) for name in expected}
    again = ["collect", str(tmp_path / "in.csv"), "--update", str(tmp_path / "t.csv")]
    assert run([*again, "--changes", str(tmp_path / "c.csv"), "-q"]) == 0
    assert rows(tmp_path / "c.csv") == []
    (tmp_path / "w.csv").write_text("change,old_id,sequence_id\nwithdrawn,'=cmd(),\n")
    remove = ["remove-lab", "--from-changes", str(tmp_path / "w.csv"), "-i", str(index), "-q"]
    assert run(remove) == 0
    assert "=cmd()" not in dict(contents(index))


def test_a_link_is_no_work_file(tmp_path: Path, capsys: Capture) -> None:
    folder_source(tmp_path / "top")
    (tmp_path / "t.csv.part").symlink_to(tmp_path / "elsewhere")
    assert run(["collect", str(tmp_path / "top"), "-o", str(tmp_path / "t.csv"), "-q"]) == 2
    assert "not a work file of vecattr" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists()
