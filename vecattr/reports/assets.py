"""Scripts and style of a page, as text; and the content-security policy that allows them alone.

`assets/VENDORED.md` says where the two libraries come from.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from vecattr.reports.palette import colours

#: The libraries of the map, in the order in which they run, and the page's own script.
MAP_SCRIPTS = ("d3.min.js", "cgview.min.js", "map.js")
#: Of a page without a map.
PAGE_SCRIPTS = ("page.js",)

_SOURCE_MAP = re.compile(r"\n//# sourceMappingURL=\S*\s*\Z")


@cache
def asset(name: str) -> str:
    """The text of a file of the folder `assets`."""
    return (files("vecattr.reports") / "assets" / name).read_text(encoding="utf-8")


@cache
def script(name: str) -> str:
    """A script as a page holds it: without the name of a file that maps it to its source, which a
    browser would look for."""
    return _SOURCE_MAP.sub("\n", asset(name))


@cache
def style() -> str:
    """The style sheet, with the colours of labs in light and in dark."""
    light, dark = (
        ";".join(f"--{kind}:{pair[theme]}" for kind, pair in colours().items()) for theme in (0, 1)
    )
    kinds = "".join(f".{kind}{{fill:var(--{kind});color:var(--{kind})}}\n" for kind in colours())
    return (
        f":root{{{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"{kinds}{asset('report.css')}"
    )


def policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """The content-security policy of a page with these inline scripts and styles: nothing else
    runs, and nothing is fetched."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"script-src {hashes(scripts)}; style-src {hashes(styles)}"
    )


def hashes(texts: Iterable[str]) -> str:
    """The sources of a policy that allow these texts, inline, and no other."""
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    hashes = (f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return " ".join(hashes) or "'none'"
