"""What is known of labs and plasmids: which texts, years and addresses are taken, and which not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import InputError
from vecattr.info import LONGEST_TEXT, LONGEST_URL, LabInfo, PlasmidInfo

PAGES = [
    "https://lab.example.org/",
    "http://192.0.2.1:8080/a?b=1&c=%20#d",
    "HTTPS://LAB.EXAMPLE.ORG",
]
NO_PAGES = [
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://example.org/",
    "//example.org/",
    "www.example.org",
    "https://",
    "https:///path",
    "https://user:secret@example.org/",
    "https://example.org@evil.example/",
    "https://example.org:99999/",
    "https://[::1",
    'https://example.org/" onclick="x',
    "https://example.org/<b>",
    "https://example.org/a b",
    "https://example.org/\\evil",
    "https://ex\u0430mple.org/",  # a Cyrillic letter
    "https://example.org/\n",
    "java\nscript:alert(1)",
]


@pytest.mark.parametrize("url", PAGES)
def test_the_address_of_a_page_is_kept_as_it_is(url: str) -> None:
    assert LabInfo(url=f" {url} ").url == url
    assert PlasmidInfo(source_url=url).source_url == url


@pytest.mark.parametrize("url", [url for url in NO_PAGES if url.strip() == url])
def test_what_is_no_address_of_a_page_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="no address of a page"):
        LabInfo(url=url)
    with pytest.raises(InputError, match="no address of a page"):
        PlasmidInfo(source_url=url)


@given(st.text(max_size=40))
def test_no_text_becomes_a_link_that_is_none_of_a_page(text: str) -> None:
    try:
        url = LabInfo(url=text).url
    except InputError:
        return
    assert url is None or url.lower().startswith(("http://", "https://"))
    assert url is None or (url.isascii() and not set(url) & set("\"'<> \n"))


@pytest.mark.parametrize(
    "text",
    ["a\tb", "a\u200bb", "a\u202eb", "a\u3164b", "a\u00a0b", "a\x00b", "a\ufe0fb", "\udc80"],
)
def test_texts_with_what_is_not_seen_are_refused(text: str) -> None:
    for name in ("print_name", "institution", "contact"):
        with pytest.raises(InputError, match="invisible"):
            LabInfo(**{name: text})
    with pytest.raises(InputError, match="invisible"):
        PlasmidInfo(publication=text)


def test_texts_have_a_longest_length() -> None:
    assert LabInfo("x" * LONGEST_TEXT).print_name == "x" * LONGEST_TEXT
    with pytest.raises(InputError, match="301 characters, 300 at most"):
        LabInfo("x" * (LONGEST_TEXT + 1))
    with pytest.raises(InputError, match="characters, 2,000 at most"):
        LabInfo(url="https://example.org/" + "x" * LONGEST_URL)


def test_names_of_any_script_are_kept_composed_and_without_outer_blanks() -> None:
    assert LabInfo(" Mu\u0308ller lab ").print_name == "M\u00fcller lab"
    assert LabInfo("実験室").print_name == "実験室"


def test_years_are_those_that_a_publication_may_have() -> None:
    assert PlasmidInfo(year=1979).year == 1979
    for year in (0, 19, 1899, 2101, 20190):
        with pytest.raises(InputError, match="is not from 1900 to 2100"):
            PlasmidInfo(year=year)


def test_what_is_empty_says_nothing() -> None:
    assert not LabInfo("", " ", None, "")
    assert LabInfo(contact="a") == LabInfo(None, None, None, "a")
    assert not PlasmidInfo("", None, " ")
    assert PlasmidInfo(year=2000)
