"""The API answers as the command line does, and says what is wrong in one form."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from vecattr.cli.main import run

URL = "/api/v1/query"


def fasta(*plasmids: Any) -> bytes:
    return "".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in plasmids).encode()


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("form", ["json", "tsv", "html", "svg", "genbank", "gff3", "bed"])
def test_answers_are_those_of_the_command_line(
    service: Any, shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    file = tmp_path / "asked.fasta"
    file.write_bytes(fasta(*shelf.newcomers[:2]))
    options = {"k": "3", "neighbors": "2", "evidence": "true", "common_labs": "7"}
    answer = service.client.post(
        URL, params={**options, "format": form, "filename": file.name}, content=file.read_bytes()
    )
    shown = printed(
        capsys, "query", str(file), "-i", str(shelf.index), "-k", "3", "--neighbors", "2",
        "--evidence", "--common-labs", "7", "--format", form, "-q",
    )  # fmt: skip
    assert answer.status_code == 200
    assert answer.text == shown.replace(str(file), file.name)


@pytest.mark.parametrize(
    ("options", "switches"),
    [
        ({"together": "true"}, ["--together"]),
        ({"together_by": "lab"}, ["--together-by", "lab"]),
        ({"linked": "true"}, ["--linked"]),
    ],
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_joint_answers_are_those_of_the_command_line(
    service: Any,
    shelf: Any,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, str],
    switches: list[str],
    form: str,
) -> None:
    data = {**options, "k": "3", "format": form, "filename": shelf.table.name}
    answer = service.client.post(URL, params=data, content=shelf.table.read_bytes())
    shown = printed(
        capsys, "query", str(shelf.table), "-i", str(shelf.index), "-k", "3", *switches,
        "--format", form, "-q",
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.text == shown.replace(str(shelf.table), shelf.table.name)
    lengths = [query["length"] for query in service.line("answered", answer)["queries"]]
    groups = {"together": 1, "together_by": len({one.lab for one in shelf.plasmids}), "linked": 0}
    assert len(lengths) == len(shelf.plasmids) + groups[next(iter(options))]


def test_ways_of_joining_exclude_each_other(service: Any) -> None:
    both = {"together": "true", "linked": "true"}
    response = service.client.post(URL, params=both, content=b">a\nACGT\n")
    assert response.status_code == 400
    assert "exclude each other" in response.json()["title"]


def test_facts_and_labs_are_those_of_the_command_line(
    service: Any, shelf: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for route, command in (("info", "info"), ("labs", "list-labs")):
        shown = printed(capsys, command, "-i", str(shelf.index), "--format", "json")
        assert service.client.get(f"/api/v1/{route}").text == shown


def packed(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def test_a_file_is_read_however_it_is_sent(service: Any, shelf: Any) -> None:
    plasmid = shelf.plasmids[0]
    data = fasta(plasmid)
    ways: list[dict[str, Any]] = [
        {"content": data},
        {"content": data, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": gzip.compress(data)},
        {"content": packed("deep/a.fasta", data)},
        {"files": {"file": ("a.fasta", data)}},
        {"data": {"sequence": plasmid.sequence}, "files": {"empty": ("", b"")}},
    ]
    for way in ways:
        answer = service.client.post(URL, **way)
        assert answer.status_code == 200, answer.text
        [attribution] = answer.json()
        assert attribution["length"] == len(plasmid)


def test_all_answers_of_a_request_name_the_index_that_the_headers_name(
    service: Any, shelf: Any
) -> None:
    answer = service.client.post(URL, content=fasta(*shelf.plasmids[:5]))
    assert {one["provenance"]["index"] for one in answer.json()} == {
        answer.headers["Vecattr-Index"]
    }
    assert answer.headers["Vecattr-Generation"] == "1"


def test_a_bad_record_among_others_is_told_in_headers(service: Any, shelf: Any) -> None:
    answer = service.client.post(URL, content=fasta(shelf.plasmids[0]) + b">b\nAC!T\n")
    assert len(answer.json()) == 1
    assert answer.headers["Vecattr-Bad-Records"] == "1"
    assert "is not a nucleotide letter" in json.loads(answer.headers["Vecattr-Notes"])[0]


def test_a_bad_record_is_left_out_or_reported_or_refused_as_asked(service: Any, shelf: Any) -> None:
    data = fasta(shelf.plasmids[0]) + b">b\nAC!T\n"

    def asked(how: str, content: bytes = data) -> httpx.Response:
        response: httpx.Response = service.client.post(
            URL, content=content, params={"on_bad_record": how}
        )
        return response

    assert ["error" in one for one in asked("report").json()] == [False, True]
    assert asked("report", b">b\nAC!T\n").json()[0]["query"] == "b"
    assert len(asked("skip").json()) == 1
    assert asked("fail").status_code == 422


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (400, {"content": b""}),
        (400, {"content": b">a\nACGT\n", "params": {"k": "0"}}),
        (400, {"content": b">a\nACGT\n", "params": {"k": "2", "coverage": "0.9"}}),
        (400, {"content": b">a\nACGT\n", "params": {"format": "exe"}}),
        (400, {"content": b">a\nACGT\n", "params": {"expect": "1:2"}}),
        (400, {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}),
        (415, {"content": b">a\nACGT\n", "headers": {"Content-Encoding": "gzip"}}),
        (422, {"content": b">a\nAC!T\n"}),
        (422, {"content": b"%PDF-1.7 no sequence"}),
        (422, {"content": gzip.compress(b">a\nACGT\n")[:-9]}),
    ],
)
def test_what_is_wrong_is_told_as_a_problem(service: Any, status: int, how: dict[str, Any]) -> None:
    answer = service.client.post(URL, **how)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["request"] == answer.headers["Vecattr-Request"]


def test_the_document_of_the_api_names_every_route_and_loads_nothing(service: Any) -> None:
    document = service.client.get("/api/v1/openapi.json").json()
    routes = {"query", "info", "labs", "schemas", "schemas/{name}"}
    assert set(document["paths"]) == {f"/api/v1/{route}" for route in routes}
    names = {entry["name"] for entry in document["paths"][URL]["post"]["parameters"]}
    assert {"k", "neighbors", "evidence", "expect", "format", "topology"} <= names
    for path in ("/docs", "/redoc"):
        assert service.client.get(path).status_code == 404


def test_answers_fit_the_schemas_that_the_api_gives(service: Any, shelf: Any) -> None:
    from jsonschema import Draft202012Validator

    assert service.client.get("/api/v1/schemas").json()["query"] == 1
    answers = service.client.post(URL, content=fasta(shelf.plasmids[0])).json()
    schema = service.client.get("/api/v1/schemas/query").json()
    Draft202012Validator(schema).validate(answers)
    labs = service.client.get("/api/v1/labs").json()
    Draft202012Validator(service.client.get("/api/v1/schemas/list-labs").json()).validate(labs)


def test_health_and_metrics_are_there_for_machines(service: Any, shelf: Any) -> None:
    assert service.client.get("/healthz").text == "ok\n"
    service.client.post(URL, content=fasta(shelf.plasmids[0]))
    page = service.client.get("/metrics").text
    assert 'vecattr_requests_total{method="POST",route="/api/v1/query",status="200"}' in page
    assert "vecattr_ready 1.0" in page
    assert 'vecattr_resident_bytes{process="worker 2"}' in page
    service.client.get("/some/made-up/path")
    assert "made-up" not in service.client.get("/metrics").text


def test_a_client_that_goes_away_harms_nobody(service: Any, shelf: Any) -> None:
    with pytest.raises(httpx.TimeoutException):
        service.client.post(URL, content=fasta(*shelf.plasmids[:50]), timeout=0.001)
    assert service.client.post(URL, content=fasta(shelf.plasmids[0])).status_code == 200
