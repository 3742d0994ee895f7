"""How Python starts in a child process: this process's path and environment in, those of a child
out, into which the working folder brings no module.

`python -c` and `python -m` look for modules in the working folder first. A query may run in a
folder of somebody else's files, where a `signal.py` would then be executed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import process
from pathlib import Path

import vecattr

#: The folder in which this process began, as multiprocessing passes it to its children.
_ORIGIN: str = getattr(process, "ORIGINAL_DIR", None) or os.curdir

#: Variables of Python that hold a folder or a file, or several with `os.pathsep` between them.
_PATH_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
)


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: safe-path mode, and no path of Python that is relative or the
    working folder."""
    result = dict(os.environ if environment is None else environment)
    blocked = _working_folders()
    for name in _PATH_VARIABLES:
        if name in result:
            parts = result.pop(name).split(os.pathsep)
            kept = [part for part in parts if _is_allowed(part, blocked)]
            if kept:
                result[name] = os.pathsep.join(kept)
    return result | {"PYTHONSAFEPATH": "1"}


def child_path() -> list[str]:
    """Where a child looks for modules: as this process, but not in the working folder, unless
    vecattr itself or the running program was imported from there."""
    blocked = (_working_folders() | _relative_path_folders()) - _program_folders()
    entries = (os.path.abspath(entry) for entry in sys.path)  # '' is the working folder
    return [entry for entry in entries if _is_allowed(entry, blocked)]


def interpreter_flags() -> list[str]:
    """The flags of this interpreter, for a child, and `-P` for safe-path mode: `-E` ignores the
    variable of the same meaning."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return flags if sys.flags.safe_path else [*flags, "-P"]


def _is_allowed(entry: str, blocked: set[str]) -> bool:
    return os.path.isabs(entry) and _real(entry) not in blocked


def _working_folders() -> set[str]:
    """The working folder, now and when this process began."""
    try:
        return {_real(_ORIGIN), _real(os.getcwd())}
    except OSError:  # it was deleted
        return {_real(_ORIGIN)}


def _relative_path_folders() -> set[str]:
    """What the relative entries of PYTHONPATH became in this process's path."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {_real(os.path.join(_ORIGIN, entry)) for entry in entries if not os.path.isabs(entry)}


def _program_folders() -> set[str]:
    """The folders that vecattr and the running program were imported from."""
    folders = {_real(str(Path(vecattr.__file__).parents[1].absolute()))}
    main = sys.modules.get("__main__")
    file, spec = getattr(main, "__file__", None), getattr(main, "__spec__", None)
    if file is not None:
        depth = spec.name.count(".") if spec is not None else 0
        folders.add(_real(str(Path(file).absolute().parents[depth])))
    return folders


def _real(path: str) -> str:
    return os.path.realpath(path)
