"""Logs for machines (one JSON object a line) and for people (one short line), and the names of our metrics."""

import json
import logging
import sys
from datetime import UTC, datetime

# What logging itself puts on a record; everything else came in by `extra` and is part of the event.
_STANDARD_FIELDS = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}


def configure_logging(*, is_json: bool, level: int = logging.INFO) -> None:
    """Send our logs to stderr: JSON where a machine reads them, a short line where a person does."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if is_json else LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("oof_pipelines").setLevel(level)


class JsonFormatter(logging.Formatter):
    """`{"at", "level", "logger", "event", …extra}`; instants in UTC with milliseconds."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


class LineFormatter(logging.Formatter):
    """`12:34:56 event key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        # A node's words may hold line breaks; a line of ours does not.
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items()).replace("\n", "\\n")
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        text = f"{at} {level}{record.getMessage()}{extra}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD_FIELDS}
