"""The documents are true: every command that they show is taken, every name they give is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from vecattr.cli.main import COMMANDS, cli, command_named
from vecattr.cli.rendering.answers import columns
from vecattr.cli.rendering.evidence import EVIDENCE_COLUMNS
from vecattr.cli.rendering.format_names import FORMATS
from vecattr.errors import ArtifactError, InputError, LockedError, UsageError

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("indexes/*.md")])
REFERENCE = ROOT / "docs" / "reference"

#: Languages of fenced blocks that hold commands, and not what they print.
_SHELL = ("sh", "console")

#: Names in capitals that stand for one of several words.
_CHOICES = {"LOSS": "triplet"}

#: Words of a line that are a placeholder and not an argument: `...` and an option's `[...]`.
_PLACEHOLDER = re.compile(r"\.\.\.|\[.*|.*\]")

#: What ends the arguments of a command in a line of the shell.
_END = re.compile(r"[|>]|&&|;")

_NAME = re.compile(r"`(vecattr(?:\.\w+)+)`|^::: (vecattr[\w.]+)$", re.MULTILINE)
_PATH = re.compile(r"`((?:tools|tests|vecattr|indexes|cli|docs)/[\w./-]+\.\w+)`|python (tools/\S+)")


def code_lines(text: str) -> Iterator[str]:
    """The lines of the blocks of commands, fenced or indented, continued lines joined."""
    fence: str | None = None
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if opened := re.match(r"\s*```(\w*)", line):
            fence = opened[1] if fence is None else None
        elif fence in _SHELL:
            yield line.strip().removeprefix("$ ")
        elif fence is None and line.startswith("    "):
            yield line.strip()


def shown_commands(text: str) -> list[list[str]]:
    """The lines that run vecattr, as the words after it."""
    commands = []
    for line in code_lines(text):
        for part in line.split("| "):
            if found := re.match(r"(?:torchrun .* -m vecattr\.cli|vecattr) (.+)$", part.strip()):
                words = shlex.split(found[1], comments=True)
                ends = [place for place, word in enumerate(words) if _END.fullmatch(word)]
                commands.append(words[: min(ends, default=len(words))])
    return commands


def reads(name: str) -> str:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip("not in a checkout")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_shown_command_is_taken(path: Path) -> None:
    if path.name == "mistakes.md":
        pytest.skip("shows what is refused; test_mistakes.py runs it")
    for name, *words in shown_commands(path.read_text(encoding="utf-8")):
        assert name in COMMANDS, name
        arguments = [_CHOICES.get(word, word) for word in words if not _PLACEHOLDER.fullmatch(word)]
        try:
            command_named(name).make_context(name, arguments)
        except click.UsageError as error:
            pytest.fail(f"vecattr {name} {shlex.join(words)}: {error.format_message()}")


def test_the_check_finds_commands_to_check() -> None:
    text = "    vecattr train T \\\n        --folds 4 -o m  # four\n\n    python x.py\nvecattr y\n"
    assert shown_commands(text) == [["train", "T", "--folds", "4", "-o", "m"]]
    fenced = "```console\n$ vecattr info | less\nvecattr.index\n```\n\n```text\nvecattr z\n```\n"
    assert shown_commands(fenced) == [["info"]]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_name_and_path_is_there(path: Path) -> None:
    if path.name == "CHANGELOG.md":
        pytest.skip("tells of what was, too")
    text = path.read_text(encoding="utf-8")
    for name in {first or second for first, second in _NAME.findall(text)}:
        assert is_there(name), name
    for place in {first or second for first, second in _PATH.findall(text)}:
        assert (ROOT / place).exists() or "VERSION" in place, place


def is_there(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(value, attribute):
                return False
            value = getattr(value, attribute)
        return True
    return False


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_a_help_text(name: str) -> None:
    command = command_named(name)
    assert command.name == name
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


def test_the_reference_of_commands_is_generated_from_all_of_them() -> None:
    assert "::: click vecattr.cli.main:cli" in reads("commands.md")
    from docs_commands import reference

    text = reference(cli)
    for name in COMMANDS:
        assert f"\n## vecattr {name}\n" in text
        for parameter in command_named(name).params:
            if isinstance(parameter, click.Option):
                for flag in [*parameter.opts, *parameter.secondary_opts]:
                    assert re.search(rf"`[^`]*{re.escape(flag)}[ ,`]", text), f"{name} {flag}"


@pytest.mark.parametrize("package", ["vecattr", "vecattr.indexes"])
def test_the_reference_of_python_has_every_public_name(package: str) -> None:
    text = reads("python.md")
    for name in import_module(package).__all__:
        if not name.startswith("__"):
            assert re.search(rf"^::: vecattr\.(indexes\.)?{name}$", text, re.MULTILINE), name


def test_the_reference_has_the_column_contract() -> None:
    text = reads("output.md")
    assert " ".join(columns(evidence=False)) in text
    assert " ".join(EVIDENCE_COLUMNS) in text
    assert "|".join(FORMATS) in text.replace("\\|", "|")


@pytest.mark.parametrize("error", [UsageError, InputError, ArtifactError, LockedError])
def test_the_reference_has_every_exit_code(error: type[Exception]) -> None:
    assert f"| {error.exit_code} |" in reads("exit-codes.md")  # type: ignore[attr-defined]
