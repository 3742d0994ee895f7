"""Adding labs through the service, for who has a token for edits: files in; first what would change
out, and then, confirmed, the change. For programs, and as pages that need no scripts.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vecattr.cli.rendering.formats import json_text
from vecattr.cli.serving.adding import SECONDS, Addition, Confirmations, Trials
from vecattr.cli.serving.desk import Desk
from vecattr.cli.serving.http.api import BODIES, ERRORS
from vecattr.cli.serving.http.guard import ASKER, MAY_EDIT
from vecattr.cli.serving.http.pages import page
from vecattr.cli.serving.http.problems import RequestError
from vecattr.cli.serving.http.uploads import read_upload
from vecattr.cli.serving.tokens import TokenFile
from vecattr.cli.serving.views import Change, added_page, adding_page, trial_page
from vecattr.cli.serving.workers import EndedError, TookTooLongError
from vecattr.errors import ArtifactError, VecattrError

_NEEDED = "a token for edits is needed"


def edits_router(desk: Desk, edit_tokens: TokenFile) -> APIRouter:
    """The routes."""
    router = APIRouter()
    _add_api(router, desk)
    _add_pages(router, desk, edit_tokens)
    return router


def _add_api(router: APIRouter, desk: Desk) -> None:
    confirmations = Confirmations()

    @router.post(
        "/api/v1/add-lab",
        openapi_extra=BODIES,
        responses=ERRORS,
        response_class=Response,
        operation_id="add_lab",
    )
    async def add_lab(
        request: Request,
        lab: str | None = None,
        confirmation: str | None = None,
    ) -> Response:
        """Add labs, or plasmids of known ones. Without a confirmation nothing is changed: the
        response says what would be, and gives the confirmation to send the same files with."""
        if not request.scope[MAY_EDIT]:
            status: Literal[401, 403] = 403 if request.scope[ASKER].name else 401
            challenge = {"WWW-Authenticate": 'Bearer realm="vecattr edits"'}
            raise RequestError(status, _NEEDED, headers=challenge)
        with desk.place():
            upload = await read_upload(request, desk.settings.limits)
            addition = Addition(upload.files, lab)
            if confirmation is not None:
                identity = confirmations.identity(addition, confirmation)
                addition = addition.on(identity)
            report = await _done(desk, addition, request, request.scope[ASKER].name)
        if report["dry_run"]:
            report["confirmation"] = confirmations.of(addition, str(report["identity"]))
        return Response(json_text(report), media_type="application/json")


def _add_pages(router: APIRouter, desk: Desk, edit_tokens: TokenFile) -> None:
    """The token is a field of the form: a browser states the one of a reader by itself."""
    trials = Trials()

    @router.get("/add-lab", include_in_schema=False)
    async def form(request: Request) -> Response:
        needs_token = not request.scope[MAY_EDIT]
        return page(adding_page(desk.settings, needs_token=needs_token), "plain")

    @router.post("/add-lab", include_in_schema=False)
    async def trial(request: Request) -> Response:
        with desk.place():
            upload = await read_upload(request, desk.settings.limits)
            asker = request.scope[ASKER].name if request.scope[MAY_EDIT] else None
            editor = asker or edit_tokens.name_of(upload.fields.get("token", "").strip())
            if editor is None:
                desk.metrics.refused("token")
                raise RequestError(403, _NEEDED, hint="ask whoever runs the service for one")
            addition = Addition(upload.files, upload.fields.get("lab", "").strip() or None)
            report = await _done(desk, addition, request, editor)
        number = trials.put(addition.on(str(report["identity"])), editor)
        return page(trial_page(Change.of(report), number), "plain")

    @router.post("/add-lab/confirm", include_in_schema=False)
    async def confirm(request: Request) -> Response:
        with desk.place():
            upload = await read_upload(request, desk.settings.limits)
            addition, editor = trials.take(upload.fields.get("trial", ""))
            if not edit_tokens.holds(editor):
                raise RequestError(403, _NEEDED, hint="the one of the dry run was withdrawn")
            report = await _done(desk, addition, request, editor)
        return page(added_page(Change.of(report)), "plain")


async def _done(
    desk: Desk, addition: Addition, request: Request, editor: str | None
) -> dict[str, object]:
    """What an addition changed or would change, which the log has, too. RequestError when a
    confirmed one failed for a reason of the service, which says what became of the index."""
    try:
        report = await desk.done(addition, _waits, seconds=SECONDS)
    except (ArtifactError, EndedError, TookTooLongError) as error:
        refusal = None if addition.identity is None else _told(error)
        if refusal is None:
            raise
        raise refusal from error
    assert isinstance(report, dict)
    desk.journal.log("add-lab", request=request.scope[ASKER].request, who=editor, **report)
    return report


def _told(error: VecattrError) -> RequestError | None:
    """What became of a confirmed addition that ended with an error of the service; None when the
    error says it."""
    later = {"Retry-After": "5"}
    if isinstance(error, ArtifactError):
        what = "nothing was added: the index cannot be read or changed at the moment"
        hint = "tell whoever runs the service; its log says why"
        return RequestError(503, what, hint=hint, headers=later)
    if isinstance(error, TookTooLongError) and not error.has_begun:
        return None
    return RequestError(
        503,
        f"{error.what}; whether anything was added is not known",
        hint="try the same again without confirming it: what was added is refused as known",
        headers=later,
    )


async def _waits() -> bool:
    """A change of the index is not given up when its client goes away."""
    return False
