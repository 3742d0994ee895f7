"""The README tells every command and every option, and the two commands that must work."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from vecattr.cli.main import COMMANDS, command_named
from vecattr.cli.rendering.answers import COLUMNS
from vecattr.cli.rendering.formats import FORMATS
from vecattr.errors import ArtifactError, InputError, LockedError, UsageError


@pytest.fixture(scope="module")
def readme() -> str:
    path = Path(__file__).resolve().parents[2] / "README.md"
    if not path.exists():
        pytest.skip("not in a checkout")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_tells_every_command_and_option(readme: str, name: str) -> None:
    assert f"vecattr {name}" in readme
    for parameter in command_named(name).params:
        if isinstance(parameter, click.Option):
            for flag in [*parameter.opts, *parameter.secondary_opts]:
                assert flag in readme, f"{name} {flag}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_a_help_text(name: str) -> None:
    command = command_named(name)
    assert command.name == name
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


def test_the_readme_has_its_two_commands(readme: str) -> None:
    assert "pip install . && vecattr demo" in readme
    assert "pip install -e '.[test]' && pytest" in readme


def test_the_readme_has_the_column_contract(readme: str) -> None:
    assert " ".join(COLUMNS) in readme
    assert "|".join(FORMATS) in readme.replace("\\|", "|")


@pytest.mark.parametrize("error", [UsageError, InputError, ArtifactError, LockedError])
def test_the_readme_has_every_exit_code(readme: str, error: type[Exception]) -> None:
    assert f"| {error.exit_code} |" in readme  # type: ignore[attr-defined]
