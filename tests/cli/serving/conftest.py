"""Services of the small collection, started once for all modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from running_service import Running, running


@pytest.fixture(scope="session")
def serving() -> Callable[..., Any]:
    """Starts a service of an index with these options, for a `with`."""
    return running


@pytest.fixture(scope="package")
def service(shelf: Any) -> Iterator[Running]:
    """One with the usual limits; no test may change its index or stop it."""
    with running(shelf.index, workers=2) as service:
        yield service
