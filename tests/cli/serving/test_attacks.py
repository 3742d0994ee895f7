"""What a stranger sends reaches no path, no header, no log line and no other page."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest
from running_service import wait_for

URL = "/api/v1/query"
ONE = b">a\n" + b"ACGTTGCATGCCGATTAGCAATCG" * 20 + b"\n"


def test_every_response_has_the_security_headers(service: Any) -> None:
    responses = [
        service.client.get("/"),
        service.client.get("/healthz"),
        service.client.get("/nothing/here"),
        service.client.post(URL, content=b""),
        service.client.get("/", headers={"Host": "evil.example"}),
    ]
    for response in responses:
        headers = response.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http:" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "server" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""]
)
def test_a_name_that_is_not_the_services_own_is_refused(service: Any, host: str) -> None:
    """DNS rebinding: a page of evil.example whose name suddenly means 127.0.0.1."""
    response = service.client.post(URL, content=ONE, headers={"Host": host})
    assert response.status_code in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},  # another service of this machine
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
        {"Referer": "https://evil.example/"},
        {"Origin": "null", "Referer": "https://evil.example/127.0.0.1"},
        {"Referer": "http://127.0.0.1:1/"},
        {"Referer": "https://evil.example/", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_post_from_another_site_is_refused(service: Any, headers: dict[str, str]) -> None:
    for path in (URL, "/queries"):
        response = service.client.post(path, content=ONE, headers=headers)
        assert response.status_code == 403


def test_a_post_of_its_own_page_is_answered(service: Any) -> None:
    own = {"Origin": f"http://127.0.0.1:{service.port}", "Sec-Fetch-Site": "same-origin"}
    page = {"Referer": f"http://127.0.0.1:{service.port}/?a#b"}
    without_fetch = {"Origin": own["Origin"]}  # a browser that does not know Sec-Fetch-Site
    for headers in (
        own,
        {**own, "Origin": "null"},
        without_fetch,
        {**without_fetch, **page},
        {"Origin": "null", **page},
        page,
    ):
        assert service.client.post(URL, content=ONE, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "/etc/passwd", "C:\\boot.ini", "a\r\nSet-Cookie: x=1", "\x1b[2J"],
)
def test_a_name_of_a_file_is_no_path_no_header_and_no_escape(service: Any, name: str) -> None:
    for how in (
        {"params": {"filename": name}, "content": ONE},
        {"files": {"file": (name, ONE)}},
    ):
        response = service.client.post(URL, **how)
        [answer] = response.json()
        assert "/" not in answer["source"]
        assert answer["source"].isprintable()
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "path",
    ["/../setup.cfg", "/results/../../etc/passwd/", "/results/%2e%2e%2fmanifest/", "/static/../x",
     "/results/" + "A" * 22 + "/", "/api/v1/../../etc/passwd"],
)  # fmt: skip
def test_no_path_leads_to_a_file(service: Any, path: str) -> None:
    with service.connection() as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 404 " in response.split(b"\r\n")[0]


@pytest.mark.parametrize(
    "lines",
    [
        "Host: 127.0.0.1\r\nHost: evil.example",
        "Host: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        "Host: 127.0.0.1\r\nX: " + "a" * 100_000,
        "Host: 127.0.0.1\r\nX\x00Y: 1",
    ],
)
def test_broken_headers_are_refused(service: Any, lines: str) -> None:
    with service.connection() as connection:
        connection.sendall(f"POST {URL} HTTP/1.1\r\n{lines}\r\nConnection: close\r\n\r\n".encode())
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    assert response.split(b" ")[1] in (b"400", b"413", b"421", b"431")


def test_a_log_line_is_one_document_whatever_is_sent(service: Any) -> None:
    secret = "GATTACA" * 30
    text = f'>evil"\\n{{"event": "forged"}}\n{secret}\n'
    service.client.post(URL, content=text.encode(), params={"filename": 'x"\n{"event":"forged"}'})
    service.client.get('/%0a{"event": "forged"}%1b[2J')
    service.client.post(URL, content=f">a\n{secret}!\n".encode())
    lines = [line for line in service.lines if line.startswith("{")]
    assert {json.loads(line)["event"] for line in lines} <= {
        "started",
        "request",
        "answered",
        "library",
    }
    assert all(line.strip().isprintable() and line.isascii() for line in lines)
    assert "GATTACAGATTACA" not in "".join(service.lines)


def test_the_log_says_who_when_how_long_and_of_which_index(service: Any) -> None:
    response = service.client.post(URL, content=ONE)
    line = service.line("answered", response)
    assert line["client"] == "127.0.0.1"
    assert line["time"].endswith("+00:00")
    assert line["index"] == response.headers["Vecattr-Index"]
    [query] = line["queries"]
    assert query["length"] == 480
    assert len(query["sha256"]) == 64


def bomb(size: int) -> bytes:
    """A file of so many bytes, packed."""
    return gzip.compress(b">a\n" + b"A" * size + b"\n")


def nested(size: int) -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.fasta", b">a\n" + b"A" * (size // 4) + b"\n")
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", inner.getvalue())
    return outer.getvalue()


def test_what_unpacks_to_more_than_it_may_is_refused(limited: Any) -> None:
    """The limited service unpacks 2 MB at most, and takes 100 kB."""
    for data in (bomb(40_000_000), nested(40_000_000)):
        assert len(data) < 100_000
        response = limited.client.post(URL, content=data)
        assert response.status_code == 413, response.text


def test_bodies_records_and_their_number_are_bounded(limited: Any) -> None:
    long = b">a\n" + b"ACGT" * 2600 + b"\n"
    many = ONE * 8
    for body in (b">a\n" + b"A" * 200_000, long, many):
        assert limited.client.post(URL, content=body).status_code == 413
    chunks = (b"A" * 10_000 for _ in range(30))
    assert limited.client.post(URL, content=chunks).status_code == 413
    form = {"file": ("a.fasta", b"A" * 200_000)}
    assert limited.client.post(URL, files=form).status_code == 413


def test_a_body_that_comes_too_slowly_ends(limited: Any) -> None:
    with limited.connection() as connection:
        head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n>a\nACG"
        connection.sendall(head.encode())
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 408 " in response.split(b"\r\n")[0]


def test_more_requests_than_places_get_429_and_when_to_ask_again(limited: Any) -> None:
    """Its queue has two places; bodies that are not yet here take them."""
    head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(ONE)}\r\n\r\n".encode()
    with limited.connection() as first, limited.connection() as second:
        for connection in (first, second):
            connection.sendall(head)
        taken = "vecattr_requests_under_way 2.0"
        wait_for(lambda: taken in limited.client.get("/metrics").text, "both places are taken")
        response = limited.client.post(URL, content=ONE)
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) >= 1
        for connection in (first, second):
            connection.sendall(ONE)
            assert connection.recv(65536).split(b" ")[1] == b"200"
    assert limited.client.post(URL, content=ONE).status_code == 200


@pytest.fixture(scope="module")
def limited(serving: Any, shelf: Any) -> Any:
    """One with narrow limits."""
    options = (
        "--max-upload 0.1 --max-bases 10000 --max-unpacked 0.002 --max-records 5 "
        "--upload-seconds 5 --queue 2"
    )
    with serving(shelf.index, *options.split()) as service:
        yield service
