"""How a log file is written, named without the `logging` that writes it: every command names it."""

from __future__ import annotations

from typing import Literal, get_args

#: `text`: a line for people; `json`: one JSON object a line (`vecattr schema log`).
LogFormat = Literal["text", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)

#: How much an event matters, least first; lower case, as JSON lines have it.
Level = Literal["debug", "info", "warning", "error"]
