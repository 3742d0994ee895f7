"""Who asks and where: an address and files of tokens in, a listening socket and names out.

A line of the file holds a name and a token, divided by blanks; lines that begin with # say nothing.
The file is read again when it changes, so that a token can be withdrawn without a stop.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import socket
import stat
from dataclasses import dataclass, field
from pathlib import Path

from vecattr.cli.serving.settings import Access, bound_socket
from vecattr.errors import UsageError

#: A shorter token can be guessed.
SHORTEST = 20


@dataclass
class TokenFile:
    """The names and tokens of a file, which only its owner may read.

    UsageError when it cannot be read, others may read it, a line is no name with a token of at
    least 20 letters, or it holds none.
    """

    path: Path
    _tokens: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    _stamp: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self._read()

    def _read(self) -> None:
        try:
            state = os.stat(self.path)
            stamp = (state.st_mtime_ns, state.st_ino)
            if stamp == self._stamp:
                return
            if stat.S_IMODE(state.st_mode) & 0o077:
                raise UsageError(
                    "others may read the file of tokens",
                    where=str(self.path),
                    hint=f"chmod 600 {self.path}",
                )
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the file of tokens cannot be read ({error})", where=str(self.path)
            ) from error
        self._tokens, self._stamp = _parsed(lines, self.path), stamp

    def name_of(self, token: str) -> str | None:
        """Whose token this is; None for nobody's. Every token is compared, in constant time, so
        that the time tells nothing. A file that has become unusable admits nobody."""
        try:
            self._read()
        except UsageError:
            return None
        found = None
        for name, known in self._tokens:
            if hmac.compare_digest(known, token.encode("utf-8", errors="replace")):
                found = name
        return found

    def holds(self, name: str) -> bool:
        """Has somebody of this name a token now?"""
        try:
            self._read()
        except UsageError:
            return False
        return any(known == name for known, _ in self._tokens)


def _parsed(lines: list[str], path: Path) -> tuple[tuple[str, bytes], ...]:
    tokens = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = line.split()
        if len(parts) != 2 or len(parts[1]) < SHORTEST:
            raise UsageError(
                f"the line is no name with a token of {SHORTEST} letters or more",
                where=f"{path}:{number}",
                hint="write: NAME TOKEN, with a token of `openssl rand -hex 32`",
            )
        tokens.append((parts[0], parts[1].encode()))
    if not tokens:
        raise UsageError("the file holds no token", where=str(path), hint="write: NAME TOKEN")
    return tuple(tokens)


@dataclass(frozen=True)
class Door:
    """Where the service listens, and the tokens of who may ask and who may add labs."""

    listener: socket.socket
    tokens: TokenFile | None
    edit_tokens: TokenFile | None

    @classmethod
    def opened(cls, access: Access) -> Door:
        """UsageError for an address or a file of tokens that cannot be used."""
        tokens = TokenFile(access.token_file) if access.token_file else None
        edit_tokens = TokenFile(access.edit_token_file) if access.edit_token_file else None
        return cls(bound_socket(access), tokens, edit_tokens)

    def address(self, access: Access) -> str:
        """Where a browser finds the service; a proxy is asked at its usual port."""
        host, port = self.listener.getsockname()[:2]
        name = access.names[0] if access.names else f"[{host}]" if ":" in host else host
        if access.proxy is not None and access.names:
            return f"https://{name}/"
        return f"http{'s' if access.is_tls else ''}://{name}:{port}/"


def stated_token(authorization: str | None) -> str | None:
    """The token of an Authorization header, as `Bearer TOKEN` or as the password of `Basic`, for
    which browsers ask."""
    scheme, _, rest = (authorization or "").partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                text = base64.b64decode(rest.strip(), validate=True).decode("utf-8")
            except (binascii.Error, UnicodeDecodeError):
                return None
            return text.partition(":")[2]
    return None
