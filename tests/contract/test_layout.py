"""The shape of the project: packages, layers, one home for each library, light imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import walk_packages

import pytest

import vecattr

LAYERS = ("vecattr", "vecattr.indexes", "vecattr.cli")
HEAVY = (
    *("torch", "pandas", "faiss", "Bio", "h5py", "sentencepiece", "matplotlib", "sklearn"),
    *("jinja2", "dask", "distributed"),
)

#: The only modules that may import a library. A new module here is a decision, not an accident.
HOMES = {
    "Bio": {"vecattr.formats.binary.gck", "vecattr.reports.exports.genbank"},
    "dask": {"vecattr.indexes.cluster.cluster"},
    "dask_jobqueue": {"vecattr.indexes.cluster.cluster"},
    "distributed": {"vecattr.indexes.cluster.cluster"},
    "faiss": {"vecattr.indexes.search.vector_search"},
    "fastapi": {
        "vecattr.cli.serving.http.api",
        "vecattr.cli.serving.http.edits",
        "vecattr.cli.serving.http.pages",
        "vecattr.cli.serving.http.service",
    },
    "fcntl": {"vecattr.posix"},
    "h5py": {"vecattr.files.hdf5.library"},
    "jinja2": {"vecattr.reports.templates"},
    "markupsafe": {"vecattr.reports.templates"},
    "matplotlib": {"vecattr.plots.pictures"},
    "numba": {"vecattr.encoders.networks.compiled"},
    "openTSNE": {"vecattr.plots.tsne"},
    "openpyxl": {"vecattr.readers.binary_tables"},
    "pandas": {"vecattr.frames", "vecattr.shown"},
    "prometheus_client": {"vecattr.cli.serving.metrics"},
    "pyarrow": {"vecattr.readers.binary_tables"},
    "resource": {"vecattr.posix"},
    "safetensors": {
        "vecattr.training.checkpoint",
        "vecattr.encoders.torch_encoder",
        "vecattr.encoders.weights",
    },
    "sentencepiece": {"vecattr.encoders.tokenizer"},
    "starlette": {
        "vecattr.cli.serving.http.api",
        "vecattr.cli.serving.http.edits",
        "vecattr.cli.serving.http.guard",
        "vecattr.cli.serving.http.pages",
        "vecattr.cli.serving.http.problems",
        "vecattr.cli.serving.http.service",
        "vecattr.cli.serving.http.uploads",
    },
    "torch": {
        "vecattr.training.checkpoint",
        "vecattr.training.distributed",
        "vecattr.encoders.networks.batch",
        "vecattr.encoders.networks.compiled",
        "vecattr.encoders.networks.filter_search",
        "vecattr.encoders.networks.kmer_bag",
        "vecattr.encoders.networks.text_cnn",
        "vecattr.training.fitting.fit",
        "vecattr.training.fitting.loop",
        "vecattr.training.fitting.losses",
        "vecattr.encoders.torch_encoder",
        "vecattr.training.fitting.network",
        "vecattr.training.fitting.optimizers",
    },
    "sklearn": {"vecattr.plots.clusters"},
    "threadpoolctl": {"vecattr.plots.clusters"},
    "tqdm": {"vecattr.cli.progress_bar"},
    "uvicorn": {"vecattr.cli.serving.http.service"},
    "xopen": {"vecattr.collection.table_file", "vecattr.inputs.input_files"},
    "zlib_ng": {"vecattr.files.sealed"},
}


@cache
def modules() -> list[str]:
    """Every module and package by its installed name."""
    names = ["vecattr", *(info.name for info in walk_packages(vecattr.__path__, "vecattr."))]
    return sorted(name for name in names if not name.endswith("__main__"))


def source_of(name: str) -> Path:
    """The file of a module; found without running it."""
    from importlib.util import find_spec

    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


@cache
def imports_of(name: str) -> set[str]:
    """Every absolute name that a module imports anywhere in its text."""
    path = source_of(name)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import at line {node.lineno}"
            assert node.module is not None
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def layer_of(name: str) -> int:
    """0 for vecattr, 1 for vecattr.indexes, 2 for vecattr.cli."""
    return max(
        level
        for level, package in enumerate(LAYERS)
        if name == package or name.startswith(f"{package}.")
    )


def users_of(library: str) -> set[str]:
    """The modules that import a library."""
    return {
        name for name in modules() if library in {other.split(".")[0] for other in imports_of(name)}
    }


def loaded_after(code: str) -> set[str]:
    """The modules in a fresh interpreter after running `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines())


@pytest.mark.parametrize("name", modules())
def test_every_module_imports_under_its_installed_name(name: str) -> None:
    assert import_module(name).__name__ == name


@pytest.mark.parametrize("name", modules())
def test_every_module_says_what_it_is_in_its_first_line(name: str) -> None:
    text = ast.get_docstring(ast.parse(source_of(name).read_text(encoding="utf-8")))
    assert text


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_imported_in_its_home_alone(library: str) -> None:
    assert users_of(library) == HOMES[library]


def test_click_stays_in_the_terminal_layer() -> None:
    assert {layer_of(name) for name in users_of("click")} == {2}


@pytest.mark.parametrize(
    "code",
    [
        "import vecattr",
        "from vecattr.cli.main import run; run(['--help'])",
        "from vecattr.cli.main import run; run(['query', '--help'])",
        "from vecattr.cli.main import run; run(['train', '--help'])",
    ],
)
def test_importing_and_asking_for_help_load_nothing_heavy(code: str) -> None:
    assert not loaded_after(code) & set(HEAVY)


def checkout() -> Path:
    """The checkout these tests lie in; skips when they run outside of one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "setup.cfg").exists():
        pytest.skip("not in a checkout")
    return root


@pytest.mark.parametrize("name", ["indexes", "cli"])
def test_the_links_in_the_package_name_the_folders_of_the_top_level(name: str) -> None:
    link = checkout() / "vecattr" / name
    assert link.is_symlink()
    assert link.resolve() == checkout() / name


def test_the_installed_version_is_the_one_in_the_code() -> None:
    assert version("vecattr") == vecattr.__version__
