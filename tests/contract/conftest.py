"""The package as text, by import name, so that the contracts hold for an installed wheel, too."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages

import pytest

import vecattr


@pytest.fixture(scope="session")
def sources() -> Mapping[str, str]:
    """The source of every module and package by its import name; none of them is run."""
    names = ["vecattr", *(module.name for module in walk_packages(vecattr.__path__, "vecattr."))]
    return {name: source_of(name) for name in names}


def source_of(name: str) -> str:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")
