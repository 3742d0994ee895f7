"""Names of templates in, Jinja2 environments out; the one home of Jinja2.

Every text that a template shows is escaped for HTML, and its unprintable characters are written as
escapes. A name that a template asks for and does not get is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from jinja2 import ChoiceLoader, DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from vecattr.reports.wording import (
    between,
    escape_control,
    listed,
    number_of,
    part_of,
    percent,
    span,
    web_address,
)

_FOLDER = "templates"


def _shown(value: object) -> object:
    """A value as a template shows it."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape_control(value)
    return value


@cache
def environment() -> Environment:
    """Where the templates of pages are; another room adds its own with `environment_with`."""
    folder = files("vecattr.reports") / _FOLDER
    texts = {
        file.name: file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".html")
    }
    made = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        percent=percent, thousands="{:,}".format, decimals="{:z.4f}".format, address=web_address
    )
    made.globals.update(
        span=span, between=between, listed=listed, number_of=number_of, part_of=part_of
    )
    return made


def environment_with(texts: Mapping[str, str]) -> Environment:
    """The same with these templates, which may extend its own."""
    own = environment()
    assert own.loader is not None
    return own.overlay(loader=ChoiceLoader([DictLoader(texts), own.loader]))


def rendered(name: str, values: dict[str, object]) -> Iterator[str]:
    """The text of a template, in pieces."""
    return environment().get_template(name).generate(values)


def safe(markup: str) -> Markup:
    """Text that is markup already and is not escaped again: our own pictures, styles, scripts."""
    return Markup(markup)
