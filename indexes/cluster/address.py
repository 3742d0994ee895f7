"""Where a cluster is: the text of `--cluster` in, a checked address out.

Nothing of Dask is imported here, so that a wrong address is told without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vecattr.errors import UsageError
from vecattr.extras import require

FORMS = "local:N, tcp://HOST:PORT, tls://HOST:PORT or slurm:workers=N,..."

#: What `slurm:` takes, with an example of each.
SLURM_OPTIONS = {
    "workers": "4",
    "memory": "8GB",
    "walltime": "02:00:00",
    "queue": "short",
    "account": "lab",
}

#: The memory of a worker unless it is said: above the peak of a segment, and that of a query.
MEMORY = "4GB"

_HOST = re.compile(r"(tcp|tls)://(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):([0-9]{1,5})", re.ASCII)
_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)?\s?([kMGT]i?)?B", re.ASCII)
_WALLTIME = re.compile(r"([0-9]+-)?[0-9]{1,3}(:[0-9]{2}){1,2}", re.ASCII)
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class ClusterAddress:
    """A cluster that is started here (`local`, with so many `workers`), by SLURM (`slurm`, with its
    `options`), or that runs already (`scheduler`, at `url`)."""

    kind: Literal["local", "scheduler", "slurm"]
    workers: int = 0
    url: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str) -> ClusterAddress:
        """UsageError naming what is wrong.

        >>> ClusterAddress.from_text("local:2").workers
        2
        """
        if _HOST.match(text):
            return cls("scheduler", url=_checked_url(text))
        kind, _, rest = text.partition(":")
        if kind == "local":
            return cls("local", workers=_count(rest, where=text))
        if kind == "slurm":
            options = _slurm_options(rest, where=text)
            workers = _count(options.pop("workers", ""), where=text)
            return cls("slurm", workers=workers, options=options)
        raise UsageError(f"{text!r} is no address of a cluster", hint=f"give {FORMS}")

    def require_dask(self) -> None:
        """MissingExtraError where Dask is not installed."""
        require("distributed", what="--cluster")
        if self.kind == "slurm":
            require("dask_jobqueue", what="--cluster slurm:")

    def __str__(self) -> str:
        if self.kind == "scheduler":
            return self.url
        if self.kind == "local":
            return f"local:{self.workers}"
        return "slurm:" + ",".join(
            f"{name}={value}" for name, value in {"workers": self.workers, **self.options}.items()
        )


def _checked_url(text: str) -> str:
    match = _HOST.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= _HIGHEST_PORT:
        raise UsageError(
            f"{text!r} is no address of a scheduler",
            hint="give its host and port, as in tcp://head.example.org:8786",
        )
    return text


def _count(text: str, *, where: str) -> int:
    """A number of workers."""
    if not re.fullmatch("[1-9][0-9]{0,4}", text):
        raise UsageError(
            f"{where!r} does not say how many workers there are to be",
            hint="give local:N or slurm:workers=N with a whole number from 1 on",
        )
    return int(text)


def _slurm_options(text: str, *, where: str) -> dict[str, str]:
    """The options behind `slurm:`, each once."""
    example = ",".join(f"{name}={value}" for name, value in SLURM_OPTIONS.items())
    options: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, is_given, value = part.partition("=")
        if not is_given or not value or name not in SLURM_OPTIONS or name in options:
            raise UsageError(
                f"{part!r} in {where!r} is no option of a SLURM cluster, or is given twice",
                hint=f"for example slurm:{example}",
            )
        options[name] = value
    for name, pattern in (("memory", _MEMORY), ("walltime", _WALLTIME)):
        if name in options and not pattern.fullmatch(options[name]):
            raise UsageError(
                f"{name} {options[name]!r} in {where!r} cannot be read",
                hint=f"for example {name}={SLURM_OPTIONS[name]}",
            )
    for name in ("queue", "account"):
        if not re.fullmatch(r"[\w.@-]*", options.get(name, "")):
            raise UsageError(
                f"{name} {options[name]!r} in {where!r} holds other characters than names have",
                hint=f"for example {name}={SLURM_OPTIONS[name]}",
            )
    return options
