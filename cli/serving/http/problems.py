"""Errors in, responses that say what is wrong, where and what to do out.

`application/problem+json` (RFC 9457) for programs, a page for people.
"""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

from vecattr.cli.serving.desk import BusyError, GoneError, StoppingError
from vecattr.cli.serving.journal import UnwrittenError
from vecattr.cli.serving.results import NotKeptError
from vecattr.cli.serving.workers import TookTooLongError
from vecattr.errors import (
    ArtifactError,
    InputError,
    LimitError,
    LockedError,
    UsageError,
    VecattrError,
)

MEDIA_TYPE = "application/problem+json"

#: When to ask again after an error that passes (seconds).
_RETRY_AFTER = 5


class RequestError(VecattrError):
    """A request that is refused with this status, and these headers."""

    def __init__(
        self,
        status: int,
        what: str,
        *,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(what, hint=hint)
        self.status, self.headers = status, headers or {}


#: The statuses of errors, the most special kinds first.
_STATUSES = (
    (LimitError, 413),
    (InputError, 422),
    (UsageError, 400),
    (BusyError, 429),
    (NotKeptError, 404),
    (GoneError, 499),
    (LockedError, 503),
    (StoppingError, 503),
    (TookTooLongError, 503),
    (UnwrittenError, 503),
    (ArtifactError, 503),
)


def status_of(error: VecattrError) -> int:
    """The status of a response that tells an error."""
    if isinstance(error, RequestError):
        return error.status
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def facts_of(error: VecattrError) -> dict[str, object]:
    """The members of a problem document; the places of the service's own files are not told."""
    if isinstance(error, ArtifactError):
        error = VecattrError(
            "the index cannot be read at the moment",
            hint="tell whoever runs the service; its log says why",
        )
        status = 503
    else:
        status = status_of(error)
    hint = error.hint
    if isinstance(error, LimitError) and "--" in (hint or ""):
        hint = "send less, or ask whoever runs the service for higher limits"
    facts = {"status": status, "title": error.what, "where": error.where, "hint": hint}
    return {name: value for name, value in facts.items() if value is not None}


def headers_of(error: VecattrError) -> dict[str, str]:
    """The headers of a response that tells an error."""
    if isinstance(error, RequestError):
        return error.headers
    if isinstance(error, BusyError):
        return {"Retry-After": str(error.seconds)}
    return {"Retry-After": str(_RETRY_AFTER)} if status_of(error) == 503 else {}


def problem(error: VecattrError, request_number: str) -> Response:
    """The response that tells an error to a program."""
    facts = {"type": "about:blank", **facts_of(error), "request": request_number}
    return Response(
        json.dumps(facts) + "\n",
        status_code=status_of(error),
        media_type=MEDIA_TYPE,
        headers=headers_of(error),
    )


def wants_page(request: Request) -> bool:
    """Does a person's browser ask?"""
    is_api = request.url.path.startswith("/api/")
    return not is_api and "text/html" in request.headers.get("accept", "")
