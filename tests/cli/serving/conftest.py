"""A real service: the command in a process of its own, asked over HTTP on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from vecattr.plasmid import Plasmid

#: A test waits so long for another process, in steps, and then fails.
STEPS, STEP = 600, 0.1


def wait_for(is_so: Callable[[], object], what: str) -> None:
    for _ in range(STEPS):
        if is_so():
            return
        time.sleep(STEP)
    raise AssertionError(f"waited in vain: {what}")


class Running:
    """A running service, and what it has written on stderr."""

    def __init__(self, index: Path, *options: str, workers: int = 1) -> None:
        command = [sys.executable, "-m", "vecattr.cli", "serve", "-i", str(index), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--workers", str(workers), *options],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        wait_for(lambda: self._address() or self.process.poll() is not None, "the address")
        assert self.process.poll() is None, self.lines
        self.address = self._address() or ""
        self.port = int(self.address.rstrip("/").rpartition(":")[2])
        scheme = "https" if self.address.startswith("https") else "http"
        self.client = httpx.Client(
            base_url=f"{scheme}://127.0.0.1:{self.port}", timeout=60, verify=False, trust_env=False
        )

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.lines.extend(iter(stream.readline, ""))

    def _address(self) -> str | None:
        for line in list(self.lines):
            if match := re.search(r"serves at (\S+)", line):
                return match[1]
        return None

    def ready(self) -> Running:
        wait_for(lambda: self.client.get("/readyz").status_code == 200, "ready")
        return self

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every line of JSON, parsed."""
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == name]

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        self.client.close()
        if self.process.poll() is None:
            self.signal()
        code = self.process.wait(timeout=60)
        self._reader.join()
        return code

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._reader.join()

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """Bare bytes to and from the service."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            yield connection


@contextmanager
def running(index: Path, *options: str, workers: int = 1) -> Iterator[Running]:
    service = Running(index, *options, workers=workers)
    try:
        yield service.ready()
        assert service.stop() == 0
    finally:
        service.kill()


def fasta(plasmids: Sequence[Plasmid]) -> bytes:
    return "".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in plasmids).encode()


@pytest.fixture(scope="session")
def serving() -> Callable[..., Any]:
    """Starts a service of an index with these options, for a `with`; it must end with code 0."""
    return running


@pytest.fixture(scope="package")
def service(shelf: Any) -> Iterator[Running]:
    """One that listens with the usual limits; no test may change its index or stop it."""
    with running(shelf.index, workers=2) as service:
        yield service
