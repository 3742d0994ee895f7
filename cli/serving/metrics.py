"""What the service counts in, a page for Prometheus out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from vecattr.cli.serving.question import Reply
from vecattr.cli.serving.workers import Workers
from vecattr.version import __version__

#: The media type of the page.
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 1, 2, 5, 10, 30, 60)


class Metrics:
    """Counts of this process; the state of the worker processes is read when it is asked for."""

    def __init__(self, workers: Workers) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_State(workers))
        self._requests = Counter(
            "vecattr_requests",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "vecattr_request_seconds",
            "Seconds from the first byte of a request to the last of its response.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._answers = Counter(
            "vecattr_answers",
            "Plasmids answered, by verdict.",
            ("verdict",),
            registry=self._registry,
        )
        self._under_way = Gauge(
            "vecattr_requests_under_way",
            "Requests that are read, wait or are answered.",
            registry=self._registry,
        )
        self._refused = Counter(
            "vecattr_refused",
            "Requests that were refused, by reason.",
            ("reason",),
            registry=self._registry,
        )

    def set_under_way(self, count: int) -> None:
        """How many requests have a place at the desk."""
        self._under_way.set(count)

    def request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. Routes are those of the service, never paths that a stranger chose."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, reply: Reply) -> None:
        """Count the answers of a reply."""
        for answer in reply.answers:
            self._answers.labels(answer.verdict).inc()

    def refused(self, reason: str) -> None:
        """Count a request that was refused."""
        self._refused.labels(reason).inc()

    def page(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)


class _State(Collector):
    """The worker processes and the index, read when the page is made."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """The present state."""
        workers, facts = self._workers, self._workers.facts
        identity = {"version": __version__, "index": facts.identity if facts else ""}
        yield InfoMetricFamily("vecattr_service", "The version and the index.", value=identity)
        generation = facts.generation if facts else 0
        gauges = (
            ("generation", "The generation of the index.", generation),
            ("plasmids", "Plasmids that the index stores.", facts.plasmids if facts else 0),
            ("ready", "1 when questions are answered.", int(workers.is_ready)),
            ("waiting_jobs", "Questions that no process has begun.", workers.waiting),
            ("busy_workers", "Processes that answer a question.", workers.busy),
            ("workers", "Worker processes.", len(workers.workers)),
            ("worker_starts", "Starts of worker processes, the first included.",
             sum(worker.starts for worker in workers.workers)),
        )  # fmt: skip
        for name, text, value in gauges:
            yield GaugeMetricFamily(f"vecattr_{name}", text, value=value)
        memory = GaugeMetricFamily(
            "vecattr_resident_bytes", "Memory of each process.", labels=("process",)
        )
        memory.add_metric(["service"], resident_bytes(os.getpid()))
        for number, worker in enumerate(workers.workers, start=1):
            memory.add_metric([f"worker {number}"], resident_bytes(worker.process_id))
        yield memory


def resident_bytes(process_id: int | None) -> float:
    """How much memory a process has; 0 where that cannot be told."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
    return 0.0
