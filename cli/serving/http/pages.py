"""Pages for people: a place to drop files on, results, what the index holds."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from vecattr.cli.serving.desk import Desk
from vecattr.cli.serving.http.problems import headers_of, status_of
from vecattr.errors import VecattrError


def page_of_error(desk: Desk, error: VecattrError) -> Response:
    """An error as a page."""
    return PlainTextResponse(f"{error}\n", status_code=status_of(error), headers=headers_of(error))


def pages_router(desk: Desk) -> APIRouter:
    """The routes."""
    return APIRouter(include_in_schema=False)
