"""The pages in Python print what they show, and save the pictures that they show."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tutorials import PAGES, filled

#: An identity changes with the version and the format of indexes, of which pages do not tell.
IDENTITY = re.compile(r"identity [0-9a-f]{16}")

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "tutorial"


def test_what_a_page_prints_is_written_into_it(tmp_path: Path) -> None:
    block = "```pycon\n{}```\n"
    page = "a\n\n" + block.format(">>> x = 2\n>>> x\nold\n") + "\nb\n\n"
    page += block.format(">>> for y in (x, 3):\n...     print(y)\n")
    fresh = page.replace("old", "2").replace("print(y)\n", "print(y)\n2\n3\n")
    assert filled(page, tmp_path) == fresh
    assert filled(fresh, tmp_path) == fresh


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from vecattr.cli.main import run

    folder = tmp_path_factory.mktemp("tutorials") / "demo"
    assert run(["demo", "-o", str(folder), "-q"]) == 0
    return folder


@pytest.mark.proof
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str, demo: Path, tmp_path: Path) -> None:
    if not FOLDER.exists():
        pytest.skip("not in a checkout")
    if name == "features.md":
        pytest.importorskip("sklearn")
    text = (FOLDER / name).read_text(encoding="utf-8")
    work = tmp_path / "work"
    shutil.copytree(demo, work)
    assert IDENTITY.sub("identity", filled(text, work)) == IDENTITY.sub("identity", text)
    shown = re.findall(r"\]\(pictures/(.*?)\)", text)
    assert shown
    for picture in shown:
        stored, made = FOLDER / "pictures" / picture, work / picture
        if made.suffix == ".svg":  # another matplotlib draws other pixels
            assert made.read_bytes() == stored.read_bytes()
        assert made.stat().st_size > 1000
        assert stored.stat().st_size < 100_000
