"""The rooms of the house: their order, no circle of imports, and how large each may be.

`ARCHITECTURE.md` tells what each room holds, in the same order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages

import pytest

import vecattr

#: The rooms of each layer, lowest first: a module imports from its own room and from earlier ones.
ROOMS = (
    # vecattr
    "vecattr.errors",
    "vecattr.version",
    "vecattr.extras",
    "vecattr.posix",
    "vecattr.info",
    "vecattr.plasmid",
    "vecattr.vectors",
    "vecattr.products",
    "vecattr.mosaic",
    "vecattr.shown",
    "vecattr.attribution",
    "vecattr.joint_attribution",
    "vecattr.frames",
    "vecattr.schemas",
    "vecattr.files",
    "vecattr.sequences",
    "vecattr.inputs",
    "vecattr.formats",
    "vecattr.readers",
    "vecattr.given",
    "vecattr.designers",
    "vecattr.collection",
    "vecattr.encoders",
    "vecattr.datasets",
    "vecattr.ranking",
    "vecattr.calibration",
    "vecattr.metrics",
    "vecattr.training",
    "vecattr.plots",
    "vecattr.reports",
    # vecattr.indexes
    "vecattr.indexes.storage",
    "vecattr.indexes.joining",
    "vecattr.indexes.search",
    "vecattr.indexes.scoring",
    "vecattr.indexes.evidence",
    "vecattr.indexes.answering",
    "vecattr.indexes.index",
    "vecattr.indexes.calibrating",
    "vecattr.indexes.editing",
    "vecattr.indexes.checking",
    "vecattr.indexes.evaluation",
    "vecattr.indexes.cluster",
    # vecattr.cli
    "vecattr.cli.signals",
    "vecattr.cli.rendering",
    "vecattr.cli.progress_lines",
    "vecattr.cli.log_format",
    "vecattr.cli.run_log",
    "vecattr.cli.progress_bar",
    "vecattr.cli.terminal",
    "vecattr.cli.options",
    "vecattr.cli.serving",
    "vecattr.cli.commands",
    "vecattr.cli.editing",
    "vecattr.cli.installation",
    "vecattr.cli.main",
    "vecattr.cli.__main__",
)

#: Packages whose `__init__` hands on the names of their public interface, each when it is first
#: used. Whoever imports a module below them takes none of these names.
FACES = {"vecattr", "vecattr.indexes"}

MOST_MODULES = 14
MOST_LINES = 320
MOST_LINES_OF_A_FUNCTION = 50

Imports = dict[str, set[str]]


@cache
def sources() -> dict[str, Path]:
    """The file of every module and package, by its name; none is run."""
    files = {}
    for name in [info.name for info in walk_packages(vecattr.__path__, "vecattr.")]:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        files[name] = Path(spec.origin)
    return files


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(sources()[name].read_text(encoding="utf-8"))


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.module is not None
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


@cache
def imports() -> Imports:
    """Which modules each module imports: at its top, under TYPE_CHECKING and inside functions."""
    names = set(sources())
    edges: Imports = {}
    for name in sorted(names - FACES):
        wanted = [one for node in ast.walk(tree_of(name)) for one in imported_names(node)]
        edges[name] = {
            target
            for one in wanted
            for target in (one, one.rpartition(".")[0])
            if target in names - FACES - {name}
        }
    return edges


def room_of(name: str) -> int:
    """The place of a module's room in ROOMS."""
    [place] = [
        place for place, room in enumerate(ROOMS) if name == room or name.startswith(f"{room}.")
    ]
    return place


def circle_in(edges: Imports) -> list[str]:
    """The modules that are left when, again and again, those that import nothing that is left are
    taken away; each of them lies on a circle or imports one."""
    left = {name: set(targets) for name, targets in edges.items()}
    while free := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets for name, targets in left.items() if name not in free}
    return sorted(left)


def functions_of(name: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.FunctionDef):
            yield node


MODULES = sorted(set(sources()) - FACES)


def test_no_circle_of_imports() -> None:
    assert circle_in(imports()) == []


def test_the_search_for_circles_finds_one() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


@pytest.mark.parametrize("name", [one for one in MODULES if one != "vecattr.cli"])
def test_a_module_imports_from_its_own_room_and_from_lower_ones(name: str) -> None:
    upward = {target for target in imports()[name] if room_of(target) > room_of(name)}
    assert not upward


def test_every_room_is_there() -> None:
    assert {room_of(name) for name in MODULES if name != "vecattr.cli"} | {
        ROOMS.index("vecattr.cli.__main__")
    } == set(range(len(ROOMS)))


def test_no_folder_holds_too_many_modules() -> None:
    counts: dict[Path, int] = {}
    for path in sources().values():
        if path.name not in ("__init__.py", "__main__.py"):
            counts[path.parent] = counts.get(path.parent, 0) + 1
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


@pytest.mark.parametrize("name", MODULES)
def test_no_module_and_no_function_is_too_long(name: str) -> None:
    lines = sources()[name].read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES
    long = [
        node.name
        for node in functions_of(name)
        if (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("name", [one for one in MODULES if not one.startswith("vecattr.cli")])
def test_an_import_inside_a_function_says_why(name: str) -> None:
    lines = sources()[name].read_text(encoding="utf-8").splitlines()
    for function in functions_of(name):
        for node in ast.walk(function):
            if imported_names(node):
                assert isinstance(node, ast.stmt)
                said = lines[node.lineno - 1]
                assert re.search("# (start-up|extra)$", said), f"{name}:{node.lineno}: {said}"
