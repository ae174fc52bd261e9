"""Structured logs: one JSON object a line. Whatever is logged is named field by field, so no document slips in."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Final

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One line of JSON a record: time, level, logger, message and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an exception's text is left out, since it may quote what a caller sent."""
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **fields,
        }
        return json.dumps(line, default=str)


def configure(level: str, *packages: str) -> None:
    """Send the logs of this package and of others to standard output as JSON, and none to Lambda's own handler."""
    handler = logging.StreamHandler(sys.stdout)
    formatter = JsonFormatter()
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    for name in ("topics_function", *packages):
        package = logging.getLogger(name)
        package.handlers[:] = [handler]
        package.propagate = False
        package.setLevel(level)


def log_fault(logger: logging.Logger, error: Exception, request_id: str | None) -> None:
    """Log where an unexpected error came from, without its message, which may quote the caller's document."""
    frames: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    logger.error("internal_error", extra={"request_id": request_id, "error": type(error).__name__, "frames": frames})
