"""Claims about docstrings: everything public has one, and its examples give what they say."""

from __future__ import annotations

import ast
import doctest
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import vecattr
import vecattr.indexes
from vecattr.readers.plasmid_table import table_text

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_definitions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Definition]]:
    """Classes, functions and methods whose names have no underscore, by their dotted names."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield f"{prefix}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body, f"{prefix}.{node.name}")


def test_every_public_name_has_a_docstring(sources: Mapping[str, str]) -> None:
    missing = []
    for module, text in sources.items():
        tree = ast.parse(text)
        definitions = [(module, tree), *public_definitions(tree.body, module)]
        missing += [name for name, node in definitions if not ast.get_docstring(node)]
    assert missing == []


@pytest.fixture(scope="module")
def files(shelf: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that examples name: a table, a query, a new lab, a model and two indexes."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copy(shelf.table, folder / "plasmids.csv")
    shutil.copytree(shelf.model, folder / "my.model")
    for name in ("my.index", "other.index"):
        shutil.copytree(shelf.index, folder / name)
    shelf.fasta(folder / "query.fasta", shelf.plasmids[15:16])
    newcomers = [replace(plasmid, features=None) for plasmid in shelf.newcomers[:3]]
    (folder / "new_lab.csv").write_text(table_text(newcomers), encoding="utf-8")
    return folder


def examples(module: str) -> list[doctest.DocTest]:
    """The docstrings of a module that have examples."""
    found = doctest.DocTestFinder().find(import_module(module))
    return [example for example in found if example.examples]


def test_the_examples_of_docstrings_give_what_they_say(
    sources: Mapping[str, str], files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = []
    modules = [name for name, text in sources.items() if ">>>" in text]
    for number, example in enumerate(one for name in modules for one in examples(name)):
        folder = tmp_path / str(number)  # an example may change an index
        shutil.copytree(files, folder)
        monkeypatch.chdir(folder)
        if doctest.DocTestRunner().run(example).failed:
            wrong.append(example.name)
    assert wrong == []
    assert modules


@pytest.mark.parametrize("package", [vecattr, vecattr.indexes])
def test_every_name_of_the_public_interface_has_an_example(package: Any) -> None:
    named = [name for name in package.__all__ if name != "__version__"]
    assert [name for name in named if ">>>" not in (getattr(package, name).__doc__ or "")] == []
    assert set(package.__all__) <= set(dir(package))
