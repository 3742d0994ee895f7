"""A real service, for tests and measurements: the command in a process of its own, asked over HTTP
on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

#: Whoever waits for another process waits so long, in steps (seconds).
STEPS, STEP = 600, 0.1


def wait_for(is_so: Callable[[], object], what: str) -> None:
    """Until something is so; AssertionError when it never is."""
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
        wait_for(lambda: self.events("started") or self.process.poll() is not None, "the start")
        assert self.process.poll() is None, self.lines
        [start] = self.events("started")
        self.address, self.port = start["address"], start["port"]
        scheme = "https" if "--tls-key" in options else "http"
        self.client = httpx.Client(
            base_url=f"{scheme}://127.0.0.1:{self.port}", timeout=60, verify=False, trust_env=False
        )

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.lines.extend(iter(stream.readline, ""))

    def ready(self) -> Running:
        """The service, once it answers."""
        wait_for(lambda: self.client.get("/readyz").status_code == 200, "ready")
        return self

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every line of JSON, parsed."""
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of one kind."""
        return [line for line in self.log if line["event"] == name]

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the process that serves, and to none of its children."""
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
        """End it in any case."""
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
    """A service that answers; it must end with code 0 on SIGTERM."""
    service = Running(index, *options, workers=workers)
    try:
        yield service.ready()
        assert service.stop() == 0
    finally:
        service.kill()
