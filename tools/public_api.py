"""What users rely on, as one JSON object: the installed vecattr in, names and formats out.

    python tools/public_api.py                        # of this vecattr
    python tools/public_api.py tools/releases/0.1.0.json   # what is gone or changed since, and new

Public Python names with their parameters, commands with their options, columns, JSON schemas,
versions of formats and exit codes. It imports what there is and leaves out what an older version
lacks, so that the state of any earlier commit can be taken, too.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

Api = dict[str, Any]


def snapshot() -> Api:
    """The public names and formats of the vecattr that is imported here."""
    return {
        "version": import_module("vecattr.version").__version__,
        "python": dict(_python_names()),
        "commands": dict(_commands()),
        "columns": list(import_module("vecattr.cli.rendering.answers").COLUMNS),
        "schemas": dict(_schemas()),
        "formats": _formats(),
        "exit_codes": dict(_exit_codes()),
    }


def _python_names() -> Iterator[tuple[str, str]]:
    for package in ("vecattr", "vecattr.indexes"):
        module = import_module(package)
        for name in module.__all__:
            if not name.startswith("__"):
                yield f"{package}.{name}", _parameters(getattr(module, name))


def _parameters(value: Any) -> str:
    """Names and kinds of the parameters of a function or class, without types and defaults."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return ""
    kept = []
    for parameter in parameters:
        needed = parameter.default is inspect.Parameter.empty
        kept.append(f"{parameter.name}{'' if needed else '='}")
    return ", ".join(kept)


def _commands() -> Iterator[tuple[str, list[str]]]:
    main = import_module("vecattr.cli.main")
    for name in main.COMMANDS:
        parameters = main.command_named(name).params
        yield (
            name,
            sorted(flag for param in parameters for flag in param.opts + param.secondary_opts),
        )


def _schemas() -> Iterator[tuple[str, list[str]]]:
    try:
        module = import_module("vecattr.schemas.output_schemas")
    except ModuleNotFoundError:
        return
    for name in module.SCHEMAS:
        schema = module.output_schema(name, lines=True)
        yield f"{name}:{module.schema_version(schema)}", sorted(schema.get("required", []))


def _formats() -> dict[str, Any]:
    manifest = import_module("vecattr.indexes.storage.manifest")
    model = import_module("vecattr.encoders.model_folder")
    return {
        "index written": manifest.VERSION,
        "index read": list(manifest.READABLE),
        "model": model.VERSION,
    }


def _exit_codes() -> Iterator[tuple[str, int]]:
    errors = import_module("vecattr.errors")
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.VecattrError):
            yield name, value.exit_code


def differences(before: Api, after: Api) -> tuple[list[str], list[str]]:
    """What users of `before` lose in `after`, and what is new; one line each."""
    lost: list[str] = []
    new: list[str] = []
    for part in ("python", "commands", "schemas", "exit_codes"):
        old, present = before[part], after[part]
        lost += [f"{part}: {name} is gone" for name in old if name not in present]
        new += [f"{part}: {name}" for name in present if name not in old]
        for name in old:
            if name in present and old[name] != present[name]:
                lost_here, new_here = _changes(old[name], present[name])
                lost += [f"{part}: {name}: {text}" for text in lost_here]
                new += [f"{part}: {name}: {text}" for text in new_here]
    columns = before["columns"]
    if after["columns"][: len(columns)] != columns:
        lost.append("columns: the earlier ones are no longer the first")
    new += [f"columns: {name}" for name in after["columns"] if name not in columns]
    unread = set(before["formats"]["index read"]) - set(after["formats"]["index read"])
    lost += [f"formats: indexes of version {number} are no longer read" for number in unread]
    for name in ("index written", "model"):
        if before["formats"][name] != after["formats"][name]:
            new.append(f"formats: {name} {before['formats'][name]} to {after['formats'][name]}")
    return lost, new


def _changes(old: Any, present: Any) -> tuple[list[str], list[str]]:
    """What a name lost and got: options, keys, or parameters."""
    if isinstance(old, int):
        return [f"{old} to {present}"], []
    earlier, later = (_parts(value) for value in (old, present))
    lost = [f"{part} is gone" for part in earlier if part not in later and f"{part}=" not in later]
    added = [part for part in later if part not in earlier and part.rstrip("=") not in earlier]
    needed = [part for part in added if isinstance(old, str) and not part.endswith("=")]
    lost += [f"{part} is needed now" for part in needed]
    return lost, [part for part in added if part not in needed]


def _parts(value: str | list[str]) -> list[str]:
    return [part for part in value.split(", ") if part] if isinstance(value, str) else value


def load(path: Path) -> Api:
    """A snapshot that was kept."""
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return dict(content)


def main() -> int:
    """Print the snapshot, or the differences from one; 1 when something is lost."""
    if len(sys.argv) < 2:
        print(json.dumps(snapshot(), indent=1, sort_keys=True))
        return 0
    lost, new = differences(load(Path(sys.argv[1])), snapshot())
    print(*(f"lost  {line}" for line in lost), *(f"new   {line}" for line in new), sep="\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
