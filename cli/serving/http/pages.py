"""Pages for people: a place to drop files on, results, what the index holds."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from vecattr.calibration.expectation import Expectation
from vecattr.cli.serving.desk import Desk
from vecattr.cli.serving.documents import DOWNLOADS, FORMS, MEDIA_TYPES, PAGE
from vecattr.cli.serving.http.guard import ASKER
from vecattr.cli.serving.http.problems import facts_of, headers_of, problem, status_of
from vecattr.cli.serving.http.uploads import Upload, read_upload
from vecattr.cli.serving.question import Question, Reply
from vecattr.cli.serving.results import NotKeptError, Result
from vecattr.cli.serving.views import (
    contents_page,
    error_page,
    frame,
    front_page,
    programs_page,
    report_of,
)
from vecattr.errors import UsageError, VecattrError
from vecattr.extras import is_installed
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.scoring.confidence import ConfidenceOptions
from vecattr.mosaic import FEW_LABS

#: The media type of progress: one JSON document a line.
LINES = "application/x-ndjson"

#: Nearest plasmids that a result page lists.
_NEIGHBORS = 5


def page(
    text: str, kind: str, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A page of this kind, with the policy that allows its scripts alone."""
    policy = {"Content-Security-Policy": frame(kind).header}
    return HTMLResponse(text, status_code=status, headers=policy | (headers or {}))


def page_of_error(error: VecattrError) -> Response:
    """An error as a page."""
    facts = facts_of(error)
    where, hint = facts.get("where"), facts.get("hint")
    text = error_page(
        VecattrError(str(facts["title"])),
        where=str(where) if where else None,
        hint=str(hint) if hint else None,
    )
    return page(text, "plain", status=status_of(error), headers=headers_of(error))


def question_of(upload: Upload, *, is_kept: bool, offers_edits: bool) -> Question:
    """The question of the form on the front page; UsageError for values that it does not offer."""
    fields = upload.fields
    topology = fields.get("topology", "auto")
    if topology not in ("auto", "circular", "linear"):
        raise UsageError(f"topology is {topology!r}, expected auto, circular or linear")
    work = fields.get("work", "")
    if work not in ("", "known", "new"):
        raise UsageError(f"work is {work!r}, expected known or new")
    joint = fields.get("joint", "")
    if joint not in ("", "together", "linked"):
        raise UsageError(f"joint is {joint!r}, expected together or linked")
    expectation = Expectation.from_work(work) if work else None  # type: ignore[arg-type]
    request = AnswerRequest(
        neighbors=_NEIGHBORS,
        exclude_near_copies=fields.get("exclude_near_copies") == "true",
        confidence=ConfidenceOptions(expectation=expectation),
        evidence=FEW_LABS,
    )
    return Question(
        upload.files,
        request,
        forms=(PAGE, *(form for form in DOWNLOADS if form != "genbank" or is_installed("Bio"))),
        topology=topology,  # type: ignore[arg-type]
        as_one=fields.get("as_one") == "true",
        evidence_if_kept=True,
        is_kept=is_kept,
        joint=joint,  # type: ignore[arg-type]
        offers_edits=offers_edits,
    )


def _asked(desk: Desk, upload: Upload) -> Question:
    return question_of(
        upload, is_kept=desk.results.keeps, offers_edits=desk.settings.access.allow_edit
    )


