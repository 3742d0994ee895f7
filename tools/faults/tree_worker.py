"""Commands on an index folder, run in a process that may hang or die: a folder in, exit code,
messages and result out."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path

import click
import numpy as np
from toy_index import toy_plasmids

from faults import fixtures
from vecattr.cli.main import run
from vecattr.indexes.editing.edit import add_labs
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.indexes.index import Index
from vecattr.indexes.search.map_cache import keep_map, read_map
from vecattr.indexes.storage.index_folder import expand_folds
from vecattr.info import LabInfo

#: The name of a map that was drawn.
MAP = "ab" * 10
#: A command that takes longer (seconds) hangs.
PATIENCE = 60


def answers_of(path: Path, model: Path) -> str:
    """A hash of the answers of an index, or of all those of a folder of folds."""
    embedder, queries = fixtures.embedder_of(model), toy_plasmids(["q"], each=2, seed=5)
    indexes = [Index.open(place, embedder=embedder) for place in expand_folds([path])]
    return " ".join(fixtures.answer_hash(index, queries) for index in indexes)


def _add(path: Path, model: Path) -> str:
    new = toy_plasmids(["new"], each=2, seed=9)
    return add_labs(path, new, embedder=fixtures.embedder_of(model)).identity


def _lab_info(path: Path, model: Path) -> None:
    set_lab_info(path, {"Cedar": LabInfo("Cedar lab")})


def _map(path: Path, model: Path) -> None:
    """What `map` does with an index: its plasmids are read, the map is read, or kept anew."""
    index = Index.open(path, embedder=fixtures.embedder_of(model))
    if read_map(index.root, MAP, points=2) is None:
        keep_map(index.path, MAP, np.zeros((2, 2)))


def _build(path: Path, model: Path) -> None:
    """Build from the model at `path`, which is a stranger's."""
    plasmids = toy_plasmids(fixtures.FIRST_LABS, each=2, seed=0)
    fixtures.build(path.parent / "new.index", path, plasmids)


def _cli(*arguments: str) -> Callable[[Path, Path], int]:
    return lambda path, model: run([*arguments, "-i", str(path)])


#: Exit code, messages, and what the command returned.
Outcome = tuple[int | str, str, object]

#: By kind of folder, what is done with it.
COMMANDS: dict[str, dict[str, Callable[[Path, Path], object]]] = {
    "index": {
        "query": answers_of,
        "info": _cli("info"),
        "list-labs": _cli("list-labs"),
        "verify": _cli("verify"),
        "verify --repair": _cli("verify", "--repair"),
        "add-lab": _add,
        "remove-lab": _cli("remove-lab", "Ash"),
        "rename-lab": _cli("rename-lab", "Ash", "Oak"),
        "lab-info": _lab_info,
        "map": _map,
        "compact": _cli("compact"),
        "rollback": _cli("rollback"),
    },
    "folds": {"query": answers_of},
    "model": {"build-index": _build},
}


class Worker:
    """A process that runs one command after another; another one when it hangs or dies."""

    def __init__(self) -> None:
        self._context = fixtures.server("faults.tree_worker")
        self._start()

    def _start(self) -> None:
        self._pipe, child = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(child,), daemon=True)
        self._process.start()
        child.close()

    def run(
        self, kind: str, command: str, path: Path, model: Path, *, as_owner_only: bool = False
    ) -> Outcome:
        """Run a command on the folder of this kind at `path`; `as_owner_only` without the power
        of root over what its mode forbids. Exit code ("hangs" or "died" without one), messages,
        and what the command returned."""
        self._pipe.send((kind, command, path, model, as_owner_only))
        ending = "hangs"
        if self._pipe.poll(PATIENCE):
            try:
                outcome: Outcome = self._pipe.recv()
                return outcome
            except EOFError:
                ending = "died"
        self.stop()
        self._start()
        return ending, "", None

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection) -> None:
    """The process: it runs the commands that it is sent, and sends what came out."""
    while True:
        kind, command, path, model, as_owner_only = pipe.recv()
        results: list[object] = []
        messages = io.StringIO()
        callback = _noting(results, COMMANDS[kind][command], path, model)
        with (
            _without_power(as_owner_only),
            redirect_stderr(messages),
            redirect_stdout(messages),
        ):
            code = run([], group=click.Command("go", callback=callback))
        [result] = results or [None]
        pipe.send((result if isinstance(result, int) else code, messages.getvalue(), result))


def _noting(
    results: list[object], command: Callable[[Path, Path], object], path: Path, model: Path
) -> Callable[[], None]:
    return lambda: results.append(command(path, model))


class _Powers(ctypes.Structure):
    """What a thread of root may do, as `capset` takes it."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def _without_power(wanted: bool) -> Iterator[None]:
    """Without root's power to read what its mode forbids."""
    libc = ctypes.CDLL(None, use_errno=True)
    head, powers = (ctypes.c_uint32 * 2)(0x20080522, 0), (_Powers * 2)()
    assert libc.capget(head, powers) == 0
    before = powers[0].effective
    try:
        if wanted:
            powers[0].effective &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
            assert libc.capset(head, powers) == 0
        yield
    finally:
        powers[0].effective = before
        assert libc.capset(head, powers) == 0
