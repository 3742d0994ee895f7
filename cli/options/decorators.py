"""Click decorators in, one decorator out, for options that belong together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Any], Any]


def together(*decorators: Decorator) -> Callable[[Function], Function]:
    """Several decorators as one, the first one outermost (and first in the help)."""

    def decorate(function: Function) -> Function:
        return functools.reduce(lambda inner, outer: outer(inner), reversed(decorators), function)

    return decorate


def as_one_argument(
    options: Decorator, *, names: Sequence[str], argument: str, build: Callable[..., Any]
) -> Callable[[Function], Function]:
    """A decorator that adds `options` to a command, which gets one `argument`: what `build` makes
    of the values of the options called `names`."""

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def collected(*args: Any, **values: Any) -> Any:
            value = build(**{name: values.pop(name) for name in names})
            return function(*args, **{argument: value}, **values)

        return options(collected)  # type: ignore[no-any-return]

    return decorate
