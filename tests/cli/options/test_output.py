"""Results never take the place of what a command reads."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from vecattr.cli.main import cli, run
from vecattr.cli.options.completions import SourceText


@pytest.mark.parametrize("by", ["its name", "a link", "another name"])
def test_a_file_that_is_read_is_not_replaced(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    queries = shelf.fasta(tmp_path / "q.tsv", shelf.plasmids[:1])
    output = {"its name": queries, "a link": tmp_path / "link.tsv", "another name": tmp_path / "o"}[
        by
    ]
    if by == "a link":
        output.symlink_to(queries)
    elif by == "another name":
        os.link(queries, output)
    before = queries.read_bytes()
    for command in (["query", "-i", str(shelf.index)], ["embed", "-m", str(shelf.model)]):
        form = ["--format", "tsv"]
        assert run([*command, str(queries), *form, "-o", str(output)]) == 2
        assert "is read by this command" in capsys.readouterr().err
    assert queries.read_bytes() == before


def test_nothing_is_written_into_an_index(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = shutil.copytree(shelf.index, tmp_path / "i")
    before = (index / "manifest.json").read_bytes()
    for place in ("manifest.json", "segments/new.json"):
        assert run(["info", "-i", str(index), "-o", str(index / place)]) == 2
        assert "lies in the index" in capsys.readouterr().err
    assert (index / "manifest.json").read_bytes() == before


def test_results_may_be_written_again_and_beside_what_is_read(shelf: Any, tmp_path: Path) -> None:
    shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:1])
    for _ in range(2):
        output = ["-o", str(tmp_path / "q.tsv"), "-q"]
        assert run(["query", str(tmp_path / "q.fa"), "-i", str(shelf.index), *output]) == 0


@pytest.mark.parametrize("option", ["--report", "--lab-info", "--aliases"])
def test_no_output_of_collect_takes_the_place_of_a_source(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    source = shelf.fasta(tmp_path / "q.tsv", shelf.plasmids[:1])
    before = source.read_bytes()
    command = ["collect", str(source), "-o", str(tmp_path / "table.csv"), option]
    assert run([*command, str(source)]) == 2
    assert "is read by this command" in capsys.readouterr().err
    assert run([*command, str(shelf.index / "model" / "x.csv"), str(shelf.index)]) == 2
    assert "lies in the index" in capsys.readouterr().err
    assert source.read_bytes() == before
    assert not (tmp_path / "table.csv").exists()


def refused(arguments: list[object], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says that is refused."""
    assert run([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err


def test_nothing_is_written_into_an_index_that_the_command_does_not_name(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = shutil.copytree(shelf.index, tmp_path / "i")
    before = (index / "manifest.json").read_bytes()
    queries = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:1])
    for place in (index / "manifest.json", index / "segments" / "x.json"):
        asked = ["query", queries, "-i", shelf.index, "-o", place]
        assert "lies in the index" in refused(asked, capsys)
        assert "lies in the index" in refused(
            ["info", "-i", shelf.index, "--log-file", place], capsys
        )
    assert (index / "manifest.json").read_bytes() == before


def test_a_log_is_not_appended_to_what_is_read_or_written(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:1])
    labs = tmp_path / "labs.csv"
    labs.write_text(f"lab,url\n{shelf.plasmids[0].lab},https://x.example.org/\n")
    before = queries.read_bytes(), labs.read_bytes()
    asked = ["query", queries, "-i", shelf.index, "-o", tmp_path / "o.tsv", "--log-file"]
    for log in (queries, tmp_path / "o.tsv"):
        assert "is no log file" in refused([*asked, log], capsys)
    index = shutil.copytree(shelf.index, tmp_path / "i")
    for command in (["lab-info", labs], ["add-lab", queries, "--lab", "New", "--lab-info", labs]):
        logged = [*command, "-i", index, "--log-file", labs]
        assert "is no log file" in refused(logged, capsys)
    assert (queries.read_bytes(), labs.read_bytes()) == before
    assert not (tmp_path / "o.tsv").exists()


def test_two_results_have_two_names(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated = ["evaluate", shelf.table, "-i", shelf.index, "-o", tmp_path / "o.csv"]
    said = refused([*evaluated, "--per-query", tmp_path / "o.csv"], capsys)
    assert "two results" in said
    grouped = ["cluster", "-i", shelf.index, "-o", tmp_path / "o.svg", "--format", "tsv"]
    assert "two results" in refused([*grouped, "--picture", tmp_path / "o.svg"], capsys)
    drawn = ["map", "-i", shelf.index, "-o", tmp_path / "o.html", "--table", tmp_path / "o.html"]
    assert "two results" in refused(drawn, capsys)
    collected = ["collect", shelf.table, "-o", tmp_path / "o.csv"]
    assert "two results" in refused([*collected, "--report", tmp_path / "o.csv"], capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--labels", "--features"])
def test_tables_beside_the_input_are_not_replaced(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    beside = tmp_path / "beside.csv"
    beside.write_text("sequence_id,lab\n", encoding="utf-8")
    asked = ["query", shelf.table, "-i", shelf.index, option, beside, "-o", beside]
    assert "is read by this command" in refused(asked, capsys)
    assert beside.read_text(encoding="utf-8") == "sequence_id,lab\n"


def test_options_that_name_files_say_so_by_their_type() -> None:
    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in cli.list_commands(context)]
    for command in filter(None, commands):
        for param in command.params:
            if param.metavar in ("FILE", "SEQUENCES", "SOURCES", "FOLDER", "TABLE"):
                assert isinstance(param.type, click.Path | SourceText), f"{command.name} {param}"


def test_a_word_of_an_option_is_no_file(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:1])
    asked = ["query", str(tmp_path / "q.fa"), "-i", str(shelf.index), "--topology", "linear", "-q"]
    for _ in range(2):  # the second time the file is there
        assert run([*asked, "-o", "linear"]) == 0


@pytest.mark.parametrize("command", ["build-index", "train", "demo"])
def test_no_folder_is_made_in_an_index(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    index = shutil.copytree(shelf.index, tmp_path / "i")
    place = index / "segments" / "new"
    given = [] if command == "demo" else [shelf.table]
    to = "-i" if command == "build-index" else "-o"
    assert "lies in the index" in refused([command, *given, to, place, "-q"], capsys)
    assert not place.exists()


def test_an_index_in_the_place_of_a_file_is_refused_as_one(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:1]), tmp_path / "other"):
        file.touch()
        assert run(["build-index", str(tmp_path / "q.fa"), "--lab", "A", "-i", str(file)]) == 4
        assert "is a file, and an index is a folder" in capsys.readouterr().err
