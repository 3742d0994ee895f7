"""What is known of labs and plasmids beside the bases, for people: texts in, checked values out.

No answer depends on these values; they are shown beside it. What is shown may become a link, so
only pages (http and https) are taken, and nothing that is not seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields

from vecattr.errors import InputError

#: The longest text and the longest URL (characters).
LONGEST_TEXT = 300
LONGEST_URL = 2000

#: The years that a publication may have.
YEARS = range(1900, 2101)

#: Blanks, and printable characters that show nothing: fillers, joiners, selectors of variants.
UNSEEN = re.compile(
    "[\\s\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]+"
)

_SCHEMES = ("http", "https")
#: What no URL has unescaped (RFC 3986), and what could leave the quotes around a link.
_NOT_IN_URLS = frozenset("\"'<>\\^`{|} ")


def is_visible(text: str) -> bool:
    """Whether a text holds no character that is not seen, but for blanks.

    >>> is_visible("Doe lab"), is_visible("Doe\\u200b lab"), is_visible("Doe\\u3164lab")
    (True, False, False)
    """
    return text.isprintable() and all(set(part) == {" "} for part in UNSEEN.findall(text))


@dataclass(frozen=True, slots=True)
class LabInfo:
    """What is known of a lab: the name to print, the institution, its page, and whom to write to.

    Outer blanks are left out, and an empty text is None. InputError for a text that is too long or
    holds invisible characters, and for a URL that is none of a page.

    >>> LabInfo("Doe lab", url="https://doe.example.org/").print_name
    'Doe lab'
    """

    print_name: str | None = None
    institution: str | None = None
    url: str | None = None
    contact: str | None = None

    def __post_init__(self) -> None:
        for name in ("print_name", "institution", "contact"):
            object.__setattr__(self, name, _checked_text(getattr(self, name), name))
        object.__setattr__(self, "url", _checked_url(self.url, "url"))

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return any(_values(self))


@dataclass(frozen=True, slots=True)
class PlasmidInfo:
    """What is known of a plasmid: its publication (a PubMed number, a DOI, a title), the year of
    that, and the page that it comes from. Checked as in `LabInfo`; InputError for a year outside
    of YEARS.

    >>> PlasmidInfo("12345678", 2019).year
    2019
    """

    publication: str | None = None
    year: int | None = None
    source_url: str | None = None

    def __post_init__(self) -> None:
        publication = _checked_text(self.publication, "publication")
        object.__setattr__(self, "publication", publication)
        object.__setattr__(self, "source_url", _checked_url(self.source_url, "source_url"))
        if self.year is not None and self.year not in YEARS:
            raise InputError(
                f"the year {self.year} is not from {YEARS[0]} to {YEARS[-1]}",
                hint="give the year of the publication",
            )

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return any(_values(self))


def _values(info: LabInfo | PlasmidInfo) -> Iterator[object]:
    return (getattr(info, field.name) for field in fields(info))


def _checked_text(text: str | None, name: str) -> str | None:
    """The text in composed form without outer blanks; None when it is empty."""
    stripped = unicodedata.normalize("NFC", text or "").strip()
    if not is_visible(stripped):
        raise InputError(
            f"the {_words(name)} {stripped[:60]!r} holds a control or an invisible character",
            hint="use printable text",
        )
    if len(stripped) > LONGEST_TEXT:
        raise InputError(
            f"the {_words(name)} has {len(stripped):,} characters, {LONGEST_TEXT} at most are kept",
            hint="shorten it",
        )
    return stripped or None


def _checked_url(text: str | None, name: str) -> str | None:
    """The address of a page without outer blanks; None when it is empty."""
    url = (text or "").strip()
    if not url:
        return None
    if len(url) > LONGEST_URL:
        raise InputError(
            f"the {_words(name)} has {len(url):,} characters, {LONGEST_URL:,} at most are kept",
            hint="give a shorter address",
        )
    from urllib.parse import urlsplit  # start-up

    try:
        parts = urlsplit(url)
        is_page = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        is_page = False
    is_plain = url.isascii() and url.isprintable() and _NOT_IN_URLS.isdisjoint(url)
    if not is_page or not is_plain or "@" in parts.netloc:
        raise InputError(
            f"the {_words(name)} {url[:80]!r} is no address of a page",
            hint="give a whole address that begins with https:// or http://, other characters "
            "than plain ASCII escaped, and no user name in it",
        )
    return url


def _words(name: str) -> str:
    return {"print_name": "name to print", "url": "URL", "source_url": "source URL"}.get(name, name)
