"""The body of a request in, within limits of size and time; its files and fields out.

The body stays in memory, and no name in it is a path.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from vecattr.cli.serving.desk import GoneError
from vecattr.cli.serving.http.problems import RequestError
from vecattr.cli.serving.question import file_name
from vecattr.cli.serving.settings import RequestLimits
from vecattr.inputs.input_files import HeldFile

#: The most that is read of a body that is refused, so that its sender reads the response (bytes,
#: seconds).
_DISCARDED, _DISCARD_SECONDS = 4_000_000, 2.0
#: Parts of a form that are no files.
_MOST_FIELDS = 40

#: The name of what was pasted.
PASTED = "pasted"


@dataclass(frozen=True)
class Upload:
    """What a request brought."""

    files: tuple[HeldFile, ...]
    fields: Mapping[str, str]


class _MemoryParser(MultiPartParser):
    """Keeps every file in memory: the body is bounded, and nothing of it may reach a disk."""

    spool_max_size = 1 << 62


async def read_upload(request: Request, limits: RequestLimits) -> Upload:
    """The files of a form, or the body as one file. RequestError 413 for a body that is too large,
    408 for one that arrives too slowly, 400 and 415 for one that cannot be read."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(
            415, "the body has a Content-Encoding", hint="send the packed file itself"
        )
    body = await _body(request, limits)
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _form(request.headers, body, limits)
    name = file_name(request.query_params.get("filename"), "upload")
    return Upload((HeldFile(name, body),) if body.strip() else (), {})


async def _body(request: Request, limits: RequestLimits) -> bytes:
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > limits.upload:
        if "expect" not in request.headers:
            await discard(request)
        raise _too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.upload_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.upload:
                    break
    except TimeoutError as error:
        raise RequestError(
            408,
            f"the body took longer than {limits.upload_seconds:g} seconds to arrive",
            headers={"Connection": "close"},
        ) from error
    except ClientDisconnect as error:
        raise GoneError("the client went away") from error
    if len(body) > limits.upload:
        await discard(request)
        raise _too_large(limits)
    return bytes(body)


async def discard(request: Request) -> None:
    """Read some of a body that is refused: whoever is still sending would not see the response."""
    count = 0
    try:
        async with asyncio.timeout(_DISCARD_SECONDS):
            while count < _DISCARDED:
                message = await request.receive()
                count += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return
    except TimeoutError:
        return


def _too_large(limits: RequestLimits) -> RequestError:
    return RequestError(
        413,
        f"the request holds more than {limits.upload / 1e6:g} MB",
        hint="send fewer files at once",
        headers={"Connection": "close"},
    )


async def _form(headers: Headers, body: bytes, limits: RequestLimits) -> Upload:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _MemoryParser(
        headers,
        stream(),
        max_files=limits.records,
        max_fields=_MOST_FIELDS,
        max_part_size=limits.upload,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RequestError(400, f"the form cannot be read: {error.message}") from error
    files, fields = [], {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            if data.strip():
                files.append(HeldFile(file_name(value.filename, "upload"), data))
        elif name == "sequence" and value.strip():
            files.append(HeldFile(PASTED, value.encode()))
        else:
            fields[name] = value
    await form.close()
    return Upload(tuple(files), fields)
