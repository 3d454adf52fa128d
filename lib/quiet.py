"""Keeps tokens, codes and queries out of the log, whichever handler of uvicorn's or Streamlit's writes it."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from lib.logs import redact, set_up_logging

SERVERS = ("uvicorn", "streamlit", "websockets")
"""Whose loggers bring handlers of their own, so that a line would be written twice."""


class RedactedRecord(logging.LogRecord):
    """A record that is clean from the start, so that every formatter only ever sees clean text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.args, tuple):
            self.args = tuple(redact(value) if isinstance(value, str) else value for value in self.args)
        if self.exc_info and self.exc_info[0] is not None:
            self.exc_text = redact("".join(traceback.format_exception(*self.exc_info)).rstrip())

    def getMessage(self) -> str:  # noqa: N802 - the name is logging's
        return redact(super().getMessage())


def _without_query(record: logging.LogRecord) -> bool:
    """Cut the query off the request line of uvicorn's access log."""
    if isinstance(record.args, tuple):
        record.args = tuple(value.split("?", 1)[0] if isinstance(value, str) else value for value in record.args)
    return True


def keep_secrets_out_of_logs(level: str) -> None:
    """Redact every record of this process, keep queries out of request lines, and write each line of ``level`` once."""
    logging.setLogRecordFactory(RedactedRecord)
    set_up_logging(level)
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in SERVERS:
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
            if logger.name.startswith("uvicorn"):
                # Its own level would let request lines through at any LOG_LEVEL; at DEBUG it writes sockets' cookies.
                logger.setLevel(max(logging.INFO, logging.root.level))
    for name in ("uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).addFilter(_without_query)
    # Alembic tells at each look at /readyz that it looked.
    logging.getLogger("alembic").setLevel(logging.WARNING)
