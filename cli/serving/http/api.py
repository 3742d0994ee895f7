"""`/api/v1/`: queries, labs and facts for programs, as the command line writes them in JSON."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from vecattr.attribution import Work
from vecattr.calibration.expectation import Expectation
from vecattr.cli.rendering.format_names import DRAWN, MARKED, NEIGHBORS
from vecattr.cli.rendering.formats import json_text
from vecattr.cli.serving.desk import Desk
from vecattr.cli.serving.documents import FORMS, MEDIA_TYPES, checked_form
from vecattr.cli.serving.http.guard import ASKER
from vecattr.cli.serving.http.problems import MEDIA_TYPE, RequestError
from vecattr.cli.serving.http.uploads import read_upload
from vecattr.cli.serving.messages import IndexFacts
from vecattr.cli.serving.question import Joint, OnBadRecord, Question, Reply
from vecattr.errors import UsageError
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.scoring.confidence import ConfidenceOptions
from vecattr.mosaic import FEW_LABS
from vecattr.readers.records import TopologyOption
from vecattr.schemas.output_schemas import SCHEMAS, output_schema, schema_version

#: The most labs and neighbors of an answer.
_MOST = 1000

#: Of routes that take files, in the OpenAPI document.
BODIES = {
    "requestBody": {
        "required": True,
        "description": "A form with files (any field name) or a field `sequence`, or one file as "
        "it is, in any format that `vecattr query` reads; the parameter `filename` names it.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "sequence": {"type": "string"},
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

#: What may go wrong, in the OpenAPI document.
ERRORS: dict[int | str, dict[str, object]] = {
    status: {"description": text, "content": {MEDIA_TYPE: {}}}
    for status, text in {
        400: "Options that do not fit together.",
        401: "A token is needed.",
        413: "The body, a record or their number is larger than the limits.",
        422: "No record can be read.",
        429: "As many requests as may be are under way; Retry-After says when to ask again.",
        503: "Not now: the service starts, stops, or took too long.",
    }.items()
}


def answer_request(
    k: Annotated[int | None, Query(ge=1, le=_MOST, description="Labs to rank; 10.")] = None,
    neighbors: Annotated[
        int | None, Query(ge=0, le=_MOST, description="Nearest stored plasmids to list; 0, html 5.")
    ] = None,
    evidence: Annotated[
        bool, Query(description="Also which stretches speak for the first lab.")
    ] = False,
    evidence_for: Annotated[
        list[str] | None, Query(description="Also which stretches speak for this lab; repeatable.")
    ] = None,
    common_labs: Annotated[
        int, Query(ge=1, description="A stretch that more labs have is common property.")
    ] = FEW_LABS,
    exclude_near_copies: Annotated[
        bool, Query(description="Rank as if no near copy of a query were stored.")
    ] = False,
    expect: Annotated[
        str | None, Query(description="KNOWN:NEW:OUTSIDE, how likely each case is.")
    ] = None,
    work: Annotated[Work | None, Query(description="The same, when it is certain.")] = None,
    false_alarm: Annotated[float | None, Query(ge=0, lt=1)] = None,
    coverage: Annotated[float | None, Query(gt=0, lt=1)] = None,
    format: Annotated[str, Query(description=f"One of {', '.join(FORMS)}.")] = "json",
) -> AnswerRequest:
    """What each answer is to hold, as the options of `vecattr query` of the same names say."""
    if k is not None and coverage is not None:
        raise UsageError("k and coverage both say how many labs to name", hint="give one")
    expectation = None if expect is None else Expectation.from_text(expect)
    options = ConfidenceOptions(work, false_alarm, coverage, expectation)
    form = checked_form(format)
    with_evidence = evidence or bool(evidence_for) or form in (*DRAWN, *MARKED)
    return AnswerRequest(
        k or 10,
        NEIGHBORS.get(form, 0) if neighbors is None else neighbors,
        exclude_near_copies,
        options,
        common_labs if with_evidence else None,
        tuple(evidence_for or ()),
    )


def joint_request(
    together: Annotated[bool, Query(description="All records are of one unknown lab.")] = False,
    together_by: Annotated[
        str | None, Query(description="Rows with the same value in this column are.")
    ] = None,
    linked: Annotated[
        bool, Query(description="Rank records that share rare stretches together.")
    ] = False,
) -> tuple[Joint, str | None]:
    """How records help each other out, as the options of `vecattr query` of the same names say."""
    wanted: dict[Joint, bool] = {
        "together": together,
        "together_by": together_by is not None,
        "linked": linked,
    }
    given = [name for name, is_wanted in wanted.items() if is_wanted]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", hint="give one of them")
    return (given[0] if given else ""), together_by


def index_headers(source: Reply | IndexFacts) -> dict[str, str]:
    """Headers that name the index which something comes from."""
    return {"Vecattr-Index": source.identity, "Vecattr-Generation": str(source.generation)}


def told_headers(reply: Reply) -> dict[str, str]:
    """Headers with what the command line would print beside the answers; the first thousand
    characters, as one JSON list in ASCII."""
    told, size = [], 0
    for line in (*reply.bad, *reply.notes):
        size += len(line)
        if size > 1000:
            break
        told.append(line)
    headers = {"Vecattr-Bad-Records": str(len(reply.bad))}
    return headers | ({"Vecattr-Notes": json.dumps(told)} if told else {})


def present_facts(desk: Desk) -> IndexFacts:
    """On the index, RequestError 503 while no process has opened it."""
    facts = desk.workers.facts
    if facts is None:
        raise RequestError(503, "the service is starting", headers={"Retry-After": "2"})
    return facts


def api_router(desk: Desk) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", responses=ERRORS)

    @router.post("/query", openapi_extra=BODIES, response_class=Response, operation_id="query")
    async def query(
        request: Request,
        asked: Annotated[AnswerRequest, Depends(answer_request)],
        joint: Annotated[tuple[Joint, str | None], Depends(joint_request)],
        format: Annotated[str, Query(description=f"One of {', '.join(FORMS)}.")] = "json",
        topology: TopologyOption = "auto",
        as_one: bool = False,
        on_bad_record: Annotated[
            OnBadRecord, Query(description="Records that cannot be read, among others.")
        ] = "skip",
    ) -> Response:
        """Rank the labs most likely to have designed each sequence, or all of them together."""
        with desk.place():
            upload = await read_upload(request, desk.settings.limits)
            question = Question(
                upload.files,
                asked,
                forms=(format,),
                topology=topology,
                as_one=as_one,
                evidence_if_kept=format in DRAWN,
                on_bad_record=on_bad_record,
                joint=joint[0],
                column=joint[1],
            )
            reply = await desk.reply(question, request.scope[ASKER], request.is_disconnected)
        headers = index_headers(reply) | told_headers(reply)
        media_type, _ = MEDIA_TYPES[format]
        return Response(reply.documents[format], media_type=media_type, headers=headers)

    @router.get("/info", response_class=Response, operation_id="info")
    async def info() -> Response:
        """What the index holds, as `vecattr info --format json` prints it."""
        facts = present_facts(desk)
        return _json(json_text(facts.info), index_headers(facts))

    @router.get("/labs", response_class=Response, operation_id="labs")
    async def labs() -> Response:
        """The labs of the index, as `vecattr list-labs --format json` prints them."""
        facts = present_facts(desk)
        return _json(json_text(facts.labs), index_headers(facts))

    _add_schemas(router)
    return router


def _add_schemas(router: APIRouter) -> None:
    @router.get("/schemas", response_class=Response, operation_id="schemas")
    async def schemas() -> Response:
        """The names of the JSON schemas, and the version of each."""
        versions = {name: schema_version(output_schema(name)) for name in SCHEMAS}
        return _json(json_text(versions), {})

    @router.get("/schemas/{name}", response_class=Response, operation_id="schema")
    async def schema(name: Literal["query", "info", "list-labs"], lines: bool = False) -> Response:
        """The JSON schema of `query`, `info` or `labs`, as `vecattr schema` prints it."""
        return Response(
            json_text(output_schema(name, lines=lines)), media_type="application/schema+json"
        )


def _json(text: str, headers: dict[str, str]) -> Response:
    return Response(text, media_type="application/json", headers=headers)
