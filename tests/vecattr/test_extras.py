"""Claims about extras: the core does without them, and what is missing is told with its command."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vecattr.errors import MissingExtraError, UsageError, VecattrError
from vecattr.extras import EXTRAS, install_command, is_installed, require, translated
from vecattr.readers.plasmids import read_plasmids

ROOT = Path(__file__).resolve().parents[2]

#: What PyPI calls a library that Python imports by another name.
DISTRIBUTIONS = {
    "Bio": "biopython",
    "dask_jobqueue": "dask-jobqueue",
    "prometheus_client": "prometheus-client",
    "python_multipart": "python-multipart",
    "sklearn": "scikit-learn",
}


def run_without(libraries: list[str], code: str, **options: Any) -> Any:
    """A Python program in which these libraries cannot be imported."""
    blocked = f"import sys\nsys.modules.update(dict.fromkeys({libraries!r}))\n{code}"
    return subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, check=False, **options
    )


def command_without(libraries: list[str], *arguments: str, **options: Any) -> Any:
    """A command line in a process in which these libraries cannot be imported."""
    code = f"from vecattr.cli.main import run\nsys.exit(run({list(arguments)!r}))"
    return run_without(libraries, code, **options)


def requirements() -> dict[str, set[str]]:
    """The names of the distributions of each extra, and of the core (an empty name)."""
    path = ROOT / "setup.cfg"
    if not path.exists():
        pytest.skip("not in a checkout")
    parser = configparser.ConfigParser()
    parser.read(path, encoding="utf-8")
    lists = dict(parser["options.extras_require"]) | {"": parser["options"]["install_requires"]}
    return {
        extra: {line.split(">")[0].split("[")[0].lower() for line in text.split() if line}
        for extra, text in lists.items()
    }


@pytest.mark.parametrize("library", EXTRAS)
def test_an_extra_brings_the_library_that_it_promises(library: str) -> None:
    distribution = DISTRIBUTIONS.get(library, library).lower()
    wanted = requirements()
    assert distribution in wanted[EXTRAS[library].lower()]
    assert distribution in wanted["test"]
    assert distribution not in wanted[""]


def test_what_is_missing_is_an_error_of_ours_and_an_import_error() -> None:
    assert is_installed("click")
    with pytest.raises(MissingExtraError) as caught:
        raise translated(ModuleNotFoundError("no", name="torch.nn")) or AssertionError
    error = caught.value
    assert isinstance(error, ImportError)
    assert error.exit_code == UsageError.exit_code
    assert error.hint == install_command("train")
    assert "pip install '.[train]'" in str(error)
    assert translated(ModuleNotFoundError("no", name="click")) is None
    require("click", "numpy")


@pytest.mark.parametrize(
    ("library", "code"),
    [
        ("torch", "from vecattr import train_model"),
        ("pandas", "from vecattr import ranking_frame; ranking_frame([])"),
        ("pandas", "from vecattr.frames import embedding_frame; embedding_frame(None)"),
    ],
)
def test_python_gets_the_command_too(library: str, code: str) -> None:
    done = run_without([library], code)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-2:]
    assert "MissingExtraError" in last[0]
    assert library in last[0]
    assert last[1].strip() == install_command(EXTRAS[library])


@pytest.mark.parametrize("library", ["openpyxl", "pyarrow"])
def test_a_table_that_needs_an_extra_says_which(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table"
    if library == "pyarrow":
        path.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    else:
        from openpyxl import Workbook

        Workbook().save(path)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError) as caught:
        list(read_plasmids([path]))
    assert (caught.value.where, caught.value.hint) == (
        str(path),
        install_command(EXTRAS[library]),
    )


def test_training_without_torch_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = command_without(["torch"], "train", "no.csv", "-o", "m", cwd=tmp_path)
    assert done.returncode == UsageError.exit_code
    assert done.stderr.splitlines() == [
        "vecattr: error: training needs the library torch, which is not installed",
        f"  {install_command('train')}",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_gpu_is_asked_for_torch(shelf: Any) -> None:
    arguments = ["query", str(shelf.table), "-i", str(shelf.index), "--device", "cuda"]
    done = command_without(["torch"], *arguments)
    assert done.returncode == UsageError.exit_code
    assert install_command("train") in done.stderr


def test_the_core_builds_adds_asks_embeds_and_reports_without_any_extra(
    shelf: Any, tmp_path: Path
) -> None:
    query = shelf.fasta(tmp_path / "q.fasta", shelf.plasmids[:1])
    new = shelf.fasta(tmp_path / "new.fasta", shelf.newcomers[:3])
    fastq = tmp_path / "r.fastq"
    bases = shelf.plasmids[0].sequence
    fastq.write_text(f"@r\n{bases}\n+\n{'I' * len(bases)}\n", encoding="utf-8")
    commands = [
        ["build-index", str(shelf.table), "-i", "i", "-q"],
        ["add-lab", str(new), "--lab", "Lab new", "-i", "i", "-q"],
        ["query", str(query), str(fastq), "-i", "i", "-o", "answer.html"],
        ["embed", str(query), "-i", "i", "-o", "v.tsv"],
        ["verify", "-i", "i"],
        ["info", "-i", "i", "-o", "info.json"],
    ]
    code = f"from vecattr.cli.main import run\nsys.exit(any(map(run, {commands!r})))"
    done = run_without(list(EXTRAS), code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "info.json").read_text())["labs"] > 0
    assert (tmp_path / "answer.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_posix_the_command_line_says_what_to_use(shelf: Any) -> None:
    withheld = ["fcntl", "resource"]
    assert command_without(withheld, "--help").returncode == 0
    done = command_without(withheld, "info", "-i", str(shelf.index))
    assert done.returncode == UsageError.exit_code
    assert "POSIX" in done.stderr
    assert "Linux" in done.stderr.splitlines()[-1]


def test_every_extra_has_a_row_in_the_page_of_installing() -> None:
    path = ROOT / "docs" / "how-to" / "install.md"
    if not path.exists():
        pytest.skip("not in a checkout")
    text = path.read_text(encoding="utf-8")
    for extra in requirements():
        assert not extra or f"| `{extra}` |" in text, extra
    assert issubclass(MissingExtraError, VecattrError)
