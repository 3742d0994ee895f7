"""The pages, as a browser without scripts, or a program, gets them."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

SEQUENCE = "ACGTTGCATGCCGATTAGCAATCG" * 20
LINES = {"Accept": "application/x-ndjson"}


def answered(service: Any, **fields: str) -> httpx.Response:
    response: httpx.Response = service.client.post(
        "/queries", data={"sequence": SEQUENCE, **fields}, files={"file": ("", b"")}
    )
    return response


def test_a_form_without_scripts_leads_to_a_result(service: Any) -> None:
    response = answered(service)
    assert response.status_code == 303
    page = service.client.get(response.headers["Location"])
    assert page.status_code == 200
    assert "480 bases" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_the_policy_of_a_page_allows_its_own_scripts_and_no_other(service: Any) -> None:
    location = answered(service).headers["Location"]
    for path in ("/", "/index", "/api", location):
        response = service.client.get(path)
        policy = response.headers["Content-Security-Policy"]
        scripts = re.search("script-src ([^;]*)", policy)
        assert scripts is not None
        inline = len(re.findall(r"<script>", response.text))
        assert len(scripts[1].replace("'none'", "").split()) == inline
        assert "unsafe" not in policy
        assert not re.search(r"""(src|href)=["']?(https?:)?//""", response.text)


def test_what_can_be_downloaded_is_what_the_command_line_writes(service: Any) -> None:
    location = answered(service).headers["Location"]
    answers = service.client.get(f"{location}answers.json")
    assert answers.headers["Content-Disposition"] == 'attachment; filename="answers.json"'
    [answer] = answers.json()
    assert answer["length"] == 480
    assert service.client.get(f"{location}answers.tsv").text.startswith("query\trank\t")
    report = service.client.get(f"{location}report.html").text
    assert "Forget this result" not in report
    assert "480 bases" in report
    assert report.count("<main") == 1
    for name in ("answers.exe", "answers.page", "answers.gb", "../../../etc/passwd"):
        assert service.client.get(location + name).status_code == 404


def test_no_bases_are_held_after_the_answer(service: Any) -> None:
    location = answered(service).headers["Location"]
    for name in ("", "answers.json", "answers.tsv", "report.html"):
        assert SEQUENCE[:60] not in service.client.get(location + name).text.upper()


def test_a_result_that_is_forgotten_or_unknown_is_not_there(service: Any) -> None:
    location = answered(service).headers["Location"]
    assert service.client.post(f"{location}forget").status_code == 303
    for path in (location, f"{location}answers.json", "/results/x/", f"/results/{'A' * 22}/"):
        response = service.client.get(path, headers={"Accept": "text/html"})
        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/html")


def test_progress_is_told_in_lines_that_end_with_the_result(service: Any, shelf: Any) -> None:
    text = "".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in shelf.plasmids[:3])
    files = {"file": ("three.fasta", text.encode())}
    response = service.client.post("/queries", files=files, headers=LINES)
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert {"words": "answered 3 of 3"} in lines
    page = service.client.get(lines[-1]["result"]).text
    assert "3 plasmids asked about" in page


def test_several_plasmids_of_one_lab_have_one_answer_first(service: Any, shelf: Any) -> None:
    text = "".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in shelf.plasmids[:3])
    files = {"file": ("three.fasta", text.encode())}
    response = service.client.post("/queries", files=files, data={"joint": "together"})
    location = response.headers["Location"]
    page = service.client.get(location).text
    assert "3 plasmids as of one lab" in page
    assert all(f">{plasmid.id}<" in page for plasmid in shelf.plasmids[:3])
    [joint] = service.client.get(f"{location}answers.json").json()
    assert len(joint["members"]) == 3


def test_an_error_while_answering_is_the_last_line(service: Any) -> None:
    files = {"file": ("wrong.pdf", b"%PDF-1.7 nothing")}
    response = service.client.post("/queries", files=files, headers=LINES)
    assert response.status_code == 200
    last = json.loads(response.text.splitlines()[-1])
    assert last["status"] == 422
    assert "PDF" in last["title"]
    early = service.client.post("/queries", files={"file": ("", b"")}, headers=LINES)
    assert early.status_code == 400
    assert early.json()["title"] == "no sequence was sent"


@pytest.mark.parametrize("fields", [{"topology": "round"}, {"work": "old"}, {"joint": "x"}])
def test_a_value_that_the_form_does_not_offer_is_refused(
    service: Any, fields: dict[str, str]
) -> None:
    assert answered(service, **fields).status_code == 400


def test_markup_in_names_is_shown_as_text(service: Any) -> None:
    name = "<img/src=x onerror=alert(1)>"
    text = f">{name.replace(' ', '_')}\n{SEQUENCE}\n>b\nAC!T<script>\n"
    response = service.client.post("/queries", files={"file": ("<b>.fasta", text.encode())})
    page = service.client.get(response.headers["Location"]).text
    assert "<img/src" not in page
    assert "&lt;img/src" in page
    assert "<b>" not in page


def test_the_index_and_the_page_for_programs_are_shown(service: Any, shelf: Any) -> None:
    contents = service.client.get("/index").text
    assert all(f">{lab}<" in contents for lab in {plasmid.lab for plasmid in shelf.plasmids})
    programs = service.client.get("/api").text
    assert f"http://127.0.0.1:{service.port}/api/v1/query" in programs
