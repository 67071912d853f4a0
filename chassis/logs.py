"""Log records as JSON, one a line, with the request that they belong to."""

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

from chassis.messages import Request

CURRENT: ContextVar[Request | None] = ContextVar("request", default=None)
TOLD = ("request_id", "actor", "service", "operation", "position", "seconds", "status", "method", "path", "outcome")


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """Return what is known of the request behind a record: request_id, actor, service, operation, position …"""
    request = CURRENT.get()
    found: dict[str, Any] = {}
    if request is not None:
        found = {
            "request_id": request.request_id,
            "actor": request.actor.person_id or request.actor.claims.get("on_behalf_of") or request.actor.role,
            "service": request.operation.partition(".")[0],
            "operation": request.operation,
        }
    found.update({name: value for name in TOLD if (value := getattr(record, name, None)) is not None})
    return {name: value for name, value in found.items() if value != ""}


class JsonFormatter(logging.Formatter):
    """One JSON object per record: time, level, logger, message, facts of the request, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **facts(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextFormatter(logging.Formatter):
    """The same for people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback below it."""
        told = " ".join(f"{name}={value}" for name, value in facts(record).items())
        at = datetime.fromtimestamp(record.created).astimezone()
        text = f"{at:%H:%M:%S} {record.levelname.lower()} {record.name}: {record.getMessage()} {told}".rstrip()
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text
