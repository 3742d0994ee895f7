"""How the service runs: the options of `vecattr serve` in, one checked value out."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vecattr.errors import UsageError

if TYPE_CHECKING:
    from vecattr.ranking.rank_fusion import Fusion

#: Connections that may wait to be accepted.
_BACKLOG = 1024

#: Names by which a browser on the same machine reaches a loopback address.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class RequestLimits:
    """What one request may hold and take: bytes of its body, bases of a record, bytes that a
    packed file may unpack to, records; seconds for its body to arrive and for its answer; and how
    many requests may be under way at once, waiting ones included."""

    upload: int = 10_000_000
    bases: int = 1_000_000
    unpacked: int = 200_000_000
    records: int = 100
    upload_seconds: float = 30
    seconds: float = 60
    queue: int = 64

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise UsageError(f"{name} is {value}, expected more than 0")


@dataclass(frozen=True)
class Access:
    """Where the service listens and whom it answers.

    UsageError for an address that other machines reach with neither tokens nor a proxy, for a name
    that is missing, and for files that belong together and are not.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    names: tuple[str, ...] = ()
    token_file: Path | None = None
    proxy: str | None = None
    allow_edit: bool = False
    edit_token_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if not self.is_loopback and self.token_file is None and self.proxy is None:
            raise UsageError(
                f"other machines reach {self.host}, and nothing says who may ask",
                hint="give --token-file FILE, or --behind-proxy ADDRESS of a proxy that says who "
                "may ask, or listen on 127.0.0.1",
            )
        if self.allow_edit != (self.edit_token_file is not None):
            raise UsageError(
                "--allow-edit and --edit-token-file belong together",
                hint="whoever adds labs needs a token of their own, also on this machine",
            )
        if (self.certificate is None) != (self.key is None):
            raise UsageError("--tls-certificate and --tls-key belong together", hint="give both")
        if self.host in ("0.0.0.0", "::") and not self.names:
            raise UsageError(
                f"{self.host} is every address of this machine, and no name",
                hint="say under which name it is asked: --public-name plasmids.example.org",
            )
        _check_proxy(self.proxy)

    @property
    def is_loopback(self) -> bool:
        """Do only programs of this machine reach the address?"""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_tls(self) -> bool:
        """Does the service speak HTTPS itself?"""
        return self.certificate is not None

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The names, in lower case and without a port, that a Host header may hold."""
        address = f"[{self.host}]" if ":" in self.host else self.host
        own = LOOPBACK_NAMES if self.is_loopback else ()
        return frozenset(name.lower() for name in (*self.names, address, *own))


def _check_proxy(proxy: str | None) -> None:
    if proxy is None:
        return
    try:
        ipaddress.ip_address(proxy)
    except ValueError as error:
        raise UsageError(
            f"the proxy {proxy!r} is no IP address",
            hint="name the address from which the proxy connects, such as 127.0.0.1",
        ) from error


@dataclass(frozen=True)
class Keeping:
    """What stays after an answer: minutes for which a result page can be opened, in memory and
    without sequences; days for which whole results are kept in `folder` (None: nothing is kept);
    and the file that gets a line for each answer."""

    minutes: float = 30
    days: int | None = None
    folder: Path | None = None
    audit: Path | None = None

    def __post_init__(self) -> None:
        if (self.days is None) != (self.folder is None):
            raise UsageError("--keep-days and --keep-folder belong together", hint="give both")


@dataclass(frozen=True)
class Settings:
    """All of it: which indexes, by how many worker processes, and the parts above."""

    indexes: tuple[Path, ...]
    fusion: Fusion = "copeland"
    weights: tuple[float, ...] = ()
    workers: int = 2
    access: Access = field(default_factory=Access)
    limits: RequestLimits = field(default_factory=RequestLimits)
    keeping: Keeping = field(default_factory=Keeping)


def bound_socket(access: Access) -> socket.socket:
    """A socket that listens on the address; UsageError when that is taken or not of this
    machine."""
    family = socket.AF_INET6 if ":" in access.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((access.host, access.port))
        listener.listen(_BACKLOG)  # whoever comes before the service is up waits
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {access.host} port {access.port} ({error.strerror})",
            hint="choose another with --port, or stop the program that has it",
        ) from error
    listener.set_inheritable(False)
    return listener
