"""Run the pages of docs/tutorial that are written in Python, and write what they print into them.

    python tools/tutorials.py docs/tutorial/first-answer.md DEMO

DEMO is what `vecattr demo -o DEMO` left. A page is Markdown; its blocks of the kind `pycon` are one
session, in a copy of that folder, and what the session saves as pictures is copied to
docs/tutorial/pictures. A test runs the pages again and compares.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

PAGES = ("first-answer.md", "own-collection.md", "features.md")
_BLOCK = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def filled(page: str, folder: Path) -> str:
    """The page with what its session prints now, run in this folder."""
    names: dict[str, object] = {"__name__": "__main__"}

    def block(match: re.Match[str]) -> str:
        examples = doctest.DocTestParser().get_examples(match[1])
        return "```pycon\n" + "".join(_shown(example, names) for example in examples) + "```"

    with contextlib.chdir(folder):
        return _BLOCK.sub(block, page)


def _shown(example: doctest.Example, names: dict[str, object]) -> str:
    """The lines of an example as a terminal shows them, and what it prints."""
    first, *others = example.source.rstrip("\n").split("\n")
    lines = [f">>> {first}", *(f"... {line}".rstrip() for line in others)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example.source, "<tutorial>", "single"), names)
    return "\n".join(lines) + "\n" + printed.getvalue()


def main(page_path: str, demo: str) -> None:
    """Rewrite one page."""
    page = Path(page_path).resolve()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        shutil.copytree(demo, work)
        text = filled(page.read_text(encoding="utf-8"), work)
        pictures = page.parent / "pictures"
        pictures.mkdir(exist_ok=True)
        for picture in [*work.glob("*.svg"), *work.glob("*.png")]:
            shutil.copy(picture, pictures)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(*sys.argv[1:])
