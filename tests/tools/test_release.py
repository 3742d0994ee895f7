"""Claims about a release: losses are seen, every command has a man page, notes are there."""

from __future__ import annotations

import copy
import doctest
import json
import re
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import man_pages
import public_api
import pytest
import release
import release_version

from vecattr.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def api() -> public_api.Api:
    return json.loads(json.dumps(public_api.snapshot()))  # type: ignore[no-any-return]


def test_nothing_of_the_last_releases_is_gone(api: public_api.Api) -> None:
    kept = release.kept_releases()
    assert kept
    for path in kept:
        lost, _ = public_api.differences(public_api.load(path), api)
        assert lost == [], path.stem


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


def test_one_command_moves_the_version_everywhere(tmp_path: Path) -> None:
    for name in {*(name for name, *_ in release_version.PLACES), "CHANGELOG.md"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for day in (date(2030, 1, 2), date(2030, 1, 3)):  # a second time, when the day was wrong
        release_version.move("9.8.7", day, root=tmp_path)
        assert {version for _, version in release_version.stated(tmp_path)} == {"9.8.7"}
    citation = (tmp_path / "CITATION.cff").read_text(encoding="utf-8")
    assert citation.count("date-released: ") == citation.count("date-released: 2030-01-03\n") == 1
    changelog = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "\n## Unreleased\n\n## 9.8.7 (2030-01-03)\n" in changelog


def test_a_file_that_names_no_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "vecattr").mkdir()
    (tmp_path / "vecattr" / "version.py").write_text("# nothing\n")
    with pytest.raises(ValueError, match=r"version\.py"):
        release_version.move("9.8.7", date(2030, 1, 2), root=tmp_path)


@pytest.mark.parametrize("names", [{}, {"vecattr/a.py": b"other"}, {"vecattr/b.py": b"more"}])
def test_a_wheel_that_differs_from_the_checkout_is_wrong(
    names: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "vecattr").mkdir()
    (tmp_path / "vecattr" / "a.py").write_bytes(b"one")
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "c.py").write_bytes(b"linked")
    (tmp_path / "vecattr" / "cli").symlink_to("../cli")
    with zipfile.ZipFile(tmp_path / "made.whl", "w") as archive:
        files = {"vecattr/a.py": b"one", "vecattr/cli/c.py": b"linked", **names}
        for name, content in files.items():
            archive.writestr(name, content)
    report = release.Report()
    release.check_files(report, tmp_path / "made.whl", tmp_path)
    assert report.failures == (1 if names else 0)


@pytest.mark.parametrize(
    ("addresses", "citation", "failures"),
    [
        ([], "title: t\n", 0),
        (["Source, https://a.example/v"], 'repository-code: "https://a.example/v"\n', 0),
        (["Source, https://b.example/v"], "repository-code: https://a.example/v\n", 1),
        (["Source, https://b.example/v"], "title: t\n", 1),
        ([], "repository-code: https://a.example/v\n", 1),
    ],
)
def test_package_and_citation_name_one_repository(
    addresses: list[str], citation: str, failures: int
) -> None:
    report = release.Report()
    release.check_home(report, addresses, citation)
    assert report.failures == failures


def test_the_command_checks_and_writes(tmp_path: Path) -> None:
    target = tmp_path / "dist"
    assert release.main(["--target", str(target), "--without", "build", "--without", "site"]) == 0
    assert {path.suffix for path in target.iterdir()} == {"", ".gz", ".md"}
    assert (target / "man" / "share" / "man" / "man1" / "vecattr-doctor.1").exists()
