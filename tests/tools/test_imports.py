"""Tools follow the package: every name that a tool imports from it is there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def names_taken(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of each `from vecattr… import name` anywhere in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vecattr"):
            yield from ((str(node.module), alias.name) for alias in node.names)


@pytest.mark.parametrize("path", sorted(TOOLS.rglob("*.py")), ids=lambda path: path.stem)
def test_what_a_tool_imports_from_the_package_is_there(path: Path) -> None:
    missing = [
        f"{module}.{name}"
        for module, name in names_taken(path)
        if not hasattr(import_module(module), name) and find_spec(f"{module}.{name}") is None
    ]
    assert not missing
