"""Numbers and names in, the words of pages and pictures out."""

from __future__ import annotations

from collections.abc import Sequence


def escape_control(text: str) -> str:
    r"""Characters that are not printable (control, direction, surrogate) written as escapes.

    >>> print(escape_control("a\tb\x1b[2J"))
    a\tb\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def percent(share: float) -> str:
    """A share in per cent, without claiming certainty.

    >>> percent(0.9962), percent(0.31), percent(0.0004), percent(0.99997)
    ('99.6 %', '31 %', '< 0.1 %', '> 99.9 %')
    """
    if share < 0.001:
        return "< 0.1 %"
    if share > 0.999:
        return "> 99.9 %"
    digits = 0 if 0.0995 <= share < 0.985 else 1
    return f"{100 * share:.{digits}f} %"


def part_of(count: int, total: int) -> str:
    """How much of a whole a number is, which may be all of it.

    >>> part_of(3938, 3938), part_of(40, 100)
    ('100 %', '40 %')
    """
    return "100 %" if count == total else percent(count / total)


def span(start: int, end: int) -> str:
    """Where a stretch lies.

    >>> span(1872, 2955)
    '1,872 to 2,955'
    """
    return f"{start:,} to {end:,}"


def listed(names: Sequence[str], *, most: int) -> str:
    """The first names, and how many more there are.

    >>> listed(["p1", "p2", "p3"], most=2)
    'p1, p2 and 1 more'
    """
    shown = ", ".join(names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def listed_of(names: Sequence[str], count: int, *, most: int) -> str:
    """The first of these names, of which there are more than are known by name.

    >>> listed_of(["Lab 1", "Lab 2"], 7, most=3)
    'Lab 1, Lab 2 and 5 more'
    """
    shown = names[:most]
    more = count - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def number_of(count: int, thing: str) -> str:
    """A number and its noun, whose plural has an s.

    >>> number_of(1, "stretch"), number_of(1200, "base")
    ('1 stretch', '1,200 bases')
    """
    ending = "" if count == 1 else "es" if thing.endswith("ch") else "s"
    return f"{count:,} {thing}{ending}"


def between(least: int, most: int) -> str:
    """So few to so many.

    >>> between(1, 19), between(3, 3)
    ('1 to 19', '3')
    """
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def shortened(text: str, *, most: int) -> str:
    """A text of at most so many letters.

    >>> shortened("kanamycin resistance", most=10)
    'kanamycin…'
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def web_address(text: str | None) -> str | None:
    """An address that a page may link to: http or https alone, without blanks and the like.

    >>> web_address("https://lab.example"), web_address("javascript:alert(1)")
    ('https://lab.example', None)
    """
    if text is None or not text.isprintable() or " " in text:
        return None
    return text if text.lower().startswith(("http://", "https://")) else None
