"""Labelled files in, an index that knows their labs out: first as it would be, then, confirmed.

What a dry run says holds for one upload, one generation of the index and some minutes; the
confirmation that it gives is a signature of these, made with a key that this process alone has.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from vecattr.cli.serving.messages import Tell
from vecattr.cli.serving.settings import RequestLimits
from vecattr.errors import AppliedError, InputError, UsageError, VecattrError
from vecattr.inputs.input_files import HeldFile
from vecattr.inputs.limits import Limits
from vecattr.plasmid import Plasmid

if TYPE_CHECKING:
    from vecattr.indexes.index import Panel

#: How long a confirmation holds (seconds).
HOLDS = 900
#: What waits for its confirmation on a page takes no more memory than this (bytes).
MOST_HELD = 64_000_000
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

    def on(self, identity: str) -> Addition:
        """The same, to be added to the index of this identity."""
        return replace(self, identity=identity)

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(len(file.data) for file in self.files)

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
        from vecattr.indexes.checking.lab_names import labs_that_look_like  # start-up
        from vecattr.indexes.editing.add import AddReport, add_labs  # start-up
        from vecattr.readers.plasmids import ReadOptions, read_plasmids  # start-up

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
        warning: dict[str, object] = {}
        try:
            report = add_labs(path, plasmids, dry_run=is_dry, wait=0 if is_dry else 30)
        except AppliedError as error:
            if not isinstance(error.report, AddReport):
                raise
            report, warning = error.report, {"warning": error.what}
        facts = {name: value for name, value in asdict(report).items() if name != "renamed"}
        with suppress(VecattrError):  # what was added is in force
            if alike := labs_that_look_like(path, report.new_labs):
                warning["look_alikes"] = alike
        return {**facts, **warning}


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


@dataclass
class Trials:
    """Additions that wait for their confirmation on a page, because a browser cannot send files a
    second time: each for HOLDS seconds, in memory; the oldest go first when all take too much.
    Nobody can guess the number of one."""

    most_bytes: int = MOST_HELD
    _held: OrderedDict[str, tuple[float, Addition, str]] = field(default_factory=OrderedDict)

    def put(self, addition: Addition, editor: str) -> str:
        """Hold an addition that an editor tried; its number."""
        number = secrets.token_urlsafe(16)
        self._held[number] = time.monotonic() + HOLDS, addition, editor
        self._forget_old()
        return number

    def take(self, number: str) -> tuple[Addition, str]:
        """The addition of this number and whose it is, once; UsageError when it is not held."""
        self._forget_old()
        held = self._held.pop(number, None)
        if held is None:
            raise UsageError(
                "this change does not wait for a confirmation any more", hint="send the files again"
            )
        return held[1:]

    def _forget_old(self) -> None:
        now = time.monotonic()
        size = sum(addition.size for _, addition, _ in self._held.values())
        while self._held:
            number, (until, addition, _) = next(iter(self._held.items()))
            if until > now and (size <= self.most_bytes or len(self._held) == 1):
                return
            del self._held[number]
            size -= addition.size
