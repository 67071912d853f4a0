"""How a process is observed: its log records and its traces, as settings tell. Metrics are at the probe port."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

from chassis import tracing
from chassis.logs import JsonFormatter, TextFormatter
from kiroku.settings import Settings, worker_count

FORMATS: dict[str, type[logging.Formatter]] = {"json": JsonFormatter, "text": TextFormatter}
# What the Prometheus client reads, once, when it is imported: the folder in which processes count together.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OURS = ("chassis", "gateway", "kiroku", "services")


def start_logs(settings: Settings) -> None:
    """Write log records to the standard error stream: as KIROKU_LOG_FORMAT says, else text at a terminal, else JSON."""
    name = settings.log_format or ("text" if sys.stderr.isatty() else "json")
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATS[name]())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # The level is for our records alone: at info, those of libraries would drown them.
    for package in OURS:
        logging.getLogger(package).setLevel(settings.log_level.upper())


class GunicornLogger(Logger):  # type: ignore[misc]
    """gunicorn's own records through our handler."""

    def setup(self, cfg: Any) -> None:
        """Take gunicorn's level, not its handlers."""
        super().setup(cfg)
        for handler in list(self.error_log.handlers):
            self.error_log.removeHandler(handler)
        self.error_log.propagate = True


def start_traces(settings: Settings, part: str) -> None:
    """Send traces to KIROKU_OTLP_URL where it is set; call before databases are opened."""
    if settings.otlp_url:
        tracing.start(settings.otlp_url, f"kiroku-{part}")


def share_metrics(settings: Settings) -> None:
    """Let the worker processes count together; call it before anything that counts is imported."""
    if worker_count(settings) > 1:
        folder = settings.home / "metrics"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ[METRICS_FOLDER] = str(folder.resolve())


def forget_metrics() -> None:
    """Remove what processes of an earlier start have counted."""
    folder = os.environ.get(METRICS_FOLDER)
    for file in Path(folder).glob("*.db") if folder else ():
        if not file.stem.endswith(f"_{os.getpid()}"):
            file.unlink(missing_ok=True)
