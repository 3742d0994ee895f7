"""A service of years: who may ask, changes of its index, what is written down, how it ends."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from running_service import wait_for

from vecattr.cli.main import run
from vecattr.cli.serving.adding import Addition, Trials
from vecattr.errors import UsageError
from vecattr.inputs.input_files import HeldFile

URL = "/api/v1/query"
READER, EDITOR = "reader-0123456789abcdef", "editor-0123456789abcdef"


def fasta(*plasmids: Any) -> bytes:
    return "".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in plasmids).encode()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{token}".encode()).decode()}


def token_file(path: Path, *lines: str) -> Path:
    path.touch(0o600)
    path.write_text("# who may ask\n" + "\n".join(lines) + "\n")
    return path


class Guarded:
    """A service with tokens, edits, an audit and kept results, and the files it works on."""

    def __init__(self, service: Any, index: Path, folder: Path) -> None:
        self.service, self.index, self.folder = service, index, folder

    def ask(self, data: bytes, token: str = READER) -> httpx.Response:
        response: httpx.Response = self.service.client.post(
            URL, content=data, headers=bearer(token)
        )
        return response

    def edit(self, **how: Any) -> httpx.Response:
        response: httpx.Response = self.service.client.post("/api/v1/add-lab", **how)
        return response


@pytest.fixture(scope="module")
def guarded(serving: Any, shelf: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("guarded")
    index = folder / "i"
    shutil.copytree(shelf.index, index)
    readers = token_file(folder / "readers", f"alice {READER}")
    editors = token_file(folder / "editors", f"bob {EDITOR}")
    options = ["--token-file", readers, "--allow-edit", "--edit-token-file", editors]
    options += ["--audit", folder / "audit", "--keep-days", "3", "--keep-folder", folder / "kept"]
    with serving(index, *map(str, options), workers=2) as service:
        yield Guarded(service, index, folder)


@pytest.mark.parametrize(
    "headers",
    [{}, bearer("x" * 30), bearer(READER[:-1]), {"Authorization": "Basic !"}, basic("x" * 30),
     {"Authorization": READER}],
)  # fmt: skip
def test_without_a_token_nothing_is_told(guarded: Guarded, headers: dict[str, str]) -> None:
    client = guarded.service.client
    for response in (
        client.get("/", headers=headers),
        client.get("/api/v1/info", headers=headers),
        client.get("/metrics", headers=headers),
        client.post(URL, content=b"x", headers=headers),
    ):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert client.get("/readyz").status_code == 200


def test_a_token_is_taken_from_programs_and_from_browsers(guarded: Guarded) -> None:
    for headers in (bearer(READER), basic(READER), bearer(EDITOR)):
        assert guarded.service.client.get("/api/v1/info", headers=headers).status_code == 200


def test_a_token_that_is_withdrawn_is_refused_at_once(guarded: Guarded) -> None:
    file, other = guarded.folder / "readers", "carol-0123456789abcdef"
    text = file.read_text()
    file.write_text(f"{text}carol {other}\n")
    client = guarded.service.client
    assert client.get("/api/v1/info", headers=bearer(other)).status_code == 200
    file.write_text(text)
    os.utime(file, ns=(0, 1))  # a clock of whole seconds may not show two writes
    assert client.get("/api/v1/info", headers=bearer(other)).status_code == 401


def test_each_answer_has_a_line_in_the_audit(guarded: Guarded, shelf: Any) -> None:
    response = guarded.ask(fasta(*shelf.plasmids[:2]))
    file = guarded.folder / "audit"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    own = [line for line in lines if line["request"] == response.headers["Vecattr-Request"]]
    assert [line["lab"] for line in own] == [one["labs"][0]["name"] for one in response.json()]
    assert {line["who"] for line in own} == {"alice"}
    assert {line["index"] for line in own} == {response.headers["Vecattr-Index"]}
    assert all(len(line["sha256"]) == 64 for line in own)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shelf.plasmids[0].sequence[:30] not in file.read_text()


def test_kept_results_hold_the_bases_for_their_owner_alone(guarded: Guarded, shelf: Any) -> None:
    plasmid, client = shelf.plasmids[0], guarded.service.client
    files, headers = {"file": ("a.fasta", fasta(plasmid))}, bearer(READER)
    location = client.post("/queries", files=files, headers=headers).headers["Location"]
    document = client.get(f"{location}answers.gb", headers=headers).text
    assert document.startswith("LOCUS")
    folder = guarded.folder / "kept"
    [kept] = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert client.get(f"{location}answers.gb").status_code == 401
    client.post(f"{location}forget", headers=headers)
    assert not kept.exists()


def test_only_who_may_edit_adds_labs(guarded: Guarded, shelf: Any) -> None:
    data = fasta(*shelf.newcomers[:2])
    assert guarded.edit(content=data, params={"lab": "New"}).status_code == 401
    refused = guarded.edit(content=data, params={"lab": "New"}, headers=bearer(READER))
    assert refused.status_code == 403


def test_a_lab_is_added_only_as_it_was_confirmed(guarded: Guarded, shelf: Any) -> None:
    how: dict[str, Any] = {"headers": bearer(EDITOR)}
    data, wanted = fasta(*shelf.newcomers[:3]), {"lab": "Newcomer"}
    before = guarded.ask(fasta(shelf.newcomers[3]))
    trial = guarded.edit(content=data, params=wanted, **how).json()
    assert trial["dry_run"]
    assert trial["new_labs"] == ["Newcomer"]
    assert guarded.ask(fasta(shelf.newcomers[3])).json() == before.json()
    confirmed = {**wanted, "confirmation": trial["confirmation"]}
    for altered in (
        guarded.edit(content=data + b">more\nACGTACGT\n", params=confirmed, **how),
        guarded.edit(content=data, params={**confirmed, "lab": "Other"}, **how),
        guarded.edit(content=data, params={**confirmed, "confirmation": "9" * 15 + ".a.b"}, **how),
    ):
        assert altered.status_code == 400
    done = guarded.edit(content=data, params=confirmed, **how)
    assert done.status_code == 200
    assert not done.json()["dry_run"]
    after = guarded.ask(fasta(shelf.newcomers[3]))
    assert after.headers["Vecattr-Index"] == done.json()["identity"]
    assert "Newcomer" in [hit["name"] for hit in after.json()[0]["labs"]]
    again = guarded.edit(content=data, params=confirmed, **how)
    assert again.status_code == 400  # the index is another one by now


def page_of(guarded: Guarded, path: str, token: str = READER, **how: Any) -> httpx.Response:
    headers = {**basic(token), "Accept": "text/html"}
    method = "POST" if how else "GET"
    response: httpx.Response = guarded.service.client.request(method, path, headers=headers, **how)
    return response


def sent(*plasmids: Any, **fields: str) -> dict[str, Any]:
    return {"files": {"file": ("new.fasta", fasta(*plasmids))}, "data": fields}


def form(**fields: str) -> dict[str, Any]:
    """Fields as the forms of the pages send them."""
    return {"files": {name: (None, value) for name, value in fields.items()}}


def test_a_lab_is_added_by_pages_that_need_no_script(guarded: Guarded, shelf: Any) -> None:
    assert '<a href="/add-lab"' in page_of(guarded, "/").text
    assert 'type="password"' in page_of(guarded, "/add-lab").text
    assert 'type="password"' not in page_of(guarded, "/add-lab", EDITOR).text
    before = page_of(guarded, "/index").text
    how = sent(*shelf.newcomers[3:5], lab="<i>Paged</i>", token=EDITOR)
    trial = page_of(guarded, "/add-lab", **how)
    assert trial.status_code == 200
    assert "Nothing is changed yet" in trial.text
    assert "&lt;i&gt;Paged" in trial.text
    assert EDITOR not in trial.text
    [number] = re.findall('name="trial" value="([^"]+)"', trial.text)
    assert page_of(guarded, "/index").text == before
    confirmed = form(trial=number)
    done = page_of(guarded, "/add-lab/confirm", **confirmed)
    assert "Added 2 plasmids" in done.text
    wait_for(lambda: "<i>Paged</i>" in [lab["lab"] for lab in labs_of(guarded)], "the lab")
    assert page_of(guarded, "/add-lab/confirm", **confirmed).status_code == 400
    assert guarded.service.line("add-lab", done)["who"] == "bob"


def labs_of(guarded: Guarded) -> list[dict[str, Any]]:
    labs: list[dict[str, Any]] = guarded.service.client.get(
        "/api/v1/labs", headers=bearer(READER)
    ).json()
    return labs


@pytest.mark.parametrize("token", ["", READER, EDITOR[:-1], f"{EDITOR}x"])
def test_without_a_token_for_edits_no_page_tries_an_addition(
    guarded: Guarded, shelf: Any, token: str
) -> None:
    how = sent(*shelf.newcomers[5:6], lab="Nobody", token=token)
    assert page_of(guarded, "/add-lab", **how).status_code == 403
    assert page_of(guarded, "/add-lab/confirm", **form(trial="A" * 22)).status_code == 400


def test_a_change_waits_for_its_confirmation_only_while_its_editor_may(
    guarded: Guarded, shelf: Any
) -> None:
    how = sent(*shelf.newcomers[5:6], lab="Late", token=EDITOR)
    trial = page_of(guarded, "/add-lab", **how)
    [number] = re.findall('name="trial" value="([^"]+)"', trial.text)
    token_file(guarded.folder / "editors", f"carol {EDITOR}")
    refused = page_of(guarded, "/add-lab/confirm", **form(trial=number))
    token_file(guarded.folder / "editors", f"bob {EDITOR}")
    assert refused.status_code == 403
    assert "Late" not in str(labs_of(guarded))


def test_held_additions_are_bounded() -> None:
    trials = Trials(most_bytes=10)
    numbers = [
        trials.put(Addition((HeldFile("a", b"ACGTAC"),), "Lab", "identity"), "bob")
        for _ in range(2)
    ]
    assert trials.take(numbers[1])[1] == "bob"
    for number in numbers:
        with pytest.raises(UsageError):
            trials.take(number)


def test_an_answer_is_of_one_generation_while_the_index_changes(
    guarded: Guarded, shelf: Any
) -> None:
    """Requests run while a lab gets other names; each answer is of one name and one identity, and
    after a change has been made, no answer is older."""
    data = fasta(*shelf.plasmids[:8])
    faults: list[str] = []
    generations: list[int] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            response = guarded.ask(data)
            if response.status_code != 200:
                faults.append(response.text)
                continue
            answers = response.json()
            identities = {answer["provenance"]["index"] for answer in answers}
            names = {hit["name"] for answer in answers for hit in answer["labs"]}
            if identities != {response.headers["Vecattr-Index"]}:
                faults.append(f"{identities}")
            if len([name for name in names if name.startswith("Name")]) > 1:
                faults.append(f"{names}")
            generations.append(int(response.headers["Vecattr-Generation"]))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    name = "Lab 02"
    for number in range(4):
        new = f"Name {number}"
        assert run(["rename-lab", name, new, "-i", str(guarded.index), "-q"]) == 0
        assert new in guarded.ask(data).text
        name = new
    is_over.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(set(generations)) > 1


def test_an_index_that_cannot_be_opened_is_told_and_comes_back(
    guarded: Guarded, shelf: Any
) -> None:
    manifest, data = guarded.index / "manifest.json", fasta(shelf.plasmids[0])
    text = manifest.read_bytes()
    try:
        manifest.write_bytes(text[:-40])
        before = len(guarded.service.events("failure"))
        response = guarded.ask(data)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert str(guarded.folder) not in response.text
        wait_for(lambda: len(guarded.service.events("failure")) > before, "the failure")
    finally:
        manifest.write_bytes(text)
    guarded.service.ready()
    assert guarded.ask(data).status_code == 200


def test_a_worker_that_hangs_or_dies_is_replaced(serving: Any, shelf: Any) -> None:
    data = fasta(shelf.plasmids[0])
    with serving(shelf.index, "--seconds", "6") as service:
        [hung] = workers_of(service.process.pid)
        os.kill(hung, signal.SIGSTOP)
        response = service.client.post(URL, content=data)
        assert response.status_code == 503
        assert "longer than it may" in response.json()["title"]
        dead = successor_of(hung, service)
        service.ready()
        os.kill(dead, signal.SIGKILL)
        service.client.post(URL, content=data)  # it, or the next one, finds a new process
        service.ready()
        assert service.client.post(URL, content=data).status_code == 200


def test_a_worker_that_hangs_at_rest_is_replaced_before_anybody_asks(
    serving: Any, shelf: Any
) -> None:
    with serving(shelf.index, "--seconds", "1") as service:
        [hung] = workers_of(service.process.pid)
        os.kill(hung, signal.SIGSTOP)
        successor_of(hung, service)
        service.ready()
        assert service.client.post(URL, content=fasta(shelf.plasmids[0])).status_code == 200


def successor_of(worker: int, service: Any) -> int:
    """The process that takes the place of a worker."""
    process = service.process.pid
    wait_for(lambda: (workers := workers_of(process)) and worker not in workers, "another process")
    return workers_of(process)[0]


def workers_of(process: int) -> list[int]:
    """The child processes that answer."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    tasks = Path(f"/proc/{process}/task")
    children += [
        child
        for task in tasks.iterdir()
        for child in (task / "children").read_text().split()
        if child not in children
    ]
    lines = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return [int(child) for child, line in lines.items() if b"spawn_main" in line]


