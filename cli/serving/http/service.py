"""Settings in, a running service out: the application, its sockets, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from dataclasses import dataclass
from types import FrameType

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from vecattr.cli.serving.desk import Desk
from vecattr.cli.serving.http.api import api_router
from vecattr.cli.serving.http.edits import edits_router
from vecattr.cli.serving.http.guard import ASKER, Guard
from vecattr.cli.serving.http.pages import page_of_error, pages_router
from vecattr.cli.serving.http.problems import RequestError, problem, wants_page
from vecattr.cli.serving.journal import Journal
from vecattr.cli.serving.metrics import MEDIA_TYPE, Metrics
from vecattr.cli.serving.results import Results
from vecattr.cli.serving.settings import Access, Settings
from vecattr.cli.serving.tokens import Door, TokenFile
from vecattr.cli.serving.workers import Workers
from vecattr.errors import UsageError, VecattrError
from vecattr.version import __version__

#: A client has so long for the headers of a request (seconds).
HEADER_SECONDS = 10.0
#: Connections at once; more get 503.
_MOST_CONNECTIONS = 512
_HOUR = 3600.0
#: Looks of the server in a second.
_TICKS = 10


class PatientProtocol(H11Protocol):
    """HTTP whose requests must begin, headers and all, within `HEADER_SECONDS`."""

    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Some bytes of it have come."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        if self._clock is not None:
            self._clock.cancel()
        super().connection_lost(exc)

    @property
    def _waits_for_request(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        if not self._waits_for_request:
            if self._clock is not None:
                self._clock.cancel()
            self._clock = None
        elif self._clock is None:
            self._clock = self.loop.call_later(HEADER_SECONDS, self._too_late)

    def _too_late(self) -> None:
        self._clock = None
        if self._waits_for_request:
            self.transport.abort()


class JournalHandler(logging.Handler):
    """What libraries log, as lines of the journal; never a traceback, which may hold bases."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        text = record.getMessage().partition("\n")[0]
        self._journal.log("library", level=record.levelname.lower(), name=record.name, text=text)


def application(desk: Desk, address: str, edit_tokens: TokenFile | None = None) -> FastAPI:
    """The routes, without the guard, of a service that browsers find at the address; those for
    edits when there are tokens for them."""
    app = FastAPI(
        title="vecattr",
        version=__version__,
        summary="Which lab designed this piece of engineered DNA?",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its scripts come from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(api_router(desk))
    app.include_router(pages_router(desk, address))
    if edit_tokens is not None:
        app.include_router(edits_router(desk, edit_tokens))
    _add_health(app, desk)
    _add_errors(app, desk)
    return app


def _add_health(app: FastAPI, desk: Desk) -> None:
    @app.get("/healthz", response_class=PlainTextResponse, include_in_schema=False)
    async def health() -> str:
        """The process runs."""
        return "ok\n"

    @app.get("/readyz", response_class=PlainTextResponse, include_in_schema=False)
    async def readiness() -> Response:
        """Questions are answered now."""
        if desk.is_stopping:
            return _unready("stopping")
        if not desk.workers.is_ready:
            return _unready("the index cannot be opened" if desk.workers.problem else "starting")
        return PlainTextResponse("ready\n")

    @app.get("/metrics", response_class=Response, include_in_schema=False)
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(desk.metrics.page(), media_type=MEDIA_TYPE)


def _unready(why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status_code=503, headers={"Retry-After": "2"})


def _add_errors(app: FastAPI, desk: Desk) -> None:
    def told(request: Request, error: VecattrError) -> Response:
        if wants_page(request):
            return page_of_error(error)
        return problem(error, request.scope[ASKER].request)

    @app.exception_handler(VecattrError)
    async def vecattr_error(request: Request, error: VecattrError) -> Response:
        return told(request, error)

    @app.exception_handler(RequestValidationError)
    async def wrong_option(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][1:]))
        return told(request, UsageError(f"{where}: {first['msg']}", hint="see the API's document"))

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        refusal = RequestError(
            error.status_code, error.detail.lower(), headers=dict(error.headers or {})
        )
        return told(request, refusal)


class Server(uvicorn.Server):
    """Answers the requests that are under way when a signal to end comes, and refuses others."""

    desk: Desk
    _ticks_left: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal lets requests under way end; a second one ends at once."""
        if self.desk.is_stopping:
            self.should_exit = self.force_exit = True
        self.desk.is_stopping = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: is it over? What no request can take ends it in any case."""
        if self.desk.is_stopping:
            limits = self.desk.settings.limits
            longest = int(_TICKS * (limits.upload_seconds + limits.seconds))
            self._ticks_left = longest if self._ticks_left is None else self._ticks_left - 1
            self.should_exit |= not self.desk.under_way or self._ticks_left <= 0
        return await super().on_tick(counter)


@dataclass(frozen=True)
class Service:
    """A service that is about to run, on the address at which it listens."""

    server: Server
    listener: socket.socket
    desk: Desk
    address: str

    def run(self) -> None:
        """Answer until a signal comes; what is under way then is answered."""
        journal = self.desk.journal
        signal.signal(signal.SIGHUP, self.server.handle_exit)
        port = self.listener.getsockname()[1]
        journal.log("started", address=self.address, port=port, version=__version__)
        asyncio.run(self._serve())
        journal.log("stopped")

    async def _serve(self) -> None:
        sweep = asyncio.create_task(self._delete_old_results())
        await self.server.serve(sockets=[self.listener])
        sweep.cancel()

    async def _delete_old_results(self) -> None:
        while True:
            deleted = await asyncio.to_thread(self.desk.results.delete_old_files)
            if deleted:
                self.desk.journal.log("deleted old results", count=deleted)
            await asyncio.sleep(_HOUR)


def prepared(settings: Settings, workers: Workers, journal: Journal, door: Door) -> Service:
    """A service of these worker processes, behind this door."""
    access, address = settings.access, door.address(settings.access)
    desk = Desk(settings, workers, journal, Metrics(workers), Results(settings.keeping))
    app = application(desk, address, door.edit_tokens)
    guard = Guard(app, access, journal, desk.metrics, door.tokens, door.edit_tokens)
    return Service(_server(guard, desk, access), door.listener, desk, address)


def _server(guard: Guard, desk: Desk, access: Access) -> Server:
    limits = desk.settings.limits
    config = uvicorn.Config(
        guard,
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=int(limits.seconds) + 1,
        ssl_certfile=access.certificate,
        ssl_keyfile=access.key,
    )
    handler = JournalHandler(desk.journal)
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
    server = Server(config)
    server.desk = desk
    return server
