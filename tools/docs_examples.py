"""The examples of docstrings, fenced as code for the documentation site; an extension of griffe."""

from __future__ import annotations

import re

import griffe

#: An example: from a prompt to the next blank line.
_EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class FencedExamples(griffe.Extension):  # type: ignore[misc]
    """Puts each example of a docstring into a fence, which plain Markdown needs."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Called by griffe for every module, class, function and attribute that it has read."""
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = _EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", text)
