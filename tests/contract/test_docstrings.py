"""Claims about docstrings: everything public has one, and its examples give what they say."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator, Mapping
from importlib import import_module

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


def test_the_examples_of_docstrings_give_what_they_say(sources: Mapping[str, str]) -> None:
    modules = [name for name, text in sources.items() if ">>>" in text]
    results = {name: doctest.testmod(import_module(name)) for name in modules}
    assert [name for name, result in results.items() if result.failed] == []
    assert [name for name, result in results.items() if not result.attempted] == []
