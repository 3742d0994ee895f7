"""The service in a real browser: files are dropped, answers are read, nothing leaves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from running_service import Running, running

from vecattr import Index

MARKUP = "<img src=x onerror=alert(1)>"

#: Puts files into a drag that is let go over the page, as a person does; no driver can drag files
#: from outside of a browser.
_DROP = """
const [name, bytes] = arguments;
const transfer = new DataTransfer();
transfer.items.add(new File([new Uint8Array(bytes)], name));
const target = document.getElementById("drop");
const how = {bubbles: true, cancelable: true, dataTransfer: transfer};
for (const kind of ["dragenter", "dragover", "drop"]) {
  target.dispatchEvent(new DragEvent(kind, how));
}
"""


@pytest.fixture(scope="module")
def service(shelf: Any) -> Iterator[Running]:
    with running(shelf.index) as service:
        yield service


def genbank(plasmid: Any) -> bytes:
    text = (
        f"LOCUS       {plasmid.id} {len(plasmid)} bp DNA circular SYN 01-JAN-2000\n"
        "FEATURES             Location/Qualifiers\n"
        '     CDS             100..400\n                     /label="bla"\n'
        f"ORIGIN\n        1 {plasmid.sequence.lower()}\n//\n"
    )
    return text.encode()


def fasta(*plasmids: Any, name: str | None = None) -> bytes:
    return "".join(f">{name or one.id}\n{one.sequence}\n" for one in plasmids).encode()


def snapgene(plasmid: Any) -> bytes:
    """The cookie and the sequence of a SnapGene file."""
    bases = bytes([1]) + plasmid.sequence.encode()
    cookie = b"SnapGene" + bytes([0, 1, 0, 15, 0, 19])
    return (
        b"\t"
        + len(cookie).to_bytes(4, "big")
        + cookie
        + b"\0"
        + len(bases).to_bytes(4, "big")
        + bases
    )


def drop(browser: Any, name: str, data: bytes) -> None:
    browser.driver.execute_script(_DROP, name, list(data))


def bases_of(browser: Any) -> str:
    """The GenBank file that the browser holds, in one line."""
    assert browser.evaluate("document.getElementById('bases').href").startswith("blob:")
    text: str = browser.evaluate("sessionStorage.getItem(location.pathname)")
    return "".join(re.findall("[acgt]+", text.partition("ORIGIN")[2].lower()))


def asked(browser: Any, service: Running, name: str, data: bytes) -> None:
    """Drop a file on the front page and wait for its result."""
    browser.open(service.address)
    drop(browser, name, data)
    browser.wait(
        "location.pathname.startsWith('/results/') && document.readyState === 'complete'",
        seconds=60,
    )


@pytest.mark.parametrize("name", ["dropped.gb", "dropped.dna", "dropped.fasta"])
def test_a_file_that_is_dropped_is_answered(
    browser: Any, service: Running, shelf: Any, name: str
) -> None:
    plasmid = shelf.plasmids[0]
    data = {"gb": genbank, "dna": snapgene, "fasta": fasta}[name.rpartition(".")[2]](plasmid)
    asked(browser, service, name, data)
    assert name in browser.text(".facts")
    assert f"{len(plasmid):,} bases" in browser.text(".facts")
    sentence = Index.open(shelf.index).query(plasmid.without_features()).sentence
    assert browser.text(".sentence") == sentence
    links = [link.text for link in browser.find(".bar-of-result a")]
    assert links == ["JSON", "TSV", "Report", "GenBank"]
    assert plasmid.sequence[:60].lower() in bases_of(browser)
    assert browser.problems() == []


def test_a_wrong_file_is_told_in_words_and_the_page_goes_on(
    browser: Any, service: Running, shelf: Any
) -> None:
    browser.open(service.address)
    drop(browser, "paper.pdf", b"%PDF-1.7 nothing to see")
    browser.wait("!document.getElementById('problem').hidden", seconds=60)
    assert "PDF" in browser.text("#problem")
    assert browser.evaluate("document.activeElement.id") == "problem"
    drop(browser, "right.fasta", fasta(shelf.plasmids[0]))
    browser.wait("location.pathname.startsWith('/results/')", seconds=60)


def test_nothing_to_ask_about_is_told_before_anything_is_sent(
    browser: Any, service: Running
) -> None:
    browser.open(service.address)
    browser.find("#send")[0].click()
    assert "nothing to ask about" in browser.text("#problem")


def test_a_name_full_of_markup_is_shown_and_not_run(
    browser: Any, service: Running, shelf: Any
) -> None:
    data = fasta(shelf.plasmids[0], name="<img/src=x/onerror=alert(1)>") + b">b\nAC!T\n"
    asked(browser, service, f"{MARKUP}.fasta", data)
    assert "<img/src=x/onerror=alert(1)>" in browser.text("h1")
    assert browser.find("img") == []
    assert browser.problems() == []
    browser.open(service.address)
    drop(browser, f"{MARKUP}.pdf", b"%PDF-1.7")
    browser.wait("!document.getElementById('problem').hidden", seconds=60)
    assert browser.find("#problem img") == []


def test_everything_is_done_with_the_keyboard_alone(
    browser: Any, service: Running, shelf: Any
) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(service.address)
    seen = []
    for _ in range(12):
        browser.press(Keys.TAB)
        seen.append(
            browser.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
        if seen[-1] == "sequence":
            browser.press(shelf.plasmids[0].sequence[:600])
        if seen[-1] == "send":
            break
        outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
    assert seen[0] == "To the content"
    assert [name for name in seen if name in ("file", "sequence", "send")] == [
        "file", "sequence", "send",
    ]  # fmt: skip
    browser.press(Keys.ENTER)
    browser.wait("location.pathname.startsWith('/results/')", seconds=60)
    assert "600 bases" in browser.text(".facts")


def test_a_phone_shows_it_without_scrolling_sideways(
    browser: Any, service: Running, shelf: Any
) -> None:
    browser.show(390, 844)
    asked(browser, service, "a.fasta", fasta(shelf.plasmids[0]))
    for path in (browser.driver.current_url, service.address, f"{service.address}index"):
        browser.open(path)
        assert browser.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_no_request_leaves_the_service(browser: Any, service: Running, shelf: Any) -> None:
    asked(browser, service, "a.fasta", fasta(shelf.plasmids[0]))
    addresses = browser.requests()
    for path in ("", "index", "api"):
        browser.open(f"{service.address}{path}")
        addresses += browser.requests()
    hosts = {urlsplit(address).netloc for address in addresses if address.startswith("http")}
    assert hosts == {f"127.0.0.1:{service.port}"}


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_fault(browser: Any, service: Running, shelf: Any, dark: bool) -> None:
    browser.show(1280, dark=dark)
    asked(browser, service, "a.fasta", fasta(shelf.plasmids[0]) + b">b\nAC!T\n")
    assert browser.accessibility() == []
    for path in ("", "index", "api", "results/none/"):
        browser.open(f"{service.address}{path}")
        assert browser.accessibility() == [], path


def test_a_result_is_forgotten_when_asked(browser: Any, service: Running, shelf: Any) -> None:
    asked(browser, service, "a.fasta", fasta(shelf.plasmids[0]))
    address = browser.driver.current_url
    browser.find("form[action=forget] button")[0].click()
    browser.wait("location.pathname === '/'")
    browser.open(address)
    assert "not kept any more" in browser.text("h1")


def test_without_scripts_the_form_leads_to_the_same_result(
    browser: Any, service: Running, shelf: Any, tmp_path: Path
) -> None:
    file = tmp_path / "plain.gb"
    file.write_bytes(genbank(shelf.plasmids[0]))
    browser.scripts(run=False)
    browser.open(service.address)
    browser.find("#file")[0].send_keys(str(file))
    browser.find("#send")[0].click()
    assert "plain.gb" in browser.text(".facts")
    assert "/results/" in browser.driver.current_url


def test_a_lab_is_added_without_scripts_and_by_who_may(
    browser: Any, shelf: Any, tmp_path: Path
) -> None:
    index, editors = tmp_path / "i", tmp_path / "editors"
    shutil.copytree(shelf.index, index)
    editors.touch(0o600)
    editors.write_text("editor only-for-tests-0123456789\n")
    file = tmp_path / "new.fasta"
    file.write_bytes(fasta(*shelf.newcomers[:2]))
    with running(index, "--allow-edit", "--edit-token-file", str(editors)) as service:
        browser.open(f"{service.address}add-lab")
        assert browser.accessibility() == []
        browser.scripts(run=False)
        browser.open(f"{service.address}add-lab")
        for field, text in (("file", str(file)), ("lab", "Newcomer"), ("token", "wrong")):
            browser.find(f"#{field}")[0].send_keys(text)
        browser.find("button")[0].click()
        assert browser.text("main", holding="token for edits is needed")
        browser.open(f"{service.address}add-lab")
        token = "only-for-tests-0123456789"
        for field, text in (("file", str(file)), ("lab", "Newcomer"), ("token", token)):
            browser.find(f"#{field}")[0].send_keys(text)
        browser.find("button")[0].click()
        assert "Newcomer" in browser.text("main", holding="Nothing is changed yet")
        browser.find("button")[0].click()
        assert browser.text("main", holding="Added 2 plasmids")
    assert "Newcomer" in Index.open(index).lab_names
