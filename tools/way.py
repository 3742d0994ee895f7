"""The way of one command through the modules: a command line in, how often it re-enters one out.

    python tools/way.py query held_out.fasta -i my.index

The command runs in this process. Each function of the package counts once, when it is first called,
and only when another module calls it: a module that waits for what it called has not been left.
Reading a property is no entry: a value that is asked for what it holds does not take over. Entries
that follow each other in one module are one visit. A module that is visited again has been
left meanwhile: visits less one is how often it was re-entered.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import cached_property
from itertools import groupby
from types import CodeType, FrameType
from typing import Any

from vecattr.cli.main import run

#: Code that is no function of its own: it belongs to the function around it.
_INNER = ("<lambda>", "<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<module>")


class Way:
    """Notes the module of each function of the package when it is first called."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self._seen: set[CodeType] = set()

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        """A profile function, as `sys.setprofile` takes it."""
        code = frame.f_code
        name = frame.f_globals.get("__name__", "")
        if event != "call" or not name.startswith("vecattr.") or code in self._seen:
            return
        if code.co_name in _INNER or code.co_filename == "<string>" or _is_property(frame):
            return
        self._seen.add(code)
        if _caller(frame) != name:
            self.modules.append(name)

    def visits(self) -> Counter[str]:
        """How often each module was entered, most often first."""
        return Counter(name for name, _ in groupby(self.modules))


def _is_property(frame: FrameType) -> bool:
    """Is this the getter of a property of the object that it is called on?"""
    owner = type(frame.f_locals.get("self"))
    attribute = getattr(owner, frame.f_code.co_name, None)
    return isinstance(attribute, property | cached_property)


def _caller(frame: FrameType) -> str:
    """The module of the package whose code led to this call, through other libraries too."""
    caller = frame.f_back
    while caller is not None:
        name: str = caller.f_globals.get("__name__", "")
        if name.startswith("vecattr."):
            return name
        caller = caller.f_back
    return ""


def main(arguments: list[str]) -> int:
    """Run a command line of vecattr, and tell its way on stderr."""
    way = Way()
    sys.setprofile(way.note)
    try:
        code = run(arguments)
    finally:
        sys.setprofile(None)
    visits = way.visits()
    print(f"{len(visits)} modules, {visits.total()} visits; re-entered:", file=sys.stderr)
    for name, count in visits.most_common():
        if count > 1:
            print(f"{count - 1:3} {name}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
