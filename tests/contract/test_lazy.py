"""A process loads what it uses: read from `sys.modules` of fresh interpreters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.editing.build import build_index
from vecattr.sequences.synthetic import synthetic_plasmids

#: What a query of FASTA has no use for.
NEVER = {"torch", "pandas", "Bio", "sentencepiece", "faiss", "h5py", "tqdm", "sklearn", "numpy.ma",
         "filelock"}  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of the shipped encoder, with k-mers and its fusion."""
    path = tmp_path_factory.mktemp("lazy") / "i"
    plasmids = synthetic_plasmids(labs=3, plasmids_per_lab=4, seed=1)
    build_index(path, plasmids, model=shipped_encoder(), rule=ClassRule(None))
    (path.parent / "q.fasta").write_text(f">q\n{plasmids[0].sequence}\n", encoding="utf-8")
    return path


def loaded_by(*arguments: str, exit_code: int = 0) -> set[str]:
    """The modules that a command line has loaded when it is done."""
    code = (
        "import sys\n"
        "from vecattr.cli.main import run\n"
        f"code = run({list(arguments)!r})\n"
        f"assert code == {exit_code}, code\n"
        "print('loaded', *sys.modules, sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.partition("loaded\n")[2].splitlines())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["query", "--help"]])
def test_help_and_version_load_only_what_prints_them(arguments: list[str]) -> None:
    found = loaded_by(*arguments)
    assert not found & (NEVER | {"numpy", "json", "logging", "tempfile"})
    assert not found & {"vecattr.attribution", "vecattr.plasmid", "vecattr.cli.rendering.answers"}


def test_completion_loads_no_numpy(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "os.environ |= {'_VECATTR_COMPLETE': 'bash_complete', 'COMP_WORDS': 'vecattr qu',"
        " 'COMP_CWORD': '1'}\n"
        "from vecattr.cli.main import cli\n"
        "try:\n    cli.main(prog_name='vecattr')\n"
        "except SystemExit:\n    print('loaded', *sys.modules, sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    offered, _, modules = done.stdout.partition("loaded\n")
    assert "query" in offered
    assert not set(modules.splitlines()) & (NEVER | {"numpy"})


def test_a_query_loads_what_it_uses(index: Path) -> None:
    found = loaded_by("query", str(index.parent / "q.fasta"), "-i", str(index))
    assert "numpy" in found
    assert not found & NEVER


def test_a_query_in_genbank_loads_no_biopython(index: Path, tmp_path: Path) -> None:
    bases = "".join((index.parent / "q.fasta").read_text(encoding="utf-8").split("\n")[1:])
    text = (
        f"LOCUS       q {len(bases)} bp DNA circular SYN 01-JAN-2000\n"
        f"ORIGIN\n        1 {bases.lower()}\n//\n"
    )
    (tmp_path / "q.gb").write_text(text, encoding="utf-8")
    found = loaded_by("query", str(tmp_path / "q.gb"), "-i", str(index))
    assert not found & NEVER
