"""The wrappers of workflow engines: their options are vecattr's, and what can run here runs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import command_named, run

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / "tools" / "workflows"
SNAKEFILE = WORKFLOWS / "snakemake" / "vecattr-query" / "test" / "Snakefile"

#: Files that hold command lines of vecattr.
CALLERS = (
    "snakemake/vecattr-query/wrapper.py",
    "snakemake/vecattr-query/test/Snakefile",
    "nextflow/modules/vecattr/query/main.nf",
    "galaxy/vecattr_query.xml",
)


@pytest.mark.parametrize("name", CALLERS)
def test_every_option_that_a_wrapper_gives_is_there(name: str) -> None:
    text = (WORKFLOWS / name).read_text()
    known = {"--version", "--strip-components"}
    for command in ("query", "build-index"):
        for parameter in command_named(command).params:
            known |= {*parameter.opts, *parameter.secondary_opts}
    given = set(re.findall(r"(?<![\w-])--[a-z][\w-]+", text))
    if name.endswith("Snakefile"):  # the comment that tells how to run it
        given -= {"--snakefile", "--cores", "--config"}
    assert given
    assert given <= known


def galaxy_schema() -> Path:
    """The schema of Galaxy, which comes with galaxy-tool-util; skips without it."""
    spec = importlib.util.find_spec("galaxy")
    for folder in spec.submodule_search_locations if spec else ():
        path = Path(folder) / "tool_util" / "xsd" / "galaxy.xsd"
        if path.exists():
            return path
    if path := os.environ.get("GALAXY_XSD"):
        return Path(path)
    pytest.skip("galaxy-tool-util is not installed, and GALAXY_XSD does not name its schema")


def test_the_tool_of_galaxy_fits_its_schema() -> None:
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(str(galaxy_schema())))
    document = etree.parse(str(WORKFLOWS / "galaxy" / "vecattr_query.xml"))
    assert schema.validate(document), str(schema.error_log)
    document.getroot().append(etree.Element("nonsense"))
    assert not schema.validate(document)


def test_the_recipe_asks_for_what_the_package_asks_for() -> None:
    import configparser

    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    wanted = {
        re.sub(r"\s", "", line)
        for line in settings["options"]["install_requires"].splitlines()
        if line.strip()
    }
    text = (WORKFLOWS / "bioconda" / "meta.yaml").read_text()
    run_section = text.split("  run:\n")[1].split("\n\n")[0]
    recipe = {line.strip().removeprefix("- ").replace(" ", "") for line in run_section.splitlines()}
    assert {line.split(";")[0] for line in wanted} <= recipe


def answers(shelf: Any, folder: Path) -> Path:
    """Answers as JSON lines about two good records and a bad one."""
    queries = shelf.fasta(folder / "q.fa", shelf.plasmids[:2])
    queries.write_text(queries.read_text() + ">bad\nACG!\n")
    target = folder / "sample1.jsonl"
    arguments = ["query", str(queries), "-i", str(shelf.index), "-o", str(target)]
    assert run([*arguments, "--on-bad-record", "report", "-q"]) == 0
    return target


def summary(files: list[Path], output: Path) -> None:
    script = WORKFLOWS / "multiqc" / "vecattr_mqc.py"
    subprocess.run([sys.executable, script, *files, "-o", output], check=True)


def test_the_summary_has_a_row_a_record_and_a_bar_a_file(shelf: Any, tmp_path: Path) -> None:
    file = answers(shelf, tmp_path)
    twin = tmp_path / "sample2.jsonl"
    twin.write_text(file.read_text().splitlines()[0] + "\n")
    summary([file, twin], tmp_path / "out" / "vecattr_mqc.json")
    table = json.loads((tmp_path / "out" / "vecattr_mqc.json").read_text())
    first, second = (plasmid.id for plasmid in shelf.plasmids[:2])
    assert set(table["data"]) == {f"sample1 {first}", f"sample2 {first}", second, "bad"}
    told = json.loads(file.read_text().splitlines()[1])
    assert table["data"][second]["lab"] == told["labs"][0]["name"]
    assert table["data"]["bad"]["verdict"] == "bad record"
    assert set().union(*table["data"].values()) <= set(table["headers"])
    graph = json.loads((tmp_path / "out" / "vecattr_strength_mqc.json").read_text())
    assert graph["data"] == {
        "sample1": {"unrated": 2, "bad record": 1},
        "sample2": {"unrated": 1},
    }


def test_multiqc_shows_the_summary(shelf: Any, tmp_path: Path) -> None:
    multiqc = shutil.which("multiqc")
    if multiqc is None:
        pytest.skip("MultiQC is not installed")
    summary([answers(shelf, tmp_path)], tmp_path / "in" / "vecattr_mqc.json")
    shown = tmp_path / "out"
    subprocess.run([multiqc, tmp_path / "in", "-o", shown, "--no-version-check"], check=True)
    page = (shown / "multiqc_report.html").read_text()
    assert "Labs of origin" in page
    assert "made00001" in page


@pytest.mark.proof
def test_snakemake_runs_the_wrapper_and_sums_up(shelf: Any, tmp_path: Path) -> None:
    snakemake = shutil.which("snakemake")
    if snakemake is None:
        pytest.skip("Snakemake is not installed")
    samples, tools = tmp_path / "samples", tmp_path / "bin"
    samples.mkdir()
    tools.mkdir()
    shelf.fasta(samples / "good.fa", shelf.plasmids[:2])
    (samples / "empty.fa").touch()
    script = tools / "vecattr"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m vecattr.cli "$@"\n')
    script.chmod(0o755)
    package = Path(sys.modules["vecattr"].__file__ or "").parents[1]
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    environment["PYTHONPATH"] = str(package)
    config = [f"samples={samples}", f"table={shelf.table}"]
    line = [snakemake, "--snakefile", SNAKEFILE, "--cores", "1", "--config", *config]
    subprocess.run(line, cwd=tmp_path, env=environment, check=True)
    [empty] = (tmp_path / "answers" / "empty.jsonl").read_text().splitlines()
    assert json.loads(empty)["error"]["what"] == "the file is empty"
    table = json.loads((tmp_path / "multiqc" / "vecattr_mqc.json").read_text())
    assert set(table["data"]) == {"made00001", "made00002", "empty"}
    assert "ends with exit code 0" in (tmp_path / "logs" / "good.log").read_text()
