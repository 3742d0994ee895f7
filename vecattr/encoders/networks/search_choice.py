"""How a CNN's step finds the largest responses: a kind of device in, the fastest search out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vecattr.extras import install_command

#: Ways to find the largest responses; all give the same.
Search = Literal["convolution", "lookup", "compiled"]


@dataclass(frozen=True)
class SearchChoice:
    """A search, and a line for people that names it and what would be faster."""

    search: Search
    note: str


def choose_search(device_type: str, *, looks_up: bool) -> SearchChoice:
    """The fastest search on a kind of device ("cpu", "cuda") with what is installed.

    `looks_up` is false for an encoder whose dropout makes every token's vector another, so that
    only its validation looks responses up.
    """
    if device_type != "cpu":
        return SearchChoice("convolution", "training convolves its filters on the GPU")
    fault = compiled_search_fault()
    search: Search = "lookup" if fault else "compiled"
    if not looks_up:
        note = (
            "training convolves its filters, because dropout is of single numbers; with "
            "--dropout-of tokens it can look responses up, which is many times faster"
        )
        return SearchChoice(search, note)
    if fault:
        note = (
            f"training looks responses up without compiled code ({fault}); "
            f"{install_command('train')} makes it several times faster"
        )
        return SearchChoice(search, note)
    return SearchChoice(search, "training looks responses up in code compiled by numba")


def compiled_search_fault() -> str | None:
    """Why the compiled search cannot be used; None when it can."""
    try:
        from vecattr.encoders.networks import compiled  # extra
    except ImportError as cause:
        return str(cause)
    del compiled
    return None