def test_a_query_under_way_is_answered_after_sigterm_and_a_new_one_is_not(
    serving: Any, shelf: Any
) -> None:
    data = fasta(shelf.plasmids[0])
    head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data)}\r\n\r\n"
    with serving(shelf.index) as service, service.connection() as connection:
        connection.sendall(head.encode() + data[:100])
        while "busy" not in (state := under_way(service)):
            assert state == "idle"
        [worker] = workers_of(service.process.pid)
        service.signal()
        os.kill(worker, signal.SIGTERM)  # as systemd does, to all processes of the service
        refused = service.client.get("/readyz")
        while refused.status_code == 200:
            refused = service.client.get("/readyz")
        assert refused.text == "stopping\n"
        late = service.client.post(URL, content=data)
        assert late.status_code == 503
        assert "Retry-After" in late.headers
        connection.sendall(data[100:])
        response = connection.recv(1 << 20)
        assert response.split(b" ")[1] == b"200"


def under_way(service: Any) -> str:
    page = service.client.get("/metrics").text
    return "idle" if "vecattr_requests_under_way 0.0" in page else "busy"


def test_only_the_named_proxy_is_answered_and_tells_who_asks(
    serving: Any, shelf: Any, tmp_path: Path
) -> None:
    options = ["--behind-proxy", "127.0.0.1", "--public-name", "plasmids.example.org"]
    options += tls_options(tmp_path)
    with serving(shelf.index, *options) as service:
        own = {"Host": "plasmids.example.org", "Origin": "https://plasmids.example.org"}
        told = {**own, "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
        response = service.client.post(URL, content=fasta(shelf.plasmids[0]), headers=told)
        assert response.status_code == 200
        assert service.line("answered", response)["client"] == "198.51.100.7"
        assert service.address.startswith("https://plasmids.example.org")
        if service.address.startswith("https"):
            assert "max-age" in response.headers["Strict-Transport-Security"]
        transport = httpx.HTTPTransport(local_address="127.0.0.2", verify=False)
        with httpx.Client(transport=transport, base_url=service.client.base_url) as other:
            assert other.get("/api/v1/info", headers=own).status_code == 403


def tls_options(folder: Path) -> list[str]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=plasmids.example.org"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return ["--tls-certificate", str(certificate), "--tls-key", str(key)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "192.0.2.1"], "nothing says who may ask"),
        (["--host", "0.0.0.0", "--token-file", "t"], "under which name"),
        (["--allow-edit"], "belong together"),
        (["--edit-token-file", "t"], "belong together"),
        (["--tls-key", "k"], "belong together"),
        (["--keep-days", "2"], "belong together"),
        (["--behind-proxy", "proxy.example.org"], "is no IP address"),
        (["--token-file", "t"], "others may read"),
        (["--token-file", "none"], "cannot be read"),
        (["--token-file", "short"], "letters or more"),
        (["--audit", "no/folder/file"], "audit cannot be written"),
    ],
)
def test_a_service_that_would_be_unsafe_does_not_start(
    shelf: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    token_file(tmp_path / "t", f"alice {READER}").chmod(0o644)
    token_file(tmp_path / "short", "alice secret")
    assert run(["serve", "-i", str(shelf.index), "--port", "0", "--workers", "1", *options]) == 2
    assert said in capsys.readouterr().err
