"""Tokens, codes and queries stay out of every log line."""

from __future__ import annotations

import logging
import subprocess
import sys

from lib.quiet import RedactedRecord, _without_query
from lib.settings import ROOT


def record(message: str, *args: object, error: BaseException | None = None) -> RedactedRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return RedactedRecord("uvicorn.access", logging.INFO, __file__, 1, message, args, info)


def test_arguments_messages_and_exceptions_are_redacted() -> None:
    args = record('%s - "%s %s"', "127.0.0.1:5", "GET", "/sign-in?token=sesame").args
    assert args == ("127.0.0.1:5", "GET", "/sign-in?token=[redacted]")
    assert "sesame" not in record("back at /oauth2callback?code=sesame&state=sesame").getMessage()
    said = logging.Formatter().format(record("failed", error=ValueError("access_token=sesame")))
    assert "ValueError" in said
    assert "sesame" not in said


def test_request_lines_lose_their_query() -> None:
    line = record('%s - "%s %s"', "127.0.0.1:5", "GET", "/overview?anything=secret")
    assert _without_query(line)
    assert line.getMessage() == '127.0.0.1:5 - "GET /overview"'


def test_request_lines_are_written_from_info_on_and_what_is_below_never() -> None:
    script = (
        "import logging, uvicorn\n"
        "from lib.quiet import keep_secrets_out_of_logs\n"
        "uvicorn.Config('none:none')\n"
        "for level in ('WARNING', 'INFO', 'DEBUG'):\n"
        "    keep_secrets_out_of_logs(level)\n"
        "    logging.getLogger('uvicorn.access').info('%s asked at %s', 'somebody', level)\n"
        "    logging.getLogger('uvicorn.error').debug('somebody sent a cookie')\n"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "somebody asked at INFO",
        "somebody asked at DEBUG",
    ]
