"""Labelled files in, an index that knows their labs out: first as it would be, then, confirmed.

What a dry run says holds for one upload, one generation of the index and some minutes; the
confirmation that it gives is a signature of these, made with a key that this process alone has.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from vecattr.cli.serving.settings import RequestLimits
from vecattr.cli.serving.worker import Tell
from vecattr.errors import InputError, UsageError
from vecattr.inputs.input_files import HeldFile
from vecattr.inputs.limits import Limits
from vecattr.plasmid import Plasmid
from vecattr.readers.plasmids import ReadOptions, read_plasmids

if TYPE_CHECKING:
    from vecattr.indexes.index import Panel

#: How long a confirmation holds (seconds).
HOLDS = 900
#: How long an addition may take (seconds).
SECONDS = 1800


@dataclass(frozen=True)
class Addition:
    """Plasmids to add, and the generation that they may be added to (None: a dry run)."""

    files: tuple[HeldFile, ...]
    lab: str | None
    identity: str | None = None

    def __post_init__(self) -> None:
        if not self.files:
            raise UsageError("no file was sent", hint="send a file with the lab's plasmids")

    @property
    def digest(self) -> str:
        """Of everything that is added."""
        parts = [self.lab or "", *(f"{file.name}\0{len(file.data)}" for file in self.files)]
        digest = hashlib.sha256("\n".join(parts).encode())
        for file in self.files:
            digest.update(file.data)
        return digest.hexdigest()

    def run(self, panel: Panel, limits: RequestLimits, tell: Tell) -> dict[str, object]:
        """What was added, or would be. InputError for any bad record: then nothing is added;
        UsageError for several indexes, and for another generation than the one confirmed."""
        from vecattr.indexes.editing.add import add_labs  # start-up

        if not panel.is_one_index:
            raise UsageError("labs are added to one index, and these are several")
        if self.identity is not None and panel.identity != self.identity:
            raise UsageError(
                "the index has changed since the dry run", hint="run it again, and confirm that"
            )
        options = ReadOptions(
            lab=self.lab,
            labelled=True,
            limits=Limits(bases=limits.bases, unpacked=limits.unpacked),
            known_features=lambda: panel.feature_names,
        )
        tell("reading")
        plasmids = [_good(record) for record in read_plasmids(self.files, options)]
        tell(f"adding {len(plasmids)} plasmids")
        path, is_dry = panel.indexes[0].path, self.identity is None
        report = asdict(add_labs(path, plasmids, dry_run=is_dry, wait=0 if is_dry else 30))
        return {name: value for name, value in report.items() if name != "renamed"}


def _good(record: object) -> Plasmid:
    if isinstance(record, Plasmid):
        return record
    error: InputError = record.error  # type: ignore[attr-defined]
    raise type(error)(f"{error.what}; nothing was added", where=error.where, hint=error.hint)


@dataclass
class Confirmations:
    """Signs dry runs, and tells its own signatures from others."""

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def of(self, addition: Addition, identity: str) -> str:
        """The confirmation of a dry run on the index of this identity."""
        until = int(time.time()) + HOLDS
        return f"{until}.{identity}.{self._signature(addition, identity, until)}"

    def identity(self, addition: Addition, confirmation: str) -> str:
        """The index that a confirmation holds for; UsageError when it is none of these, was given
        for something else, or is too old."""
        until, _, rest = confirmation.partition(".")
        identity, _, signature = rest.rpartition(".")
        if until.isdecimal() and len(until) < 16:
            expected = self._signature(addition, identity, int(until))
            if hmac.compare_digest(expected.encode(), signature.encode()) and (
                int(until) >= time.time()
            ):
                return identity
        raise UsageError(
            "the confirmation does not belong to these files, or is too old",
            hint="run it with dry_run=true again, and send the same files with what that gives",
        )

    def _signature(self, addition: Addition, identity: str, until: int) -> str:
        text = f"{addition.digest}.{identity}.{until}".encode()
        return hmac.new(self._key, text, "sha256").hexdigest()
