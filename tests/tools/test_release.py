"""Claims about a release: losses are seen, every command has a man page, notes are there."""

from __future__ import annotations

import copy
import doctest
import json
import re
import shutil
import subprocess
from pathlib import Path

import man_pages
import public_api
import pytest
import release

from vecattr.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def api() -> public_api.Api:
    return json.loads(json.dumps(public_api.snapshot()))  # type: ignore[no-any-return]


def test_nothing_of_the_last_release_is_gone(api: public_api.Api) -> None:
    lost, _ = public_api.differences(public_api.load(release.last_release()), api)
    assert lost == []


def test_the_same_api_differs_in_nothing(api: public_api.Api) -> None:
    assert public_api.differences(api, api) == ([], [])


def test_whatever_goes_away_is_told(api: public_api.Api) -> None:
    less = copy.deepcopy(api)
    del less["python"]["vecattr.Index"]
    less["python"]["vecattr.Plasmid"] = "id, sequence, colour"
    less["commands"]["query"].remove("--evidence")
    less["columns"] = [less["columns"][1], less["columns"][0], *less["columns"][2:]]
    less["formats"]["index read"] = [2]
    less["schemas"]["info:1"].remove("labs")
    less["exit_codes"]["LockedError"] = 9
    lost, new = public_api.differences(api, less)
    for text in (
        "python: vecattr.Index is gone",
        "python: vecattr.Plasmid: colour is needed now",
        "commands: query: --evidence is gone",
        "columns: the earlier ones are no longer the first",
        "formats: indexes of version 1 are no longer read",
        "schemas: info:1: labs is gone",
        "exit_codes: LockedError: 5 to 9",
    ):
        assert text in lost
    assert new == []
    lost, new = public_api.differences(less, api)
    assert "python: vecattr.Index" in new


def test_every_command_has_a_page_with_its_options() -> None:
    pages = dict(man_pages.pages(cli))
    assert set(pages) == {"vecattr.1", *(f"vecattr-{name}.1" for name in COMMANDS)}
    assert "\\-\\-neighbors" in pages["vecattr-query.1"]
    for name in COMMANDS:
        assert f"vecattr-{name}(1)" in pages["vecattr.1"].replace("\\-", "-")
    assert doctest.testmod(man_pages).failed == 0


@pytest.mark.parametrize("name", ["vecattr.1", "vecattr-query.1", "vecattr-completion.1"])
def test_a_page_is_set_without_a_warning(name: str, tmp_path: Path) -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    page = tmp_path / name
    page.write_text(dict(man_pages.pages(cli))[name], encoding="utf-8")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(page)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "--help" in re.sub(".\b", "", done.stdout)  # bold letters are struck twice


def test_notes_are_those_of_the_version_or_of_what_is_unreleased() -> None:
    text = "# C\n\n## Unreleased\n\n- new\n\n## 0.2.0 (2026-12-01)\n\n- old\n\n## 0.1.0\n\n- one\n"
    assert release.section(text, "0.2.0") == "- old"
    assert release.section(text, "0.3.0") == "- new"


def test_a_part_of_others_without_its_licence_is_wrong() -> None:
    report = release.Report()
    release.check_licences(report, ["a/d3.min.js", "a/LICENSE-d3.txt"])
    assert report.failures == 0
    release.check_licences(report, ["b/d3.min.js", "a/LICENSE-d3.txt"])
    assert report.failures == 1


def test_the_command_checks_and_writes(tmp_path: Path) -> None:
    target = tmp_path / "dist"
    assert release.main(["--target", str(target), "--without", "build", "--without", "site"]) == 0
    assert {path.suffix for path in target.iterdir()} == {"", ".gz", ".md"}
    assert (target / "man" / "share" / "man" / "man1" / "vecattr-doctor.1").exists()
