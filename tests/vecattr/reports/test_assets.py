"""Scripts by others are the published ones, and the policy of a page allows its own alone."""

from __future__ import annotations

import base64
import hashlib
import re

from vecattr.attribution import Attribution
from vecattr.reports.assets import asset, script
from vecattr.reports.page import html_of


def test_the_scripts_by_others_have_the_checksums_that_the_note_states() -> None:
    rows = re.findall(r"\| `(\S+\.js)` \|.*?`([0-9a-f]{64})`", asset("VENDORED.md"))
    assert {name for name, _ in rows} == {"cgview.min.js", "d3.min.js"}
    for name, checksum in rows:
        assert hashlib.sha256(asset(name).encode()).hexdigest() == checksum


def test_their_licences_are_there() -> None:
    assert "Apache License" in asset("LICENSE-cgview.txt")
    assert "Mike Bostock" in asset("LICENSE-d3.txt")


def test_no_script_ends_its_element_or_names_a_source_map() -> None:
    for name in ("d3.min.js", "cgview.min.js", "map.js", "page.js"):
        assert "</script" not in script(name).lower()
        assert "sourceMappingURL" not in script(name)


def test_the_policy_allows_the_scripts_and_styles_of_the_page_alone(answer: Attribution) -> None:
    page = html_of([answer])
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    policy = policy.replace("&#39;", "'")
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    inline = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", page, re.S)
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in inline
    }
    assert set(re.findall(r"'sha256-[^']*'", policy)) == hashes
    assert " style=" not in page.split("<main", 1)[1].split("</main>")[0]
