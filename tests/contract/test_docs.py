"""Every command that the documents show is one that vecattr takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from vecattr.cli.main import COMMANDS, command_named

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]

#: Names in capitals that stand for one of several words.
_CHOICES = {"LOSS": "triplet"}

#: Words of a line that are a placeholder and not an argument: `...` and an option's `[...]`.
_PLACEHOLDER = re.compile(r"\.\.\.|\[.*|.*\]")


def shown_commands(text: str) -> list[list[str]]:
    """The indented lines that run vecattr, continued lines joined, as words."""
    joined = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(r"^    (?:torchrun .* -m vecattr\.cli|vecattr) (.+)$", joined, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_shown_command_is_taken(path: Path) -> None:
    if not path.exists():
        pytest.skip("not in a checkout")
    for name, *words in shown_commands(path.read_text(encoding="utf-8")):
        assert name in COMMANDS, name
        command = command_named(name)
        given = [_CHOICES.get(word, word) for word in words if not _PLACEHOLDER.fullmatch(word)]
        try:
            command.make_context(name, given)
        except click.UsageError as error:
            pytest.fail(f"vecattr {name} {shlex.join(words)}: {error.format_message()}")


def test_the_check_finds_commands_to_check() -> None:
    text = "    vecattr train T \\\n        --folds 4 -o m  # four\n\n    python x.py\nvecattr y\n"
    assert shown_commands(text) == [["train", "T", "--folds", "4", "-o", "m"]]
