"""What loggers are told meanwhile, for tests that run without pytest's own plugin for it (`make unit`)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def logged(level: int, name: str = "") -> Iterator[list[logging.LogRecord]]:
    """The records of `level` and above that the logger `name` and those below it are given within the block."""
    logger, kept = logging.getLogger(name), _Kept()
    before = logger.level
    logger.addHandler(kept)
    logger.setLevel(level)
    try:
        yield kept.records
    finally:
        logger.setLevel(before)
        logger.removeHandler(kept)
