"""Where nothing may be written or read, that is told in one line, and asking works all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

#: Imports everything, then becomes nobody and runs one command after another.
NOBODY = """
import importlib, io, json, os, pkgutil, sys
from contextlib import redirect_stderr, redirect_stdout
import vecattr
from vecattr.cli.main import run

# Nobody may not be allowed to read the modules that a command imports when it is called.
for module in pkgutil.walk_packages(vecattr.__path__, "vecattr."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

commands = json.loads(sys.argv[1])
with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
    for command in json.loads(sys.argv[2]):
        run(command)
os.umask(0)
if os.geteuid() == 0:
    os.setuid(65534)
found = []
for command in commands:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as errors:
        code = run(command)
    found.append((code, out.getvalue(), errors.getvalue()))
print(json.dumps(found))
"""


@pytest.fixture
def place(shelf: Any) -> Iterator[Path]:
    """A folder that others may read and nobody but its owner may write to, with an index."""
    import shutil

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for name in ("made.index", "model", "plasmids.csv"):
            source = shelf.folder / name
            if source.is_dir():
                shutil.copytree(source, path / name)
            else:
                shutil.copy(source, path / name)
        shelf.fasta(path / "q.fa", shelf.newcomers[:2])
        (path / "secret.fa").write_text(">s\nACGT\n")
        for file in [path, *path.rglob("*")]:
            file.chmod(0o555 if file.is_dir() else 0o444)
        (path / "secret.fa").chmod(0)
        yield path
        for file in [path, *path.rglob("*")]:
            file.chmod(0o755)


def test_what_may_not_be_written_or_read_is_told(place: Path) -> None:
    index, table, query = (str(place / name) for name in ("made.index", "plasmids.csv", "q.fa"))
    on_cpu = ["--device", "cpu", "--threads", "1"]
    model = ["-m", str(place / "model"), *on_cpu]
    bag = ["--encoder", "bag", "--loss", "cosface", "--width", "8", "--max-steps", "1", *on_cpu]
    cases = {
        0: [
            ["query", query, "-i", index, "-k", "2", *on_cpu],
            ["verify", "-i", index],
            ["list-labs", "-i", index],
        ],
        2: [["query", query, "-i", index, "-o", str(place / "out.tsv"), *on_cpu]],
        3: [["query", str(place / "secret.fa"), "-i", index, *on_cpu]],
        4: [
            ["add-lab", query, "--lab", "new", "-i", index, *on_cpu],
            ["remove-lab", "Lab 01", "-i", index],
            ["compact", "-i", index],
            ["verify", "--repair", "-i", index],
            ["build-index", table, *model, "-i", str(place / "new.index")],
            ["train", table, "-o", str(place / "new.model"), *bag],
        ],
    }
    commands = [command for some in cases.values() for command in some]
    with tempfile.TemporaryDirectory() as writable:
        trained = ["train", table, "-o", f"{writable}/m", *bag]
        built = ["build-index", table, *model, "-i", f"{writable}/i", "-q"]
        added = ["add-lab", query, "--lab", "new", "-i", f"{writable}/i", *on_cpu]
        warm = [trained, built, added, *cases[0], ["verify", "-i", index, "--repair"]][1:]
        done = subprocess.run(
            [sys.executable, "-c", NOBODY, json.dumps(commands), json.dumps([trained, *warm])],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    assert done.returncode == 0, done.stderr
    codes = [code for code, some in cases.items() for _ in some]
    for command, code, found in zip(commands, codes, json.loads(done.stdout), strict=True):
        assert found[0] == code, (command, found)
        messages = [line for line in found[2].splitlines() if not line.startswith("note: ")]
        assert len(messages) <= (2 if code else 0), found
        assert "unexpected" not in found[2]
