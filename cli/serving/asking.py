"""A question in, the job of answering it out; the process that serves loads no index for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vecattr.cli.serving.question import Question, Reply

if TYPE_CHECKING:
    from vecattr.cli.serving.messages import Tell
    from vecattr.cli.serving.settings import RequestLimits
    from vecattr.indexes.index import Panel


@dataclass(frozen=True)
class Ask:
    """The job of answering a question."""

    question: Question

    def run(self, panel: Panel, limits: RequestLimits, tell: Tell) -> Reply:
        """As `vecattr.cli.serving.worker.reply_to`."""
        from vecattr.cli.serving.worker import reply_to  # start-up: in a worker process alone

        return reply_to(self.question, panel, limits, tell)
