"""Claims about threads: products of small matrices take one, unless somebody says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = (
    "import os, sys; from vecattr.cli.main import run; assert run(sys.argv[1:]); "
    "print(os.environ.get('OPENBLAS_NUM_THREADS'), 'numpy' in sys.modules)"
)


@pytest.mark.parametrize(
    ("command", "given", "expected"),
    [("query", None, "1"), ("query", "3", "3"), ("train", None, None)],
)
def test_products_take_one_thread_of_blas_from_the_start(
    tmp_path: Path, command: str, given: str | None, expected: str | None
) -> None:
    environment = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    if given is not None:
        environment["OPENBLAS_NUM_THREADS"] = given
    arguments = [command, str(tmp_path / "none.fasta")]
    arguments += ["-i", str(tmp_path / "i")] if command == "query" else ["-o", str(tmp_path / "m")]
    asked = [sys.executable, "-c", ASK, *arguments]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split()[0] == str(expected)
