"""What the service and its worker processes tell each other: jobs, ends of jobs, and what is known
of an index that was opened.

Nothing here loads an index, so that the service can start a worker process before it has loaded
anything itself.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vecattr.errors import VecattrError

if TYPE_CHECKING:
    from vecattr.cli.serving.settings import RequestLimits
    from vecattr.indexes.index import Panel

#: Called with a few words on what is done now.
Tell = Callable[[str], None]

#: Asks a worker process whether the index that it has open is the present one.
LOOK = "look"
#: Asks it to open the present one, before anybody waits for it.
OPEN = "open"


class Job(Protocol):
    """What a worker process can be asked to do."""

    def run(self, panel: Panel, limits: RequestLimits, tell: Tell) -> object:
        """The result, which is pickled."""


@dataclass(frozen=True)
class Done:
    """The end of what was asked: its result."""

    result: object = None


@dataclass(frozen=True)
class Failure:
    """Its end with an error; `frames` are the places in the code of one that is no VecattrError,
    whose message, which may quote bases, stays in the process."""

    error: VecattrError
    frames: tuple[str, ...] = ()


@dataclass(frozen=True)
class IndexFacts:
    """What a worker process says of the index that it has opened; `info` and `labs` as the
    commands `info` and `list-labs` print them in JSON."""

    identity: str
    generation: int
    info: object
    labs: tuple[Mapping[str, object], ...]
    plasmids: int


def frames_of(error: Exception) -> tuple[str, ...]:
    """Where an error came from: files, lines and functions, and nothing of what they held."""
    return tuple(
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    )


@contextmanager
def loading() -> Iterator[None]:
    """What is made meanwhile stays until the process ends: the garbage collector, which would look
    through all of it again and again (a tenth of the time), looks at it neither now nor later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