class ProgressResponse(Response):
    """Says in lines how far an answer is, and then where it is, or what is wrong.

    The status is sent before the body is read, so whatever goes wrong later is a line.
    """

    def __init__(self, desk: Desk, request: Request) -> None:
        super().__init__(media_type=LINES)
        self.desk, self.request = desk, request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        try:
            with self.desk.place():
                upload = await read_upload(self.request, self.desk.settings.limits)
                question = _asked(self.desk, upload)
                start = [(b"content-type", LINES.encode()), (b"x-accel-buffering", b"no")]
                await send({"type": "http.response.start", "status": 200, "headers": start})
                await self._follow(question, send)
                await send({"type": "http.response.body", "body": b""})
        except VecattrError as error:
            refusal = problem(error, self.request.scope[ASKER].request)
            await refusal(scope, receive, send)

    async def _follow(self, question: Question, send: Send) -> None:
        words: asyncio.Queue[dict[str, object]] = asyncio.Queue()

        def tell(said: str) -> None:
            words.put_nowait({"words": said})

        waiting = self.desk.workers.waiting
        tell(f"waiting behind {waiting} others" if waiting else "waiting")
        answer = asyncio.create_task(self._end(question, words, tell))
        with suppress(asyncio.CancelledError):
            while True:
                line = await words.get()
                body = (json.dumps(line) + "\n").encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})
                if "words" not in line:
                    break
        await answer

    async def _end(
        self, question: Question, words: asyncio.Queue[dict[str, object]], tell: object
    ) -> None:
        asker = self.request.scope[ASKER]
        try:
            reply = await self.desk.reply(question, asker, self.request.is_disconnected, tell)  # type: ignore[arg-type]
            number = await asyncio.to_thread(self.desk.results.put, reply)
            words.put_nowait(_result_line(reply, number))
        except VecattrError as error:
            words.put_nowait(facts_of(error))
        except Exception as error:
            self.desk.journal.crashed(error, request=asker.request)
            words.put_nowait({"status": 500, "title": "the service failed"})


def _result_line(reply: Reply, number: str) -> dict[str, object]:
    """Where the result is; with the GenBank file, which the service does not hold."""
    line: dict[str, object] = {"result": f"/results/{number}/"}
    bases = reply.documents.get("genbank")
    return line | ({"bases": bases} if bases else {})


def pages_router(desk: Desk, address: str) -> APIRouter:
    """The routes; `address` is where browsers find the service."""
    router = APIRouter(include_in_schema=False, default_response_class=Response)

    @router.get("/")
    async def front() -> Response:
        return page(front_page(desk.settings, desk.workers.facts), "front")

    @router.get("/index")
    async def contents() -> Response:
        return page(contents_page(desk.settings, desk.workers.facts), "contents")

    @router.get("/api")
    async def programs() -> Response:
        return page(programs_page(desk.settings, address), "plain")

    @router.get("/favicon.ico")
    async def icon() -> Response:
        return Response(status_code=204)

    @router.post("/queries")
    async def ask(request: Request) -> Response:
        if LINES in request.headers.get("accept", ""):
            return ProgressResponse(desk, request)
        with desk.place():
            upload = await read_upload(request, desk.settings.limits)
            question = _asked(desk, upload)
            reply = await desk.reply(question, request.scope[ASKER], request.is_disconnected)
        number = await asyncio.to_thread(desk.results.put, reply)
        return RedirectResponse(f"/results/{number}/", status_code=303)

    _add_results(router, desk)
    return router


def _add_results(router: APIRouter, desk: Desk) -> None:
    async def found(number: str) -> Result:
        result = await asyncio.to_thread(desk.results.get, number)
        if result is None:
            raise NotKeptError(
                "this result is not kept any more", hint="ask again: the answer is made anew"
            )
        return result

    @router.get("/results/{number}/")
    async def result(number: str) -> Response:
        return page((await found(number)).documents[PAGE], "result")

    @router.get("/results/{number}/report.html")
    async def report(number: str) -> Response:
        text = report_of((await found(number)).documents[PAGE])
        return page(text, "result", headers=_download("report.html"))

    @router.get("/results/{number}/answers.{suffix}")
    async def document(number: str, suffix: str) -> Response:
        documents = (await found(number)).documents
        for form in FORMS:
            media_type, ending = MEDIA_TYPES[form]
            if ending == f".{suffix}" and form in documents:
                headers = _download(f"answers{ending}")
                return Response(documents[form], media_type=media_type, headers=headers)
        raise NotKeptError("this result has no such file")

    @router.post("/results/{number}/forget")
    async def forget(number: str) -> Response:
        await asyncio.to_thread(desk.results.forget, number)
        return RedirectResponse("/", status_code=303)


def _download(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
