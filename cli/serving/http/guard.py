"""What every request passes first: hosts, proxies, tokens and origins in, a refusal or headers out.

It stands around the whole application, so that no route can be forgotten.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import secrets
import time
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vecattr.cli.serving.http.problems import RequestError, problem
from vecattr.cli.serving.http.uploads import discard
from vecattr.cli.serving.journal import Asker, Journal
from vecattr.cli.serving.metrics import Metrics
from vecattr.cli.serving.settings import Access
from vecattr.cli.serving.tokens import TokenFile, stated_token
from vecattr.errors import VecattrError

#: Nothing comes from elsewhere, and no other site shows a page of this one.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

#: What machines ask whether the service is well; they tell nothing else, and everybody may.
OPEN_ROUTES = frozenset({"/healthz", "/readyz"})

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: Where a request keeps who asks, and whether they may change the index.
ASKER, MAY_EDIT = "vecattr.asker", "vecattr.may_edit"


@dataclass
class Guard:
    """The application behind the checks, each request logged and counted."""

    app: ASGIApp
    access: Access
    journal: Journal
    metrics: Metrics
    tokens: TokenFile | None = None
    edit_tokens: TokenFile | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the beginning and end of the application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, number = time.monotonic(), secrets.token_hex(8)
        status = 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _secure(MutableHeaders(scope=message), number, is_tls=self.access.is_tls)
            await send(message)

        scope[ASKER] = Asker(self._client(scope), None, number)
        try:
            await self._answer(scope, receive, sent)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.journal.crashed(error, request=number)
            if not status:
                failure = problem(VecattrError("the service failed"), number)
                await failure(scope, receive, sent)
        finally:
            self._write_down(scope, status, time.monotonic() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] not in OPEN_ROUTES:
                self._check(scope, Headers(scope=scope))
        except RequestError as refusal:
            if "expect" not in Headers(scope=scope):
                await discard(Request(scope, receive))
            refusal.headers["Connection"] = "close"
            await problem(refusal, scope[ASKER].request)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """RequestError for a request that may not be answered."""
        if self.access.proxy is not None and _address(scope) != self.access.proxy:
            self._refuse(403, "proxy", "only the proxy of this service may ask it")
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _host_name(hosts[0]) not in self.access.allowed_hosts:
            self._refuse(421, "host", "this service has another name than the one it was asked by")
        if "content-length" in headers and "transfer-encoding" in headers:
            self._refuse(400, "length", "the length of the body is stated in two ways")
        self._check_token(scope, headers)
        if scope["method"] not in _SAFE_METHODS and not _is_same_origin(headers, hosts[0]):
            self._refuse(403, "origin", "the request comes from a page of another site")

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        token = stated_token(headers.get("authorization"))
        editor = self.edit_tokens.name_of(token) if self.edit_tokens and token else None
        name = editor or (self.tokens.name_of(token) if self.tokens and token else None)
        if self.tokens is not None and name is None:
            challenge = {"WWW-Authenticate": 'Basic realm="vecattr", charset="UTF-8"'}
            self._refuse(401, "token", "a token is needed", headers=challenge)
        asker = scope[ASKER]
        scope[ASKER] = Asker(asker.address, name, asker.request)
        scope[MAY_EDIT] = editor is not None

    def _refuse(
        self, status: int, reason: str, what: str, *, headers: dict[str, str] | None = None
    ) -> None:
        self.metrics.refused(reason)
        raise RequestError(status, what, headers=headers)

    def _client(self, scope: Scope) -> str:
        """The address of whoever asks, told by the proxy where there is one."""
        address = _address(scope)
        if self.access.proxy is None or address != self.access.proxy:
            return address
        told = Headers(scope=scope).get("x-forwarded-for", "").rpartition(",")[2].strip()
        try:
            return str(ipaddress.ip_address(told))
        except ValueError:
            return address

    def _write_down(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = (
            scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE") else "other"
        )
        self.metrics.request(route=route, method=method, status=status, seconds=seconds)
        asker: Asker = scope[ASKER]
        self.journal.log(
            "request",
            request=asker.request,
            client=asker.address,
            who=asker.name,
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=round(1000 * seconds),
        )


def _secure(headers: MutableHeaders, number: str, *, is_tls: bool) -> None:
    """Add the headers of every response; a response may state its own policy for content."""
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers["Vecattr-Request"] = number
    if is_tls:
        headers["Strict-Transport-Security"] = "max-age=31536000"


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def _host_name(host: str) -> str:
    """The name in a Host header, in lower case and without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdecimal() else host.lower()


def _is_same_origin(headers: Headers, host: str) -> bool:
    """Whether a request that changes something comes from a page of this service, or from no page:
    browsers say so in one header or several, which must all agree, and other programs state
    nothing. The origin is `null` where a browser hides it; another header must speak for it then,
    such as the referrer, which older browsers state and no page can forge."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    referrer = headers.get("referer")
    if site is not None and site not in ("same-origin", "none"):
        return False
    if referrer is not None and not _is_of(referrer, host):
        return False
    if origin == "null":
        return site == "same-origin" or referrer is not None
    return origin is None or _is_of(origin, host)


def _is_of(address: str, host: str) -> bool:
    """Is this the address of a page of the host, or its origin?"""
    scheme, _, rest = address.lower().partition("://")
    return scheme in ("http", "https") and re.split(r"[/?#]", rest)[0] == host.lower()
