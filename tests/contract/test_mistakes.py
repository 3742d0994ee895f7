"""The page of mistakes is true: each is made again, and gets the message and code shown."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vecattr.cli.main import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "mistakes.md"

_BLOCK = re.compile(r"^```console\n\$ (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def mistakes() -> list[tuple[str, str]]:
    """The commands of the page and what they print; none outside of a checkout."""
    return _BLOCK.findall(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newcomer's folder: a table, an index, queries, an empty file, a protein, a picture."""
    folder = tmp_path_factory.mktemp("mistakes")
    from vecattr.readers.plasmid_table import table_text
    from vecattr.sequences.synthetic import synthetic_plasmids

    plasmids = synthetic_plasmids(labs=3, plasmids_per_lab=6, seed=1)
    (folder / "plasmids.csv").write_text(table_text(plasmids), encoding="utf-8")
    first = plasmids[0]
    (folder / "plasmid.fasta").write_text(f">p1\n{first.sequence}\n", encoding="utf-8")
    (folder / "no_lab.csv").write_text(f"id,sequence\np1,{first.sequence}\n", encoding="utf-8")
    (folder / "protein.fasta").write_text(">p1\nMKVLAAGIVGLLLAQPEWRD\n", encoding="utf-8")
    (folder / "empty.fasta").touch()
    (folder / "map.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    index = str(folder / "my.index")
    assert run(["build-index", str(folder / "plasmids.csv"), "-i", index, "-q"]) == 0
    return folder


def printed(command: str, folder: Path) -> str:
    """What a command prints on stderr, without torch as in the core, and its exit code."""
    program = folder / "vecattr"
    code = "import sys; sys.modules['torch'] = None; from vecattr.cli.main import main; main()"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    program.chmod(0o755)
    root = Path(sys.modules["vecattr"].__file__ or "").parents[1]
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(root)}
    environment.pop("VECATTR_INDEX", None)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    return f"{done.stderr}[{done.returncode}]\n"


@pytest.mark.parametrize(("command", "shown"), mistakes())
def test_a_mistake_gets_the_message_that_is_shown(command: str, shown: str, place: Path) -> None:
    output = printed(command, place)
    assert doctest.OutputChecker().check_output(shown, output, doctest.ELLIPSIS), output


def test_there_are_ten() -> None:
    if not PAGE.exists():
        pytest.skip("not in a checkout")
    assert len(mistakes()) == 10
    assert len(re.findall(r"^## \d+\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == 10
    assert shutil.which("bash")
