"""The name of a command in, the JSON Schema (draft 2020-12) of its JSON out.

A schema is versioned by its `$id`, `urn:vecattr:schema:NAME:VERSION`. Within a version keys may be
added, and no key that is required goes away or changes its type; a program ignores keys that it
does not know.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from vecattr.errors import UsageError

#: The commands that write JSON, and the log that all can write.
SCHEMAS = ("query", "evaluate", "info", "list-labs", "verify", "cluster", "map", "doctor", "log")

#: The definition that describes one line of JSON lines, where these are not the whole document.
_LINE = "line"


def output_schema(command: str, *, lines: bool = False) -> dict[str, Any]:
    """The schema of what `vecattr COMMAND --format json` writes or, with `lines`, of each line of
    `--format jsonl`; `log`: of each line of a log. UsageError for a command that writes no JSON.

    >>> output_schema("query")["type"], output_schema("query", lines=True)["type"]
    ('array', 'object')
    """
    if command not in SCHEMAS:
        raise UsageError(
            f"no command {command!r} writes JSON", hint=f"name one of {', '.join(SCHEMAS)}"
        )
    text = files("vecattr.schemas").joinpath(f"{command}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    definitions = document.get("$defs", {})
    if not lines or _LINE not in definitions:
        return document
    others = {name: value for name, value in definitions.items() if name != _LINE}
    head = {"$schema": document["$schema"], "$id": f"{document['$id']}:line"}
    line = {**head, "title": f"{document['title']}: one line", **definitions[_LINE]}
    return {**line, "$defs": others} if others else line


def schema_version(schema: dict[str, Any]) -> int:
    """The version in the `$id` of a schema.

    >>> schema_version(output_schema("info"))
    1
    """
    return int(str(schema["$id"]).split(":")[4])
