"""A real service, for tests and measurements: the command in a process of its own, asked over HTTP
on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
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


def _program(folder: Path) -> list[str]:
    """How the command is run: measured by coverage, if this process is, with its workers."""
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage else None
    if measuring is None:
        return [sys.executable, "-m", "vecattr.cli"]
    packages = "\n  ".join(measuring.get_option("run:source_pkgs"))
    settings = folder / "coverage.ini"
    settings.write_text(
        f"[run]\nparallel = true\nconcurrency = multiprocessing, thread\n"
        f"data_file = {Path(measuring.get_option('run:data_file')).resolve()}\n"
        f"source_pkgs =\n  {packages}\n"
    )
    return [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "vecattr.cli"]


class Running:
    """A running service, and what it has written on stderr."""

    def __init__(self, index: Path, *options: str, workers: int = 1) -> None:
        self._folder = tempfile.TemporaryDirectory()
        program = _program(Path(self._folder.name))
        command = [*program, "serve", "-i", str(index), "--port", "0", "--workers", str(workers)]
        self.process = subprocess.Popen(
            [*command, *options],
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

    def line(self, name: str, response: httpx.Response) -> dict[str, Any]:
        """The line of one kind about a response, once it is here: an answer may come before the
        line about it is read."""
        number = response.headers["Vecattr-Request"]

        def found() -> list[dict[str, Any]]:
            return [line for line in self.events(name) if line.get("request") == number]

        wait_for(found, f"a line of {name}")
        [line] = found()
        return line

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
        self._folder.cleanup()

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
