"""One module changes files: every other asks it to, so that tests can let each call fail."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import vecattr

DISK = "files/disk.py"

#: Functions of `os` that change files or folders, or open them for that.
OS_CALLS = re.compile(
    "l?chmod|fchmod|[fl]?chown|copy_file_range|f?truncate|fdatasync|f?sync|link|lockf|makedirs|"
    "mkdir|mkfifo|mknod|posix_fallocate|p?writev?|remove|removedirs|removexattr|renames?|replace|"
    "rmdir|sendfile|setxattr|splice|symlink|unlink|utime"
)
#: Methods of paths that do.
PATH_METHODS = re.compile(
    "l?chmod|hardlink_to|mkdir|rename|rmdir|symlink_to|touch|unlink|write_bytes|write_text|"
    "tofile|savetxt|to_hdf"
)
#: Modules whose functions do, all that vecattr could need of them.
MODULES = frozenset(("tempfile", "fcntl"))
SHUTIL_READS = frozenset(("which", "get_terminal_size", "disk_usage"))
WRITING_FLAGS = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE")


#: What other modules may do: lock a file, of which no byte changes (`posix.py` imports that for
#: all), and keep copies of what they read in the system's folder of temporary files, which nobody
#: else sees.
ALLOWED = {
    "indexes/storage/lock.py": ["fcntl"],
    "inputs/archives.py": ["tempfile"],
    "posix.py": ["fcntl"],
    "readers/binary_tables.py": ["tempfile", "shutil.copyfileobj(file.stream, copy)"],
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the package, by its path in it."""
    root = Path(vecattr.__file__).parent
    for folder in (root, root / "indexes", root / "cli"):
        for file in sorted(folder.rglob("*.py")):
            name = file.relative_to(root).as_posix()
            if name != DISK:
                yield name, ast.parse(file.read_text(encoding="utf-8"))


def writing_calls(tree: ast.Module) -> Iterator[str]:
    """Calls in a module that change files without the disk."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            yield from (name for name in names if name in MODULES)
        elif isinstance(node, ast.Call) and (call := writing_call(node)):
            yield f"line {node.lineno}: {call}"


def writing_call(node: ast.Call) -> str | None:
    text, function = ast.unparse(node), node.func
    if "os.devnull" in text or text.startswith("disk()."):
        return None
    if isinstance(function, ast.Attribute):
        home = ast.unparse(function.value)
        if home == "os" and (OS_CALLS.fullmatch(function.attr) or writes(node, "open", at=1)):
            return text
        if home == "shutil" and function.attr not in SHUTIL_READS:
            return text
        if home not in ("os", "shutil") and PATH_METHODS.fullmatch(function.attr):
            return text
        if function.attr == "replace" and len(node.args) == 1 and not node.keywords:
            return text  # of a path: a text has two
        return text if home != "os" and writes(node, "open", at=0) else None
    if isinstance(function, ast.Name):
        return text if writes(node, "open", at=1) else None
    return None


def writes(node: ast.Call, name: str, *, at: int) -> bool:
    """Whether this opens a file with a mode, or with flags, for writing."""
    function = node.func
    if (function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)) != name:
        return False
    modes = [*node.args[at : at + 1], *(key.value for key in node.keywords if key.arg == "mode")]
    return any(
        set("wax+") & set(str(mode.value))
        if isinstance(mode, ast.Constant)
        else any(flag in ast.unparse(mode) for flag in WRITING_FLAGS)
        for mode in modes
    )


def test_only_the_disk_changes_files() -> None:
    calls = {name: list(writing_calls(tree)) for name, tree in sources()}
    assert len(calls) > 200
    unplaced = {
        name: [re.sub(r"^line \d+: ", "", line) for line in lines]
        for name, lines in calls.items()
        if lines
    }
    assert unplaced == ALLOWED


@pytest.mark.parametrize(
    "line",
    [
        "os.replace(a, b)",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "open(path, 'w')",
        "open(path, mode='ab')",
        "path.open('xb')",
        "path.write_text(text)",
        "path.replace(other)",
        "(folder / name).unlink(missing_ok=True)",
        "shutil.rmtree(folder)",
        "import tempfile",
        "from tempfile import mkstemp",
    ],
)
def test_a_call_that_changes_files_is_seen(line: str) -> None:
    assert list(writing_calls(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "os.open(path, os.O_RDONLY)",
        "open(path)",
        "path.open('rb')",
        "text.replace('a', 'b')",
        "shutil.which('nvidia-smi')",
        "disk().unlink(path)",
        "open(os.devnull, 'w')",
    ],
)
def test_other_calls_are_not(line: str) -> None:
    assert not list(writing_calls(ast.parse(line)))
